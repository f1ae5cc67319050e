"""What would a question cost, and how far off would its answer be? Known before anything is spent."""

from html import escape
from typing import Any

from cihu.show import bar, number, page, percent, table, text_table

KINDS = {"count": "count", "count_distinct": "count of units", "sum": "sum", "avg": "average"}


class Explanation:
    """The price of a question and the error of each of its outputs. `.document` has all of it as the vault said it."""

    def __init__(self, query: str, document: dict[str, Any]) -> None:
        self.query = query
        self.document = document

    @property
    def epsilon(self) -> float:
        """What it would cost now: 0 when it was answered before."""
        return float(self.document["epsilon"])

    @property
    def enough(self) -> bool:
        """Whether the grant has enough left for it."""
        return bool(self.document.get("budget", {}).get("enough", True))

    def _rows(self) -> list[list[str]]:
        made = []
        for output in self.document.get("outputs", []):
            error, wide = output.get("standard_error"), output.get("plus_minus_95")
            share = output.get("percent_of_a_typical_cell")
            made.append([str(output["name"]), KINDS.get(output.get("kind", ""), str(output.get("kind", ""))),
                         f"± {number(error, error)}", f"± {number(wide, error)}",
                         percent(share) if share is not None else ""])
        return made

    def _lines(self) -> list[str]:
        said, budget = self.document, self.document.get("budget", {})
        if said.get("stored"):
            price = "Answered before: asking it is free."
        else:
            price = f"Price: epsilon {number(said.get('epsilon'))} (delta {said.get('delta')})."
            if "percent_used_after" in budget:
                price += (f" The grant would be used up to {percent(budget['percent_used_after'])}"
                          f" (now {percent(budget['percent_used_now'])}).")
            if not self.enough:
                price += " That is more than is left."
            elif budget.get("such_questions_left") is not None:
                price += f" You could ask {budget['such_questions_left']} such questions."
        cells = said.get("cells")
        shape = f"{cells} cells of about {number(said.get('typical_rows_a_cell'))} rows." if cells else ""
        where = f"{said.get('dataset')}@{said.get('version')}, under grant {said.get('grant')}."
        return [line for line in (price, shape, where, "Nothing was spent and no data was touched.") if line]

    HEADS = ("output", "is a", "standard error", "95 % of the time within", "of a typical cell")

    def _repr_html_(self) -> str:
        rows = [[escape(cell) for cell in row] for row in self._rows()]
        after = self.document.get("budget", {}).get("percent_used_after")
        drawn = f'<div class="foot">{bar(float(after))}</div>' if after is not None else ""
        lines = "".join(f'<div class="foot">{escape(line)}</div>' for line in self._lines())
        return page(table(self.HEADS, rows), drawn, lines)

    def __repr__(self) -> str:
        return "\n".join([text_table(self.HEADS, self._rows()), *self._lines()])
