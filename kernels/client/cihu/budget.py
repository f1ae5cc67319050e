"""Shows a budget: how much has been spent, by whom, on what, and how much is left."""

from html import escape
from typing import Any

import pandas as pd

from cihu.messages import known, say
from cihu.show import bar, foot, number, page, percent, table, text_table

SHOWN_QUESTIONS, SHOWN_CHARACTERS = 10, 120


class Budget:
    """Your grants and the accounts that a question is charged to: all three at once, or none.

    `.grants` has all of it as the vault sent it, `.questions` is a DataFrame of what your team spent it on.
    """

    def __init__(self, document: list[dict[str, Any]]) -> None:
        self.grants = list(document)

    @property
    def questions(self) -> pd.DataFrame:
        """Your team's charged questions, newest first: who, when, the price in percent of the grant,
        the SQL."""
        rows = [
            (one["dataset"], *self._question(one, asked))
            for one in self._accounts()
            for asked in _spent(one, "questions")
        ]
        return pd.DataFrame(rows, columns=["dataset", "who", "when", "percent_of_grant", "status", "sql"])

    def _question(
        self, grant: dict[str, Any], asked: dict[str, Any]
    ) -> tuple[str, pd.Timestamp, float, str, str]:
        return (
            asked["who"],
            pd.Timestamp(asked["at"]),
            _share(grant, asked["picorho"]),
            asked["status"],
            asked["sql"],
        )

    def _accounts(self) -> list[dict[str, Any]]:
        """One grant for each account of a team on a dataset: several grants share one."""
        return list({(one["team"], one["dataset"]): one for one in reversed(self.grants)}.values())[::-1]

    def _grant_line(self, grant: dict[str, Any]) -> str:
        return say(
            "grant_line",
            grant=grant["grant"],
            dataset=grant["dataset"],
            team=grant["team"],
            status=known(f"status.{grant['status']}", grant["status"]),
            until=grant["until"][:10],
        )

    def _heads(self) -> list[str]:
        return [
            say("account"),
            say("used"),
            say("left"),
            say("epsilon_spent"),
            say("epsilon_limit"),
            say("delta_left"),
        ]

    def _levels(self, grant: dict[str, Any]) -> list[list[str]]:
        return [
            [
                f"{_level(level)} ({level['key']})",
                percent(float(level["percent_used"])),
                percent(_left(level)),
                number(level["epsilon_spent"]),
                number(level["epsilon_limit"]),
                _delta_left(level),
            ]
            for level in grant.get("levels", [])
        ]

    def _people(self, grant: dict[str, Any]) -> str:
        people = _spent(grant, "people")
        if not people:
            return say("nothing_asked") if grant.get("spent") else ""
        return "; ".join(
            say(
                "spent_by_one" if one["questions"] == 1 else "spent_by",
                who=one["who"],
                number=one["questions"],
                percent=percent(_share(grant, one["picorho"])),
            )
            for one in people
        )

    def _asked_heads(self) -> list[str]:
        return [say("when"), say("who"), say("of_grant"), say("question")]

    def _asked(self, grant: dict[str, Any]) -> list[list[str]]:
        return [
            [
                asked["at"][:16].replace("T", " "),
                asked["who"],
                percent(_share(grant, asked["picorho"])) + _fate(asked),
                one_line(asked["sql"]),
            ]
            for asked in _spent(grant, "questions")[:SHOWN_QUESTIONS]
        ]

    def _repr_html_(self) -> str:
        if not self.grants:
            return page(foot(say("no_grant")))
        parts = []
        for grant in self.grants:
            levels = [[escape(cell) for cell in row] for row in self._levels(grant)]
            for row, level in zip(levels, grant.get("levels", []), strict=True):
                row[1] = f"{bar(float(level['percent_used']))} {row[1]}"
            asked = [
                [*[escape(cell) for cell in row[:3]], f"<code>{escape(row[3])}</code>"]
                for row in self._asked(grant)
            ]
            parts += [
                f"<strong>{escape(self._grant_line(grant))}</strong>",
                table(self._heads(), levels, [False, False, True, True, True, True]),
                foot(_keys_left(grant)),
                foot(self._people(grant)),
            ]
            if asked:
                parts.append(
                    f"<details><summary>{escape(say('newest'))}</summary>"
                    f"{table(self._asked_heads(), asked, [False, False, True])}</details>"
                )
        return page(*parts)

    def __repr__(self) -> str:
        if not self.grants:
            return say("no_grant")
        parts = []
        for grant in self.grants:
            parts += [
                self._grant_line(grant),
                text_table(self._heads(), self._levels(grant), [False, True, True, True, True, True]),
                _keys_left(grant),
                self._people(grant),
            ]
            if asked := self._asked(grant):
                parts += [say("newest") + ":", text_table(self._asked_heads(), asked, [False, False, True])]
            parts.append("")
        return "\n".join(part for at, part in enumerate(parts) if part or at < len(parts) - 1)


def _spent(grant: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """Empty where the vault does not tell: the questions of a team are its members' to see."""
    return list((grant.get("spent") or {}).get(part, []))


def _level(level: dict[str, Any]) -> str:
    """Of the wider budgets a team sees what is its own: how much others have left is not shown."""
    plain = known(f"level.{level['level']}", level["level"])
    return known(f"level.{level['level']}.team", plain) if level.get("of") == "team" else plain


def _left(level: dict[str, Any]) -> float:
    """Percent of the limit."""
    limit = level.get("picorho_limit")
    return (
        100 * level["picorho_left"] / limit
        if limit and "picorho_left" in level
        else 100 - float(level["percent_used"])
    )


def _delta_left(level: dict[str, Any]) -> str:
    return f"{level['delta_left']:.3g} / {level['delta_limit']:.3g}" if "delta_left" in level else "–"


def _keys_left(grant: dict[str, Any]) -> str:
    return say("keys_left", number=grant["keys_left"]) if "keys_left" in grant else ""


def _share(grant: dict[str, Any], picorho: int) -> float:
    """Percent of the grant's limit."""
    limit = next(
        (level["picorho_limit"] for level in grant.get("levels", []) if level["level"] == "grant"), 0
    )
    return 100 * picorho / limit if limit else 0.0


def _fate(asked: dict[str, Any]) -> str:
    said = known(f"question_{asked['status']}", "")
    return f" ({said})" if said else ""


def one_line(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"
