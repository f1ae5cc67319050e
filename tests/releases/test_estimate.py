"""The intervals hold the truth as often as they say:
of counts, sums, averages, variances, quantiles and what is made of them."""

import json
import random
from fractions import Fraction
from math import sqrt

import duckdb
import numpy as np
import pytest

from false_alarms import at_least, at_most
from sandbox.catalog.model import Bounds
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.plan.plan import Plan, Total, TotalKind
from sandbox.queries.plan.price import gaussian
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.estimate import Estimate, Noisy, estimate
from sandbox.releases.answer.estimate_columns import Cells, estimate_all
from sandbox.releases.answer.estimate_columns import _errors as errors_of_column
from sandbox.releases.answer.quantile import Histogram, quantile_interval, quantile_value
from story import DATASET, VERSION

TRIES = 2000
LEAST, MOST = at_least(TRIES, 0.95, 4) / TRIES, at_most(TRIES, 0.95, 4) / TRIES


def plan(sql: str) -> Plan:
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


def estimates(sql: str, exact: dict[str, list[int]], scale: float, tries: int = TRIES) -> list[Estimate]:
    """The first output, again and again, with OpenDP's own noise on the exact totals (by name,
    in whole steps of 1/1024)."""
    made = plan(sql)
    drawn = {
        total: [
            [int(value) for value in gaussian(scale_of(total, scale))(exact[total.name])]
            for _ in range(tries)
        ]
        for total in made.totals
    }
    return [
        estimate(
            made.outputs[0],
            made.parts,
            {total: Noisy(tuple(drawn[total][time]), scale_of(total, scale)) for total in made.totals},
            {},
        )
        for time in range(tries)
    ]


def scale_of(total: Total, scale: float) -> float:
    """`scale` for a count; for other totals as much more as one unit can move them more."""
    return scale * total.sensitivity / (1024 * 4)


def covered(found: list[Estimate], truth: float) -> float:
    assert all(one.low is not None and one.high is not None for one in found if one.value is not None)
    return sum(
        one.low <= truth <= one.high for one in found if one.low is not None and one.high is not None
    ) / len(found)


def test_counts_and_sums_are_covered_as_often_as_they_say() -> None:
    assert (
        LEAST
        <= covered(estimates("SELECT COUNT(*) FROM clinic.visits", {"rows:": [37 * 1024]}, 9000.0), 37)
        <= MOST
    )
    # 20 rows around the centre, 50
    sums = estimates(
        "SELECT SUM(cost) FROM clinic.visits",
        {"centred:cost": [(1234 - 20 * 100) * 1024], "present:cost": [20 * 1024]},
        450.0,
    )
    assert LEAST <= covered(sums, 617) <= MOST


@pytest.mark.parametrize(("rows", "mean"), [(400, 30.0), (40, 55.0), (12, 80.0)])
def test_averages_are_covered_even_where_the_noise_is_as_large_as_the_count(rows: int, mean: float) -> None:
    """Where the average is withheld its interval is the bounds, which always hold:
    so coverage is at least what is said."""
    exact = {"centred:cost": [round((mean - 50) / 0.5) * rows * 1024], "present:cost": [rows * 1024]}
    assert covered(estimates("SELECT AVG(cost) FROM clinic.visits", exact, 4.0 * 1024), mean) >= LEAST


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 700.0), (100.0, 700.0), (3.0, 2500.0), (98.0, 2500.0)])
def test_an_average_at_its_bound_has_an_error_all_the_same(mean: float, scale: float) -> None:
    """What the noise took out of the bounds is told as the bound;
    the noise is still there, so zero would be a lie."""
    exact = {"centred:cost": [round((mean - 50) / 0.5) * 60 * 1024], "present:cost": [60 * 1024]}
    found = estimates("SELECT AVG(cost) FROM clinic.visits", exact, scale)
    at_bound = [one for one in found if one.value in (0.0, 100.0)]
    assert len(at_bound) > 100
    for one in at_bound:
        assert one.standard_error and one.low is not None and one.high is not None
        assert 0 <= one.low <= one.value <= one.high <= 100 and one.high - one.low > 1.9 * one.standard_error
    assert covered(found, mean) >= LEAST


def test_a_variance_that_noise_took_below_zero_is_never_told_as_certain() -> None:
    exact = exact_totals("SELECT VAR_POP(cost) FROM clinic.visits", [50.0] * 90)
    found = estimates("SELECT VAR_POP(cost) FROM clinic.visits", exact, 5000.0)
    assert sum(one.value == 0 for one in found) > 100
    assert all(one.standard_error for one in found if one.value is not None)


def test_an_average_over_a_count_that_may_be_zero_is_withheld_and_says_why() -> None:
    answer = estimates(
        "SELECT AVG(cost) FROM clinic.visits", {"centred:cost": [0], "present:cost": [0]}, 4096.0, 50
    )
    withheld = [one for one in answer if one.value is None]
    assert withheld and all(
        "too noisy" in one.note and "噪声过大" in one.note_zh and (one.low, one.high) == (0.0, 100.0)
        for one in withheld
    )


