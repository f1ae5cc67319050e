"""What pages show of a competition: its document, its phases by the clock, its tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.portal.date_words import date_words
from marketplace.vault import Answer
from sandbox.competitions.document import Competition, Track
from sandbox.policy import YamlText

GROUPS = {
    "running": ("open", "judging", "notice"),
    "coming": ("announced",),
    "ended": ("closed", "cancelled"),
}


@lru_cache(maxsize=256)
def document_in(text: str) -> Competition:
    """Of a text that the vault has taken."""
    return Competition.model_validate(YamlText(text, None, what="The competition", kept=True).document)


@dataclass(frozen=True)
class CompetitionView:
    """`answer` is the vault's; `now` a moment of the clock."""

    answer: Answer
    now: datetime

    @property
    def document(self) -> Competition:
        return document_in(self.answer["text"])

    @property
    def name(self) -> str:
        return str(self.answer["name"])

    @property
    def state(self) -> str:
        return str(self.answer["state"])

    @property
    def zone(self) -> ZoneInfo:
        return self.document.zone

    def date(self, value: datetime | str, language: str) -> str:
        """A moment in the competition's zone, in words of a language."""
        return date_words(value, language, self.zone)

    def phase_state(self, phase: Answer) -> str:
        """Whether it is "coming", "running" or "ended"."""
        opens, closes = (datetime.fromisoformat(str(phase[field])) for field in ("opens_at", "closes_at"))
        return "coming" if self.now < opens else "running" if self.now < closes else "ended"

    def phases(self, kind: str) -> list[Answer]:
        return [phase for phase in self.answer["phases"] if phase["kind"] == kind]

    def running(self, kind: str) -> bool:
        """Whether a phase of this kind is running now."""
        return any(self.phase_state(phase) == "running" for phase in self.phases(kind))

    def track(self, id: str) -> Track | None:
        return self.document.track(id)

    @property
    def boards(self) -> list[Track]:
        return [track for track in self.document.tracks if track.board is not None]

    @property
    def juries(self) -> list[Track]:
        return [track for track in self.document.tracks if track.jury is not None]

    def takes_documents(self) -> bool:
        """Whether a jury's document could be handed in now."""
        juries = self.phases("jury")
        return self.state == "open" and bool(juries) and self.phase_state(juries[0]) == "coming"

    def board_opened(self) -> bool:
        return any(self.phase_state(phase) != "coming" for phase in self.phases("board"))


def in_groups(competitions: Sequence[Answer]) -> dict[str, list[Answer]]:
    """What is running, coming and ended; each soonest or newest first."""
    found = {
        group: [one for one in competitions if one["state"] in states] for group, states in GROUPS.items()
    }
    found["running"].sort(key=lambda one: str(one["closes_at"]))
    found["coming"].sort(key=lambda one: str(one["opens_at"]))
    found["ended"].sort(key=lambda one: str(one["closes_at"]), reverse=True)
    return found


def places_of(line: dict[str, Any]) -> str:
    """The range of ranks: 1, or 1–3."""
    best, worst = line["ranks"]
    return str(best) if best == worst else f"{best}–{worst}"
