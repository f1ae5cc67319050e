"""Data elements: what a column takes from one, where they do not agree, and that published versions stay."""

from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sandbox.catalog.element_uses import element_with_uses
from sandbox.catalog.elements import Element, load_elements, written_out
from sandbox.catalog.model import DatasetPolicy, Role, Type
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import InvalidInput, NotFound
from sandbox.ingest.code_lists import load_code_lists
from story import POLICIES, POLICY, Story, rows_csv

DISTRICT = "  district: {role: key, type: text, values: [north, south, east]}\n"
COST = '  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}\n'


@pytest.fixture(scope="module")
def elements() -> dict[str, Element]:
    return load_elements(POLICIES)


def read(text: str, elements: dict[str, Element]) -> DatasetPolicy:
    return read_policy(text, schema=POLICIES / "dataset.schema.json", elements=elements)


def with_columns(district: str = DISTRICT, cost: str = COST) -> str:
    return POLICY.replace(DISTRICT, district).replace(COST, cost)


def test_the_city_s_elements_name_the_standard_of_their_code_list(elements: dict[str, Element]) -> None:
    lists = {known.id: known for known in load_code_lists(POLICIES / "codes")}
    for element in elements.values():
        if element.code_list is not None:
            assert element.code_list == lists[element.code_list.id]
            assert element.standard == element.code_list.standard, element.id
        assert element.header.zh and element.header.en and element.title.zh


def test_a_column_takes_what_it_does_not_say_itself(elements: dict[str, Element]) -> None:
    policy = read(
        with_columns(
            "  district: {role: key, element: sex_code}\n", "  cost: {role: measure, element: age_years}\n"
        ),
        elements,
    )
    key, measure = policy.column("district"), policy.column("cost")
    assert key is not None and measure is not None and measure.bounds is not None
    assert (key.type, key.values, key.element) == (Type.TEXT, ("0", "1", "2", "9"), "sex_code")
    assert key.title.zh == "性别代码"
    assert (measure.type, measure.measured_in) == (Type.INTEGER, "years")
    assert (measure.bounds.low, measure.bounds.high, measure.bounds.step) == (0, 120, 1)
    own = with_columns(
        "  district: {role: key, element: sex_name, values: [男, 女], title: {zh: 性, en: s}}\n",
        '  cost: {role: measure, element: age_years, bounds: [18, 65], step: "1"}\n',
    )
    narrowed = read(own, elements)
    assert narrowed.column("district") == replace(
        key, values=("男", "女"), element="sex_name", title=narrowed.columns[1].title
    )


@pytest.mark.parametrize(
    ("district", "cost", "told"),
    [
        ("  district: {role: key, element: sexx}\n", COST, "no data element sexx"),
        ("  district: {role: key, type: integer, element: sex_code}\n", COST, "other type"),
        ("  district: {role: key, element: sex_code, values: [north]}\n", COST, "code list sex"),
        (
            DISTRICT,
            "  cost: {role: measure, element: age_years, bounds: [0, 200]}\n",
            "bounds within [0, 120]",
        ),
        (DISTRICT, "  cost: {role: measure, element: age_years, measured_in: days}\n", "which has years"),
    ],
)
def test_a_mismatch_is_told_with_its_line(
    elements: dict[str, Element], district: str, cost: str, told: str
) -> None:
    text = with_columns(district, cost)
    line = 1 + text.splitlines().index((cost if district == DISTRICT else district).rstrip("\n"))
    with pytest.raises(InvalidInput) as fault:
        read(text, elements)
    assert told in fault.value.message and f"line {line}" in fault.value.message


def test_a_column_without_type_or_element_is_told(elements: dict[str, Element]) -> None:
    with pytest.raises(InvalidInput, match="type"):
        read(with_columns("  district: {role: key, values: [a]}\n"), elements)


def test_what_is_kept_has_it_written_out_and_reads_back_the_same(elements: dict[str, Element]) -> None:
    assert written_out(POLICY, elements) == POLICY, "a policy without elements is kept as it was given"
    text = "# an officer's remark\n" + with_columns(
        "  district: {role: key, element: month_of_year} # of the visit\n",
        "  cost:\n    role: measure\n    element: age_years\n",
    )
    kept = written_out(text, elements)
    assert "# an officer's remark" in kept and "# of the visit" in kept
    again = read_policy(kept, schema=POLICIES / "dataset.schema.json", kept=True)
    assert again == read(text, elements) == read(kept, elements)
    assert YAML(typ="safe").load(kept)["columns"]["district"]["values"] == list(range(1, 13))
    assert written_out(kept, elements) == kept


def test_a_change_of_an_element_changes_no_published_version(
    story: Story, elements: dict[str, Element]
) -> None:
    story.repository.elements = dict(elements)
    text = with_columns(cost="  cost: {role: measure, element: weight_kg}\n")
    done = story.publish(rows_csv(20), text)
    lin = story.principal("lin")
    [use] = element_with_uses(story.repository, story.gate, lin, "weight_kg")["used_by"]
    assert use == {"dataset": "clinic.visits", "version": 1, "columns": ["cost"], "agrees": True}
    story.repository.elements["weight_kg"] = replace(elements["weight_kg"], bounds=(0, 200), step="1")
    story.repository._parse.cache_clear()
    kept = story.repository.current("clinic.visits").policy.column("cost")
    assert kept is not None and kept.role is Role.MEASURE and kept.bounds is not None
    assert (kept.bounds.high, kept.bounds) == (300, done.version.policy.columns[3].bounds)
    [use] = element_with_uses(story.repository, story.gate, lin, "weight_kg")["used_by"]
    assert not use["agrees"]
    assert element_with_uses(story.repository, story.gate, lin, "age_years")["used_by"] == []
    with pytest.raises(NotFound) as nothing:
        element_with_uses(story.repository, story.gate, lin, "no_such")
    assert nothing.value.code == "element_not_found"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("codes: sex\n", "codes: sexes\n", "no code list 'sexes'"),
        ("type: integer\n    bounds", "type: text\n    bounds", "a text has no bounds"),
        (
            "type: text\n    codes: sex\n    written",
            "type: integer\n    codes: sex\n    written",
            "written as",
        ),
        ('    grade: "2"\n', "", "grade"),
    ],
)
def test_a_faulty_file_of_elements_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    for name in ("elements.schema.json", "codes.schema.json"):
        (tmp_path / name).write_text((POLICIES / name).read_text())
    (tmp_path / "codes").symlink_to(POLICIES / "codes")
    text = (POLICIES / "elements.yaml").read_text()
    assert old in text
    (tmp_path / "elements.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidInput, match="line") as fault:
        load_elements(tmp_path)
    assert told in fault.value.message


def test_a_city_without_elements_has_none(tmp_path: Path) -> None:
    assert load_elements(tmp_path) == {}
