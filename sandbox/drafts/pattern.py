"""Drafts a policy after that of a published dataset: many files of one kind need one policy's work."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from typing import Any

from sandbox.catalog.step_file import made_columns
from sandbox.drafts.suggest import Suggested
from sandbox.policy import YamlText

OF_THE_FILE = ("dataset", "title", "about_rows")
"""Fields that the file decides, and not the pattern."""
OF_A_VERSION: tuple[str, ...] = ()
"""The same of a dataset's next version: what was decided stands until the officer changes it."""


@dataclass(frozen=True)
class Pattern:
    """The dataset `name` and the text of its policy. `same`: the file is its next version, and not another
    dataset."""

    name: str
    policy: str
    same: bool = False

    @property
    def document(self) -> dict[str, Any]:
        return deepcopy(dict(YamlText(self.policy, None, what="The policy", kept=True).document))

    @property
    def notes(self) -> int | None:
        """How many rows were left out at the end of the pattern's file."""
        return (self.document.get("file") or {}).get("notes")

    def give(self, suggested: Suggested) -> None:
        """Give a suggested policy what the pattern says: of a next version all, with its steps and what is
        expected; else all but the dataset's name, its title and the rough number of rows. How the file is
        built stays as it was read.

        A column of the file that the pattern has not stays as it was suggested, and is pointed out. A column
        that only the pattern has is left out, and is pointed out.
        """
        _give(self.name, self.document, suggested, OF_A_VERSION if self.same else OF_THE_FILE)


def _give(name: str, document: dict[str, Any], suggested: Suggested, of_file_fields: tuple[str, ...]) -> None:
    of_file = {spec.get("source", column): column for column, spec in suggested.policy["columns"].items()}
    labels = {column["source"] for column in suggested.columns} | set(
        suggested.policy.get("dropped_columns", [])
    )
    made = made_columns(document)
    columns: dict[str, Any] = {}
    differences, new = set[str](), list[str]()
    for column, spec in document["columns"].items():
        label = spec.get("source", column)
        if column in made or label in of_file:
            columns[column] = spec
        else:
            differences.add(f"columns.{column}")
            suggested.add(
                f"columns.{column}",
                label,
                f"{name} has this column, and the file has none of that header: it was left out.",
                f"{name} 有此列，而文件没有该表头的列，因此未列入。",
                "sure",
            )
    known = {spec.get("source", column) for column, spec in columns.items()}
    dropped = [label for label in document.get("dropped_columns", []) if label in labels]
    for label, column in of_file.items():
        if label in known or label in dropped:
            continue
        free = next(each for each in _names(column) if each not in columns)
        new.append(f"columns.{free}.")
        for one in suggested.suggestions:
            if one["path"].startswith(f"columns.{column}."):
                one["path"] = f"columns.{free}.{one['path'].removeprefix(f'columns.{column}.')}"
        columns[free] = {"grade": suggested.policy["grade"]} | suggested.policy["columns"][column]
        columns[free] |= {"source": label}
        suggested.add(
            f"columns.{free}.role",
            columns[free]["role"],
            f"{name} has no such column: look at what is suggested for it.",
            f"{name} 没有此列，请检查对它的建议。",
            "possible",
        )
    document["columns"] = columns
    document.pop("dropped_columns", None)
    if dropped:
        document["dropped_columns"] = dropped
    for field in of_file_fields:
        if field in suggested.policy:
            document[field] = suggested.policy[field]
    if of_file_fields:
        document["source"] = document["source"] | {"name": suggested.policy["source"]["name"]}
    document.pop("file", None)
    if "file" in suggested.policy:
        document["file"] = suggested.policy["file"]
    suggested.policy = document
    suggested.suggestions = [
        one
        for one in suggested.suggestions
        if one["path"] in ("about_rows", "file.notes")
        or one["path"] in differences
        or one["path"].startswith(tuple(new))
    ]


def _names(column: str) -> Iterator[str]:
    yield column
    yield from (f"{column[:60]}_{number}" for number in count(2))
