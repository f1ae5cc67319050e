"""What the wizard's pages show of a draft: its values, and what was suggested and is wrong at each place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from marketplace.portal.drafts.answers import as_text
from marketplace.portal.drafts.policy_values import PolicyValues
from marketplace.portal.drafts.steps import STEPS, step_of

Answer = dict[str, Any]
NUMBERS = ("integer", "number")
HANDED = "handed to "
NEEDS = {"key": ("values",), "measure": ("bounds", "step")}


@dataclass(frozen=True)
class ColumnView:
    """A column of the policy, and what was seen of it in the file (empty if nothing was)."""

    name: str
    policy: PolicyValues
    shape: Answer

    @property
    def path(self) -> str:
        return f"columns.{self.name}"

    def get(self, key: str) -> Any:
        return self.policy.get(f"{self.path}.{key}")

    @property
    def lacks(self) -> bool:
        """Whether its role needs a value that is not there yet."""
        if self.get("role") == "key" and self.get("type") == "boolean":
            return False
        return any(self.get(key) is None for key in NEEDS.get(str(self.get("role")), ()))


@dataclass(frozen=True)
class DraftView:
    draft: Answer
    policy: PolicyValues = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", PolicyValues(self.draft["policy"]))

    def text(self, path: str) -> str:
        """The value at a path as it stands in an input."""
        return as_text(self.policy.get(path))

    @property
    def steps(self) -> tuple[str, ...]:
        return STEPS

    @property
    def is_open(self) -> bool:
        return bool(self.draft["state"] == "open")

    def note(self, t: Callable[..., str], note: str) -> str:
        """A note of the history, with the vault's own words in the reader's language."""
        if note == "read again":
            return t("note_read_again")
        if note.startswith(HANDED):
            to, _, words = note.removeprefix(HANDED).partition(". ")
            return t("note_handed_to", to=to.rstrip("."), note=words).strip()
        return note

    @property
    def problems(self) -> list[Answer]:
        """Each with the step on whose page it is corrected (`policy` stands for the text itself), and with
        the language of its words."""
        return [
            problem | {"step": self._step_of_problem(problem), "lang": language_of_text(problem["message"])}
            for problem in self.draft["problems"]
        ]

    def problems_of(self, step: str) -> list[Answer]:
        return [problem for problem in self.problems if problem["step"] == step]

    def columns(self) -> list[ColumnView]:
        by_header = {shape["source"]: shape for shape in self.draft["columns"]}
        columns = []
        for name in self.policy.columns():
            source = self.policy.get(f"columns.{name}.source")
            columns.append(
                ColumnView(name, self.policy, by_header.get(name if source is None else str(source), {}))
            )
        return columns

    def valued_columns(self) -> list[ColumnView]:
        """Those of which the fourth step asks: keys with a list, and numbers."""
        return [
            column
            for column in self.columns()
            if (column.get("role") == "key" and column.get("type") != "boolean")
            or (column.get("role") in ("measure", "attribute") and column.get("type") in NUMBERS)
        ]

    def suggestions(self, path: str) -> list[Answer]:
        """Those of this path, and of what stands below it."""
        return [
            suggestion
            for suggestion in self.draft["suggestions"]
            if suggestion["path"] == path or suggestion["path"].startswith(f"{path}.")
        ]

    def suggestion(self, path: str) -> Answer | None:
        """The one of exactly this path."""
        return next((each for each in self.draft["suggestions"] if each["path"] == path), None)

    def from_rows(self) -> dict[str, str]:
        """What needs the officer's word that it is public, by path."""
        return {each["path"]: each["value"] for each in self.draft["suggestions"] if each["from_rows"]}

    def _step_of_problem(self, problem: Answer) -> str:
        if "path" in problem:
            return step_of(problem["path"])
        if not self.policy.readable or not problem["line"]:
            return "policy"
        path = self.policy.path_at(problem["line"])
        first, _, name = path.partition(".")
        if first == "columns" and name and "." not in name:
            # the fault is told at the column's own line, whatever it lacks
            column = ColumnView(name, self.policy, {})
            return "values" if column.lacks else "columns"
        return step_of(path) if path else "about"


def language_of_text(text: str) -> str:
    """Of a message, in which names can be in any language."""
    return "zh-CN" if "。" in text else "en"
