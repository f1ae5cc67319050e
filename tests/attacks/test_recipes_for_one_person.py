"""A team writes recipes so that what the vault computes tells one person's value.

Each was tried with the source open; without the defence it gave the value. Sources: an attack of our own on
the first form of recipes (docs/adr/0034); tracker attacks (Denning and Schlörer, "A Fast Procedure for
Finding a Tracker in a Statistical Database", 1980); leverage (Belsley, Kuh and Welsch, "Regression
Diagnostics", 1980).
"""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from computed_recipes import HEALTH, SUPPRESSED, Made, carried_out, health_table, taxonomy
from sandbox.disclosure.check_file import check_files
from sandbox.disclosure.finding import Severity
from sandbox.errors import InvalidInput
from sandbox.jobs.recipes import read_recipes

PEOPLE = 900
HERE = "age = 34.2 AND site = 3"
WIDE = "site = 3 AND age > 30 AND age < 40"


def population() -> dict[str, Any]:
    """The target: 34.2 years old, at site 3, a woman, who spent 137.0 and went 17 times, in one row.
    Two more: 99 years old, with five rows each. One at site 5, alone there."""
    chance = np.random.default_rng(5)
    rows = chance.integers(1, 6, PEOPLE)
    rows[0] = 1
    person = np.repeat(np.arange(PEOPLE), rows)
    site, female = chance.choice([1, 2, 3, 4, 6], PEOPLE), chance.integers(0, 2, PEOPLE)
    age = np.round(chance.uniform(0, 70, PEOPLE), 1)
    age[age == 34.2] = 34.3
    age[0], site[0], female[0], site[7] = 34.2, 3, 1, 5
    columns = {"site": site, "female": female, "age": age}
    made = {name: values[person].tolist() for name, values in columns.items()}
    visits = chance.poisson(3, len(person))
    spending = np.round(visits * chance.uniform(5, 40, len(person)), 2)
    visits[0], spending[0] = 17, 137.0
    year = np.concatenate([np.arange(1, many + 1) for many in rows])
    made |= {
        "person": person.tolist(),
        "year": year.tolist(),
        "doctor_visits": visits.tolist(),
        "spending": spending.tolist(),
        "income": chance.integers(500, 20000, len(person)).tolist(),
    }
    for old in (PEOPLE, PEOPLE + 1):
        for at in range(1, 6):
            more = {"person": old, "site": 6, "female": 0, "age": 99.0, "year": at, "doctor_visits": 3 + at}
            for name, value in (more | {"spending": 1000.0 * at, "income": 100}).items():
                made[name].append(value)
    return made


def of(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "dataset": HEALTH, **parts}


