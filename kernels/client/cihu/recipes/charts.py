"""Draws charts from tables that leave: nothing is drawn that the table does not say."""

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cihu.recipes.rules import SUPPRESSED, Withheld


def chart(recipe: Mapping[str, Any], table: pd.DataFrame) -> bytes:
    """A PNG. Suppressed values are gaps."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    for name in (recipe["x"], recipe["y"], recipe["series"]):
        if name is not None and name not in table:
            raise Withheld(
                f"the table of {recipe['of']} has no column {name!r}; it has: {', '.join(map(str, table))}"
            )
    figure, axes = plt.subplots(figsize=(8, 4.5), dpi=100)
    values = table.assign(y=pd.to_numeric(table[recipe["y"]].replace(SUPPRESSED, None), errors="coerce"))
    series = (
        [("", values)] if recipe["series"] is None else list(values.groupby(recipe["series"], sort=False))
    )
    places = {label: place for place, label in enumerate(dict.fromkeys(values[recipe["x"]]))}
    numeric = recipe["form"] == "line" and pd.to_numeric(values[recipe["x"]], errors="coerce").notna().all()
    for number, (name, part) in enumerate(series):
        x = pd.to_numeric(part[recipe["x"]]) if numeric else part[recipe["x"]].map(places)
        if recipe["form"] == "line":
            axes.plot(x, part["y"], marker="o", label=str(name))
        else:
            wide = 0.8 / len(series)
            axes.bar(x + (number - (len(series) - 1) / 2) * wide, part["y"], wide, label=str(name))
    if not numeric:
        axes.set_xticks(list(places.values()), [str(label) for label in places], rotation=30, ha="right")
    axes.set_xlabel(recipe["x"])
    axes.set_ylabel(recipe["y"])
    axes.set_title(recipe["title"])
    if len(series) > 1:
        axes.legend(title=recipe["series"])
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()
