"""What recipes leave: the right numbers, and none that few units are behind."""

import io
import zipfile
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from computed_recipes import HEALTH, SUPPRESSED, Made, carried_out, health_table, taxonomy
from sandbox.disclosure.check_file import check_file, check_files
from sandbox.disclosure.finding import Severity

LEAST, BASE = 10, 5
PEOPLE = 900


def table_of(seed: int = 5) -> dict[str, Any]:
    """People with one to five rows, groups of very different sizes, one firm-sized spender, empty cells."""
    chance = np.random.default_rng(seed)
    rows = chance.integers(1, 6, PEOPLE)
    person = np.repeat(np.arange(PEOPLE), rows)
    of = {
        "site": chance.choice([1, 2, 3, 4, 5, 6], PEOPLE, p=[0.5, 0.3, 0.15, 0.03, 0.012, 0.008]),
        "female": chance.integers(0, 2, PEOPLE),
        "health": chance.choice(["excellent", "good", "fair", "poor"], PEOPLE, p=[0.6, 0.3, 0.09, 0.01]),
        "age": np.round(chance.uniform(0, 70, PEOPLE), 1),
    }
    columns = {name: values[person].tolist() for name, values in of.items()}
    visits = chance.poisson(2 + np.array(columns["age"]) / 30)
    spending = np.round(visits * chance.uniform(5, 40, len(person)), 2)
    spending[person == 3] = 500_000.0
    columns |= {
        "person": person.tolist(),
        "year": np.concatenate([np.arange(1, many + 1) for many in rows]).tolist(),
        "doctor_visits": visits.tolist(),
        "spending": spending.tolist(),
        "income": (np.minimum(chance.geometric(0.05, PEOPLE), 200) * 100 + 7)[person].tolist(),
    }
    return columns


def of(kind: str, name: str, parts: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "name": name, "dataset": HEALTH, **parts}


RECIPES: list[dict[str, Any]] = [
    of("table", "averages", {"by": {"site": "site"}, "measures": {"visits": "AVG(doctor_visits)"}}),
    of("table", "totals", {"by": {"site": "site"}, "measures": {"spent": "SUM(spending)"}}),
    of(
        "table",
        "rows",
        {
            "by": {"health": "health"},
            "measures": {"visits": "COUNT(*)", "dear": "COUNT(NULLIF(spending, 0))"},
        },
    ),
    of(
        "table",
        "middles",
        {
            "by": {"site": "site"},
            "measures": {"median_age": "MEDIAN(age)", "p95": "QUANTILE_CONT(age, 0.95)"},
        },
    ),
    of("means", "means", {"by": {"female": "female"}, "columns": {"age": "age", "old": "age >= 65"}}),
    of("crosstab", "cross", {"by": {"site": "site", "health": "health"}}),
    of("crosstab", "found", {"by": {"income": "income"}}),
    of("crosstab", "nobody", {"by": {"site": "site"}, "where": "age > 69.9"}),
    of("regression", "linear", {"formula": "doctor_visits ~ age + C(site) + female:age"}),
    of("regression", "logistic", {"formula": "doctor_visits > 2 ~ age", "family": "logistic"}),
    of("regression", "saturated", {"formula": "doctor_visits ~ C(CAST(age AS INTEGER)):C(year)"}),
    of("regression", "single", {"formula": "spending ~ (age = 12.3)"}),
    of("curve", "roc", {"curve": "roc", "truth": "doctor_visits > 3", "score": "age"}),
    of("curve", "pr", {"curve": "pr", "truth": "doctor_visits > 3", "score": "age"}),
    of("curve", "calibrated", {"curve": "calibration", "truth": "doctor_visits > 3", "score": "age / 70"}),
    of("survival", "survival", {"time": "year", "event": "doctor_visits > 4", "by": {"female": "female"}}),
    of("survival", "few", {"time": "year", "event": "doctor_visits > 4", "where": "site = 6"}),
    of("histogram", "ages", {"column": "age", "width": 0.1}),
    of("histogram", "dear", {"column": "spending", "width": 1000}),
    {"kind": "chart", "name": "bars", "of": "averages", "x": "site", "y": "visits", "title": "就诊次数"},
    {
        "kind": "chart",
        "name": "lines",
        "of": "survival",
        "form": "line",
        "x": "time",
        "y": "survival",
        "series": "female",
    },
    {"kind": "chart", "name": "wrong", "of": "averages", "x": "ward", "y": "visits"},
    of(
        "model",
        "scorer",
        {"model": "linear", "target": "doctor_visits", "features": {"age": "age", "female": "female"}},
    ),
    of(
        "model",
        "chance",
        {"model": "logistic", "target": "doctor_visits > 3", "features": {"age": "age", "female": "female"}},
    ),
    of(
        "regression",
        "cox",
        {"formula": "doctor_visits > 3 ~ age + C(female)", "family": "cox", "time": "year"},
    ),
    of(
        "regression",
        "cox_of_few",
        {"formula": "doctor_visits > 3 ~ (age = 12.3)", "family": "cox", "time": "year"},
    ),
    of(
        "model",
        "tree",
        {"model": "tree", "target": "doctor_visits", "features": {"age": "age", "female": "female"}},
    ),
    of(
        "model",
        "yes_or_no",
        {"model": "tree", "target": "female", "features": {"age": "age", "visits": "doctor_visits"}},
    ),
    {"kind": "text", "name": "readme", "text": "Visits by site, and what they depend on."},
]


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    return table_of()


