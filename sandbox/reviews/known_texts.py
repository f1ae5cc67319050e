"""Lists the texts that were fixed before a run read any raw row, and so tell little in a released file."""

from collections.abc import Iterable, Sequence
from itertools import chain

from sandbox.catalog import Version
from sandbox.catalog.model import Role
from sandbox.jobs.recipes.recipe import RESERVED, Recipe

MOST_KNOWN = 4096
"""Of public keys with more values none is known: each would cost as much as its letters do."""
WORDS = (
    "",
    "total",
    "Total",
    "All",
    "suppressed",
    "true",
    "false",
    "intercept",
    "others",
    "*",
    "合计",
    "总计",
)


def known_texts(versions: Sequence[Version], recipes: Iterable[Recipe]) -> tuple[str, ...]:
    """Names of columns, values of public keys, what recipes call their columns, and words that every table
    has. Nothing of it depends on a row."""
    columns = [column for version in versions for column in version.policy.columns]
    shown = [column for column in columns if column.role is not Role.HIDDEN]
    named = [[column.name, column.title.zh, column.title.en] for column in shown]
    keys = [list(map(str, column.values)) for column in columns if column.role is Role.KEY]
    parts = ("by", "measures", "columns", "features")
    labels = [[*getattr(recipe, part, {})] for recipe in recipes for part in parts]
    found = chain(WORDS, sorted(RESERVED), *named, *(key for key in keys if len(key) <= MOST_KNOWN), *labels)
    return tuple(text for text in dict.fromkeys(found) if text)[:MOST_KNOWN]
