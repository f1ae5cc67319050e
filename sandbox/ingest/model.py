"""The types that a column can have, and the rules by which its cells are read."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.ingest.limits import LONGEST_TEXT
from sandbox.ingest.written import PLAIN, Written


class Type(StrEnum):
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"  # of the city's clock, without a zone


class Unfit(StrEnum):
    """What happens to a cell that does not fit its column's type."""

    REFUSE = "refuse"  # the file is refused
    EMPTY = "empty"  # the cell becomes empty
    ROUND = "round"  # half away from zero, to the day, to the microsecond; what cannot be rounded is refused
    DROP = "drop"  # its row is left out


class IdRule(StrEnum):
    """How the unit's ids are normalised, so that one person is one unit however the id was typed."""

    EXACT = "exact"  # as they were written
    NORMALISED = "normalised"  # NFKC, without invisible characters, trimmed, upper case


class Fault(StrEnum):
    """Why a cell does not fit. It is shown to the publishing officer with its count, never with the cell."""

    EMPTY = "empty"
    NOT_A_VALUE = "not a value"  # of the column's type, in any spelling that we read
    NOT_PLAIN = "not plain"  # a number with spaces, a plus sign, separators, other digits or another base
    LEADING_ZEROS = "leading zeros"
    NOT_WHOLE = "not whole"
    NOT_FINITE = "not finite"
    TOO_LARGE = "too large"
    NO_SUCH_DAY = "no such day"
    YEAR = "year"
    TIME_OF_DAY = "time of day"
    ZONE = "zone"
    TOO_FINE = "too fine"
    TOO_LONG = "too long"
    NUL = "nul"
    NOT_UNICODE = "not unicode"


ROUNDED = frozenset({Fault.NOT_WHOLE, Fault.TIME_OF_DAY, Fault.TOO_FINE})
"""The faults that rounding corrects."""


@dataclass(frozen=True)
class FieldRules:
    """How the cells of one column are read.

    `computed`: questions compute with it, so integers are at most `LARGEST_INTEGER`. `empty_marks`: texts
    that stand for an empty cell, beside the empty cell itself; nothing else is taken for missing. `source`:
    the column's label in the file (`header.Header.labels`), "" where its name is missing there; None: it is
    `name`. `written`: the form of its values. `part_of_id`: the column names the unit together with
    others, so a text of nothing visible is empty.
    """

    name: str
    type: Type
    unit: bool = False
    required: bool = False
    computed: bool = True
    empty_marks: frozenset[str] = frozenset()
    unfit: Unfit = Unfit.REFUSE
    longest: int = LONGEST_TEXT
    part_of_id: bool = False
    source: str | None = None
    written: Written = PLAIN

    @property
    def label(self) -> str:
        return self.name if self.source is None else self.source
