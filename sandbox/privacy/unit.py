"""Defines the privacy unit: one whole unit (a person, a household, a firm) is protected, with all its
rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PrivacyUnit:
    """The column that names the unit, and how much of one unit an answer may hold.

    Neighbouring databases differ in all the rows of one unit, added or removed. `max_rows` is how many
    rows of one unit count in full; a unit with more counts in all like that many (see
    `weights.md` in queries).
    """

    column: str
    kind: str
    max_rows: int

    def __post_init__(self) -> None:
        if self.max_rows < 1:
            raise ValueError("max_rows must be at least 1")