@pytest.fixture(scope="module")
def made(columns: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Made:
    return carried_out(RECIPES, health_table(columns), tmp_path_factory.mktemp("recipes"))


def people(columns: dict[str, Any], *names: str) -> dict[tuple[Any, ...], set[int]]:
    found: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    for row in zip(columns["person"], *(columns[name] for name in names), strict=True):
        found[row[1:]].add(row[0])
    return found


def digits(units: int) -> float:
    """How far a number of as many digits as so many units justify is off, at most."""
    return 5.1e-4 if units >= 100 else 5.1e-3


def rounded(number: int) -> str:
    return str((2 * number + BASE) // (2 * BASE) * BASE)


def test_averages_are_those_of_the_rows_and_small_groups_are_suppressed(
    made: Made, columns: dict[str, Any]
) -> None:
    units = people(columns, "site")
    small = 0
    for row in made.rows("averages"):
        site = int(row["site"])
        here = [
            visits for visits, at in zip(columns["doctor_visits"], columns["site"], strict=True) if at == site
        ]
        if len(units[site,]) >= LEAST and row["n"] != SUPPRESSED:
            assert float(row["visits"]) == pytest.approx(np.mean(here), rel=digits(len(units[site,])))
            assert row["n"] == rounded(len(units[site,]))
        else:
            assert row["visits"] == row["n"] == SUPPRESSED
            small += 1
    assert small >= 2, "a second cell hides the one that is too small"


def test_a_sum_that_one_unit_makes_is_suppressed(made: Made, columns: dict[str, Any]) -> None:
    home = columns["site"][columns["person"].index(3)]
    shown = {int(row["site"]): row["spent"] for row in made.rows("totals")}
    assert shown[home] == SUPPRESSED
    assert sum(value != SUPPRESSED for value in shown.values()) >= 1


def test_rows_are_counted_and_units_stand_behind_them(made: Made, columns: dict[str, Any]) -> None:
    rows = Counter(columns["health"])
    for row in made.rows("rows"):
        if row["n"] != SUPPRESSED:
            assert row["visits"] == rounded(rows[row["health"]])
    behind = {row["health"]: row["n"] for row in made.counts("rows")}
    assert behind["excellent"] == str(len(people(columns, "health")["excellent",]))


def test_a_quantile_needs_enough_units_beyond_it(made: Made, columns: dict[str, Any]) -> None:
    units = people(columns, "site")
    for row in made.rows("middles"):
        here = len(units[int(row["site"]),])
        assert (row["p95"] != SUPPRESSED) == (here * 0.05 >= LEAST and row["n"] != SUPPRESSED)
        if row["median_age"] != SUPPRESSED:
            assert here / 2 >= LEAST and len(row["median_age"].replace(".", "").lstrip("0")) <= 3


def test_no_cell_of_a_cross_tabulation_follows_from_its_line_and_a_margin(
    made: Made, columns: dict[str, Any]
) -> None:
    cells = {(row["site"], row["health"]): row["n"] for row in made.rows("cross")}
    exact = people(columns, "site", "health")
    assert len(cells) == 24, "every combination of public values stands there"
    for (site, health), shown in cells.items():
        if shown != SUPPRESSED:
            assert len(exact[int(site), health]) >= LEAST and shown == rounded(len(exact[int(site), health]))
    for place in (0, 1):
        for label in {key[place] for key in cells}:
            hidden = [key for key in cells if key[place] == label and cells[key] == SUPPRESSED]
            assert len(hidden) != 1, f"{hidden} follows from the total of {label}"


def test_a_label_that_few_have_is_nowhere(made: Made, columns: dict[str, Any]) -> None:
    """The values of income are in no policy: that one of them is there would tell of those who have it."""
    units = people(columns, "income")
    told = {float(row["income"]) for row in made.rows("found")}
    assert told == {float(income) for (income,), who in units.items() if len(who) >= LEAST}
    assert 5 < len(told) < len(units)


def test_a_filter_for_few_gives_nothing(made: Made) -> None:
    assert "too few" in made.report["nobody"] and "nobody.csv" not in made.files
    assert made.report["single"] and "single.csv" not in made.files
    assert made.report["few"] and "few.csv" not in made.files


def assert_as_its_errors_leave(rows: list[dict[str, str]], exact: Any) -> None:
    """Each estimate to the second digit of its standard error, and no further off than that."""
    for row, value in zip(rows, exact, strict=True):
        assert float(row["estimate"]) == pytest.approx(
            value, rel=digits(PEOPLE), abs=0.051 * float(row["std_error"])
        )
        assert len(row["estimate"].partition(".")[2]) <= len(row["std_error"].partition(".")[2])


def test_a_regression_is_that_of_the_rows_with_small_levels_put_together(
    made: Made, columns: dict[str, Any]
) -> None:
    units = people(columns, "site")
    kept = sorted(site for (site,), who in units.items() if len(who) >= LEAST)
    small = {site for (site,), who in units.items() if len(who) < LEAST}
    assert small
    together = set().union(*(units[site,] for site in small))
    smallest = min(kept, key=lambda site: len(units[site,]))
    merged = "others" if len(together) >= LEAST else f"{smallest} and others"
    name_of = {
        site: merged if site in small or (site == smallest and "and" in merged) else str(site)
        for site in range(1, 7)
    }
    levels = sorted(
        {name_of[site] for site in columns["site"]}, key=lambda name: (not name.isdecimal(), name)
    )
    age, female = np.array(columns["age"], dtype=float), np.array(columns["female"], dtype=float)
    named = np.array([name_of[site] for site in columns["site"]])
    design = np.column_stack(
        [np.ones(len(age)), age, *[named == level for level in levels[1:]], female * age]
    )
    solved = np.linalg.lstsq(design, np.array(columns["doctor_visits"], dtype=float), rcond=None)[0]
    rows = made.rows("linear")
    assert [row["term"] for row in rows] == [
        "intercept",
        "age",
        *[f"C(site)[{level}]" for level in levels[1:]],
        "female:age",
    ]
    assert_as_its_errors_leave(rows, solved)
    assert all(float(row["ci_low"]) < float(row["estimate"]) < float(row["ci_high"]) for row in rows)
    assert {row["n"] for row in rows} == {rounded(PEOPLE)}, "as in every other model of these rows"


def test_standard_errors_allow_for_several_rows_of_a_unit(made: Made, columns: dict[str, Any]) -> None:
    """By the sandwich over units, written out (Liang and Zeger, 1986)."""
    age = np.array(columns["age"], dtype=float)
    design = np.column_stack([np.ones(len(age)), age])
    often = np.array([visits > 2 for visits in columns["doctor_visits"]], dtype=float)
    weights = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        bread = np.linalg.inv(design.T @ (design * (chance * (1 - chance))[:, None]))
        weights = weights + bread @ design.T @ (often - chance)
    scores = design * (often - 1 / (1 + np.exp(-design @ weights)))[:, None]
    person = np.array(columns["person"])
    by_unit = np.array([scores[person == unit].sum(axis=0) for unit in np.unique(person)])
    groups, rows = len(by_unit), len(age)
    factor = groups / (groups - 1) * (rows - 1) / (rows - 2)
    error = np.sqrt(np.diag(bread @ (by_unit.T @ by_unit) @ bread) * factor)
    told = made.rows("logistic")
    assert_as_its_errors_leave(told, weights)
    assert [float(row["std_error"]) for row in told] == pytest.approx(error.tolist(), rel=2e-3)


def test_a_saturated_model_is_not_computed(made: Made) -> None:
    assert "too many" in made.report["saturated"] or "too few" in made.report["saturated"]
    assert not any(name.startswith("saturated") for name in made.files)


def test_every_step_of_a_curve_stands_on_enough_units_of_either_truth(
    made: Made, columns: dict[str, Any]
) -> None:
    first = {}
    for person, visits in zip(columns["person"], columns["doctor_visits"], strict=True):
        first.setdefault(person, visits > 3)
    positives, negatives = sum(first.values()), PEOPLE - sum(first.values())
    before = (0.0, 0.0)
    for row in made.rows("roc"):
        now = float(row["true_positive_rate"]) * positives, float(row["false_positive_rate"]) * negatives
        assert now[0] - before[0] > LEAST - 0.6 and now[1] - before[1] > LEAST - 0.6
        before = now
    assert before == pytest.approx((positives, negatives))
    scores = dict(zip(columns["person"], columns["age"], strict=True))
    pairs = [
        1.0 if scores[one] > scores[other] else 0.5 if scores[one] == scores[other] else 0.0
        for one, so in first.items()
        if so
        for other, not_so in first.items()
        if not not_so
    ]
    assert float(made.rows("roc")[0]["area_under_curve"]) == pytest.approx(np.mean(pairs), rel=digits(PEOPLE))
    assert sum(int(row["n"]) for row in made.counts("roc")) == PEOPLE
    for name in ("pr", "calibrated"):
        assert all(int(row["n"]) >= 2 * LEAST for row in made.counts(name))


def test_a_survival_curve_is_kaplan_and_meiers_at_the_times_that_it_shows(
    made: Made, columns: dict[str, Any]
) -> None:
    seen: dict[int, tuple[float, int, int]] = {}
    for person, year, visits, female in zip(
        columns["person"], columns["year"], columns["doctor_visits"], columns["female"], strict=True
    ):
        before = seen.get(person)
        if before is None or not before[1]:  # its first event ends it
            seen[person] = (year, int(visits > 4), female)
    for female in ("0", "1"):
        group = [(age, event) for age, event, at in seen.values() if str(at) == female]
        for row in made.rows("survival"):
            if row["female"] == female:
                time, part = float(row["time"]), 1.0
                for moment in sorted({age for age, event in group if event and age <= time}):
                    happened = sum(1 for age, event in group if event and age == moment)
                    part *= 1 - happened / sum(1 for age, _ in group if age >= moment)
                assert float(row["survival"]) == pytest.approx(part, rel=digits(int(row["at_risk"])))
        exact = [int(row["n"]) for row in made.counts("survival") if row["female"] == female]
        assert len(exact) >= 3 and min(exact) >= LEAST
        assert all(earlier - later >= LEAST for earlier, later in pairwise(exact))


def test_hazard_ratios_are_coxs_of_the_first_events(made: Made, columns: dict[str, Any]) -> None:
    """Of each person's first event the partial likelihood is greatest where the table says: its slope, by
    Efron's sums written out here, is nought."""
    of_person = dict(zip(columns["person"], zip(columns["age"], columns["female"], strict=True), strict=True))
    first: dict[int, tuple[int, bool]] = {}
    for who, year, visits in sorted(
        zip(columns["person"], columns["year"], columns["doctor_visits"], strict=True)
    ):
        if who not in first or not first[who][1]:
            first[who] = (year, visits > 3)
    people_of = sorted(first)
    x = np.array([of_person[who] for who in people_of], dtype=float)
    time, event = (np.array([first[who][place] for who in people_of]) for place in (0, 1))
    rows = made.rows("cox")
    estimate = np.array([float(row["estimate"]) for row in rows])
    error = np.array([float(row["std_error"]) for row in rows])
    risk = np.exp(x @ estimate)
    slope = x[event].sum(axis=0)
    for moment in np.unique(time[event]):
        there, ended = time >= moment, event & (time == moment)
        many = int(ended.sum())
        for place in range(many):
            weights = risk * there - place / many * risk * ended
            slope = slope - (weights[:, None] * x).sum(axis=0) / weights.sum()
    assert (np.abs(slope) * error < 0.1).all(), "within a tenth of a standard error of the maximum"
    assert [float(row["hazard_ratio"]) for row in rows] == pytest.approx(np.exp(estimate).tolist(), rel=6e-3)
    assert {row["events"] for row in rows} == {rounded(int(event.sum()))}


@pytest.mark.parametrize("name", ["tree", "yes_or_no"])
def test_a_trees_splits_are_plain_numbers_and_its_leaves_have_enough_units(made: Made, name: str) -> None:
    content = made.files[f"{name}.skops"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        held = [np.load(io.BytesIO(archive.read(one))) for one in archive.namelist() if one.endswith(".npy")]
    (nodes,), (values,) = [one for one in held if one.dtype.names], [one for one in held if one.ndim == 3]
    leaf = nodes["left_child"] == -1
    assert 2 <= leaf.sum() <= 16 and (nodes["n_node_samples"][leaf] >= 2 * LEAST).all()
    assert not (nodes["n_node_samples"] % BASE).any()
    for threshold in nodes["threshold"][~leaf]:
        assert len(f"{np.float32(threshold):.6g}".replace(".", "").strip("0")) <= 2, threshold
    if name == "yes_or_no":
        edge = LEAST / nodes["n_node_samples"][leaf] * 0.9
        assert (values[leaf, 0].min(axis=1) >= edge).all()
    checked = check_file(f"{name}.skops", *made.declaration(f"{name}.skops"), taxonomy().at("3"), None)
    assert not [one for one in checked if one.severity is Severity.BLOCKS], checked


def test_bins_have_enough_units_and_the_ends_are_open(made: Made) -> None:
    for name in ("ages", "dear"):
        rows = made.rows(name)
        assert all(int(row["n"]) >= LEAST for row in made.counts(name))
        assert len(rows) == 1 or (
            rows[0]["values"].startswith("below") and rows[-1]["values"].endswith("more")
        )
    assert "500000" not in made.files["dear.csv"].decode()


def test_what_leaves_nothing_says_why(made: Made) -> None:
    assert "'ward'" in made.report["wrong"] and "site" in made.report["wrong"]
    failed = {name for name, why in made.report.items() if why}
    assert failed == {"saturated", "single", "cox_of_few", "few", "wrong", "nobody"}, made.report


OWN = {
    "rows",
    "means",
    "logistic",
    "calibrated",
    "roc",
    "pr",
    "survival",
    "lines",
    "chance",
    "cox",
    "cox_of_few",
}
"""Whose recipes compute, or name two conditions of a column."""


def test_plain_outputs_raise_no_question_and_others_are_asked_about_with_what_is_computed(made: Made) -> None:
    files = {path: made.declaration(path) for path in made.declared if path in made.files}
    assert len(files) == len(RECIPES) - 6
    for path, checked in check_files(files, taxonomy().at("3"), None).items():
        codes = {one.code for one in checked.findings if one.severity is not Severity.NOTES}
        own = made.declared[path].expressions
        assert bool(own) == (path.partition(".")[0] in OWN), (path, own)
        # a picture of what is not plain is asked about as any picture is
        assert codes - {"picture_seen", "model_seen"} == ({"own_expressions"} if own else set()), (
            path,
            codes,
        )
        assert bool(own) or not codes
        asked = next((one for one in checked.findings if one.code == "own_expressions"), None)
        assert asked is None or all(text in asked.message for text in own)
        assert checked.leaves is not None
