"""What the third step's form changes: titles, types and grades of columns, their use, and their names."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.portal.drafts.answers import Field, changes, normal
from marketplace.portal.drafts.policy_values import PolicyValues
from marketplace.portal.drafts.step_fields import ROLES, column_fields

EMPTY_MARKS = Field("empty_marks", "list")
RESTORE = "dropped_columns.restore"
DROP = "drop"
"""Beside the roles: the column is left out of the dataset."""


def columns_changes(policy: PolicyValues, names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """What the form changes of these columns, by path; new names come last, so that the paths before them
    hold. Raises `InvalidInput`."""
    renamed: dict[str, Any] = {}
    answers = changes([EMPTY_MARKS], policy, given, accepted={})
    for name in names:
        at = f"columns.{name}"
        use = str(given.get(f"{at}.role", ""))
        if use == DROP:
            answers[f"{at}.drop"] = True
            continue
        answers |= use_changes(policy, name, use)
        answers |= changes(column_fields(name), policy, given, accepted={})
        new = normal(str(given.get(f"{at}.name", name)))
        if new and new != name:
            renamed[f"{at}.name"] = new
    # a button beside the column that was left out; what else was typed is saved with it
    back = {RESTORE: str(given["restore"])} if given.get("restore") else {}
    return answers | renamed | back


def use_changes(policy: PolicyValues, name: str, role: str) -> dict[str, Any]:
    """A column's new role; the vault removes what only its old one may have. The unit's column is chosen
    elsewhere."""
    before = policy.get(f"columns.{name}.role")
    return {} if role not in ROLES or before in (role, "unit") else {f"columns.{name}.role": role}
