"""What did the vault answer? A table of values with their errors, what it cost, and a receipt."""

import json
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.problem import CihuError
from cihu.show import bar, number, page, percent, table, text_table


class Answer:
    """A released answer. It may leave the kernel: it holds noise, not rows.

    `.df` has a column for each key and, for each value x, the columns x, x_error (standard error), x_low and x_high
    (95 % interval). The error is what the noise adds; it says nothing about how the data was collected.
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
    def receipt(self) -> dict[str, Any]:
        """The proof that this answer stands in the public log; `cihu audit verify` checks it anywhere."""
        return dict(self.document.get("receipt") or {})

    def save_receipt(self, path: str | Path) -> Path:
        """Write the receipt as JSON; returns where. Needs nothing but the file and the public key to be checked."""
        if not self.receipt:
            raise CihuError("This answer has no receipt.", code="no_receipt", mend="Ask the question again: it is free.")
        target = Path(path)
        target.write_text(json.dumps(self.receipt, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
        return target

    @cached_property
    def df(self) -> pd.DataFrame:
        columns = self.document["columns"]
        made: dict[str, list[Any]] = {}
        for at, column in enumerate(columns):
            name = column["name"]
            made[name] = [row[at] for row in self.document["rows"]]
            if column["kind"] != "key":
                for suffix, part in (("error", "standard_error"), ("low", "low"), ("high", "high")):
                    made[f"{name}_{suffix}"] = [errors.get(name, {}).get(part) for errors in self.document["errors"]]
        return pd.DataFrame(made)

    def to_pandas(self) -> pd.DataFrame:
        return self.df.copy()

    @property
    def keys(self) -> list[str]:
        return [column["name"] for column in self.document["columns"] if column["kind"] == "key"]

    @property
    def values(self) -> list[str]:
        return [column["name"] for column in self.document["columns"] if column["kind"] != "key"]

    def plot(self, value: str | None = None) -> Any:
        """Bars with their 95 % intervals; returns the matplotlib axes."""
        import matplotlib.pyplot as plt

        shown = value or self.values[0]
        frame = self.df
        labels = [" · ".join(str(part) for part in row) for row in frame[self.keys].itertuples(index=False)] or [""]
        below, above = frame[shown] - frame[f"{shown}_low"], frame[f"{shown}_high"] - frame[shown]
        axes = plt.subplots(figsize=(max(4.0, 0.7 * len(labels) + 2), 3.2))[1]
        axes.bar(labels, frame[shown], yerr=[below.clip(lower=0), above.clip(lower=0)], capsize=4, color="#90b8dc")
        axes.set(xlabel=" · ".join(self.keys), ylabel=shown, title=f"{shown}, with 95 % intervals of the noise")
        axes.spines[["top", "right"]].set_visible(False)
        return axes

    def _cells(self) -> list[list[tuple[str, str]]]:
        """Each cell as (text, small text under it)."""
        return [[self._cell(column, value, errors) for column, value in zip(self.document["columns"], row, strict=True)]
                for row, errors in zip(self.document["rows"], self.document["errors"], strict=True)]

    def _cell(self, column: dict[str, Any], value: Any, errors: dict[str, Any]) -> tuple[str, str]:
        if column["kind"] == "key":
            return str(value), ""
        about = errors.get(column["name"], {})
        error, low, high = (about.get(part) for part in ("standard_error", "low", "high"))
        interval = f"95 %: {number(low, error)} … {number(high, error)}" if low is not None else ""
        note = f" ({about['note']})" if about.get("note") else ""
        wide = f" ± {number(error, error)}" if error else ""
        return f"{number(value, error)}{wide}", interval + note

    def _cost(self) -> str:
        price = self.price
        left = 100 - float(price.get("grant_percent_used") or 0)
        standing = f"; {percent(left)} of the grant is left" if "grant_percent_used" in price else ""
        if self.stored:
            return f"A stored answer: free{standing}."
        return (f"Price: epsilon {number(price.get('epsilon'))} (delta {price.get('delta')}), "
                f"{percent(float(price.get('percent_of_grant') or 0))} of the grant{standing}.")

    def _origin(self) -> str:
        at = self.document.get("log_index")
        proof = f", entry {at} of the log (.save_receipt(path) keeps the proof)" if at is not None else ""
        return f"{self.dataset}, answer {self.document['answer_id']}{proof}."

    def _heads(self) -> list[str]:
        return [column["name"] + (f" ({column['measured_in']})" if column.get("measured_in") else "")
                for column in self.document["columns"]]

    def _repr_html_(self) -> str:
        rows = [[escape(text) + (f'<div class="e">{escape(small)}</div>' if small else "") for text, small in row]
                for row in self._cells()]
        used = self.price.get("grant_percent_used")
        drawn = f" {bar(float(used))}" if used is not None else ""
        notes = "".join(f'<div class="foot">{escape(note)}</div>' for note in self.document.get("notes") or [])
        return page(table(self._heads(), rows, [column["kind"] != "key" for column in self.document["columns"]]),
                    f'<div class="foot">{escape(self._cost())}{drawn}</div>',
                    f'<div class="foot">{escape(self._origin())}</div>', notes)

    def __repr__(self) -> str:
        rows = [[f"{text} [{small}]" if small else text for text, small in row] for row in self._cells()]
        return "\n".join([text_table(self._heads(), rows), self._cost(), self._origin()])
