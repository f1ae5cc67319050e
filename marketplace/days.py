"""Defines a day that somebody sends: near enough to be reckoned with."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator

LAST_YEAR = 2199


def near(day: date) -> date:
    """Raises `ValueError` for a day beyond every contract, from which no other could be reckoned."""
    if day.year > LAST_YEAR:
        raise ValueError(f"the year is after {LAST_YEAR}")
    return day


Day = Annotated[date, AfterValidator(near)]
