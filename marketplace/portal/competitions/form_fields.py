"""The inputs of the organiser's form, by the paths of their values; `#` stands for the place in a list.

One rule serves every step: an input has the path as its name, a form's answers replace what the step owns.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from marketplace.money import fen_of
from sandbox.errors import InvalidInput

Kind = Literal["text", "whole", "number", "yuan", "moment", "flag", "names", "values", "choice", "many", "id"]
STEPS = ("about", "phases", "tracks", "rules", "finish")
"""In their order; each is a page below `/competition-forms/{number}/`."""
CHOSEN: tuple[Kind, ...] = ("choice", "flag", "id", "many")
"""Inputs that have a value though nobody has typed anything: a row with these alone is empty."""
SEPARATORS = re.compile(r"[,，、\n]")
WHOLE = re.compile(r"-?[0-9]{1,15}")
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


@dataclass(frozen=True)
class FormField:
    """An input, or several of one kind in a list. `pattern`: such as `phases.#.opens`."""

    pattern: str
    kind: Kind = "text"

    @property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.pattern).replace(r"\#", "[0-9]{1,3}"))


def words(pattern: str) -> tuple[FormField, FormField]:
    """A text in both languages."""
    return FormField(f"{pattern}.zh"), FormField(f"{pattern}.en")


ABOUT = (
    FormField("competition"),
    *words("title"),
    *words("summary"),
    FormField("organiser.department", "id"),
    FormField("organiser.contact"),
    FormField("time_zone"),
)
PHASES = (
    FormField("phases.#.id", "id"),
    FormField("phases.#.kind", "choice"),
    *words("phases.#.title"),
    FormField("phases.#.opens", "moment"),
    FormField("phases.#.closes", "moment"),
    FormField("phases.#.grace_minutes", "whole"),
)
TRACK = (
    FormField("id", "id"),
    *words("title"),
    FormField("task", "choice"),
    *words("description"),
    FormField("datasets.#.dataset", "text"),
    FormField("datasets.#.version", "id"),
    FormField("datasets.#.features", "many"),
    FormField("datasets.#.target", "choice"),
    FormField("entries.kinds", "many"),
    FormField("entries.per_day", "whole"),
    FormField("entries.in_total", "whole"),
    FormField("entries.seconds", "whole"),
    FormField("entries.compute_seconds", "whole"),
    FormField("board.metric", "choice"),
    FormField("board.function"),
    FormField("board.predicts", "choice"),
    FormField("board.clip"),
    FormField("board.rho"),
    FormField("board.final_rho"),
    FormField("board.smallest_difference"),
    FormField("board.expected_teams", "whole"),
    FormField("board.strata.#.name", "id"),
    FormField("board.strata.#.people", "whole"),
    FormField("board.strata.#.live", "whole"),
    FormField("board.strata.#.final", "whole"),
    FormField("board.strata.#.values", "values"),
    FormField("board.strata.#.at_least", "number"),
    FormField("board.strata.#.below", "number"),
    FormField("board.strata.#.positive", "flag"),
    FormField("jury.per_document", "whole"),
    FormField("jury.per_juror", "whole"),
    FormField("jury.board_weight", "whole"),
    FormField("jury.rounds.#.id", "id"),
    *words("jury.rounds.#.title"),
    FormField("jury.rounds.#.weight", "whole"),
    FormField("jury.rounds.#.admits", "whole"),
    FormField("jury.rounds.#.rubric.#.id", "id"),
    *words("jury.rounds.#.rubric.#.title"),
    FormField("jury.rounds.#.rubric.#.points", "whole"),
    *words("prizes.#.title"),
    FormField("prizes.#.first_place", "whole"),
    FormField("prizes.#.last_place", "whole"),
    FormField("prizes.#.amount_fen", "yuan"),
)
RULES = (
    FormField("teams.smallest", "whole"),
    FormField("teams.largest", "whole"),
    FormField("teams.one_organisation", "flag"),
    FormField("teams.merging", "choice"),
    FormField("teams.dissolution", "choice"),
    FormField("teams.fixed_from", "moment"),
    FormField("eligibility.organisations", "names"),
    FormField("eligibility.account_days", "whole"),
    FormField("eligibility.certificate"),
    FormField("outside_data.rule", "choice"),
    *words("outside_data.note"),
    *words("ownership.entries"),
    *words("ownership.models"),
    *words("rules"),
    *words("terms"),
    FormField("ties", "choice"),
    FormField("notice.days", "whole"),
    FormField("notice.appeal_days", "whole"),
)
OF_STEP = {"about": ABOUT, "phases": PHASES, "rules": RULES}


def fields_of(step: str, place: int = 0) -> tuple[FormField, ...]:
    """Of a step; of `tracks` those of the track at this place."""
    if step == "tracks":
        return tuple(FormField(f"tracks.{place}.{field.pattern}", field.kind) for field in TRACK)
    return OF_STEP.get(step, ())


def step_of(path: str) -> tuple[str, int]:
    """On which step's page the value at a path is, and of which track."""
    first, _, rest = path.partition(".")
    if first == "tracks":
        place = rest.partition(".")[0]
        return "tracks", int(place) if place.isdecimal() and len(place) < 10 else 0
    for step, fields in OF_STEP.items():
        if any(field.pattern.partition(".")[0] == first for field in fields):
            return step, 0
    return "finish", 0


def value_in(kind: Kind, typed: str) -> Any:
    """The value that an input's text stands for; what cannot be one stays as it was typed, to be told and
    shown again. None for nothing."""
    text = typed.replace("\r\n", "\n").strip()
    if not text:
        return None
    match kind:
        case "whole":
            return int(text) if WHOLE.fullmatch(text) else text
        case "id":
            return int(text) if text.isdecimal() and len(text) < 10 else text
        case "number":
            return (float(text) if "." in text else int(text)) if NUMBER.fullmatch(text) else text
        case "yuan":
            return text if not_yuan(text) else fen_of(text)
        case "moment":
            return text.replace("T", " ")[:16]
        case "flag":
            return True
        case "names":
            return [part for each in SEPARATORS.split(text) if (part := each.strip())]
        case "values":
            return [_value(part) for each in SEPARATORS.split(text) if (part := each.strip())]
    return {"true": True, "false": False}.get(text, text) if kind == "choice" else text


def not_yuan(text: str) -> InvalidInput | None:
    """Why a text is no amount in yuan; None if it is one."""
    try:
        fen_of(text)
    except InvalidInput as refusal:
        return refusal
    return None


def kind_at(path: str) -> Kind | None:
    """The kind of the input of a path; None where there is no input."""
    return next((field.kind for field in fields_of(*step_of(path)) if field.matcher.fullmatch(path)), None)


def _value(text: str) -> bool | int | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if WHOLE.fullmatch(text) else text


def shown_in(kind: Kind, value: Any) -> str:
    """How a value stands in its input."""
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(shown_in("text", each) for each in value)
    if kind == "yuan" and isinstance(value, int):
        return f"{value // 100}" + (f".{value % 100:02}" if value % 100 else "")
    if kind == "moment":
        return str(value).replace(" ", "T")[:16]
    return str(value)
