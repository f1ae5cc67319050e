"""A team asks for sums and means of which one person's value follows, and no output by itself shows it.

Source: attack on the review gate with the source open, 2026-12. Each of them passed, and gave the value to
within what four digits leave, before joint leverage was measured for each combination of a person's rows,
from the first output on, and in each view of a function. The last ones are of our own, against that defence.
"""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from computed_recipes import HEALTH, health_table, policy_of, taxonomy, version_of
from sandbox.errors import InvalidInput
from sandbox.jobs.recipes import Recipe, read_recipes
from sandbox.jobs.recipes.expressions import RecipeExpressions
from sandbox.reviews import column_families, joint_influence
from sandbox.reviews.joint_influence import influence_findings

PEOPLE, TARGET, INCOME = 400, 7, 8123
Part = dict[str, Any]


def one_row_each() -> pa.Table:
    """The target alone is above 90, and alone above an income of 5,000."""
    chance = np.random.default_rng(3)
    age = np.clip(np.round(50 + chance.normal(0, 8, PEOPLE)), 18, 79)
    income = np.round(3000 + chance.normal(0, 300, PEOPLE))
    age[TARGET], income[TARGET] = 97, INCOME
    return health_table(
        {
            "person": list(range(PEOPLE)),
            "age": age.tolist(),
            "income": income.tolist(),
            "spending": np.round(50 + chance.normal(0, 5, PEOPLE)).tolist(),
            "chronic": chance.integers(0, 2, PEOPLE).tolist(),
            "doctor_visits": chance.poisson(3, PEOPLE).tolist(),
        }
    )


FEW, MONTHS = 40, 24


def months() -> pa.Table:
    """40 people with 24 rows each: the month is in `doctor_visits`. `income` is another in each row,
    `spending` the same in all rows of a person."""
    chance = np.random.default_rng(3)
    person = np.repeat(np.arange(FEW), MONTHS)
    age = np.round(chance.uniform(20, 80, FEW))
    age[TARGET] = 97
    return health_table(
        {
            "person": person.tolist(),
            "age": age[person].tolist(),
            "income": np.round(3000 + chance.normal(0, 300, len(person))).tolist(),
            "spending": np.round(50 + chance.normal(0, 5, FEW))[person].tolist(),
            "site": (person % 24).tolist(),
            "doctor_visits": np.tile(np.arange(MONTHS), FEW).tolist(),
        }
    )


ROWS, PANEL = one_row_each(), months()


def recipes(*parts: Part, called: str = "now") -> tuple[Recipe, ...]:
    return read_recipes(
        json.dumps(
            [{"name": f"{called}{place}", "dataset": HEALTH} | part for place, part in enumerate(parts)]
        )
    )


def codes(mine: list[Part], earlier: list[Part], rows: pa.Table, grade: str = "3") -> set[str]:
    left = recipes(*earlier, called="left") if earlier else ()
    rules = taxonomy().at(grade).thresholds
    found = influence_findings(recipes(*mine), left, version_of(policy_of()), rows, rules)
    return {finding.code for findings in found.values() for finding in findings}


def average(of: str, **parts: Any) -> Part:
    return {"kind": "table", "measures": {"v": f"AVG({of})"}, **parts}


def fit(formula: str) -> Part:
    return {"kind": "regression", "formula": formula}


