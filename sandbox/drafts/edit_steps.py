"""Changes the cleaning steps of a policy: adds one, takes one out, moves one, renames a column in them."""

from dataclasses import dataclass
from typing import Any

from sandbox.drafts.rename_in_sql import renamed_in_sql
from sandbox.errors import InvalidInput

OF_COLUMNS = (
    "trim",
    "columns",
    "map",
    "fill",
    "deduplicate",
    "derive",
    "parse",
    "generalise",
    "pseudonym",
    "truncate",
    "limit",
    "into",
)
"""The fields of a step that name columns."""
EXPRESSIONS = ("as", "drop_rows")
"""The fields of a step that are expressions of a row."""


@dataclass(frozen=True)
class StepList:
    steps: list[dict[str, Any]]

    @property
    def made(self) -> set[str]:
        """The columns that steps make."""
        return {str(step[name]) for step in self.steps for name in ("derive", "into") if name in step}

    def rename(self, old: str, new: str) -> None:
        for step in self.steps:
            for name in OF_COLUMNS:
                value = step.get(name)
                if isinstance(value, list):
                    step[name] = [new if each == old else each for each in value]
                elif value == old:
                    step[name] = new
            for name in EXPRESSIONS:
                if isinstance(step.get(name), str):
                    step[name] = renamed_in_sql(step[name], old, new)


def in_steps(policy: dict[str, Any]) -> StepList:
    steps = policy.get("steps")
    return StepList([step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else [])


def change_steps(policy: dict[str, Any], what: list[str], value: Any) -> bool:
    """`add` a step at the end; `remove` the step of a number, from 1; `move` [from, to].
    Returns False where it is none of these. Raises `InvalidInput` for a number that no step has."""
    if not isinstance(policy.get("steps", []), list):
        raise InvalidInput(
            "`steps` is no list.",
            remedy="Correct the text of the policy first.",
            zh="steps 不是列表。",
            remedy_zh="请先改正策略文本。",
        )
    steps: list[Any] = list(policy.get("steps", []))
    match what, value:
        case ["add"], dict():
            steps.append(value)
        case ["remove"], int():
            steps.pop(_place(steps, value))
        case ["move"], [int() as old, int() as new]:
            moved = steps.pop(_place(steps, old))
            steps.insert(_place([*steps, moved], new), moved)
        case _:
            return False
    before = in_steps(policy).made
    policy["steps"] = steps
    remove_made_columns(policy, before)
    if not steps:
        policy.pop("steps")
    return True


def remove_made_columns(policy: dict[str, Any], before: set[str]) -> None:
    """A column that was made by a step alone goes with it: the file has none of its name."""
    for name in before - in_steps(policy).made:
        spec = policy["columns"].get(name)
        if isinstance(spec, dict) and spec.get("role") != "unit":
            policy["columns"].pop(name)


def _place(steps: list[Any], number: int) -> int:
    if isinstance(number, bool) or not 1 <= number <= len(steps):
        raise InvalidInput(
            f"There is no step {number}: the policy has {len(steps)}.",
            remedy="Count the steps from 1.",
            zh=f"没有第 {number} 个步骤，共 {len(steps)} 个。",
            remedy_zh="步骤从 1 数起。",
        )
    return number - 1
