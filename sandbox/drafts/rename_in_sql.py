"""Renames a column in an expression of a step or of a rule, and leaves everything else as it was written."""

import re

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from sandbox.drafts.names import RESERVED

BEFORE = "SELECT "
PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def renamed_in_sql(text: str, old: str, new: str) -> str:
    """The expression with the column `old` called `new`. A text that is none stays: the check says where it
    is wrong."""
    try:
        tree = parse_one(BEFORE + text, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return text
    places = sorted(
        (identifier.meta["start"] - len(BEFORE), identifier.meta["end"] + 1 - len(BEFORE))
        for column in tree.find_all(exp.Column)
        if isinstance(identifier := column.this, exp.Identifier)
        and identifier.name.lower() == old.lower()
        and not column.table
        and "start" in identifier.meta
    )
    written = new if PLAIN.fullmatch(new) and new not in RESERVED else '"' + new.replace('"', '""') + '"'
    parts, end = [], 0
    for start, stop in places:
        parts += [text[end:start], written]
        end = stop
    return "".join([*parts, text[end:]])
