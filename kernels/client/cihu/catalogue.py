"""What data is there, and what may be said about each column? From the public catalogue, never from the rows."""

from collections.abc import Iterator
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from cihu.show import number, page, table, text_table, words

ROLES = {"unit": "names whom we protect: COUNT(DISTINCT …) only", "key": "group by it, filter on it",
         "measure": "sum, average, filter", "attribute": "filter, count", "hidden": "cannot be asked"}


class Dataset:
    """One dataset of the catalogue. `.columns` is a DataFrame; `.document` has all of it as the vault said it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @cached_property
    def columns(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows(), columns=list(self.HEADS))

    HEADS = ("column", "what it is", "use", "type", "values or bounds")

    def _rows(self) -> list[list[str]]:
        return [[column["name"], words(column.get("title")), ROLES.get(column["role"], column["role"]), column["type"],
                 span(column)] for column in self.document.get("columns", [])]

    def _lines(self) -> list[str]:
        said = self.document
        lines = [f"{self.name}@{said.get('version')}: {words(said.get('title'))}", words(said.get("summary"))]
        unit = said.get("unit")
        if unit:
            lines.append(f"Protects each {unit['kind']}, who counts as at most {unit['max_rows']} rows.")
        else:
            lines.append("Open data: it is sold as rows, and cannot be asked in SQL.")
        budget = said.get("budget")
        if budget:
            lines.append(f"A question costs epsilon {number(budget['question_epsilon'])} unless you say otherwise; "
                         f"a grant has at most {number(budget['grant_epsilon'])}.")
        lines.append(f"About {number(said.get('about_rows'))} rows. Grade {said.get('grade')}. Department: "
                     f"{said.get('department')}. Source: {said.get('source')} ({said.get('licence')}).")
        return [line for line in lines if line]

    def _repr_html_(self) -> str:
        lines = self._lines()
        rows = [[escape(cell) for cell in row] for row in self._rows()]
        return page(f"<strong>{escape(lines[0])}</strong>", table(self.HEADS, rows),
                    *[f'<div class="foot">{escape(line)}</div>' for line in lines[1:]])

    def __repr__(self) -> str:
        lines = self._lines()
        return "\n".join([lines[0], text_table(self.HEADS, self._rows()), *lines[1:]])


class Datasets:
    """The catalogue. Iterate over it, or take one by its name."""

    HEADS = ("name", "title", "department", "grade", "rows", "ask it?")

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
        raise KeyError(f"no dataset {name!r}; there are: {', '.join(one.name for one in self.all)}")

    def _rows(self) -> list[list[str]]:
        return [[one.name, words(one.document.get("title")), str(one.document.get("department", "")),
                 str(one.document.get("grade", "")), number(one.document.get("about_rows")),
                 "yes, under a grant" if one.document.get("unit") else "no: open data, see the portal"] for one in self.all]

    def _repr_html_(self) -> str:
        return page(table(self.HEADS, [[escape(cell) for cell in row] for row in self._rows()]))

    def __repr__(self) -> str:
        return text_table(self.HEADS, self._rows())


def span(column: dict[str, Any]) -> str:
    if column.get("bounds"):
        low, high = column["bounds"]
        unit = f" {column['measured_in']}" if column.get("measured_in") else ""
        return f"{number(low)} to {number(high)}{unit}; beyond is clamped"
    values = [str(value) for value in column.get("values", [])]
    return ", ".join(values[:12]) + (f", … ({len(values)})" if len(values) > 12 else "")
