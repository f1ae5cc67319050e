"""What bounding leaves out: estimated privately when a version is published,
and told before and beside an answer.

Chance: the noise is as small as a large epsilon makes it; each bin's error is below its tolerance but
with probability 1e-9.
"""

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from asked_vault import AskedVault
from sandbox.budgets import Account, Level
from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.populations import Population
from sandbox.engines.duckdb import compute
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases.contribution_histogram import (
    ContributionHistogram,
    contribution_histogram,
    measure_contributions,
)
from sandbox.releases.tables import left_out_rows
from story import POLICIES, POLICY, Story

EXACT = POLICY.replace(
    'dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"',
    'dataset_epsilon: "900", grant_epsilon: "800", question_epsilon: "400"',
)
EXACT = EXACT.replace("about_rows: 1000", "about_rows: 5200")


def rows_of(sizes: list[int]) -> bytes:
    lines = [
        f"p{person},north,{1 + row % 3},1,1,n,2026-01-01,true,s"
        for person, size in enumerate(sizes)
        for row in range(size)
    ]
    return ("person,district,year,cost,visits,note,day,smoker,secret\n" + "\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("sizes", "share"),
    [
        ([4] * 300 + [1] * 4000, 0.0),  # all count in full
        ([4] * 300 + [20] * 200, 100 * 200 * 16 / 5200),
        ([1] * 1200 + [40] * 100, 100 * 100 * 36 / 5200),
    ],
)
def test_the_share_that_is_told_holds_the_share_that_is_left_out(
    story: Story, sizes: list[int], share: float
) -> None:
    story.populations["residents"] = Population("residents", Fraction(900), Fraction("1e-6"))
    story.publish(rows_of(sizes), policy=EXACT)
    version = story.repository.current("clinic.visits")
    measure_contributions(story.context, story.principal("lin"), version)
    with story.database.transaction() as tx:
        found = contribution_histogram(tx, version)
    assert found is not None
    assert found.low - 0.1 <= share <= found.high + 0.1


def found_in(story: Story, units: dict[int, int], bins: int) -> ContributionHistogram:
    """What is told where the histogram's bins have so many units, and hardly any noise."""
    version = story.repository.current("clinic.visits")
    row = {"dataset": version.dataset, "number": version.number, "picorho": 1, "scale": 1.0}
    numbers = [units.get(place, 0) * WEIGHT for place in range(bins)]
    with story.database.transaction() as tx:
        tx.execute(insert(left_out_rows).values(**row, units=numbers))
        found = contribution_histogram(tx, version)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("bins", "place"),
    [
        (15 * 4 + 1, 13),  # ends at 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, ... rows
        (15 * 2 + 1, 7),  # as an earlier release bought it: ends at 4, 6, 8, 12, 16, 24, 32, 48, ...
    ],
)
def test_a_share_is_told_as_closely_as_its_bins_allow(story: Story, bins: int, place: int) -> None:
    story.publish(rows_of([1]), policy=EXACT)
    found = found_in(story, {0: 1200, place: 100}, bins)
    share = 100 * 100 * 36 / 5200
    assert found.low <= share <= found.high
    assert found.high - found.low < (0.3 if bins > 31 else 0.6) * share


PLANNED = read_policy(POLICY, schema=POLICIES / "dataset.schema.json")
QUESTIONS = (
    "SELECT COUNT(*) AS n FROM clinic.visits",
    "SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district",
    "SELECT district, year, COUNT(*) AS n FROM clinic.visits GROUP BY district, year",
    "SELECT year, COUNT(*) AS n FROM clinic.visits WHERE smoker GROUP BY year",
    "SELECT smoker, COUNT(*) AS n FROM clinic.visits WHERE visits > 2 GROUP BY smoker",
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["north", "south", "east"]),
            st.integers(1, 3),
            st.integers(0, 10),
            st.booleans(),
        ),
        min_size=1,
        max_size=80,
    ),
    st.sampled_from(QUESTIONS),
)
def test_no_question_leaves_out_more_than_what_units_have_beyond_the_limit(
    rows: list[tuple[int, str, int, int, bool]], sql: str
) -> None:
    """The claim of contribution_histogram.py, on the engine's own integers."""
    version = Version("clinic.visits", 1, PLANNED, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))
    names = {
        "person": [f"p{row[0]}" for row in rows],
        "district": [row[1] for row in rows],
        "year": [row[2] for row in rows],
        "visits": [row[3] for row in rows],
        "smoker": [row[4] for row in rows],
    }
    table = pa.table(
        {
            column.name: pa.array(names.get(column.name, [None] * len(rows)), type=TYPES[column.type.value])
            for column in PLANNED.columns
        }
    )
    scope = Scope(PLANNED)
    plan = make_plan(bind(parse(sql), scope), version, scope)
    [counted] = compute(plan, table).values()
    kept = [
        row
        for row in rows
        if ("smoker GROUP" not in sql or row[4]) and ("visits > 2" not in sql or row[3] > 2)
    ]
    beyond = sum(max(0, size - 4) for size in Counter(row[0] for row in rows).values())
    assert len(kept) - sum(counted) / WEIGHT <= beyond + len(rows) / WEIGHT
    assert sum(counted) <= WEIGHT * len(kept)


RESIDENTS = Account(Level.POPULATION, "residents")
TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def test_it_is_paid_by_dataset_and_population_once_and_by_no_team(asked: AskedVault) -> None:
    asked.dataset()
    before = asked.account(RESIDENTS).spent.picorho
    dataset, grant = asked.dataset(rows=rows_of([4] * 300 + [200] * 100))
    spent = asked.spent(grant)
    assert spent["grant"] == 0
    assert spent["dataset"] == asked.account(RESIDENTS).spent.picorho - before > 0
    kinds = asked.kinds()
    assert kinds[-kinds[::-1].index("left_out.asked") - 1 :].count("left_out.released") == 1
    told = (
        asked.person("wang")
        .send("POST", "/v1/explain", json={"sql": f"SELECT COUNT(*) AS n FROM {dataset}"})
        .json()
    )
    answer = asked.person("wang").answer(f"SELECT COUNT(*) AS n FROM {dataset}")
    for said in (told, answer):
        assert any("beyond the 4 that a person counts in full" in note for note in said["notes"]), said[
            "notes"
        ]
        assert any("每个人全额计入的 4 行" in note for note in said["notes_zh"]), said["notes_zh"]


def test_what_counts_each_person_once_says_nothing_of_rows_left_out(asked: AskedVault) -> None:
    dataset, _ = asked.dataset(rows=rows_of([4] * 300 + [200] * 100))
    for sql, said in (
        (f"SELECT COUNT(DISTINCT person) AS n FROM {dataset}", False),
        (f"SELECT AVG(m) AS m FROM (SELECT person, MAX(visits) AS m FROM {dataset} GROUP BY person)", False),
        (f"SELECT AVG(n) AS m FROM (SELECT person, COUNT(*) AS n FROM {dataset} GROUP BY person)", True),
    ):
        told = asked.person("wang").send("POST", "/v1/explain", json={"sql": sql}).json()
        assert any("beyond the" in note for note in told["notes"]) is said, told["notes"]
