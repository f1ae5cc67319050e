"""The vault's faults of a competition's text, each at its field and on its step."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from marketplace.portal.competitions.form_fields import kind_at, not_yuan, step_of
from marketplace.portal.competitions.form_tree import Tree, value_at
from marketplace.vault import Answer

MOST_FAULTS = 200
PLACE = re.compile(r"^The competition, line \d+: (?:[\w.]+: )?")


@dataclass(frozen=True)
class FormFault:
    """`own`: the vault has no Chinese for it. Then the page says that the value is missing or does not fit,
    and the English stands beside it."""

    path: str
    en: str
    zh: str
    own: bool
    missing: bool

    @property
    def step(self) -> str:
        return step_of(self.path)[0]

    @property
    def place(self) -> int:
        return step_of(self.path)[1]


@dataclass(frozen=True)
class FormFaults:
    """`checked` is what the vault told of the text of `tree`."""

    checked: Answer
    tree: Tree

    @cached_property
    def all(self) -> list[FormFault]:
        """The first of them: every input of a page looks for its own here."""
        return [self._fault(each) for each in self.checked["faults"][:MOST_FAULTS]]

    def _fault(self, told: Answer) -> FormFault:
        value = value_at(self.tree, told["path"]) if told["path"] else None
        if isinstance(value, str) and kind_at(told["path"]) == "yuan" and (refusal := not_yuan(value)):
            en, zh = f"{refusal.message} {refusal.remedy}", f"{refusal.zh}{refusal.remedy_zh}"
            return FormFault(told["path"], en, zh, own=False, missing=False)
        message, remedy = told["message"], told["remedy"]
        own = message["zh"] == message["en"]
        en = PLACE.sub("", message["en"])
        return FormFault(
            path=told["path"],
            en=en if own else f"{en[:1].upper()}{en[1:]} {remedy['en']}",
            zh="" if own else f"{message['zh']}{remedy['zh']}",
            own=own,
            missing=bool(told["path"]) and value in (None, "", [], {}),
        )

    def of_step(self, step: str, place: int = 0) -> list[FormFault]:
        return [fault for fault in self.all if (fault.step, fault.place) == (step, place)]

    def at(self, path: str) -> list[FormFault]:
        """Of this input: of its value, of what is within it, and of what is missing around it."""
        return [
            fault
            for fault in self.all
            if fault.path == path
            or fault.path.startswith(f"{path}.")
            or (fault.path and path.startswith(f"{fault.path}.") and fault.missing)
        ]

    def exactly(self, path: str) -> list[FormFault]:
        """Of a group of inputs as a whole."""
        return [fault for fault in self.all if fault.path == path and not fault.missing]

    def plan(self, track: str) -> Answer | None:
        """What the board of a track will show; None while its numbers do not go together."""
        boards: Sequence[dict[str, Any]] = self.checked["boards"]
        return next((board for board in boards if board["track"] == track), None)
