"""Tells whether two tables are alike, whatever their files, columns and declarations are called: by the
labels of their rows, and by their cells beside those labels.

Of each table hashes are kept, the smallest 512 of each kind: two files share about as much of these as of
all (a bottom-k sketch: Broder, "On the resemblance and containment of documents", SEQUENCES 1997), and
exactly so while they have no more.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from sandbox.disclosure.checks.column_roles import names_label
from sandbox.disclosure.checks.numbers import number_of
from sandbox.disclosure.files.opened import Grid

MOST_HASHES = 512
MOST_CELLS = 50_000
"""That are hashed at most: where thousands of rows have the same labels, the first by what they hold."""
HASH_BYTES = 8
"""Of SHA-256, read as a signed number: a bigint of Postgres."""
LEAST_SHARE = Fraction(1, 2)


@dataclass(frozen=True)
class Likeness:
    """Hashes in order. `labels`: of the labels of each row; `cells`: of each number with its row's labels."""

    labels: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()


def likeness(grids: Iterable[Grid]) -> Likeness:
    """Of all tables of a file together. It is the same whatever its columns' names and order, upper or lower
    case, and the way a number is written. Cells are hashed of the rows whose labels are kept."""
    rows: dict[int, set[tuple[tuple[str, ...], ...]]] = {}
    without: set[tuple[tuple[str, ...], ...]] = set()
    for grid in grids:
        named = [is_label(grid, place) for place in range(len(grid.header))]
        telling = _telling(grid, [place for place, label in enumerate(named) if label])
        for row in grid.rows:
            key = tuple(sorted(folded(row[place]) for place in telling))
            numbers = tuple(cell for cell, label in zip(row, named, strict=True) if not label and cell)
            (rows.setdefault(_hash(key), set()) if any(key) else without).add((key, numbers))
    labels = sorted(rows)[:MOST_HASHES]
    kept = [row for each in labels for row in rows[each]] or without
    looked_at = islice(((key, cell) for key, numbers in sorted(kept) for cell in numbers), MOST_CELLS)
    cells = {_hash((*key, _plain(cell))) for key, cell in looked_at}
    return Likeness(tuple(labels), tuple(sorted(cells)[:MOST_HASHES]))


def are_alike(one: Likeness, other: Likeness) -> bool:
    """Whether the smaller shares half of its rows' labels, or half of its cells, with the larger."""
    return any(
        _shared(mine, theirs) >= LEAST_SHARE
        for mine, theirs in ((one.labels, other.labels), (one.cells, other.cells))
    )


def closeness(one: Likeness, other: Likeness) -> tuple[Fraction, Fraction]:
    """For sorting: the share of cells, then of labels, that both have, of all that one of them has."""
    return _resemblance(one.cells, other.cells), _resemblance(one.labels, other.labels)


def is_label(grid: Grid, place: int) -> bool:
    """Whether a column names its rows: by its name, or because it holds no number. One without a name can
    hold counts."""
    name = grid.header[place]
    return bool(name.strip() and names_label(name)) or not any(
        number_of(cell) is not None for cell in grid.column(place)
    )


def _telling(grid: Grid, labels: Sequence[int]) -> Sequence[int]:
    """Without those that hold the same in every row: one more of them is no other table."""
    return [place for place in labels if len({folded(cell) for cell in grid.column(place)}) > 1] or labels


def _shared(one: Sequence[int], other: Sequence[int]) -> Fraction:
    """How much of the smaller is in the larger, among the hashes up to where both are whole."""
    mine, theirs = _whole(one, other)
    fewer = min(len(mine), len(theirs))
    return Fraction(len(mine & theirs), fewer) if fewer else Fraction(0)


def _resemblance(one: Sequence[int], other: Sequence[int]) -> Fraction:
    mine, theirs = _whole(one, other)
    every = mine | theirs
    return Fraction(len(mine & theirs), len(every)) if every else Fraction(0)


def _whole(one: Sequence[int], other: Sequence[int]) -> tuple[set[int], set[int]]:
    end = min((hashes[-1] for hashes in (one, other) if len(hashes) >= MOST_HASHES), default=None)
    return tuple({each for each in hashes if end is None or each <= end} for hashes in (one, other))  # type: ignore[return-value]


def _plain(cell: str) -> str:
    number = number_of(cell)
    return str(number) if number is not None else folded(cell)


def folded(cell: str) -> str:
    """A label, whatever its case, its width and the spaces around it."""
    return unicodedata.normalize("NFKC", cell).strip().casefold()


def _hash(texts: Iterable[str]) -> int:
    told = hashlib.sha256("\0".join(_escaped(texts)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(told[:HASH_BYTES], "big", signed=True)


def _escaped(texts: Iterable[str]) -> Iterator[str]:
    """So that no cell's text can stand for two."""
    return (text.replace("\\", "\\\\").replace("\0", "\\0") for text in texts)
