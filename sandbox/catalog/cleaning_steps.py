"""Defines the cleaning steps of a policy: what is done to the typed rows of a file before they are stored.

A step treats each unit by itself: what it makes of a unit's rows follows from these rows alone
(docs/adr/0036). Most steps look at one cell or at one row; `Deduplicate` looks at rows of one unit.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar

CellValue = str | int | bool | Fraction | date


class Others(StrEnum):
    """What `map` makes of a value that it does not list."""

    KEEP = "keep"
    EMPTY = "empty"
    DROP = "drop"  # its row is left out
    REFUSE = "refuse"  # the file is refused; values are counted and never quoted


class Cut(StrEnum):
    """To what a date is made coarser: to the first day of it."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True)
class Trim:
    """Spaces and invisible characters at both ends of a text; a text of nothing else becomes empty."""

    verb: ClassVar[str] = "trim"
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ChangeCase:
    verb: ClassVar[str] = "case"
    columns: tuple[str, ...]
    upper: bool


@dataclass(frozen=True)
class MapValues:
    verb: ClassVar[str] = "map"
    column: str
    into: str
    values: tuple[tuple[CellValue, CellValue | None], ...]
    others: Others


@dataclass(frozen=True)
class Fill:
    """Empty cells get a constant: one that is computed from rows would mix several people."""

    verb: ClassVar[str] = "fill"
    column: str
    value: CellValue


@dataclass(frozen=True)
class DropRows:
    """Rows for which a condition of the question language is true are left out."""

    verb: ClassVar[str] = "drop_rows"
    condition: str


@dataclass(frozen=True)
class Deduplicate:
    """Of rows that are alike in all of these columns, one stays. The unit is among the columns."""

    verb: ClassVar[str] = "deduplicate"
    columns: tuple[str, ...]
    last: bool


@dataclass(frozen=True)
class Derive:
    """A new column: an expression of the question language, of one row."""

    verb: ClassVar[str] = "derive"
    into: str
    expression: str


@dataclass(frozen=True)
class Parse:
    """A text column read as the cells of a file are, by the rules of the column that it makes."""

    verb: ClassVar[str] = "parse"
    column: str
    into: str


@dataclass(frozen=True)
class Bands:
    """A number becomes the name of its band."""

    verb: ClassVar[str] = "generalise"
    column: str
    into: str
    edges: tuple[Fraction, ...]


@dataclass(frozen=True)
class FirstCharacters:
    """The beginning of a text: `truncate`, or `generalise` of a code by its first digits."""

    verb: str
    column: str
    into: str
    characters: int


@dataclass(frozen=True)
class CutDate:
    verb: ClassVar[str] = "generalise"
    column: str
    into: str
    to: Cut


@dataclass(frozen=True)
class Pseudonym:
    """HMAC-SHA256 of the normalised value. `shared_as`: datasets of one department that name the same have
    the same pseudonyms; without it a dataset has its own."""

    verb: ClassVar[str] = "pseudonym"
    column: str
    into: str
    shared_as: str = ""


@dataclass(frozen=True)
class Limit:
    """Top and bottom coding: a number beyond a limit becomes the limit."""

    verb: ClassVar[str] = "limit"
    column: str
    low: Fraction | None
    high: Fraction | None


OfOneColumn = MapValues | Parse | Bands | FirstCharacters | CutDate | Pseudonym
"""These make a column of another; `into` is the column itself where it is changed in its place."""
Step = Trim | ChangeCase | Fill | DropRows | Deduplicate | Derive | Limit | OfOneColumn


def written_columns(step: Step) -> tuple[str, ...]:
    """The columns that a step changes or makes."""
    match step:
        case Trim(columns) | ChangeCase(columns):
            return columns
        case Fill(column) | Limit(column):
            return (column,)
        case Derive(into):
            return (into,)
        case MapValues() | Parse() | Bands() | FirstCharacters() | CutDate() | Pseudonym():
            return (step.into,)
    return ()


def names_in(expression: str, names: Iterable[str]) -> list[str]:
    """Those of the names that stand in the text of an expression."""
    return [
        name
        for name in sorted(names)
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expression, re.IGNORECASE)
    ]


def read_columns(step: Step, names: Iterable[str]) -> set[str]:
    """Those of the columns that a step looks at."""
    match step:
        case DropRows(condition):
            return set(names_in(condition, names))
        case Derive(_, expression):
            return set(names_in(expression, names))
        case Trim(columns) | ChangeCase(columns) | Deduplicate(columns):
            return set(columns)
    return {step.column}


def made_column(step: Step) -> str | None:
    """The column that a step makes; None where it changes columns in their places, or rows."""
    match step:
        case Derive(into):
            return into
        case MapValues() | Parse() | Bands() | FirstCharacters() | CutDate() | Pseudonym():
            return step.into if step.into != step.column else None
    return None


def band_labels(edges: tuple[Fraction, ...], *, whole: bool) -> tuple[str, ...]:
    """The names of the bands, the one below the first edge before all others. Whole numbers are named by the
    least and the greatest that a band holds, others by its edges."""
    named = [str(int(edge)) if edge.denominator == 1 else str(float(edge)) for edge in edges]
    labels = [f"<{named[0]}"]
    for place, (low, high) in enumerate(pairwise(edges)):
        if not whole:
            labels.append(f"{named[place]}-<{named[place + 1]}")
        else:
            labels.append(named[place] if high - low == 1 else f"{named[place]}-{int(high) - 1}")
    return (*labels, f"{named[-1]}+")


def digest_of_steps(steps: Sequence[Step]) -> str:
    """SHA-256 of all that the steps say."""
    said = [{"verb": step.verb, **asdict(step)} for step in steps]
    return hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()
