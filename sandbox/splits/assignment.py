"""Who is in which part: a function of the secret seed and, of each person, of that person alone.

A keyed hash of the person's id says whether the person is a candidate for live, for final, or trains. Of a
part's candidates in a stratum those with the smallest second hash get its places; the others are a reserve
and are in no part. So a person who comes or goes moves nobody between parts: within the part that the hash
names, one of the reserve takes or gives a place, and the other parts are as they were. That is what lets a
population be charged the largest of its parts (budgets/parts.py). The sizes of the parts are exactly those
of the form.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.splits.form import SplitForm, canonical

PARTS = ("live", "final", "reserve")


@dataclass(frozen=True)
class Held:
    """The people whom nobody sees until the split is opened, by their ids as text, sorted. All others
    train."""

    live: tuple[str, ...]
    final: tuple[str, ...]
    reserve: tuple[str, ...]

    @property
    def units(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.live, *self.final, *self.reserve))

    def part(self, name: str) -> tuple[str, ...]:
        return self.live if name == "live" else self.final

    def document(self) -> dict[str, list[str]]:
        return {"live": [*self.live], "final": [*self.final], "reserve": [*self.reserve]}


def assign(form: SplitForm, seed: bytes, people: Iterable[tuple[str, int | None]]) -> Held | None:
    """`people`: ids as text, and the stratum of each (its place in the form, or None). None where a stratum
    has fewer candidates than places."""
    candidates: dict[tuple[str, int], list[tuple[bytes, str]]] = {}
    for unit, stratum in people:
        if stratum is not None and (part := _part(form, seed, unit, stratum)) is not None:
            candidates.setdefault((part, stratum), []).append((_hash(seed, b"place", unit), unit))
    chosen: dict[str, list[str]] = {part: [] for part in PARTS}
    for place, layer in enumerate(form.strata):
        for part, size in (("live", layer.live), ("final", layer.final)):
            ranked = [unit for _, unit in sorted(candidates.get((part, place), ()))]
            if len(ranked) < size:
                return None
            chosen[part] += ranked[:size]
            chosen["reserve"] += ranked[size:]
    return Held(*(tuple(sorted(chosen[part])) for part in PARTS))


def _part(form: SplitForm, seed: bytes, unit: str, stratum: int) -> str | None:
    of = form.strata[stratum]
    number = int.from_bytes(_hash(seed, b"part", unit)[:8], "big")
    live = of.candidates(of.live)
    if number < live:
        return "live"
    return "final" if number < live + of.candidates(of.final) else None


def _hash(seed: bytes, purpose: bytes, unit: str) -> bytes:
    return hmac.digest(seed, purpose + b"\0" + unit.encode(), "sha256")


def commitment(seed: bytes, about: dict[str, object]) -> str:
    """The hash that is told when a split is made; the seed opens it. `about`: dataset, version, form."""
    return hashlib.sha256(b"cihu split 1\n" + seed + canonical(about)).hexdigest()


def membership(seed: bytes, held: Held) -> str:
    """Fixes who is in which part, and tells nothing of it without the seed."""
    return hmac.new(seed, canonical(held.document()), "sha256").hexdigest()


def strata_of(form: SplitForm, targets: Sequence[object]) -> list[int | None]:
    """The stratum of each target; each value is looked up once."""
    known: dict[tuple[type, object], int | None] = {}
    found = []
    for target in targets:
        key = (type(target), target)
        if key not in known:
            known[key] = None if target is None else form.stratum_of(target)
        found.append(known[key])
    return found
