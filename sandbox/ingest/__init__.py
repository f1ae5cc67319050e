"""Files become typed rows: every cell is read strictly by its declared type,
or counted as one that does not fit."""

from sandbox.ingest.limits import LIMITS, Limits
from sandbox.ingest.model import FieldRules, IdRule, Type, Unfit
from sandbox.ingest.read import Rows, open_file, read_rows
from sandbox.ingest.source import InMemory, Source

__all__ = [
    "LIMITS",
    "FieldRules",
    "IdRule",
    "InMemory",
    "Limits",
    "Rows",
    "Source",
    "Type",
    "Unfit",
    "open_file",
    "read_rows",
]