def of_nobody(output: str) -> Estimate:
    """What is said of a group whose every noisy total is 0: too noisy for an average."""
    made = plan(f"SELECT {output} FROM clinic.visits")
    zeros = {total: Noisy((0,) * total.bins, scale_of(total, 4096.0)) for total in made.totals}
    return estimate(made.outputs[0], made.parts, zeros, {})


@pytest.mark.parametrize(
    "output",
    [
        "COALESCE(AVG(cost), 0)",
        "COALESCE(AVG(cost), COUNT(*))",
        "CASE WHEN AVG(cost) IS NULL THEN 1 ELSE 0 END",
        "CASE WHEN AVG(cost) IS NOT NULL THEN 'yes' ELSE 'no' END",
        "CASE WHEN AVG(cost) > 5 THEN 'dear' ELSE 'cheap' END",
        "CASE WHEN COUNT(*) > 1000 THEN 1 WHEN AVG(cost) > 5 THEN 2 ELSE 3 END",
        "NULLIF(COUNT(*), AVG(cost))",
        "ROUND(COALESCE(AVG(cost), 1)) + 1",
    ],
)
def test_what_is_withheld_is_not_an_empty_value(output: str) -> None:
    said = of_nobody(output)
    assert (said.value, said.low, said.high) == (None, None, None)
    assert "too noisy" in said.note and "噪声过大" in said.note_zh


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ("COALESCE(COUNT(*), AVG(cost))", 0),
        ("CASE WHEN COUNT(*) < 1000 THEN 'few' WHEN AVG(cost) > 5 THEN 'dear' ELSE 'cheap' END", "few"),
        ("CASE WHEN COUNT(*) > 1000 THEN AVG(cost) ELSE 7 END", 7),
    ],
)
def test_a_branch_that_is_not_taken_withholds_nothing(output: str, value: object) -> None:
    assert of_nobody(output).value == value


def test_the_least_and_the_most_are_told_where_the_noise_hides_nothing() -> None:
    exact = exact_totals("SELECT MAX(cost) FROM clinic.visits", [50.0] * 90)
    found = estimates("SELECT MAX(cost) FROM clinic.visits", exact, 1.0, 20)
    assert {(one.value, one.low, one.high, one.note) for one in found} == {(50.0, 49.75, 50.25, "")}


