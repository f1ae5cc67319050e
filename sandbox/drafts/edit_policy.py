"""Changes single values of a policy, for people who do not write YAML."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from sandbox.drafts.draft_text import editable
from sandbox.drafts.edit_steps import change_steps, in_steps
from sandbox.drafts.names import column_name
from sandbox.drafts.rename_in_sql import renamed_in_sql
from sandbox.drafts.write_policy import FIELDS, write_policy
from sandbox.errors import InvalidInput
from sandbox.policy.yaml_text import DEEPEST, LARGEST

MOST_CHARACTERS = 500_000
NAMES_A_COLUMN = ("complete", "in_list", "within_days", "drift")


def edited(text: str, changes: Mapping[str, Any], *, before: Iterable[str] = ()) -> str:
    """The policy with `changes`: a path such as `columns.age.bounds`, and its value; None removes it.

    Of its own are `about` (whom the rows are about: {"who": "nobody"}, {"who": "rows", "kind": ...} or
    {"who": "column", "column": ..., "kind": ..., "max_rows": ...}), `columns.X.name`, which renames a column,
    `columns.X.drop`, which leaves it out, `columns.X.make`, which adds one that a cleaning step makes;
    `dropped_columns.restore`, which brings the column of that header back as it was in the newest text of
    `before` that has it; and `steps.add`, `steps.remove` and `steps.move` (edit_steps.py). Raises
    `InvalidInput` for a path that is none, and for a text whose form is not good (draft_text.py).
    """
    policy = editable(text)
    for value in changes.values():
        _require_plain(value)
    for path, value in changes.items():
        if path == "dropped_columns.restore":
            _restore(policy, value, before)
        else:
            _change(policy, path, value)
    written = write_policy(policy)
    if len(written) > MOST_CHARACTERS:
        raise InvalidInput(
            f"The policy would be longer than {MOST_CHARACTERS} characters.", remedy="Leave columns out."
        )
    return written


def _require_plain(value: Any, depth: int = 0) -> None:
    """Raises `InvalidInput` for what YAML cannot hold as it is: numbers that are none, and deep nesting."""
    large = isinstance(value, int) and abs(value) > LARGEST
    if depth > DEEPEST or large or (isinstance(value, float) and not isfinite(value)):
        raise InvalidInput(
            "A value is nested too deep, or is no number that can be kept.",
            remedy="Send texts, numbers and short lists.",
        )
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _require_plain(part, depth + 1)


def _change(policy: dict[str, Any], path: str, value: Any) -> None:
    parts = path.split(".")
    if path == "about":
        _set_unit(policy, value)
        return
    if parts[0] not in FIELDS or not all(parts):
        raise _no_path(path)
    if parts[0] == "steps" and len(parts) > 1:
        if not change_steps(policy, parts[1:], value):
            raise _no_path(path)
        return
    if parts[0] == "columns" and parts[2:] == ["make"] and isinstance(value, dict):
        policy["columns"].setdefault(parts[1], {"role": "attribute", **value})
        return
    if (parts[0] == "columns" and len(parts) < 3) or (
        parts[0] == "columns" and parts[1] not in policy["columns"]
    ):
        raise _no_path(path)
    if parts[0] == "columns" and parts[2:] == ["name"]:
        _rename(policy, parts[1], str(value))
    elif parts[0] == "columns" and parts[2:] == ["drop"]:
        _drop(policy, parts[1])
    else:
        _set(policy, parts, value, path)


def _set(policy: dict[str, Any], parts: list[str], value: Any, path: str) -> None:
    node: Any = policy
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise _no_path(path)
    if value is None:
        node.pop(parts[-1], None)
        if (
            parts[0] == "columns"
            and parts[2:3] == ["typical"]
            and not policy["columns"][parts[1]].get("typical")
        ):
            policy["columns"][parts[1]].pop("typical", None)
        return
    before = node.get(parts[-1])
    node[parts[-1]] = value
    if parts[0] == "columns" and parts[2:] == ["role"]:
        if not all(role in ("measure", "attribute") for role in (before, value)):
            # what is typical of another role is stated in another way
            node.pop("typical", None)
        # what only another role may have goes with it
        for role, names in (("key", ("values",)), ("measure", ("bounds", "step")), ("hidden", ("keep",))):
            if value != role:
                for name in names:
                    node.pop(name, None)
    if parts[0] == "columns" and parts[2:] == ["bounds"]:
        node["role"] = "measure"
        node.setdefault("step", _step_for(node.get("type"), value))
    if parts[0] == "columns" and parts[2:] == ["values"]:
        node["role"] = "key"


def _step_for(kind: Any, bounds: Any) -> Any:
    """A grid fine enough for the bounds, and coarse enough to be exact."""
    numbers = isinstance(bounds, list) and all(type(bound) in (int, float) for bound in bounds)
    if kind == "integer" or not numbers:
        return 1
    whole = all(float(bound) == int(bound) for bound in bounds)
    return 0.01 if whole else 0.000001


def _set_unit(policy: dict[str, Any], about: Any) -> None:
    if not isinstance(about, dict) or about.get("who") not in ("nobody", "rows", "column", "columns"):
        raise InvalidInput(
            "It is not said whom the rows are about.",
            remedy='Use {"who": "nobody"}, "rows", "column" or "columns".',
        )
    for spec in policy["columns"].values():
        if isinstance(spec, dict) and spec.get("role") == "unit":
            spec["role"] = "hidden"
    who = about["who"]
    if who == "nobody":
        for name in ("unit", "population", "budget"):
            policy.pop(name, None)
        policy["grade"] = "1"
        for spec in policy["columns"].values():
            spec.pop("grade", None)
        return
    kind = about.get("kind", "person")
    if who == "rows":
        policy["unit"] = {"row_is_unit": True, "kind": kind}
    elif who == "columns":
        policy["unit"] = {
            "columns": about.get("columns", []),
            "kind": kind,
            "max_rows": about.get("max_rows", 1),
        }
    else:
        column = str(about.get("column"))
        if column not in policy["columns"]:
            raise _no_path(f"columns.{column}")
        spec = policy["columns"][column]
        spec["role"] = "unit"
        for name in ("values", "bounds", "step"):
            spec.pop(name, None)
        policy["unit"] = {"column": column, "kind": kind, "max_rows": about.get("max_rows", 1)}
    policy.setdefault("population", "businesses" if kind == "firm" else "residents")
    policy.setdefault(
        "budget",
        {"delta": 0.000001, "dataset_epsilon": 10, "grant_epsilon": 4, "question_epsilon": 0.2},
    )
    if policy.get("grade") == "1":
        policy["grade"] = "2"


def _rename(policy: dict[str, Any], old: str, new: str) -> None:
    if new == old:
        return
    if new in policy["columns"]:
        raise InvalidInput(f"There is a column {new} already.", remedy="Choose another name.")
    policy["columns"] = {new if name == old else name: spec for name, spec in policy["columns"].items()}
    if old not in in_steps(policy).made:
        policy["columns"][new].setdefault("source", old)
    in_steps(policy).rename(old, new)
    _rename_in_rules(policy, old, new)
    unit = policy.get("unit")
    if isinstance(unit, dict):
        if unit.get("column") == old:
            unit["column"] = new
        if isinstance(unit.get("columns"), list):
            unit["columns"] = [new if name == old else name for name in unit["columns"]]


def _rename_in_rules(policy: dict[str, Any], old: str, new: str) -> None:
    """In what is expected of every version."""
    rules = policy.get("expect")
    for rule in rules if isinstance(rules, list) else ():
        for check, value in rule.items() if isinstance(rule, dict) else ():
            if check in NAMES_A_COLUMN and value == old:
                rule[check] = new
            elif check == "rule" and isinstance(value, str):
                rule[check] = renamed_in_sql(value, old, new)
            elif check == "unique" and isinstance(value, list):
                rule[check] = [new if name == old else name for name in value]


def _drop(policy: dict[str, Any], name: str) -> None:
    spec = policy["columns"].pop(name)
    if name in in_steps(policy).made:
        return
    label = spec.get("source", name) if isinstance(spec, dict) else name
    dropped = policy.get("dropped_columns", [])
    if not isinstance(dropped, list):  # a change before this one made it so
        raise InvalidInput(
            "`dropped_columns` is no list.",
            remedy="Send a list of headers, or nothing.",
            zh="dropped_columns 不是列表。",
            remedy_zh="请发送表头列表，或不发送。",
        )
    policy["dropped_columns"] = [*dropped, label]


def _restore(policy: dict[str, Any], label: Any, before: Iterable[str]) -> None:
    """A column of the file comes back as it was; one of which nothing is known is an attribute of text."""
    dropped = policy.get("dropped_columns")
    if not isinstance(dropped, list) or label not in dropped:
        raise _no_path("dropped_columns.restore")
    name, spec = _last_known(str(label), before)
    if name in policy["columns"]:
        raise InvalidInput(
            f"There is a column {name} already.",
            remedy="Rename that one first.",
            zh=f"已有名为 {name} 的栏目。",
            remedy_zh="请先为它改名。",
        )
    policy["columns"][name] = spec
    policy["dropped_columns"] = [each for each in dropped if each != label]
    if not policy["dropped_columns"]:
        policy.pop("dropped_columns")


def _last_known(label: str, before: Iterable[str]) -> tuple[str, dict[str, Any]]:
    for text in before:
        try:
            columns = editable(text)["columns"]
        except InvalidInput:  # it was saved with faults
            continue
        for name, spec in columns.items():
            if spec.get("source", name) == label:
                return name, {**spec, "role": "attribute"} if spec.get("role") == "unit" else spec
    name = column_name(label, set())
    return name, {"role": "attribute", "type": "text"} | ({} if name == label else {"source": label})


def _no_path(path: str) -> InvalidInput:
    return InvalidInput(
        f"A policy has no {path[:100]}.",
        code="no_such_field",
        remedy="The fields are described in policies/dataset.schema.json.",
        zh=f"策略中没有 {path[:100]}。",
        remedy_zh="各字段见 policies/dataset.schema.json。",
    )
