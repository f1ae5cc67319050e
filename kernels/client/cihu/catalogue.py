"""Shows which data there is, and what may be known of each column, from the public catalogue, never from the
rows."""

from collections.abc import Iterator
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from cihu.messages import known, say, titled
from cihu.show import foot, number, page, table, text_table


class Dataset:
    """One dataset of the catalogue.
    `.columns` is a DataFrame; `.document` has all of it as the vault sent it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @cached_property
    def columns(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows(), columns=self._heads())

    def _heads(self) -> list[str]:
        return [say("column"), say("what"), say("use"), say("type"), say("values")]

    def _rows(self) -> list[list[str]]:
        return [
            [
                column["name"],
                titled(column.get("title")),
                known(f"role.{column['role']}", column["role"]),
                column["type"],
                span(column),
            ]
            for column in self.document.get("columns", [])
        ]

    def _lines(self) -> list[str]:
        said = self.document
        lines = [
            f"{self.name}@{said.get('version')}: {titled(said.get('title'))}",
            titled(said.get("summary")),
        ]
        unit = said.get("unit")
        if unit:
            lines.append(
                say("protects", kind=known(f"unit.{unit['kind']}", unit["kind"]), rows=unit["max_rows"])
            )
        else:
            lines.append(say("open_data"))
        budget = said.get("budget")
        if budget:
            lines.append(
                say(
                    "usual_price",
                    question=number(budget["question_epsilon"]),
                    grant=number(budget["grant_epsilon"]),
                )
            )
        if said.get("certificate"):
            lines.append(say("needs_certificate", course=said["certificate"]))
        lines.append(
            say(
                "origin_of_data",
                rows=number(said.get("about_rows")),
                grade=said.get("grade"),
                department=said.get("department"),
                source=said.get("source"),
                licence=said.get("licence"),
            )
        )
        return [line for line in lines if line]

    def _repr_html_(self) -> str:
        lines = self._lines()
        rows = [[escape(cell) for cell in row] for row in self._rows()]
        return page(
            f"<strong>{escape(lines[0])}</strong>",
            table(self._heads(), rows),
            *[foot(line) for line in lines[1:]],
        )

    def __repr__(self) -> str:
        lines = self._lines()
        return "\n".join([lines[0], text_table(self._heads(), self._rows()), *lines[1:]])


class Datasets:
    """The catalogue. Iterate over it, or take one by its name."""

    def __init__(self, documents: Any) -> None:
        listed = documents.get("datasets", []) if isinstance(documents, dict) else documents
        self.all = [Dataset(document) for document in listed]

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, name: str) -> Dataset:
        for one in self.all:
            if one.name == name:
                return one
        raise KeyError(say("no_dataset", name=repr(name), names=", ".join(one.name for one in self.all)))

    def _heads(self) -> list[str]:
        return [say("name"), say("title"), say("department"), say("grade"), say("rows"), say("ask_it")]

    def _rows(self) -> list[list[str]]:
        return [
            [
                one.name,
                titled(one.document.get("title")),
                str(one.document.get("department", "")),
                str(one.document.get("grade", "")),
                number(one.document.get("about_rows")),
                say("yes_grant" if one.document.get("unit") else "no_open"),
            ]
            for one in self.all
        ]

    def _repr_html_(self) -> str:
        return page(table(self._heads(), [[escape(cell) for cell in row] for row in self._rows()]))

    def __repr__(self) -> str:
        return text_table(self._heads(), self._rows())


def span(column: dict[str, Any]) -> str:
    if column.get("bounds"):
        low, high = column["bounds"]
        unit = f" {column['measured_in']}" if column.get("measured_in") else ""
        return say("span", low=number(low), high=number(high), unit=unit)
    values = [str(value) for value in column.get("values", [])]
    return ", ".join(values[:12]) + (f", … ({len(values)})" if len(values) > 12 else "")
