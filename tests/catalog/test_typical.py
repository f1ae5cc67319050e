"""Typical values: invented rows follow what the officer knows, faults stand at their line, all else stays."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.stand_in import mark, stand_in
from sandbox.catalog.typical import Relation, Typical, followed_order
from sandbox.catalog.typical_values import numbers_at
from sandbox.drafts.edit_policy import edited
from sandbox.drafts.preview_steps import invented_rows
from sandbox.errors import InvalidInput
from story import POLICIES, POLICY

SCHEMA = POLICIES / "dataset.schema.json"
KNOWN = (
    (
        "district: {role: key,",
        "district: {typical: {shares: {north: 0.7, east: 0.1}, constant: true, "
        "known_from: census}, role: key,",
    ),
    (
        "cost: {role: measure,",
        "cost: {typical: {median: 20, mean: 30, quantiles: [[0.9, 60]], empty: 0.2, "
        "known_from: yearbook}, role: measure,",
    ),
    ("visits: {role: measure,", "visits: {typical: {mean: 2, known_from: yearbook}, role: measure,"),
    (
        "day: {role: attribute,",
        'day: {typical: {lowest: "2024-01-01", highest: "2024-12-31", '
        "known_from: office hours}, role: attribute,",
    ),
    (
        "smoker: {role: attribute,",
        'smoker: {typical: {shares: {"true": 0.25}, empty: 0, known_from: survey}, role: attribute,',
    ),
)
RELATIONS = (
    "typical:\n"
    "  - {column: visits, on: cost, rank_correlation: 0.7, known_from: yearbook}\n"
    "  - {column: cost, on: district, medians: {north: 10, south: 40}, known_from: yearbook}\n"
)


def policy_text(*changes: tuple[str, str], end: str = "") -> str:
    text = POLICY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text + end


def version_of(text: str) -> Version:
    policy = replace(read_policy(text, schema=SCHEMA), about_rows=8000)
    return Version(policy.dataset, 1, policy, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))


def test_invented_rows_follow_what_the_officer_knows() -> None:
    version = version_of(policy_text(*KNOWN, end=RELATIONS))
    rows = stand_in(version).to_pandas()
    shares = rows["district"].value_counts(normalize=True)
    assert shares["north"] == pytest.approx(0.7, abs=0.04) and shares["south"] == pytest.approx(0.2, abs=0.04)
    of_person = rows.dropna(subset=["district"]).drop_duplicates(["person", "district"])
    assert not of_person["person"].duplicated().any(), "constant in a person's rows"
    assert rows["cost"].isna().mean() == pytest.approx(0.2, abs=0.02)
    medians = rows.groupby("district")["cost"].median()
    assert medians["north"] == pytest.approx(10, abs=1) and medians["south"] == pytest.approx(40, abs=5)
    assert medians["east"] == pytest.approx(20, abs=3), "what the relation does not name stays as usual"
    assert rows["visits"].mean() == pytest.approx(2, abs=0.1)
    ranked = rows[rows["district"] == "north"].dropna(subset=["cost"])
    rank_correlation = ranked["cost"].corr(ranked["visits"], method="spearman")
    assert rank_correlation == pytest.approx(0.7, abs=0.1), "whole numbers of visits tie"
    days = pd.to_datetime(rows["day"].dropna())
    assert days.min() >= pd.Timestamp("2024-01-01") and days.max() <= pd.Timestamp("2024-12-31")
    assert rows["smoker"].mean() == pytest.approx(0.25, abs=0.02) and rows["smoker"].notna().all()


def test_without_a_relation_the_quantiles_and_the_mean_come_out() -> None:
    rows = stand_in(version_of(policy_text(*KNOWN))).to_pandas()
    assert rows["cost"].mean() == pytest.approx(30, abs=1)
    assert rows["cost"].quantile([0.5, 0.9]).tolist() == pytest.approx([20, 60], abs=1.5)
    assert ((rows["cost"].dropna() * 2) % 1 == 0).all() and rows["cost"].dropna().between(0, 100).all()


def test_what_the_officer_does_not_state_is_invented_as_before_and_the_file_says_what_follows() -> None:
    before, after = version_of(POLICY), version_of(policy_text(*KNOWN[1:2]))
    plain, known = stand_in(before), stand_in(after)
    for name in plain.column_names:
        assert plain[name].equals(known[name]) == (name != "cost"), name
    assert "typical" not in mark(before) and mark(after)["typical"] == ["cost"]
    assert "typical" not in mark(after, stand_in="dp"), "bought rows follow counts"


def test_a_draft_takes_typical_values_by_path_and_its_preview_follows_them() -> None:
    text = edited(POLICY, {"columns.cost.typical": {"median": 90, "known_from": "own knowledge"}})
    policy = read_policy(text, schema=SCHEMA)
    assert policy.columns[3].typical is not None and "typical: {median: 90" in text
    rows = invented_rows(policy, "lin", 1000).to_pandas()
    assert rows["cost"].median() > 80
    assert "typical" not in edited(text, {"columns.cost.typical": None})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cost: {role", "cost: {typical: {median: 120, known_from: a}, role", "ascend"),
        ("cost: {role", "cost: {typical: {lowest: -5, median: 1, known_from: a}, role", "outside the bounds"),
        ("cost: {role", "cost: {typical: {median: 20, mean: 90, known_from: a}, role", "between 15 and 55"),
        ("cost: {role", "cost: {typical: {quantiles: [[0.5, 20], [0.5, 30]], known_from: a}, role", "ascend"),
        ("cost: {role", "cost: {typical: {median: high, known_from: a}, role", "not of type number"),
        ("cost: {role", "cost: {typical: {median: 20}, role", "known_from"),
        ("visits: {role", "visits: {typical: {empty: 0.1, known_from: a}, role", "required"),
        ("district: {role", "district: {typical: {median: 1, known_from: a}, role", "shares"),
        ("district: {role", "district: {typical: {shares: {west: 0.1}, known_from: a}, role", "none of"),
        (
            "district: {role",
            "district: {typical: {shares: {north: 0.7, east: 0.7}, known_from: a}, role",
            "1.4",
        ),
        ("note: {role", "note: {typical: {mean: 1, known_from: a}, role", "numbers and dates"),
        ("day: {role", "day: {typical: {median: 5, known_from: a}, role", "not of type date"),
        (
            "day: {role",
            'day: {typical: {lowest: "2024-13-01", highest: "2025-01-01", known_from: a}, role',
            "2024-13-01",
        ),
        ("secret: {role", "secret: {typical: {empty: 1, known_from: a}, role", "hidden"),
    ],
)
def test_what_cannot_be_is_told_with_its_line_and_a_remedy(old: str, new: str, says: str) -> None:
    text = policy_text((old, new))
    with pytest.raises(InvalidInput) as fault:
        read_policy(text, schema=SCHEMA)
    line = next(at for at, each in enumerate(text.splitlines(), start=1) if "typical" in each)
    assert f"line {line}" in fault.value.message and says in fault.value.message + fault.value.remedy
    assert fault.value.remedy


@pytest.mark.parametrize(
    ("relation", "says"),
    [
        ("{column: cost, on: nothing, rank_correlation: 0.5, known_from: a}", "no column"),
        ("{column: cost, on: year, rank_correlation: 0.5, known_from: a}", "medians"),
        ("{column: note, on: cost, rank_correlation: 0.5, known_from: a}", "median, a mean"),
        ("{column: cost, on: year, medians: {'9': 5}, known_from: a}", "none of the values"),
        ("{column: cost, on: year, medians: {'1': 500}, known_from: a}", "outside"),
    ],
)
def test_a_relation_that_cannot_be_is_told_too(relation: str, says: str) -> None:
    with pytest.raises(InvalidInput) as fault:
        read_policy(policy_text(KNOWN[1], end=f"typical:\n  - {relation}\n"), schema=SCHEMA)
    assert "line" in fault.value.message and says in fault.value.message + fault.value.remedy


def test_columns_that_follow_each_other_in_a_circle_are_refused() -> None:
    circle = "typical:\n" + "".join(
        f"  - {{column: {a}, on: {b}, rank_correlation: 0.5, known_from: a}}\n"
        for a, b in (("cost", "visits"), ("visits", "cost"))
    )
    with pytest.raises(InvalidInput, match="in the end"):
        read_policy(policy_text(*KNOWN[1:3], end=circle), schema=SCHEMA)
    chain = [Relation("c", "b", "x"), Relation("b", "a", "x")]
    assert followed_order(chain) == ["b", "c"]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0, 100)), max_size=5, unique_by=lambda each: each[0]),
    st.floats(0.1, 50),
)
def test_values_stay_between_the_ends_and_ascend_with_their_ranks(
    inner: list[tuple[float, float]], thinning: float
) -> None:
    shares, values = sorted(share for share, _ in inner), sorted(value for _, value in inner)
    points = ((0.0, 0.0), *zip(shares, values, strict=True), (1.0, 100.0))
    drawn = numbers_at(Typical("a", points, thinning), np.linspace(0, 1, 200))
    assert (np.diff(drawn) >= -1e-9).all() and drawn[0] >= 0 and drawn[-1] == pytest.approx(100)


def test_the_epoch_of_dates_is_that_of_arrow() -> None:
    text = policy_text(
        ("day: {role", 'day: {typical: {lowest: "2024-02-29", highest: "2024-03-01", known_from: a}, role')
    )
    assert set(stand_in(version_of(text))["day"].drop_null().to_pylist()) == {
        date(2024, 2, 29),
        date(2024, 3, 1),
    }
