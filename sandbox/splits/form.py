"""What a split is asked for: strata of the target, and how many people of each go into live and final.

All of these are public numbers that somebody declares; none is counted from rows. `people` is about how many
there are of a stratum, as the officer knows it: from it follows with which probability a person is a
candidate of a part.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.errors import InvalidInput

HASHES = 2**64
MARGIN = 5
"""Candidates beyond the size of a part, in roots of it: with fewer, a part may have too few of them."""
MOST_HELD = 0.9


@dataclass(frozen=True)
class Stratum:
    """People whose target is one of `values`, or lies in [`at_least`, `below`), or, with neither, all others.
    `people`: about how many there are. `live`, `final`: exactly how many of them each part has. `positive`:
    whether they are of the positive class, for metrics of two classes."""

    name: str
    people: int
    live: int
    final: int
    values: tuple[str | int | bool, ...] = ()
    at_least: float | None = None
    below: float | None = None
    positive: bool = False

    def holds(self, target: object) -> bool:
        """Whether a person with this target belongs here."""
        if self.values:
            return any(type(target) is type(value) and target == value for value in self.values)
        if self.at_least is None and self.below is None:
            return True
        if isinstance(target, bool) or not isinstance(target, int | float):
            return False
        return (self.at_least is None or target >= self.at_least) and (
            self.below is None or target < self.below
        )

    def candidates(self, size: int) -> int:
        """Of `HASHES`, how many make a person a candidate for a part with so many places."""
        if not size:
            return 0
        return min(HASHES, HASHES * (size + MARGIN * math.isqrt(size) + MARGIN) // self.people)


@dataclass(frozen=True)
class SplitForm:
    """`target`: the column that is to be predicted."""

    target: str
    strata: tuple[Stratum, ...]

    def __post_init__(self) -> None:
        names = [stratum.name for stratum in self.strata]
        if not names or len(set(names)) != len(names):
            raise _bad("Each stratum needs a name of its own.", "每个层须有各自的名称。")
        for stratum in self.strata:
            if stratum.people < 1 or min(stratum.live, stratum.final) < 0:
                raise _bad(
                    f"The numbers of the stratum {stratum.name} make no split.",
                    f"层 {stratum.name} 的人数无法划分。",
                )
            if stratum.candidates(stratum.live) + stratum.candidates(stratum.final) > MOST_HELD * HASHES:
                raise _bad(
                    f"Of the {stratum.people} people of the stratum {stratum.name}, live and final take too "
                    "many: too few are left for training.",
                    f"层 {stratum.name} 共约 {stratum.people} 人，实时部分和决赛部分占用过多，训练人数不足。",
                )
        if not self.live or not self.final:
            raise _bad("Live and final need at least one person each.", "实时部分和决赛部分至少各需 1 人。")

    @property
    def live(self) -> int:
        """How many people the live part has."""
        return sum(stratum.live for stratum in self.strata)

    @property
    def final(self) -> int:
        """How many people the final part has."""
        return sum(stratum.final for stratum in self.strata)

    def positives(self, part: str) -> int | None:
        """How many people of the positive class a part has; None where no stratum is of it."""
        if not any(stratum.positive for stratum in self.strata):
            return None
        return sum(
            stratum.live if part == "live" else stratum.final for stratum in self.strata if stratum.positive
        )

    def stratum_of(self, target: object) -> int | None:
        """The first stratum that holds a target; None for somebody who is never scored."""
        return next((place for place, one in enumerate(self.strata) if one.holds(target)), None)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "target": self.target,
            "strata": [asdict(one) | {"values": list(one.values)} for one in self.strata],
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> "SplitForm":
        """What `document` wrote."""
        strata = tuple(Stratum(**{**one, "values": tuple(one["values"])}) for one in document["strata"])
        return cls(document["target"], strata)


def canonical(document: dict[str, Any]) -> bytes:
    """One spelling of a JSON document, to be hashed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _bad(message: str, zh: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="bad_split",
        remedy="Correct the numbers of the strata: fewer people in live and final.",
        zh=zh,
        remedy_zh="请改正各层人数：减少实时部分和决赛部分的人数。",
    )
