"""Which fields each step of the wizard has."""

from collections.abc import Sequence
from typing import Any

from marketplace.portal.drafts.answers import Field
from marketplace.portal.drafts.policy_values import PolicyValues

COLUMNS_A_PAGE = 40
TYPES = ("integer", "number", "text", "boolean", "date", "timestamp")
ROLES = ("key", "measure", "attribute", "hidden")
GRADES = ("1", "2", "3", "4", "important", "core")
UNFIT = ("refuse", "empty", "round", "drop")
DATES = (
    "year month day",
    "day month year",
    "month day year",
    "year month",
    "excel",
    "excel 1904",
    "unix seconds",
    "unix milliseconds",
)
STEP_SIZES = ("1", "0.5", "0.1", "0.05", "0.01", "0.001")
UPDATE_CYCLES = ("none", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular")
CERTIFICATES = ("safe-researcher",)
"""The courses that a policy may name (policies/dataset.schema.json)."""
LICENCES = ("CC-BY-4.0", "CC0-1.0", "ODbL-1.0")

ABOUT = (
    Field("dataset"),
    Field("title.zh"),
    Field("title.en"),
    Field("summary.zh"),
    Field("summary.en"),
    Field("source.name"),
    Field("source.licence"),
    Field("source.citation"),
    Field("update_cycle"),
    Field("grade"),
)
ABOUT_PEOPLE = (
    Field("population"),
    Field("about_rows", "whole"),
    Field("budget.dataset_epsilon", "decimal"),
    Field("budget.grant_epsilon", "decimal"),
    Field("budget.question_epsilon", "decimal"),
    Field("budget.delta"),
    Field("certificate"),
)
"""These are for a dataset about people, households or firms."""


def about_fields(policy: PolicyValues) -> tuple[Field, ...]:
    return ABOUT + (ABOUT_PEOPLE if policy.get("unit") is not None else (Field("about_rows", "whole"),))


def column_fields(name: str) -> tuple[Field, ...]:
    """What the third step asks of a column; its name and its use are apart (`column_answers.py`)."""
    at = f"columns.{name}"
    return (
        Field(f"{at}.title.zh"),
        Field(f"{at}.title.en"),
        Field(f"{at}.type"),
        Field(f"{at}.grade"),
        Field(f"{at}.unfit"),
        Field(f"{at}.written.dates"),
    )


TYPICAL_NUMBERS = ("lowest", "median", "mean", "highest", "empty")
"""What an officer may know of a number, by its names in the policy; the rest is written in its text."""


def value_fields(policy: PolicyValues, name: str) -> tuple[Field, ...]:
    """What the fourth step asks of a column. An attribute that gets bounds becomes a measure."""
    at = f"columns.{name}"
    if policy.get(f"{at}.role") != "key":
        return (
            Field(f"{at}.bounds", "range"),
            Field(f"{at}.step"),
            Field(f"{at}.measured_in"),
            Field(f"{at}.required", "flag"),
            *[Field(f"{at}.typical.{name}", "number") for name in TYPICAL_NUMBERS],
            Field(f"{at}.typical.known_from"),
        )
    return (
        Field(f"{at}.values", "values", of_integers=policy.get(f"{at}.type") == "integer"),
        Field(f"{at}.typical.shares", "shares"),
        Field(f"{at}.typical.empty", "number"),
        Field(f"{at}.typical.known_from"),
    )


def part_of(names: Sequence[Any], part: int) -> Sequence[Any]:
    """The columns on one page of a long table; `part` counts from 1."""
    return names[(part - 1) * COLUMNS_A_PAGE : part * COLUMNS_A_PAGE]


def parts_of(names: Sequence[object]) -> int:
    return max(1, -(-len(names) // COLUMNS_A_PAGE))