BY_MONTH = average("income", by={"month": "doctor_visits"})
WHOLE, CUT = average("income"), average("income", where="age < 90")
KNOWN = "99 + 2 * chronic"
BIT = "age > 90 AND FLOOR(income / 16) % 2 = 1"
ALONE = {
    "a condition": average(f"CASE WHEN age > 90 THEN income ELSE {KNOWN} END"),
    "a value in place of none": average(f"COALESCE(CASE WHEN age > 90 THEN income END, {KNOWN})"),
    "the outcome of a fit": fit(f"CASE WHEN age > 90 THEN income ELSE {KNOWN} END ~ doctor_visits"),
    "the outcome outweighs": fit("CASE WHEN age > 90 THEN 1000000 ELSE chronic END ~ income"),
    "the greatest": average("GREATEST(income, 5000 + 10 * chronic)"),
    "the greatest, less a constant": average("GREATEST(income, 5000 + 10 * chronic) - 4900"),
    "steps of the greatest": average(f"FLOOR(GREATEST(income, 5000) / 2) + {KNOWN}"),
    "what has no other part": average("GREATEST(CASE WHEN age > 90 THEN income END, 50 + chronic)"),
    "a size": average("ABS(income - 5000) + income + chronic"),
    "a root": average("SQRT((income - 5000) * (income - 5000)) + income + chronic"),
    "a root beside a trifle": average("SQRT((income - 5000) * (income - 5000)) + income * 1.000001"),
    "a power": average(f"EXP(LEAST(income / 100 - 55, 30)) + {KNOWN}"),
    "a gentle power": average("EXP(LEAST((age - 97) * 0.14, 0.5))"),
    "a quotient": average(f"1 / (ABS(income - {INCOME - 1}) + 0.5) + chronic / 1000"),
    "a bit": average(f"CASE WHEN {BIT} THEN 1000000 ELSE {KNOWN} END"),
    "a bit in place of none": average(f"COALESCE(CASE WHEN {BIT} THEN 1000000 END, {KNOWN})"),
    "a bit beside the column": average(f"2 * income + (CASE WHEN {BIT} THEN 1000000 ELSE 0 END)"),
    "a condition in a condition": average(
        f"CASE WHEN NOT (CASE WHEN {BIT} THEN 1 = 0 END) THEN 1000000 ELSE {KNOWN} END"
    ),
    "a steep ramp": average(
        f"{KNOWN} + 1000000 * LEAST(1, GREATEST(0, (income - 8000) * 1000000))"
        " * LEAST(1, GREATEST(0, (age - 90) * 1000000))"
    ),
}


@pytest.mark.parametrize("output", ALONE.values(), ids=ALONE.keys())
def test_the_first_output_on_a_column_is_looked_at_too(output: Part) -> None:
    assert codes([output], [], ROWS) == {"joint_leverage"}


def test_what_the_greatest_hides_follows_from_two_means() -> None:
    hidden = average("GREATEST(income, 5000 + 10 * chronic) - 4900")
    values = {name: np.array(ROWS.column(name).to_pylist()) for name in ("income", "chronic")}
    mean = float(f"{np.mean(np.maximum(values['income'], 5000 + 10 * values['chronic']) - 4900):.3e}")
    assert abs(mean * PEOPLE - (PEOPLE - 1) * 105 + 4900 - INCOME) < 100, "what an outsider computes"
    assert codes([hidden], [WHOLE], ROWS) == {"joint_leverage"}


def test_means_by_month_do_not_open_a_panel() -> None:
    """40 people: each month tells a fortieth of a row. The sum over 24 rows was above one half."""
    assert codes([BY_MONTH], [], PANEL) == set(), "a false alarm otherwise"
    assert codes([WHOLE, BY_MONTH], [], PANEL) == set()
    assert codes([CUT], [BY_MONTH, WHOLE], PANEL) == {"joint_leverage"}
    assert codes([CUT], [BY_MONTH], PANEL) == {"joint_leverage"}, "the mean of all follows from the months"


def test_a_person_of_whom_one_month_is_told_is_looked_at_again() -> None:
    """What left before there was a comparison, or was allowed by people, is no leave for more."""
    january = [
        average("income", where="doctor_visits = 1"),
        average("income", where="doctor_visits = 1 AND age < 90"),
    ]
    february = average("income", where="doctor_visits = 2 AND age < 90")
    assert codes([february], [*january, average("income", where="doctor_visits = 2")], PANEL) == {
        "joint_leverage"
    }
    assert codes([average("income", where="doctor_visits < 12")], january, PANEL) == set(), "tells no more"


def test_a_value_that_is_the_same_each_month_does_not_follow_from_other_company_each_month() -> None:
    """The target stands in each month's group, with twelve others who are not the same twice in a row: a
    leverage of a thirteenth on each row, and of more than one half on the value that all rows have."""
    company = "age > 90 OR (site + doctor_visits * 7) % 24 < 8"
    for column, expected in (("spending", {"joint_leverage"}), ("income", set())):
        shifting = average(column, by={"month": "doctor_visits"}, where=company)
        assert codes([shifting], [], PANEL) == expected, column


