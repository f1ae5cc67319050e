"""Files become typed rows: every cell is read strictly by its declared type,
or counted as one that does not fit."""

from sandbox.ingest.limits import LIMITS, Limits
from sandbox.ingest.model import FieldRules, IdRule, Type, Unfit
from sandbox.ingest.read import SortedRows, check_rows, open_file, read_rows, read_sorted
from sandbox.ingest.rows import ReadableRows, Rows, StoredRows
from sandbox.ingest.source import InMemory, Source

__all__ = [
    "LIMITS",
    "FieldRules",
    "IdRule",
    "InMemory",
    "Limits",
    "ReadableRows",
    "Rows",
    "SortedRows",
    "Source",
    "StoredRows",
    "Type",
    "Unfit",
    "check_rows",
    "open_file",
    "read_rows",
    "read_sorted",
]
