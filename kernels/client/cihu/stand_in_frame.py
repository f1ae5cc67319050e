"""Marks a table of invented rows wherever it is shown, and also what pandas makes of it.

It is a DataFrame in all else. What leaves pandas (a single number, an array, a picture, a
file) carries no mark.
"""

from collections.abc import Callable
from html import escape
from typing import Any

import pandas as pd

from cihu.messages import say
from cihu.rows import read_rows
from cihu.show import number, page


class StandIn(pd.DataFrame):
    """Invented rows. `.attrs["cihu"]` says of which dataset and version."""

    @property
    def _constructor(self) -> Callable[..., "StandIn"]:
        return StandIn

    @property
    def _constructor_sliced(self) -> Callable[..., "StandInColumn"]:
        return StandInColumn

    @property
    def dtypes(self) -> Any:
        return pd.Series(super().dtypes)  # types are not invented

    def describe(self, *how: Any, **more: Any) -> "StandIn":  # type: ignore[misc]  # nothing of pandas' own relies on it
        made = StandIn(super().describe(*how, **more))
        made.attrs = self.attrs
        return made

    def __repr__(self) -> str:
        return f"{banner(self)}\n{super().__repr__()}"

    def _repr_html_(self) -> str | None:
        shown = super()._repr_html_()  # type: ignore[misc]  # the stubs do not know it
        return None if shown is None else page(f'<div class="unreal">{escape(banner(self))}</div>') + shown


class StandInColumn(pd.Series):
    """A column of invented rows, or what was made of it."""

    @property
    def _constructor(self) -> Callable[..., "StandInColumn"]:
        return StandInColumn

    @property
    def _constructor_expanddim(self) -> Callable[..., StandIn]:
        return StandIn

    def describe(self, *how: Any, **more: Any) -> "StandInColumn":  # type: ignore[misc]  # as above
        made = StandInColumn(super().describe(*how, **more))
        made.attrs = self.attrs
        return made

    def value_counts(self, *how: Any, **more: Any) -> "StandInColumn":
        made = StandInColumn(super().value_counts(*how, **more))
        made.attrs = self.attrs
        return made

    def __repr__(self) -> str:
        return f"{banner(self)}\n{super().__repr__()}"


def unreal(body: bytes) -> StandIn:
    """The vault's stand-in rows (Parquet) as a DataFrame that says what it is."""
    rows = read_rows(body)
    made = StandIn(rows)
    made.attrs = rows.attrs
    return made


def banner(shown: pd.DataFrame | StandInColumn) -> str:
    said = shown.attrs.get("cihu")
    if not said:
        return say("unreal_something")
    of = f" ({said['dataset']}@{said['version']})"
    return (
        say("unreal_dp", of=of, epsilon=number(said["epsilon"]))
        if said["stand_in"] == "dp"
        else say("unreal", of=of)
    )
