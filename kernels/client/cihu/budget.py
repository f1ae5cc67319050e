"""How much has been spent, and how much is left?"""

from html import escape
from typing import Any

from cihu.show import bar, number, page, percent, table, text_table

LEVELS = {"grant": "your team's grant", "dataset": "the dataset, all teams", "population": "the people, all datasets"}


class Budget:
    """Your grants and the accounts that a question is charged to: all three at once, or none.

    `.grants` has all of it as the vault said it.
    """

    HEADS = ("grant", "account", "used", "epsilon spent", "of")

    def __init__(self, document: list[dict[str, Any]]) -> None:
        self.grants = list(document)

    def _accounts(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [(grant, level) for grant in self.grants for level in grant.get("levels", [])]

    def _rows(self) -> list[list[str]]:
        return [[self._grant(grant) if level["level"] == "grant" else "",
                 f"{LEVELS.get(level['level'], level['level'])} ({level['key']})", percent(float(level["percent_used"])),
                 number(level["epsilon_spent"]), number(level["epsilon_limit"])] for grant, level in self._accounts()]

    def _grant(self, grant: dict[str, Any]) -> str:
        return f"{grant['grant']}: {grant['dataset']} for {grant['team']}, {grant['status']}, until {grant['until'][:10]}"

    def _repr_html_(self) -> str:
        if not self.grants:
            return page(f'<div class="foot">{escape(repr(self))}</div>')
        rows = [[escape(cell) for cell in row] for row in self._rows()]
        for row, (_, level) in zip(rows, self._accounts(), strict=True):
            row[2] = f"{bar(float(level['percent_used']))} {row[2]}"
        return page(table(self.HEADS, rows))

    def __repr__(self) -> str:
        if not self.grants:
            return "Your team has no grant yet: request one in the portal, on the dataset's page."
        return text_table(self.HEADS, self._rows())