def yearly(shift: float = 0.0) -> pa.Table:
    """200 people with 4 rows each, one a site. `income` is the same in all rows of a person, but for
    `shift` a year, which is in all people alike. The one of 99 is the target. 10 people of 80 moved: their
    `spending` is another in each row, that of all others the same."""
    chance = np.random.default_rng(3)
    person, site = np.repeat(np.arange(200), 4), np.tile([1, 2, 3, 4], 200)
    age = chance.integers(20, 80, 200)
    age[3], age[190:] = 99, 80
    income, spending = chance.integers(1000, 9000, 200), chance.integers(1000, 9000, 200)
    moved = np.where(person >= 190, chance.integers(-999, 999, 800), 0)
    return health_table(
        {
            "person": person.tolist(),
            "age": age[person].astype(float).tolist(),
            "income": (income[person] + shift * site).tolist(),
            "spending": (spending[person] + moved).astype(float).tolist(),
            "chronic": chance.integers(0, 2, 200)[person].astype(float).tolist(),
            "doctor_visits": chance.poisson(3, 800).tolist(),
            "site": site.tolist(),
            "health": chance.choice(["good", "fair", "poor"], 800).tolist(),
        }
    )


def cancelling(column: str, large: str, where: str = "TRUE") -> Part:
    """Rows of everybody cancel, but for those of the target, of whom one is left out."""
    parts = (f"{column} * {large}", f"{column} * -{large}", column, f"{column} * -1")
    arms = " ".join(f"WHEN site = {place} THEN {part}" for place, part in enumerate(parts, 1))
    value = f"10 + CASE {arms} END"
    return {
        "kind": "means",
        "columns": {"v": value},
        "where": f"NOT (age = 99 AND site = 4) AND {where}",
    }


@pytest.mark.parametrize(
    ("output", "shift"),
    [
        (cancelling("income", "100"), 0),
        (cancelling("income", "10000000000"), 0),
        (cancelling("income", "100"), 50),
        (cancelling("spending", "100", "age <> 80"), 0),
    ],
    ids=["the same in all rows", "weights of very different size", "a common trend", "the same in most"],
)
def test_rows_of_a_person_that_cancel_hide_no_level(output: Part, shift: float) -> None:
    """What people's rows add to their levels hides nobody where it is nothing, or the same in everybody."""
    assert codes([output], [], yearly(shift)) == {"joint_leverage"}


def test_a_study_of_values_that_are_the_same_in_all_rows_is_free() -> None:
    study: list[Part] = [
        {"kind": "means", "columns": {"v": "income", "s": "spending"}, "by": {"site": "site"}},
        fit("spending ~ income + C(site)"),
        fit("doctor_visits ~ income + site + C(health)"),
        average("CASE WHEN site = 4 THEN income WHEN site = 1 THEN -income ELSE 0 END"),
        average("income", where="site < 3"),
        average("spending", by={"health": "health"}),
    ]
    for shift in (0, 50):
        assert codes(study, [], yearly(shift)) == set(), shift


def deep(column: str, folds: int) -> str:
    return column + " + 1" * folds


def test_an_expression_that_is_too_deep_to_read_hides_no_other() -> None:
    """It made all comparisons fail, so that outputs were asked about, also those of other teams."""
    with pytest.raises(InvalidInput, match="within each other") as refused:
        RecipeExpressions(version_of(policy_of())).value(deep("spending", 50))
    assert "嵌套" in refused.value.zh and refused.value.remedy_zh
    assert RecipeExpressions(version_of(policy_of())).value(deep("spending", 25)).sql
    old, alone = average(deep("spending", 58)), ALONE["a condition"]
    assert codes([old, alone], [], ROWS) == {"joint_leverage", "joint_leverage_unknown"}
    assert codes([alone], [old], ROWS) == {"joint_leverage"}, "another column"
    assert codes([average("spending")], [old], ROWS) == {"influence_not_compared"}


def with_spending(values: Any, **others: Any) -> pa.Table:
    table = ROWS
    for name, column in {"spending": values, **others}.items():
        place = table.schema.get_field_index(name)
        kind = table.schema.field(name).type
        table = table.set_column(place, name, pa.array(np.asarray(column, dtype=float)).cast(kind))
    return table


