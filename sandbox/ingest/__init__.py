"""Files become typed rows: every cell is read strictly by its declared type,
or counted as one that does not fit."""

from sandbox.ingest.limits import LIMITS, Limits
from sandbox.ingest.model import FieldRules, IdRule, Type, Unfit
from sandbox.ingest.read import Rows, read_rows

__all__ = ["LIMITS", "FieldRules", "IdRule", "Limits", "Rows", "Type", "Unfit", "read_rows"]
