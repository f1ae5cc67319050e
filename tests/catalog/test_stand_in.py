"""Stand-in rows: within the policy, of the raw rows' schema, the same for everybody,
and never made of a row."""

import io
import itertools
from datetime import UTC, datetime
from fractions import Fraction

import pyarrow.compute
import pyarrow.parquet
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sandbox.catalog.model import Bounds, Column, DatasetPolicy, Role, Type, Version, Words
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.stand_in import MOST_ROWS, mark, marked_parquet, stand_in
from sandbox.privacy import PrivacyUnit
from story import POLICIES, POLICY, VERSION, Story, rows_csv

WORDS = Words("名", "name")
STEPS = [Fraction(1), Fraction(1, 10), Fraction(1, 50), Fraction(1, 10**6)]
KEYS = {
    Type.INTEGER: st.integers(-(2**40), 2**40),
    Type.TEXT: st.text("ab 东'\"", max_size=5),
    Type.BOOLEAN: st.booleans(),
}
COMMITTED = sorted((POLICIES / "datasets").glob("*.yaml"))


def version_of(policy: DatasetPolicy, number: int = 1) -> Version:
    return Version(policy.dataset, number, policy, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    role = draw(st.sampled_from([Role.KEY, Role.MEASURE, Role.ATTRIBUTE, Role.HIDDEN]))
    required = draw(st.booleans())
    if role is Role.KEY:
        kind = draw(st.sampled_from([Type.INTEGER, Type.TEXT, Type.BOOLEAN]))
        listed = draw(st.lists(KEYS[kind], min_size=1, max_size=20, unique=True))
        return Column(name, role, kind, WORDS, "3", values=tuple(listed), required=required)
    if role is Role.MEASURE:
        kind = draw(st.sampled_from([Type.INTEGER, Type.NUMBER]))
        step = Fraction(1) if kind is Type.INTEGER else draw(st.sampled_from(STEPS))
        low = draw(st.integers(-(2**40), 2**40 - 1))
        high = draw(st.integers(low + 1, 2**40))
        return Column(
            name, role, kind, WORDS, "3", bounds=Bounds(low * step, high * step, step), required=required
        )
    return Column(name, role, draw(st.sampled_from(list(Type))), WORDS, "3", required=required)


@st.composite
def policies(draw: st.DrawFn) -> DatasetPolicy:
    made = [draw(columns(f"c{at}")) for at in range(draw(st.integers(1, 5)))]
    unit = None
    if draw(st.booleans()):
        unit = PrivacyUnit("who", "person", draw(st.sampled_from([1, 2, 5, 40, 100_000])))
        kind = draw(st.sampled_from([Type.INTEGER, Type.TEXT]))
        made.insert(draw(st.integers(0, len(made))), Column("who", Role.UNIT, kind, WORDS, "4"))
    return DatasetPolicy(
        "a.b",
        WORDS,
        WORDS,
        "health",
        "3" if unit else "1",
        "",
        "",
        "",
        "",
        draw(st.sampled_from([0, 1, 7, 900, 10**9])),
        "residents" if unit else "",
        unit,
        None,
        tuple(made),
    )


@settings(deadline=None)  # the first table takes longer: pyarrow wakes up
@given(policies())
def test_every_value_is_within_the_policy(policy: DatasetPolicy) -> None:
    assume(any(column.role is not Role.HIDDEN for column in policy.columns))
    table = stand_in(version_of(policy))
    assert table.num_rows == min(policy.about_rows or 1_000, MOST_ROWS)
    assert table.column_names == [column.name for column in policy.columns if column.role is not Role.HIDDEN]
    for column in policy.columns:
        if column.role is Role.HIDDEN:
            continue
        values = table[column.name].to_pylist()
        present = {value for value in values if value is not None}
        if column.required or column.role is Role.UNIT:
            assert None not in values
        elif table.num_rows >= 900:
            assert 0 < values.count(None) < table.num_rows / 5, "some are empty, as they may be"
        if column.values:
            assert present <= set(column.values)
        if column.bounds:
            bounds = column.bounds
            for value in present:
                on_grid = round(Fraction(value) / bounds.step) * bounds.step
                assert bounds.low <= on_grid <= bounds.high
                assert value == float(on_grid), "the float nearest to a point of the grid"


@settings(deadline=None)
@given(policies())
def test_units_are_sorted_invented_and_have_no_more_rows_than_count(policy: DatasetPolicy) -> None:
    if policy.unit is None:
        return
    units = stand_in(version_of(policy))["who"].to_pylist()
    assert units == sorted(units)
    assert all(
        unit < 0 if isinstance(unit, int) else unit.startswith("stand-in-residents-") for unit in units
    )
    sizes = [len(list(rows)) for _, rows in itertools.groupby(units)]
    assert max(sizes) <= policy.unit.max_rows
    if policy.unit.max_rows > 1 and len(units) >= 900:
        assert max(sizes) > 1 and sizes.count(1) > len(sizes) / 5, "many have one row, some have several"


def test_the_same_version_gives_the_same_rows_and_the_next_one_others() -> None:
    first = stand_in(VERSION)
    assert stand_in(VERSION).equals(first)
    assert not stand_in(version_of(VERSION.policy, 2)).equals(first)


@pytest.mark.parametrize("rows", [rows_csv(), rows_csv(3, seed=8)], ids=["300 people", "3 other people"])
def test_rows_in_the_vault_change_nothing(story: Story, rows: bytes) -> None:
    """What is made in a city with rows is what anybody makes of the policy's text alone,
    whatever the rows are."""
    story.publish(rows)
    assert stand_in(story.repository.current("clinic.visits")).equals(stand_in(VERSION))


@pytest.mark.parametrize(
    "text",
    [POLICY, *[file.read_text("utf-8") for file in COMMITTED]],
    ids=["clinic.visits", *[file.stem for file in COMMITTED]],
)
def test_the_file_has_the_schema_of_the_raw_one(story: Story, text: str) -> None:
    """Published as a dataset itself, the stand-in's file gets back the same schema, Arrow's and Parquet's."""
    policy = read_policy(text, schema=POLICIES / "dataset.schema.json")
    made = stand_in(version_of(policy))
    body = marked_parquet(made, mark(version_of(policy)))
    whole = made
    for column in policy.columns:
        if column.role is Role.HIDDEN:
            whole = whole.append_column(column.name, pyarrow.nulls(made.num_rows))
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(whole, buffer)
    publish_as(story, "lin" if policy.department == "health" else "zhou", buffer.getvalue(), text)
    version = story.repository.current(policy.dataset)
    raw = pyarrow.parquet.read_table(io.BytesIO(story.store.get(version.object_name, version.object_version)))
    shown = raw.select(made.column_names)
    # a dataset's ids are normalised
    if policy.unit and made.schema.field(policy.unit.column).type == pyarrow.string():
        place = made.column_names.index(policy.unit.column)
        made = made.set_column(
            place, made.schema.field(place), pyarrow.compute.utf8_upper(made.column(place))
        )
    assert shown.schema.equals(made.schema) and shown.equals(made)
    plain = io.BytesIO()
    pyarrow.parquet.write_table(shown, plain, store_schema=False)
    assert pyarrow.parquet.ParquetFile(io.BytesIO(body)).schema.equals(
        pyarrow.parquet.ParquetFile(plain).schema
    )


def publish_as(story: Story, who: str, body: bytes, text: str) -> None:
    from sandbox.catalog.publish import publish

    publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal(who),
        policy_text=text,
        body=body,
        opening=None,
    )


def units_of(text: str) -> set[str]:
    return set(
        stand_in(version_of(read_policy(text, schema=POLICIES / "dataset.schema.json")))["person"].to_pylist()
    )


def test_datasets_of_one_population_join_and_those_of_two_do_not() -> None:
    here = units_of(POLICY)
    beside = units_of(POLICY.replace("clinic.visits", "clinic.bills"))
    assert here != beside and len(here & beside) > len(here) / 2
    assert not here & units_of(POLICY.replace("population: residents", "population: firms"))


def test_each_row_of_the_file_and_the_file_itself_say_that_they_are_invented() -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(marked_parquet(stand_in(VERSION), mark(VERSION))))
    said = table.schema.metadata[b"cihu"].decode()
    assert '"stand_in": "schema"' in said and '"clinic.visits"' in said and "secret" not in said
