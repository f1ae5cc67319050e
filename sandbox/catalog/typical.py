"""What a data officer knows of a column's usual values, without looking at the rows: only invented rows
follow it.

It is the officer's own word, with where it is known from. It decides nothing else: no question, bound,
price or check depends on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KeyValue = str | int | bool


@dataclass(frozen=True)
class Typical:
    """Of one column. `points`: ascending shares of the filled cells with the value below which they lie,
    from 0 (the lowest value) to 1 (the highest); dates in days and timestamps in seconds since 1970.
    `thinning`: values above the last but one point lie as u to the power of this between it and the
    highest; 1 spreads them evenly. `shares`: of a key's or a boolean's values, all of them. `empty`: the
    share of empty cells. `constant`: the same in all rows of a unit. Empty: the officer does not say."""

    known_from: str
    points: tuple[tuple[float, float], ...] = ()
    thinning: float = 1.0
    shares: tuple[tuple[KeyValue, float], ...] = ()
    empty: float | None = None
    constant: bool = False


@dataclass(frozen=True)
class Relation:
    """Of two columns: `column` follows `on`. By ranks (`rank_correlation`), or by another median for each
    value of a key (`medians`)."""

    column: str
    on: str
    known_from: str
    rank_correlation: float | None = None
    medians: tuple[tuple[KeyValue, float], ...] = ()


def followed_order(relations: Sequence[Relation]) -> list[str] | None:
    """The columns that follow others, each after the one that it follows; None if they go in a circle."""
    on: Mapping[str, str] = {relation.column: relation.on for relation in relations}
    order: list[str] = []
    for column in on:
        chain = [column]
        while (parent := on.get(chain[-1])) is not None and parent not in order:
            if parent in chain:
                return None
            chain.append(parent)
        order += [name for name in reversed(chain) if name in on and name not in order]
    return order
