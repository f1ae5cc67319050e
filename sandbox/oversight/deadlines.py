"""Reads policies/deadlines.yaml: until when what waits should be done, by its kind.

Reviews of outputs, reviews before opening and reported problems have a day of their own: the vault gives it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sandbox.catalog.opening_policy import closed_days
from sandbox.city_time import end_of_working_days
from sandbox.policy import YamlText

USUAL_DAYS: Mapping[str, int] = {
    "request": 5,
    "order": 5,
    "offer": 10,
    "company": 5,
    "demand": 10,
    "pull_to_agree": 3,
    "pull_failed": 2,
    "derivation": 5,
    "push": 2,
    "push_credential": 3,
    "lifecycle_step": 5,
    "competition": 10,
    "appeal": 5,
    "risk": 3,
}
"""Of a kind of which the city's policies say nothing."""


@dataclass(frozen=True)
class Deadlines:
    """`days`: working days by kind. `closed`: days on which nobody works, beside Saturdays and Sundays."""

    days: Mapping[str, int]
    closed: Collection[date] = ()

    def due(self, kind: str, since: datetime | None) -> datetime | None:
        """The end of the last day; None for a kind that has no deadline."""
        if since is None or kind not in self.days:
            return None
        return end_of_working_days(since, self.days[kind], self.closed)


def read_deadlines(policies: Path) -> Deadlines:
    """A city whose policies have no such file has the usual days. Raises `InvalidInput`, naming the line."""
    file, given = policies / "deadlines.yaml", dict[str, int]()
    if file.is_file():
        schema = policies / "deadlines.schema.json"
        given = YamlText(file.read_text("utf-8"), schema, what=f"{policies.name}/{file.name}").document
    return Deadlines({**USUAL_DAYS, **given}, closed_days(policies))
