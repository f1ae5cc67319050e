"""Comparing policies: nothing that breaks a question is told as harmless, and no change is left untold."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.catalog.compare import Effect, compare, effect_of
from sandbox.catalog.model import Bounds, Column, DatasetPolicy, Role, Type, Version, Words
from sandbox.errors import CihuError
from sandbox.ingest.model import Unfit
from sandbox.ingest.written import Written
from sandbox.policy import load_grades
from sandbox.queries import bind, parse
from sandbox.queries.types.scope import Scope
from story import DATASET, POLICIES, VERSION

GRADES = load_grades(POLICIES / "grades.yaml")
QUESTIONS = [
    f"SELECT {what} FROM clinic.visits{where}{by}"
    for what, by in (
        ("COUNT(*)", ""),
        ("COUNT(DISTINCT person)", ""),
        ("SUM(cost)", ""),
        ("AVG(visits)", ""),
        ("district, COUNT(*)", " GROUP BY district"),
        ("year, SUM(visits)", " GROUP BY year"),
        ("smoker, COUNT(*)", " GROUP BY smoker"),
    )
    for where in ("", " WHERE district = 'north'", " WHERE note = 'n1'", " WHERE day >= '2026-01-02'")
]


def column(name: str) -> Column:
    found = DATASET.column(name)
    assert found is not None
    return found


def changed(name: str, /, **values: Any) -> DatasetPolicy:
    """The policy with one column changed."""
    return replace(
        DATASET,
        columns=tuple(replace(one, **values) if one.name == name else one for one in DATASET.columns),
    )


def without(name: str) -> DatasetPolicy:
    return replace(DATASET, columns=tuple(one for one in DATASET.columns if one.name != name))


NEW = Column("ward", Role.KEY, Type.TEXT, Words("病区", "ward"), "3", ("a", "b"))
CASES: dict[str, tuple[DatasetPolicy, str, Effect]] = {
    "a column goes": (without("cost"), "column_removed", Effect.BREAKING),
    "a hidden column goes": (without("secret"), "column_removed", Effect.COMPATIBLE),
    "a column comes": (replace(DATASET, columns=(*DATASET.columns, NEW)), "column_added", Effect.ADDITIVE),
    "a column is renamed": (
        changed("cost", name="price", source="cost"),
        "column_renamed",
        Effect.BREAKING,
    ),
    "a type": (changed("note", type=Type.INTEGER), "type_changed", Effect.BREAKING),
    "a role": (changed("note", role=Role.HIDDEN), "role_changed", Effect.BREAKING),
    "shown from now on": (changed("secret", role=Role.ATTRIBUTE), "role_changed", Effect.ADDITIVE),
    "a value goes": (changed("district", values=("north",)), "values_removed", Effect.BREAKING),
    "a value comes": (
        changed("district", values=("north", "south", "east", "west")),
        "values_added",
        Effect.ADDITIVE,
    ),
    "another order": (
        changed("district", values=("south", "north", "east")),
        "values_reordered",
        Effect.COMPATIBLE,
    ),
    "narrower": (
        changed("cost", bounds=Bounds(Fraction(0), Fraction(50), Fraction(1, 2))),
        "bounds_narrowed",
        Effect.BREAKING,
    ),
    "wider": (
        changed("cost", bounds=Bounds(Fraction(0), Fraction(200), Fraction(1, 2))),
        "bounds_widened",
        Effect.COMPATIBLE,
    ),
    "a coarser step": (
        changed("cost", bounds=Bounds(Fraction(0), Fraction(100), Fraction(1))),
        "step_changed",
        Effect.COMPATIBLE,
    ),
    "another unit of measurement": (
        replace(DATASET, columns=tuple(replace(one, measured_in="days") for one in DATASET.columns)),
        "measure_changed",
        Effect.COMPATIBLE,
    ),
    "a grade that closes a way": (replace(DATASET, grade="core"), "grade_raised", Effect.BREAKING),
    "a lower grade": (changed("person", grade="3"), "grade_lowered", Effect.ADDITIVE),
    "fewer rows of a unit": (
        replace(DATASET, unit=replace(DATASET.unit, max_rows=2)),  # type: ignore[type-var]
        "max_rows_changed",
        Effect.COMPATIBLE,
    ),
    "how cells are read": (changed("cost", unfit=Unfit.DROP), "reading_changed", Effect.COMPATIBLE),
    "what is dropped": (
        replace(DATASET, dropped_columns=("name of the patient",)),
        "reading_changed",
        Effect.COMPATIBLE,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_named_and_classed(case: str) -> None:
    after, kind, effect = CASES[case]
    changes = compare(DATASET, after, GRADES)
    assert kind in {change.kind for change in changes}
    assert effect_of(changes) is effect, changes
    for change in changes:
        assert change.text.en.endswith(".") and change.text.zh.endswith("。")


def test_days_that_become_hours_break_questions() -> None:
    days, hours = changed("visits", measured_in="days"), changed("visits", measured_in="hours")
    assert effect_of(compare(days, hours, GRADES)) is Effect.BREAKING


def test_what_a_file_says_is_not_told() -> None:
    """Headers of columns that are dropped, marks and words of cells stand in no sentence."""
    secret = "王小明的身份证"
    after = replace(
        changed("cost", source=secret, empty_marks=(secret,)),
        dropped_columns=(f"{secret} 2",),
    )
    said = str(compare(DATASET, after, GRADES))
    assert secret not in said


modifications = st.sampled_from(
    [
        *[("drop", one.name) for one in DATASET.columns if one.role is not Role.UNIT],
        *[("hide", one.name) for one in DATASET.columns if one.role is not Role.UNIT],
        ("values", "district"), ("values", "year"), ("more values", "district"),
        ("wider", "cost"), ("finer", "cost"),
        ("retype", "note"), ("retype", "day"), ("role", "district"), ("role", "visits"), ("role", "note"),
        ("required", "cost"), ("not required", "visits"), ("title", "cost"), ("marks", "note"),
        ("rename", "year"),
        ("add", ""), ("written", "cost"), ("rows", ""), ("grade", "cost"),
    ]
)  # fmt: skip


def modified(policy: DatasetPolicy, what: tuple[str, str]) -> DatasetPolicy:
    kind, name = what
    if kind == "add":
        return replace(policy, columns=(*policy.columns, NEW)) if policy.column("ward") is None else policy
    if kind == "rows":
        assert policy.unit is not None
        return replace(policy, unit=replace(policy.unit, max_rows=policy.unit.max_rows + 1))
    old = policy.column(name)
    if old is None:
        return policy
    now: dict[str, Any] = {
        "hide": {"role": Role.HIDDEN, "values": (), "bounds": None},
        "values": {"values": old.values[:1]},
        "more values": {"values": (*old.values, "west") if old.values else ()},
        "wider": {"bounds": Bounds(Fraction(-10), Fraction(500), Fraction(1, 2)) if old.bounds else None},
        "finer": {"bounds": Bounds(Fraction(0), Fraction(100), Fraction(1, 10)) if old.bounds else None},
        "retype": {"type": Type.TIMESTAMP},
        "role": {"role": Role.ATTRIBUTE, "values": (), "bounds": None},
        "required": {"required": True},
        "not required": {"required": False},
        "title": {"title": Words("新", "new")},
        "marks": {"empty_marks": ("NA",)},
        "rename": {"name": f"{name}_2", "source": name},
        "written": {"written": Written(percent=True)},
        "grade": {"grade": "4"},
    }.get(kind, {})
    if kind == "drop":
        return replace(policy, columns=tuple(one for one in policy.columns if one.name != name))
    columns = tuple(replace(one, **now) if one.name == name else one for one in policy.columns)
    return replace(policy, columns=columns)


def works(policy: DatasetPolicy, sql: str) -> bool:
    version: Version = replace(VERSION, policy=policy)
    try:
        bind(parse(sql), Scope(version.policy))
    except CihuError:
        return False
    return True


@settings(max_examples=120, deadline=None)
@given(st.lists(modifications, min_size=1, max_size=3))
def test_a_question_that_worked_works_after_what_is_called_harmless(steps: list[tuple[str, str]]) -> None:
    after = DATASET
    for step in steps:
        after = modified(after, step)
    assert sum(works(DATASET, sql) for sql in QUESTIONS) > len(QUESTIONS) / 2
    changes = compare(DATASET, after, GRADES)
    assert bool(changes) == (after != DATASET), "no change is left untold, and none is made up"
    if effect_of(changes) is Effect.BREAKING:
        return
    for sql in QUESTIONS:
        assert not works(DATASET, sql) or works(after, sql), (sql, changes)


@settings(max_examples=60, deadline=None)
@given(st.lists(modifications, min_size=1, max_size=3))
def test_equal_policies_have_no_change_and_a_way_back_has_one(steps: list[tuple[str, str]]) -> None:
    after = DATASET
    for step in steps:
        after = modified(after, step)
    assert compare(after, after, GRADES) == []
    assert bool(compare(after, DATASET, GRADES)) == bool(compare(DATASET, after, GRADES))