def exact_totals(sql: str, values: list[float]) -> dict[str, list[int]]:
    """What the plan's totals would be for rows of one column `cost` (all there),
    each with its full weight."""
    found = {}
    for total in plan(sql).totals:
        bounds = total.bounds
        if total.kind is TotalKind.BINS:
            assert bounds is not None
            fine = max(other.bins for other in plan(sql).totals)
            steps = [round((value - float(bounds.low)) / float(bounds.step)) for value in values]
            places = [step * fine // (int((bounds.high - bounds.low) / bounds.step) + 1) for step in steps]
            places = places if total.bins == fine else [place // 32 for place in places]
            found[total.name] = [1024 * places.count(bin) for bin in range(total.bins)]
        elif bounds is None:
            found[total.name] = [1024 * len(values)]
        else:
            squared = "*" in total.name
            measured = [(value - 50) ** 2 if squared else value for value in values]
            zero = 0.0 if total.kind is TotalKind.SUM else float(bounds.centre)
            found[total.name] = [1024 * sum(round((value - zero) / float(bounds.step)) for value in measured)]
    return found


@pytest.mark.parametrize(
    ("sql", "truth"),
    [
        (
            "SELECT VAR_POP(cost) FROM clinic.visits",
            lambda x: sum((v - sum(x) / len(x)) ** 2 for v in x) / len(x),
        ),
        (
            "SELECT STDDEV(cost) FROM clinic.visits",
            lambda x: sqrt(sum((v - sum(x) / len(x)) ** 2 for v in x) / (len(x) - 1)),
        ),
        ("SELECT SUM(cost) / COUNT(*) FROM clinic.visits", lambda x: sum(x) / len(x)),
        (
            "SELECT 2 * AVG(cost) - COUNT(cost) / 10 FROM clinic.visits",
            lambda x: 2 * sum(x) / len(x) - len(x) / 10,
        ),
        ("SELECT MEDIAN(cost) FROM clinic.visits", lambda x: sorted(x)[len(x) // 2 - 1]),
        ("SELECT QUANTILE_CONT(cost, 0.9) FROM clinic.visits", lambda x: sorted(x)[len(x) * 9 // 10 - 1]),
    ],
)
def test_what_is_made_of_several_totals_is_covered_at_least_as_often(sql: str, truth: object) -> None:
    chance = random.Random(3)
    values = [min(100.0, max(0.0, round(chance.gauss(40, 15) * 2) / 2)) for _ in range(600)]
    found = estimates(sql, exact_totals(sql, values), 8 * 1024.0, 400)
    shown = [one for one in found if one.value is not None]
    assert len(shown) > 300
    assert callable(truth) and covered(shown, truth(values)) >= at_least(len(shown), 0.95) / len(shown)
    off = [abs(one.value - truth(values)) for one in shown]
    widths = [(one.high - one.low) / 2 for one in shown if one.high is not None and one.low is not None]
    assert sum(off) / len(off) > 0.1 * sum(widths) / len(widths), (
        "an interval that always holds by far says nothing"
    )


def test_a_column_says_of_each_cell_what_is_said_of_it_alone() -> None:
    chance = random.Random(7)
    made = plan(
        "SELECT district, year, COUNT(*) AS a, SUM(cost) AS b, AVG(cost) AS c, AVG(visits) AS d, "
        "COUNT(DISTINCT person) AS e, SUM(visits) / COUNT(visits) AS f FROM clinic.visits "
        "GROUP BY district, year"
    )
    released = {
        total.name: (
            scale := chance.choice([900.0, 40_960.5]),
            [
                round(chance.gauss(0, scale) + chance.choice([0, 3, 10**6, -(10**4), 2**62]))
                for _ in range(made.cells)
            ],
        )
        for total in made.totals
    }
    cells = Cells(made, released)
    withheld = 0
    for output in made.outputs:
        if output.aggregates:
            column = estimate_all(output, cells)
            for place, cell in enumerate(cells.totals):
                alone, error = estimate(output, made.parts, cell, cells.keys(place)), column.errors[place]
                for one, other in (
                    (column.values[place], alone.value),
                    (error["standard_error"], alone.standard_error),
                    (error["low"], alone.low),
                    (error["high"], alone.high),
                ):
                    assert one == (None if other is None else pytest.approx(other, rel=1e-9))
                assert error.get("note", "") == alone.note
                withheld += alone.value is None
    assert withheld  # or nothing was seen of those


def test_an_end_that_bounding_may_have_moved_without_limit_is_not_stated() -> None:
    """JSON has no infinity: such an answer could be paid for and never be sent."""
    error, low, high = np.full(3, 2.0), np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0])
    moved = np.array([1.0, 1.0, -np.inf]), np.array([5.0, np.inf, 8.0])
    near, above, below = errors_of_column(error, low, high, moved)
    assert near == {"standard_error": 2.0, "low": 1.0, "high": 5.0}
    for far, least, most in ((above, 2.0, 6.0), (below, 3.0, 7.0)):
        assert (far["standard_error"], far["low"], far["high"]) == (None, None, None)
        assert "more than can be told" in far["note"]
        assert far["noise"] == {"standard_error": 2.0, "low": least, "high": most}
    json.dumps([near, above, below], allow_nan=False)


def test_a_quantile_between_rows_of_few_values_lies_in_its_interval() -> None:
    """However little noise there is: QUANTILE_CONT lies between two rows, and QUANTILE_DISC is one."""
    chance, missed, cells = random.Random(2), 0, 0
    bounds = Bounds(Fraction(0), Fraction(90), Fraction(1))
    with duckdb.connect() as engine:
        for _ in range(300):
            rows = [chance.choice((0, 1, 2, 9, 10, 50, 89, 90)) for _ in range(chance.randint(1, 8))]
            q, scale = chance.choice((0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 0.99)), chance.choice((0.001, 5.0))
            fine = tuple(WEIGHT * rows.count(value) + chance.gauss(0, scale) for value in range(91))
            coarse = tuple(
                WEIGHT * sum(value // 32 == place for value in rows) + chance.gauss(0, scale)
                for place in range(3)
            )
            histogram = Histogram(bounds, ((coarse, scale), (fine, scale)))
            said = f"SELECT quantile_cont(x, {q}), quantile_disc(x, {q}) FROM (SELECT unnest(?) AS x)"
            between, of_a_row = engine.execute(said, [rows]).fetchall()[0]
            interval = quantile_interval(histogram, q, 1.96)
            missed += not interval.low <= of_a_row <= interval.high
            missed += not interval.low - 1e-9 <= between <= interval.high + 1e-9
            told, off = quantile_value(histogram, q, of_a_row=False), 0.5 + 90 * 6 * scale / WEIGHT
            assert told == pytest.approx(between, abs=off)
            cells += 2
    assert missed <= cells * 0.05, missed


@pytest.mark.parametrize(
    ("output", "value", "word"),
    [
        ("CASE WHEN COUNT(*) > 1000 THEN COUNT(*) END", None, "empty (NULL)"),
        ("CASE WHEN COUNT(*) > 1000 THEN 'many' END", None, "empty (NULL)"),
        ("CASE WHEN COUNT(*) > 0 THEN 'some' END", None, "unsure"),
        ("CASE WHEN COUNT(*) > 1000 THEN 5 ELSE 7 END", 7, ""),
    ],
)
def test_what_is_empty_as_in_sql_is_not_too_noisy(output: str, value: object, word: str) -> None:
    said = of_nobody(output)
    assert said.value == value
    assert word in said.note
