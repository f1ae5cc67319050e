"""Shows what a question would cost, and how far off its answer would be, before anything is spent."""

from html import escape
from typing import Any

from cihu.messages import known, say, told
from cihu.show import bar, foot, number, page, percent, table, text_table


class Explanation:
    """The price of a question and the error of each of its outputs.
    `.document` has all of it as the vault sent it."""

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

    @property
    def notes(self) -> list[str]:
        """What the vault says about how it would be answered."""
        return [str(note) for note in told(self.document, "notes") or []]

    def _rows(self) -> list[list[str]]:
        made = []
        for output in self.document.get("outputs", []):
            error, wide = output.get("standard_error"), output.get("plus_minus_95")
            share, kind = output.get("percent_of_a_typical_cell"), str(output.get("kind", ""))
            errors = [f"± {number(one, error)}" if one is not None else "–" for one in (error, wide)]
            if output.get("at_worst"):
                errors = [say("at_most", error=one) for one in errors]
            people, epsilon = output.get("noise_in_units"), output.get("epsilon")
            made.append(
                [
                    str(output["name"]),
                    known(f"kind.{kind}", kind),
                    *errors,
                    percent(share) if share is not None else "",
                    number(people) if people is not None else "",
                    number(epsilon) if epsilon is not None else "",
                ]
            )
        return made

    def _lines(self) -> list[str]:
        said = self.document
        lines = [self._price()]
        if said.get("cells") and not said.get("open"):
            lines.append(
                say("cells", cells=number(said["cells"]), rows=number(said.get("typical_rows_a_cell")))
            )
        lines += [
            say(
                "key_found" if key["found_before"] else "key_to_find",
                key=key["key"],
                units=number(key["shown_from_units"]),
            )
            for key in said.get("keys") or []
        ]
        lines += [str(line) for line in told(said, "bounding") or []]
        if levels := said.get("percent_used_after"):
            lines.append(say("levels_after", **{level: percent(used) for level, used in levels.items()}))
        dataset = f"{said.get('dataset')}@{said.get('version')}"
        under = [] if said.get("open") else [say("under_grant", dataset=dataset, grant=said.get("grant"))]
        return [*lines, *under, *self.notes, say("nothing_spent")]

    def _price(self) -> str:
        said, budget = self.document, self.document.get("budget", {})
        if said.get("open"):
            return say("open_is_free")
        if said.get("stored"):
            return say("would_be_free")
        parts = [say("price", epsilon=number(said.get("epsilon")), delta=said.get("delta"))]
        if "percent_used_after" in budget:
            parts.append(
                say(
                    "used_after",
                    after=percent(budget["percent_used_after"]),
                    now=percent(budget["percent_used_now"]),
                )
            )
        if said.get("delta_spent"):
            parts.append(
                say(
                    "delta_price",
                    delta=said["delta_spent"],
                    after=percent(budget["delta_percent_used_after"]),
                    now=percent(budget["delta_percent_used_now"]),
                )
            )
        if not self.enough:
            refusal = budget.get("refusal") or {}
            parts.append(str(told(refusal, "message") or say("too_dear")))
        elif budget.get("such_questions_left") is not None:
            parts.append(say("such_questions", number=number(budget["such_questions_left"])))
        return " ".join(parts)

    def _heads(self) -> list[str]:
        return [
            say("output"),
            say("is_a"),
            say("standard_error"),
            say("within"),
            say("of_typical"),
            say("as_people"),
            say("costs"),
        ]

    NUMERIC = (False, False, True, True, True, True, True)

    def _repr_html_(self) -> str:
        rows = [[escape(cell) for cell in row] for row in self._rows()]
        after = self.document.get("budget", {}).get("percent_used_after")
        drawn = f'<div class="foot">{bar(float(after))}</div>' if after is not None else ""
        return page(table(self._heads(), rows, self.NUMERIC), drawn, *[foot(line) for line in self._lines()])

    def __repr__(self) -> str:
        return "\n".join([text_table(self._heads(), self._rows(), self.NUMERIC), *self._lines()])
