"""What makes a review before opening necessary, and what the system finds by itself."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from sandbox.catalog.lists import load_lists
from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.opening import unanswered_items
from sandbox.catalog.opening_checks import is_round, look_at_policy, look_at_rows
from sandbox.catalog.opening_policy import OpeningPolicy, load_opening
from sandbox.catalog.opening_reasons import REASONS, grade_to_review, opening_reasons
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import InvalidInput
from story import POLICIES, POLICY, city_gate

GRADES = city_gate().grades


def read(text: str) -> DatasetPolicy:
    return read_policy(text, schema=POLICIES / "dataset.schema.json")


def changed(*pairs: tuple[str, str]) -> DatasetPolicy:
    text = POLICY
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return read(text)


PLAIN = read(POLICY)
NOTE = "  note: {role: attribute, type: text}\n"
CASES: dict[str, tuple[DatasetPolicy, set[str]]] = {
    "the same": (PLAIN, set()),
    "other words": (changed(("Made-up rows", "Rows")), set()),
    "a rule about the rows": (read(POLICY + "expect:\n  - {complete: cost}\n"), set()),
    "a column less": (changed((NOTE, ""), ("columns:\n", "dropped_columns: [note]\ncolumns:\n")), set()),
    "narrower bounds": (changed(("[0, 100]", "[0, 50]")), set()),
    "a value less": (changed(("[north, south, east]", "[north, south]")), set()),
    "less budget": (changed(('dataset_epsilon: "8"', 'dataset_epsilon: "6"')), set()),
    "a new hidden column": (read(POLICY + "  more: {role: hidden, type: text}\n"), set()),
    "a new column": (read(POLICY + "  more: {role: attribute, type: text}\n"), {"columns_added"}),
    "a hidden column shown": (
        changed(('secret: {role: hidden, type: text, grade: "4"}', "secret: {role: attribute, type: text}")),
        {"columns_shown", "grade_lowered"},
    ),
    "another header": (
        changed(("note: {role: attribute, type: text}", "note: {role: attribute, type: text, source: name}")),
        {"columns_otherwise"},
    ),
    "a key of an attribute": (
        changed(("note: {role: attribute, type: text}", "note: {role: key, type: text, values: [a]}")),
        {"columns_otherwise", "values_added"},
    ),
    "a value more": (changed(("[north, south, east]", "[north, south, east, west]")), {"values_added"}),
    "wider bounds": (changed(("[0, 100]", "[0, 200]")), {"bounds_widened"}),
    "a finer step": (changed(('step: "0.5"', 'step: "0.1"')), {"bounds_widened"}),
    "more budget": (changed(('dataset_epsilon: "8"', 'dataset_epsilon: "9"')), {"protection_lowered"}),
    "a higher grade": (changed(('grade: "3"\nsource', 'grade: "4"\nsource')), {"grade_raised"}),
    "a lower grade": (changed(('grade: "3"\nsource', 'grade: "2"\nsource')), {"grade_lowered"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_version_is_reviewed_where_it_shows_more(name: str) -> None:
    after, reasons = CASES[name]
    assert set(opening_reasons(PLAIN, after, GRADES)) == reasons


def test_the_first_version_is_reviewed_and_reasons_have_words() -> None:
    assert opening_reasons(None, PLAIN, GRADES) == ("first_version",)
    assert all(words.zh and words.en for words in REASONS.values())


def test_a_lowered_grade_is_reviewed_by_the_grade_that_it_had() -> None:
    """Else whoever lowers a grade would need nobody."""
    low = read(POLICY.replace('grade: "4"', 'grade: "2"').replace('grade: "3"', 'grade: "2"'))
    assert grade_to_review(None, low, GRADES) == "2" and grade_to_review(PLAIN, low, GRADES) == "4"


def test_the_city_asks_more_the_higher_the_grade() -> None:
    rule = load_opening(POLICIES)
    asked = {
        grade: [item.answered_by for item in rule.items_for(GRADES, grade, "version")]
        for grade in ("1", "2", "3", "4", "important")
    }
    assert set(asked["1"]) == set(asked["2"]) == {"system"}
    assert set(asked["3"]) == {"system", "publisher"}
    assert set(asked["4"]) == set(asked["important"]) == {"system", "publisher", "second_person"}
    assert rule.needs_second_person(GRADES, PLAIN), "the person's column is of grade 4"


def test_a_city_without_the_file_still_needs_two_people(tmp_path: Path) -> None:
    rule = load_opening(tmp_path)
    assert rule == OpeningPolicy() and rule.asks_second_person(GRADES, "4")
    assert not rule.asks_second_person(GRADES, "3")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('second_person_from: "4"', 'second_person_from: "9"', "there is no grade '9'"),
        ('from_grade: "1"', 'from_grade: "x"', "there is no grade 'x'"),
        ("id: free_text_hidden", "id: negative_list", "negative_list is there twice"),
        ("check: budget", "check: mood", "mood"),
        ("    check: budget\n", "", "check"),
    ],
)
def test_a_faulty_policy_file_is_told_by_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    for name in ("opening.schema.json", "grades.yaml", "grades.schema.json"):
        (tmp_path / name).write_text((POLICIES / name).read_text())
    text = (POLICIES / "opening.yaml").read_text()
    assert old in text
    (tmp_path / "opening.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidInput, match="line") as fault:
        load_opening(tmp_path)
    assert told in fault.value.message


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *[(round_one, True) for round_one in ("0", "70", "2000", "0.25", "-5")],
        *[(other, False) for other in ("873", "12.34", "1/3")],
    ],
)
def test_bounds_are_judged_by_how_round_they_are(value: str, told: bool) -> None:
    assert is_round(Fraction(value)) is told


def test_what_the_system_finds_names_columns_and_no_value() -> None:
    text = POLICY.replace("[0, 100]", "[0, 873]")
    policy = read(text)
    found = look_at_policy(policy, load_lists(POLICIES))
    assert found["bounds"] == ("cost",) and found["responsible"] == ("*",)
    phones = [f"1380013{n:04}" for n in range(200)]
    table = pa.table({"note": phones, "secret": phones, "district": ["north"] * 200})
    seen = look_at_rows(table, policy, POLICIES)
    assert seen == {"identifiers": ("note",), "free_text": ()}, "hidden columns are not shown"
    long = [f"Patient {n} came with a cough and went home after a long talk about it." for n in range(200)]
    assert look_at_rows(pa.table({"note": long}), policy, POLICIES)["free_text"] == ("note",)


def test_only_a_yes_of_a_person_answers() -> None:
    items = [
        {"id": "a", "answered_by": "system"},
        {"id": "b", "answered_by": "publisher"},
        {"id": "c", "answered_by": "second_person"},
    ]
    assert unanswered_items(items, {}) == ("b", "c")
    assert unanswered_items(items, {"b": {"yes": True}, "c": {"yes": False}}) == ("c",)


def test_hints_and_a_budget_that_is_gone_protect_less() -> None:
    more: Callable[..., DatasetPolicy] = replace
    assert "protection_lowered" in opening_reasons(PLAIN, more(PLAIN, hint_bits=3), GRADES)
    assert "protection_lowered" in opening_reasons(PLAIN, more(PLAIN, budget=None), GRADES)
