"""The vault's answer: a table of values with their errors, what it cost, and a receipt."""

import json
import math
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.chart import Bar, Chart
from cihu.messages import say, told
from cihu.problem import CihuError
from cihu.show import bar, foot, number, page, percent, strip, table, text_table

SHOWN_ROWS = 60
PARTS = (("error", "standard_error"), ("low", "low"), ("high", "high"))


class Answer:
    """A released answer. It may leave the kernel: it holds noise, not rows.

    `.df` has a column for each key and, for each value x, the columns x, x_error (standard error),
    x_low and x_high (95 % interval). The error is what the noise adds; it says nothing about how
    the data was collected.
    """

    def __init__(self, query: str, document: dict[str, Any]) -> None:
        self.query = query
        self.document = document

    @property
    def dataset(self) -> str:
        """Which version answered, such as health.visits@1."""
        return f"{self.document['dataset']}@{self.document['version']}"

    @property
    def stored(self) -> bool:
        """Whether it was answered before, so that it was free."""
        return bool(self.document.get("stored"))

    @property
    def price(self) -> dict[str, Any]:
        return dict(self.document.get("price") or {})

    @property
    def notes(self) -> list[str]:
        """What the vault says about how to read it."""
        return [str(note) for note in told(self.document, "notes") or []]

    @property
    def receipt(self) -> dict[str, Any]:
        """The proof that this answer stands in the public log; `cihu audit verify` checks it anywhere."""
        return dict(self.document.get("receipt") or {})

    def save_receipt(self, path: str | Path) -> Path:
        """Write the receipt as JSON; returns where.
        Needs nothing but the file and the public key to be checked."""
        if not self.receipt:
            raise CihuError(say("no_receipt"), code="no_receipt", remedy=say("ask_again_free"))
        target = Path(path)
        target.write_text(json.dumps(self.receipt, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
        return target

    @property
    def keys(self) -> list[str]:
        return [column["name"] for column in self.document["columns"] if column["kind"] == "key"]

    @property
    def values(self) -> list[str]:
        return [column["name"] for column in self.document["columns"] if column["kind"] != "key"]

    @cached_property
    def df(self) -> pd.DataFrame:
        return self.to_pandas()

    def to_pandas(self, errors: str = "suffix") -> pd.DataFrame:
        """A new DataFrame, with the errors as columns x_error, x_low, x_high ("suffix"),
        below each value as a second level of columns ("levels": x/value, x/error, x/low, x/high), or
        without them ("none")."""
        if errors not in ("suffix", "levels", "none"):
            raise CihuError(
                say("unknown_errors", given=repr(errors)), code="invalid_input", remedy=say("errors_are")
            )
        made: dict[tuple[str, str], list[Any]] = {}
        for at, column in enumerate(self.document["columns"]):
            name, cells = column["name"], self._column_at(at)
            if column["kind"] == "key":
                made[name, ""] = cells
                continue
            made[name, "value"] = cells
            if errors != "none":
                for suffix, part in PARTS:
                    made[name, suffix] = [about.get(name, {}).get(part) for about in self.document["errors"]]
        columns = (
            made
            if errors == "levels"
            else {
                name if part in ("", "value") else f"{name}_{part}": cells
                for (name, part), cells in made.items()
            }
        )
        return pd.DataFrame(columns)

    def plot(self, value: str | None = None) -> Chart:
        """Bars with their 95 % intervals. The chart shows itself; `.save(path)` writes it as SVG."""
        drawn = [name for name in self.values if any(_finite(cell) for cell in self._column(name))]
        shown = value if value is not None else next(iter(drawn), None)
        if shown not in drawn:
            raise CihuError(
                say("no_value", name=repr(value)),
                code="invalid_input",
                remedy=say("values_are", names=", ".join(drawn) or say("none")),
            )
        bars = []
        for row, cell, about in zip(
            self.document["rows"], self._column(shown), self.document["errors"], strict=True
        ):
            keys = [
                _text(part)
                for part, column in zip(row, self.document["columns"], strict=True)
                if column["kind"] == "key"
            ]
            part = about.get(shown, {})
            bars.append(
                Bar(
                    " · ".join(keys),
                    cell if _finite(cell) else None,
                    part.get("low"),
                    part.get("high"),
                    number(cell, part.get("standard_error")) if _finite(cell) else "–",
                )
            )
        return Chart(say("chart_title", value=shown), " · ".join(self.keys), bars)

    def _column(self, name: str) -> list[Any]:
        at = [column["name"] for column in self.document["columns"]].index(name)
        return self._column_at(at)

    def _column_at(self, at: int) -> list[Any]:
        """The cells of a column. An integer that JSON would lose comes as text, and is one here."""
        whole = self.document["columns"][at].get("type") == "integer"
        cells = [row[at] for row in self.document["rows"]]
        return [int(cell) if whole and isinstance(cell, str) else cell for cell in cells]

    def _cells(self) -> list[list[tuple[str, str, str]]]:
        """Each cell as (value, ± error, small text)."""
        return [
            [
                self._cell(column, value, errors)
                for column, value in zip(self.document["columns"], row, strict=True)
            ]
            for row, errors in zip(self.document["rows"], self.document["errors"], strict=True)
        ]

    def _cell(self, column: dict[str, Any], value: Any, errors: dict[str, Any]) -> tuple[str, str, str]:
        if column["kind"] == "key" or (value is not None and not isinstance(value, int | float)):
            return _text(value), "", ""
        about = errors.get(column["name"], {})
        error, low, high = (about.get(part) for part in ("standard_error", "low", "high"))
        interval = (
            say("interval", low=number(low, error), high=number(high, error)) if low is not None else ""
        )
        note = f"({told(about, 'note')})" if about.get("note") else ""
        return (
            number(value, error),
            f" ± {number(error, error)}" if error else "",
            f"{interval} {note}".strip(),
        )

    def _extents(self) -> dict[str, tuple[float, float]]:
        """For each value, from the lowest to the highest end of its intervals: the scale of its strips."""
        made = {}
        for name in self.values:
            ends = [
                about[name][part]
                for about in self.document["errors"]
                for part in ("low", "high")
                if _finite(about.get(name, {}).get(part))
            ]
            if ends:
                made[name] = (min(ends), max(ends))
        return made

    def _strip(
        self, name: str, value: Any, errors: dict[str, Any], extent: tuple[float, float] | None
    ) -> str:
        low, high = (errors.get(name, {}).get(part) for part in ("low", "high"))
        if extent is None or not (_finite(value) and _finite(low) and _finite(high)):
            return ""
        return strip(value, low, high, extent)

    def _cost(self) -> str:
        price = self.price
        if self.document.get("open"):
            return say("open_is_free")
        standing = ""
        if "grant_percent_used" in price:
            standing = say("left_of_grant", left=percent(100 - float(price["grant_percent_used"] or 0)))
        if self.stored:
            return say("free", standing=standing)
        return say(
            "price_of",
            epsilon=number(price.get("epsilon")),
            delta=price.get("delta"),
            standing=standing,
            percent=percent(float(price.get("percent_of_grant") or 0)),
        )

    def _origin(self) -> str:
        at = self.document.get("log_index")
        return say(
            "answer_is",
            dataset=self.dataset,
            id=self.document["answer_id"],
            proof=say("log_entry", entry=at) if at is not None else "",
        )

    def _heads(self) -> list[str]:
        return [
            column["name"] + (f"\n({column['measured_in']})" if column.get("measured_in") else "")
            for column in self.document["columns"]
        ]

    def _hidden(self) -> str:
        """The text about rows that are not shown, or about no rows."""
        rows = len(self.document["rows"])
        if not rows:
            return say("no_rows")
        return say("more_rows", number=number(rows - SHOWN_ROWS)) if rows > SHOWN_ROWS else ""

    def _numeric(self) -> list[bool]:
        return [column["kind"] != "key" for column in self.document["columns"]]

    def _repr_html_(self) -> str:
        columns, extents = self.document["columns"], self._extents()
        rows = []
        for cells, row, errors in list(
            zip(self._cells(), self.document["rows"], self.document["errors"], strict=True)
        )[:SHOWN_ROWS]:
            made = []
            for (value, error, small), raw, column in zip(cells, row, columns, strict=True):
                mark = (
                    self._strip(column["name"], raw, errors, extents.get(column["name"]))
                    if column["kind"] != "key"
                    else ""
                )
                strong = (
                    f'<span class="v">{escape(value)}</span>{escape(error)}'
                    if column["kind"] != "key"
                    else escape(value)
                )
                made.append(strong + mark + (f'<div class="e">{escape(small)}</div>' if small else ""))
            rows.append(made)
        used = None if self.document.get("open") else self.price.get("grant_percent_used")
        drawn = f" {bar(float(used))}" if used is not None else ""
        badge = f'<span class="badge">{escape(say("free_badge"))}</span> ' if self.stored else ""
        return page(
            table(self._heads(), rows, self._numeric()),
            foot(self._hidden()),
            f'<div class="foot">{badge}{escape(self._cost())}{drawn}</div>',
            foot(self._origin()),
            *[foot(note) for note in self.notes],
        )

    def __repr__(self) -> str:
        rows = [
            [value + error + (f" [{small}]" if small else "") for value, error, small in row]
            for row in self._cells()[:SHOWN_ROWS]
        ]
        lines = [
            text_table(self._heads(), rows, self._numeric()),
            self._hidden(),
            self._cost(),
            self._origin(),
            *self.notes,
        ]
        return "\n".join(line for line in lines if line)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value)