def test_columns_that_are_one_are_one_target() -> None:
    """Age and year of birth, yuan and fen, a total and its parts."""
    income, age = (np.array(ROWS.column(name).to_pylist(), dtype=float) for name in ("income", "age"))
    cut = average("spending", where="age < 90")
    assert codes([cut], [WHOLE], ROWS) == set(), "another column"
    assert codes([cut], [WHOLE], with_spending(2 * income + 1)) == {"joint_leverage"}
    assert codes([cut, WHOLE], [], with_spending(2 * income + 1)) == {"joint_leverage"}
    visits = np.array(ROWS.column("doctor_visits").to_pylist(), dtype=float)
    total = with_spending(income + 100 * visits)
    parts = [CUT, average("doctor_visits", where="age < 90")]
    assert codes([average("spending")], parts, total) == {"joint_leverage"}
    assert codes([average("spending")], [WHOLE, average("doctor_visits")], total) == set()
    nearly = with_spending(2 * income + np.random.default_rng(1).normal(0, 5, PEOPLE).round())
    assert codes([cut], [WHOLE], nearly) == {"joint_leverage"}, "what is left of it hides nobody in 400"
    assert age.max() == 97


# Source: second attack on the comparison with the source open, 2026-12: none of these gave a finding.
VALUE = np.array(ROWS.column("income").to_pylist(), dtype=float)
CHANCE = np.random.default_rng(11)
SOME, TIMES, OTHER = (
    CHANCE.random(PEOPLE) < 0.3,
    CHANCE.integers(1, 4, PEOPLE).astype(float),
    CHANCE.integers(0, 3000, PEOPLE).astype(float),
)
SOME[TARGET] = True
SITE = np.where(SOME, 1, 2)
NO_VALUE = CHANCE.random(PEOPLE) < 0.15
NO_VALUE[TARGET] = False
FEW_PEOPLE = np.isin(np.arange(PEOPLE), [*np.flatnonzero(CHANCE.random(PEOPLE) < 20 / PEOPLE)[:11], TARGET])


def without(table: pa.Table, name: str, values: Any, missing: Any) -> pa.Table:
    place, kind = table.schema.get_field_index(name), table.schema.field(name).type
    column = [None if gone else value for value, gone in zip(values.tolist(), missing, strict=True)]
    return table.set_column(place, name, pa.array(column).cast(kind))


def cut_of(of: str, where: str = "age < 90") -> Part:
    return average(of, where=where)


