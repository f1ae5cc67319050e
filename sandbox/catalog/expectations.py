"""Defines what an officer expects of every version (`expect:` in the policy).

A rule that is not kept stops the version, or warns the publishing officer. Which rules there are is the
officer's and their department's to know; what they found is in the version's report alone.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Check(StrEnum):
    """What a rule looks at; each is the name of its field in the policy."""

    RULE = "rule"  # a condition that each row keeps
    COMPLETE = "complete"  # a column is filled
    UNIQUE = "unique"  # no two rows have the same values in some columns
    IN_LIST = "in_list"  # a column's values are in a code list
    WITHIN_DAYS = "within_days"  # the newest day of a column is no older than so many days
    ROWS = "rows"  # how many rows there are
    DRIFT = "drift"  # how far a column has moved from the last version


OF_EACH_ROW = frozenset({Check.RULE, Check.COMPLETE, Check.IN_LIST})


@dataclass(frozen=True)
class Expectation:
    """One rule. `at_least` is a share of rows from 0 to 1 (of `rows`: their number); `at_most` is a number of
    rows, of days, or a population stability index. `condition` is SQL about one row."""

    check: Check
    columns: tuple[str, ...] = ()
    condition: str = ""
    code_list: str = ""
    at_least: Fraction | None = None
    at_most: Fraction | None = None
    stops: bool = False
    name_zh: str = ""
    name_en: str = ""

    @property
    def of_each_row(self) -> bool:
        """Whether it is kept wherever each row keeps it, whatever other rows there are."""
        return self.check in OF_EACH_ROW and self.at_least == 1
