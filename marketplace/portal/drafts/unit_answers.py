"""What the second step's form changes: whom the dataset is about."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from marketplace.portal.drafts.policy_values import PolicyValues
from sandbox.errors import InvalidInput

WHOM = ("row", "column", "columns", "nobody")
KINDS = ("person", "household", "firm")
WHO = {"row": "rows", "column": "column", "columns": "columns", "nobody": "nobody"}
"""As the vault's answer `about` names them; the vault changes the roles, the grade and the budget that follow
from it."""


def unit_shown(policy: PolicyValues) -> dict[str, Any]:
    """The form's values as the policy has them."""
    unit = policy.get("unit")
    if not isinstance(unit, dict):
        unit = {}
    several = unit.get("columns")
    whom = (
        "row"
        if unit.get("row_is_unit")
        else "columns"
        if "columns" in unit
        else "column"
        if "column" in unit
        else "nobody"
    )
    return {
        "whom": whom,
        "column": str(unit.get("column", "")),
        "columns": [str(name) for name in several] if isinstance(several, list) else [],
        "kind": str(unit.get("kind", "person")),
        "max_rows": str(unit.get("max_rows", 1)),
        "exact": unit.get("ids") == "exact",
    }


def unit_typed(given: FormData) -> dict[str, Any]:
    """The form's values as they were sent."""
    return {
        "whom": str(given.get("whom", "")),
        "column": str(given.get("column", "")),
        "columns": [str(name) for name in given.getlist("columns")],
        "kind": str(given.get("kind", "person")),
        "max_rows": str(given.get("max_rows", "")).strip(),
        "exact": "exact" in given,
    }


def unit_changes(policy: PolicyValues, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the form changes, by path. Raises `InvalidInput`."""
    before = unit_shown(policy)
    about = _about(typed)
    answers: dict[str, Any] = {}
    if about != _about_or_nothing(before):
        answers["about"] = about
    if typed["whom"] == "column" and (typed["exact"] != before["exact"] or (answers and typed["exact"])):
        answers["unit.ids"] = "exact" if typed["exact"] else "normalised"
    return answers


def _about_or_nothing(shown: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _about(shown)
    except InvalidInput:  # what stands in the policy is not complete
        return {}


def _about(typed: Mapping[str, Any]) -> dict[str, Any]:
    whom, kind = typed["whom"], typed["kind"]
    if whom not in WHOM or kind not in KINDS:
        raise refusal("Choose whom the data is about.", "请选择数据是关于谁的。")
    about: dict[str, Any] = {"who": WHO[whom]}
    if whom == "nobody":
        return about
    about["kind"] = kind
    if whom == "row":
        return about
    rows = typed["max_rows"]
    if not (rows.isascii() and rows.isdigit() and len(rows) <= 6 and 1 <= int(rows) <= 100_000):
        raise refusal(
            "Write how many rows of each count in full, as a whole number from 1.",
            "请填写每个对象最多计多少行：从 1 起的整数。",
        )
    if whom == "columns":
        if len(typed["columns"]) < 2:
            raise refusal("Tick at least two columns.", "请至少勾选两栏。")
        about["columns"] = list(typed["columns"])
    elif not typed["column"]:
        raise refusal("Choose the column that names them.", "请选择标识栏。")
    else:
        about["column"] = typed["column"]
    return about | {"max_rows": int(rows)}


def refusal(message: str, zh: str) -> InvalidInput:
    return InvalidInput(message, code="field_unreadable", zh=zh)