TOTAL_WITH_GAPS = without(
    without(ROWS, "spending", VALUE + OTHER, NO_VALUE), "doctor_visits", OTHER, NO_VALUE
)
GAPS_COUNT_AS_NOTHING = without(
    with_spending(VALUE + np.where(NO_VALUE, 0, OTHER)), "doctor_visits", OTHER, NO_VALUE
)
PARTS = [cut_of("income"), cut_of("doctor_visits")]
AS_ONE: dict[str, tuple[list[Part], list[Part], pa.Table]] = {
    "a product": (
        [cut_of("spending / doctor_visits")],
        [WHOLE],
        with_spending(VALUE * TIMES, doctor_visits=TIMES),
    ),
    "a quotient": (
        [cut_of("spending * doctor_visits")],
        [WHOLE],
        with_spending(VALUE / TIMES, doctor_visits=TIMES),
    ),
    "a square": ([cut_of("SQRT(spending)")], [WHOLE], with_spending(VALUE**2)),
    "a square, the other way round": ([CUT], [average("SQRT(spending)")], with_spending(VALUE**2)),
    "a logarithm": ([cut_of("EXP(LEAST(spending, 30))")], [WHOLE], with_spending(np.log(VALUE))),
    "a root in a condition": (
        [average("CASE WHEN age < 90 THEN SQRT(spending) ELSE 0 END")],
        [WHOLE],
        with_spending(VALUE**2),
    ),
    "a fit of a root": (
        [fit("SQRT(spending) ~ chronic")],
        [fit("income ~ chronic") | {"where": "age < 90"}],
        with_spending(VALUE**2),
    ),
    "a flag and a text": (
        [cut_of("CASE WHEN health = 'good' THEN 1 ELSE 0 END")],
        [average("female")],
        ROWS.set_column(
            ROWS.schema.get_field_index("health"),
            "health",
            pa.array(np.where(np.arange(PEOPLE) % 3 == 0, "good", "fair").tolist()),
        ).set_column(
            ROWS.schema.get_field_index("female"),
            ROWS.schema.field("female"),
            pa.array((np.arange(PEOPLE) % 3 == 0).astype(int).tolist()).cast(
                ROWS.schema.field("female").type
            ),
        ),
    ),
    "a copy with few values": (
        [cut_of("spending", "site = 1 AND age < 90")],
        [average("income", where="site = 1")],
        without(with_spending(VALUE, site=SITE), "spending", VALUE, ~SOME),
    ),
    "a total whose other part is 0 there": (
        [cut_of("income", "site = 1 AND age < 90")],
        [average("spending", where="site = 1")],
        with_spending(VALUE + np.where(SOME, 0, OTHER + 500), site=SITE),
    ),
    "a total and parts with gaps": (
        [average("spending")],
        [cut_of("income", "doctor_visits >= 0 AND age < 90"), cut_of("doctor_visits")],
        TOTAL_WITH_GAPS,
    ),
    "a total that takes gaps as nothing": ([average("spending")], PARTS, GAPS_COUNT_AS_NOTHING),
    "a rounded total": (
        [average("spending")],
        PARTS,
        with_spending(np.round((VALUE + OTHER) / 10), doctor_visits=OTHER),
    ),
    "a copy with 5 % noise in a small group": (
        [cut_of("spending", "site = 1 AND age < 90")],
        [average("income", where="site = 1")],
        with_spending(
            VALUE + np.random.default_rng(2).normal(0, VALUE.std() * 0.05, PEOPLE),
            site=np.where(FEW_PEOPLE, 1, 2),
        ),
    ),
}


@pytest.mark.parametrize(("mine", "earlier", "rows"), AS_ONE.values(), ids=AS_ONE.keys())
def test_what_is_one_in_another_way_is_one_target(
    mine: list[Part], earlier: list[Part], rows: pa.Table
) -> None:
    assert codes(mine, earlier, rows) == {"joint_leverage"}
    assert codes(earlier, mine, rows) == {"joint_leverage"}, "in any order"


def test_what_may_be_one_and_is_not_looked_at_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: the same attack: such columns were left out of the comparison without a word."""
    asked = {"influence_not_compared"}
    mine, earlier, rows = AS_ONE["a total that takes gaps as nothing"]
    for limit in ("MOST_BASIS", "MOST_PAIRS"):
        monkeypatch.setattr(column_families, limit, 1)
        assert codes(mine, earlier, rows) == asked, limit
        monkeypatch.undo()
    monkeypatch.setattr(joint_influence, "MOST_PLACES", 1)
    one, other = (average("income", where=f"age < {age}") for age in (40, 60))
    assert codes([average("spending")], [one], ROWS) == set(), "one choice of rows beside all"
    assert codes([average("spending")], [one, other], ROWS) == asked
    monkeypatch.undo()
    monkeypatch.setattr(joint_influence, "MOST_TOLD", 1)
    assert codes([average("spending")], [average("SQRT(income)")], ROWS) == asked


def test_honest_studies_of_totals_copies_and_roots_are_free() -> None:
    total = with_spending(VALUE + OTHER, doctor_visits=OTHER, site=np.arange(PEOPLE) % 4)
    usual = with_spending(TIMES, income=np.where(np.arange(PEOPLE) == TARGET, 3000, VALUE))
    parts = {"a": "income", "b": "doctor_visits", "c": "spending"}
    studies: list[tuple[list[Part], pa.Table]] = [
        ([{"kind": "means", "columns": parts, "by": {"s": "site"}}], total),
        ([fit("spending ~ doctor_visits"), fit("income ~ doctor_visits + C(site)")], total),
        ([WHOLE, average("LN(GREATEST(income, 1))"), average("income * income")], usual),
        ([average("income", by={"h": "health"}), fit("spending ~ chronic")], with_spending(VALUE / 300 - 10)),
    ]
    for study, rows in studies:
        assert codes(study, [], rows) == set(), study
