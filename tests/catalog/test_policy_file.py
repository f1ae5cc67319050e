"""A policy file that is wrong says on which line, and how to remedy it."""

import pytest

from sandbox.catalog.describe import catalogue_entry
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import InvalidInput
from story import POLICIES, POLICY

SCHEMA = POLICIES / "dataset.schema.json"


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ('grade: "3"', 'grade: "7"', 6, "grade"),
        ('grade: "3"', "grade: 3", 6, "grade"),
        ("role: key, type: integer", "role: kye, type: integer", 15, "kye"),
        (", values: {from: 1, to: 3}", "", 15, "public values"),
        ('bounds: [0, 100], step: "0.5"', "bounds: [0, 100]", 16, "step"),
        ("bounds: [0, 100]", "bounds: [100, 0]", 16, "ascending"),
        ("bounds: [0, 100]", "bounds: [0.3, 100]", 16, "multiples"),
        ("{column: person, ", "{column: persom, ", 10, "persom"),
        ('grant_epsilon: "4"', 'grant_epsilon: "40"', 11, "question <= grant <= dataset"),
        ("budget: {delta", "budgets: {delta", 11, "budgets"),
        ("[north, south, east]", "[north, 3]", 14, "not of type text"),
        ("max_rows: 4", "max_rows: 0", 10, "max_rows"),
        ('step: "0.5"', 'step: "0.3"', 16, "step"),
        ("  note: {", "  note: [", 18, ""),
        ('grade: "3"', "grade: 2020-01-01", 6, "neither a text"),
        ("max_rows: 4", "max_rows: .nan", 10, "neither a text"),
        ("max_rows: 4", "max_rows: !!binary aGVq", 10, "neither a text"),
        ("max_rows: 4", "1: 4", 10, "not a text"),
        (
            "title: {zh: 就诊, en: Visits}\nsummary: {zh: 测试, en: Made-up rows for tests}",
            "title: &said {zh: 就诊, en: Visits}\nsummary: *said",
            4,
            "alias",
        ),
    ],
)
def test_a_fault_names_its_line(before: str, after: str, line: int, says: str) -> None:
    assert before in POLICY
    with pytest.raises(InvalidInput) as refusal:
        read_policy(POLICY.replace(before, after, 1), schema=SCHEMA)
    assert f"line {line}" in refusal.value.message
    assert says in refusal.value.message
    assert refusal.value.remedy


@pytest.mark.parametrize("text", ["", "7", "[]", "\x00", "[" * 5000, "a: *b"])
def test_what_is_no_policy_at_all_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_policy(text, schema=SCHEMA)
    assert refusal.value.remedy


def test_a_dataset_without_a_unit_must_be_open() -> None:
    text = POLICY.replace("unit: {column: person, kind: person, max_rows: 4}\n", "").replace(
        "role: unit", "role: attribute"
    )
    with pytest.raises(InvalidInput, match="must be open"):
        read_policy(text, schema=SCHEMA)


@pytest.mark.parametrize("name", ["health.visits", "market.inspections"])
def test_the_citys_own_policies_are_good(name: str) -> None:
    assert (
        read_policy((POLICIES / "datasets" / f"{name}.yaml").read_text("utf-8"), schema=SCHEMA).dataset
        == name
    )


CATALOGUE = """catalogue:
  resource_code: 3060101/000001
  classification: [政务部门, 卫生健康, 医疗服务]
  provider_code: 11420200011346579X
  sharing: conditional
  sharing_condition: for research by agreement
  opening: none
  updates: monthly
  released_on: "2027-06-30"
columns:
"""


def with_catalogue(*changes: tuple[str, str]) -> str:
    text = POLICY.replace("columns:\n", CATALOGUE, 1)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def test_the_fields_of_the_catalogue_of_resources_are_read_and_described() -> None:
    policy = read_policy(with_catalogue(), schema=SCHEMA)
    entry = catalogue_entry(policy.catalogue)
    assert entry["classification"] == ["政务部门", "卫生健康", "医疗服务"]
    assert entry["sharing"] == "conditional" and "opening_condition" not in entry
    assert catalogue_entry(read_policy(POLICY, schema=SCHEMA).catalogue) == {}


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("  sharing_condition: for research by agreement\n", "", "no condition"),
        ("opening: none", "opening: open", "its grade is 3"),
        ('"2027-06-30"', '"2027-02-30"', "released_on"),
        ("updates: monthly", "updates: sometimes", "updates"),
        ("11420200011346579X", "1142020001134657", "provider_code"),
    ],
)
def test_a_wrong_field_of_the_catalogue_is_told_with_its_line(before: str, after: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refusal:
        read_policy(with_catalogue((before, after)), schema=SCHEMA)
    assert "line" in refusal.value.message and refusal.value.remedy
