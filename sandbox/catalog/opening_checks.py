"""What the system looks at by itself before a dataset opens. Each check names the columns that a person must
look at; none of them means that it holds.

Bounds are judged by how round they are, and never by comparing them with rows: whether a version waits is
seen by others, and must not tell where somebody's value lies. Whether columns hold identifiers or free text
is told by the first rows of a file, so that at low grades whether a version waits can depend on them: its
publisher holds the file, and others learn no more than that a person had to look. Rows that were derived from
others' data are never looked at (`look_at_nothing`): by SQL of their choice the officer would be told, column
by column, whether a condition holds for anybody.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from sandbox.catalog.lists import Lists
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.catalog.opening_policy import Check
from sandbox.ingest.recognition import free_text, load_identifier_rules, recognise_all

ROWS_LOOKED_AT = 5_000
ROUND_DIGITS, MOST_DECIMALS = 2, 12
SMALL = 10**6  # no identifier has so few digits
WHOLE = "*"  # it is about the dataset as a whole
Findings = Mapping[Check, tuple[str, ...]]


def look_at_policy(policy: DatasetPolicy, lists: Lists) -> dict[Check, tuple[str, ...]]:
    """What the policy alone tells. The negative list refuses what is on it before anything is stored."""
    lacks_budget = policy.unit is not None and policy.budget is None
    return {
        "negative_list": (),
        "budget": (WHOLE,) if lacks_budget else (),
        "bounds": tuple(
            column.name
            for column in policy.columns
            if column.bounds and not all(map(is_round, (column.bounds.low, column.bounds.high)))
        ),
        "responsible": () if lists.responsible_for(policy.dataset) else (WHOLE,),
    }


def look_at_rows(table: pa.Table, policy: DatasetPolicy, policies: Path) -> dict[Check, tuple[str, ...]]:
    """Which columns that are shown hold identifiers or free text, by their first rows."""
    file = policies / "identifiers.yaml"
    if not file.exists():
        return {"identifiers": (WHOLE,), "free_text": (WHOLE,)}
    rules = load_identifier_rules(file)
    identifiers, texts = [], []
    for column in policy.columns:
        shown = column.role not in (Role.HIDDEN, Role.UNIT)
        if not shown or column.type not in (Type.TEXT, Type.INTEGER) or column.name not in table.column_names:
            continue
        values = table.column(column.name).slice(0, ROWS_LOOKED_AT).cast(pa.string())
        found = recognise_all(values, column.rules.label, rules)
        if any(one.kind and one.confidence != "possible" for one in found):
            identifiers.append(column.name)
        elif column.type is Type.TEXT and not column.values and free_text(values, rules).kind:
            texts.append(column.name)
    return {"identifiers": tuple(identifiers), "free_text": tuple(texts)}


def look_at_nothing(policy: DatasetPolicy) -> dict[Check, tuple[str, ...]]:
    """In the place of `look_at_rows` where no row may be looked at: every column that is shown and in which
    the policy leaves room for an identifier or a text is a person's to look at."""
    shown = [column for column in policy.columns if column.role not in (Role.HIDDEN, Role.UNIT)]
    texts = [column.name for column in shown if column.type is Type.TEXT and not column.values]
    whole = [column.name for column in shown if column.type is Type.INTEGER and not _is_small(column)]
    return {"identifiers": (*texts, *whole), "free_text": tuple(texts)}


def _is_small(column: Column) -> bool:
    """Whether its values are listed, or too small for an identifier."""
    if column.values:
        return True
    return column.bounds is not None and max(map(abs, (column.bounds.low, column.bounds.high))) < SMALL


def is_round(value: Fraction) -> bool:
    """Whether it has at most two digits beside zeros, such as 0, 70, 0.25 or 2000."""
    digits, scale = abs(value), 0
    while digits.denominator != 1 and scale < MOST_DECIMALS:
        digits, scale = digits * 10, scale + 1
    if digits.denominator != 1:
        return False
    return len(str(digits.numerator).strip("0")) <= ROUND_DIGITS