BITS = {
    f"b{bit}": f"AVG(CASE WHEN {HERE} AND FLOOR(spending / {2**bit}) % 2 = 1 THEN 1000000 ELSE age END)"
    for bit in range(8)
}
OWN: list[dict[str, Any]] = [
    of("table", "bits-by-suppression", measures=BITS),
    of(
        "model",
        "a-feature-of-one",
        model="linear",
        target="doctor_visits",
        features={"a": "age", "t": f"CASE WHEN {HERE} THEN spending ELSE 0 END"},
    ),
    of("table", "a-spike", measures={"s": f"STDDEV(CASE WHEN {HERE} THEN spending ELSE 0 END)"}),
    of("regression", "two-for-one", formula=f"spending ~ (CASE WHEN {HERE} THEN 2 ELSE 1 END)"),
    of(
        "regression",
        "all-but-one",
        formula="spending ~ (age < 34.2 OR site <> 3) + (age > 34.2 AND site = 3)",
    ),
    of("regression", "an-outcome-of-one", formula=f"(CASE WHEN {HERE} THEN spending ELSE 0 END) ~ female"),
    of(
        "table",
        "a-chosen-quantile",
        measures={"q": f"MEDIAN(CASE WHEN {HERE} THEN spending WHEN age < 20 THEN -50 ELSE 50000 END)"},
    ),
    of(
        "table",
        "an-offset",
        measures={"v": f"SUM(CASE WHEN {HERE} THEN 2 + spending ELSE 2 END)"},
        where=WIDE,
    ),
    of("means", "a-share", columns={"not_here": f"NOT ({HERE})"}),
    of("table", "with-them", measures={"v": "AVG(doctor_visits)"}, where=WIDE),
    of("table", "without-them", measures={"v": "AVG(doctor_visits)"}, where=f"{WIDE} AND NOT ({HERE})"),
    of(
        "curve",
        "a-moved-score",
        curve="roc",
        truth="doctor_visits",
        score=f"CASE WHEN {HERE} THEN 1000 ELSE age END",
    ),
    of("survival", "a-moved-time", time=f"CASE WHEN {HERE} THEN 1 ELSE year END", event="female"),
    of(
        "histogram",
        "a-far-value",
        column=f"CASE WHEN {HERE} AND spending > 100 THEN 100000000 ELSE age END",
        width=5,
    ),
    of(
        "table",
        "a-dropped-row",
        by={"k": f"CASE WHEN {HERE} THEN NULL ELSE female END"},
        measures={"v": "SUM(doctor_visits)"},
    ),
    of(
        "crosstab",
        "impossible-values",
        by={"s": "CASE WHEN age > 500 THEN 0 WHEN age > 98 THEN 6 ELSE 1 END"},
    ),
    of(
        "table",
        "a-continuous-spike",
        measures={"v": "AVG(age + spending * GREATEST(0, 1 - 100 * ABS(age - 34.2)))"},
    ),
]
"""Each computes, or chooses rows: an expression of the team's own."""
PLAIN: list[dict[str, Any]] = [
    of("table", "by-site", by={"site": "site"}, measures={"v": "SUM(doctor_visits)"}),
    of("table", "whole", measures={"v": "SUM(doctor_visits)"}),
    of("means", "unit", by={"unit": "site"}, columns={"s": "spending"}),
    of("crosstab", "cells", by={"site": "site", "female": "female"}),
    of("table", "digits", measures={"code": "SUM(spending)"}),
    of("model", "scorer", model="linear", target="doctor_visits", features={"age": "age"}),
    of("regression", "fit", formula="spending ~ age + C(site)"),
    {"kind": "chart", "name": "drawn", "of": "by-site", "x": "site", "y": "v"},
]
TWICE = [
    of("survival", "four", time="year", event="doctor_visits > 4"),
    of("survival", "five", time="year", event="doctor_visits > 5"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    table = health_table(population())
    return carried_out([*OWN, *PLAIN, *TWICE], table, tmp_path_factory.mktemp("attack"))


def asked(made: Made, path: str) -> list[str]:
    checked = check_files({path: made.declaration(path)}, taxonomy().at("3"), None)[path]
    return [
        one.message
        for one in checked.findings
        if one.code == "own_expressions" and one.severity is Severity.ASKS
    ]


@pytest.mark.parametrize("recipe", OWN, ids=lambda recipe: str(recipe["name"]))
def test_an_expression_of_the_teams_own_is_shown_to_reviewers_in_full(
    made: Made, recipe: dict[str, Any]
) -> None:
    """Without it the file had no finding above a note."""
    (output,) = [one for one in made.declared.values() if Path(one.path).stem == recipe["name"]]
    assert not output.measured and output.expressions
    assert "34.2" in output.context or "age > " in output.context, "and in what the file is said to be about"
    path = output.path.removeprefix("measured/")
    if path in made.files:
        (told,) = asked(made, path)
        assert all(text in told for text in output.expressions)


def test_conditions_that_differ_by_a_band_of_values_are_asked_about(made: Made) -> None:
    for name in ("four.csv", "five.csv"):
        assert made.declared[name].expressions


def test_plain_recipes_are_not_asked_about(made: Made) -> None:
    for recipe in PLAIN:
        (output,) = [one for one in made.declared.values() if Path(one.path).stem == recipe["name"]]
        assert output.measured, output


def test_one_persons_sum_does_not_follow_from_a_total(made: Made) -> None:
    """At site 5 there is one person: without a second suppressed cell it is the total less the others."""
    shown = {row["site"]: row["v"] for row in made.rows("by-site")}
    assert shown["5"] == SUPPRESSED and sum(value == SUPPRESSED for value in shown.values()) >= 2


def test_a_key_called_as_an_inner_column_counts_people(made: Made) -> None:
    """A key called `unit` took the place of the people: rows were counted for them."""
    units = {row["unit"]: row["n"] for row in made.counts("unit")}
    people = {
        person
        for person, site in zip(*(population()[name] for name in ("person", "site")), strict=True)
        if site == 1
    }
    assert units["1"] in (str(len(people)), SUPPRESSED)


def test_a_column_that_is_called_a_label_has_no_more_digits(made: Made) -> None:
    (row,) = made.rows("digits")
    assert len(row["code"].rstrip("0").replace(".", "").rstrip("0")) <= 4, row


def test_a_model_keeps_no_number_of_its_rows(made: Made) -> None:
    """A scaler's mean times the number of rows was the sum of a column, exact to the last digit."""
    with zipfile.ZipFile(io.BytesIO(made.files["scorer.skops"])) as archive:
        schema = archive.read("schema.json").decode()
    assert "StandardScaler" not in schema and "n_samples_seen_" not in schema and "singular_" not in schema


def test_no_label_is_a_column_that_outputs_have_by_themselves() -> None:
    for recipe in (
        of("table", "one", measures={"n": "COUNT(*)"}),
        of("table", "one", by={"mean": "site"}, measures={"v": "COUNT(*)"}),
        of("table", "one", by={"Site": "site"}, measures={"site": "COUNT(*)"}),
    ):
        with pytest.raises(InvalidInput):
            read_recipes(json.dumps([recipe]))


def test_a_chart_is_of_the_rounded_table(made: Made) -> None:
    rows = list(csv.reader(io.StringIO(made.files["by-site.csv"].decode())))[1:]
    assert all(len(row[2].rstrip("0").replace(".", "")) <= 4 or row[2] == SUPPRESSED for row in rows)
