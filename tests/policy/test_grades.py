"""The highest grade decides, and a grades file that says something else is refused with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInput
from sandbox.policy import Grades, combine_grades, load_grades

PATH = Path(__file__).parents[2] / "policies" / "grades.yaml"
GRADES = load_grades(PATH)
IDS = [grade.id for grade in GRADES.all]


def changed(folder: Path, old: str, new: str) -> Grades:
    text = PATH.read_text("utf-8")
    assert old in text
    (folder / "grades.yaml").write_text(text.replace(old, new, 1), "utf-8")
    (folder / "grades.schema.json").write_text(
        PATH.with_name("grades.schema.json").read_text("utf-8"), "utf-8"
    )
    return load_grades(folder / "grades.yaml")


def test_the_grades_are_those_of_the_standard_lowest_first() -> None:
    assert IDS == ["1", "2", "3", "4", "important", "core"]
    assert GRADES.source == "GB/T 43697-2024"


@pytest.mark.parametrize(
    ("grade", "possible"),
    [
        ("1", {"see", "dp", "reviewed", "hints", "open_sale"}),
        ("2", {"see", "dp", "reviewed", "hints"}),
        ("3", {"see", "dp", "reviewed"}),
        ("4", {"see", "dp", "reviewed"}),
        ("important", {"see", "dp"}),
        ("core", set()),
    ],
)
def test_a_grade_makes_possible_what_the_city_decided(grade: str, possible: set[str]) -> None:
    assert GRADES[grade].possible == possible
    assert {way for way in GRADES.ways if GRADES.allows(grade, way)} == possible


@given(st.lists(st.sampled_from(IDS), min_size=1), st.lists(st.sampled_from(IDS), min_size=1))
def test_a_combination_is_never_lower_than_a_part_and_does_not_depend_on_order(
    one: list[str], two: list[str]
) -> None:
    whole = GRADES.combine([*one, *two])
    assert whole in one or whole in two
    assert all(GRADES[part].rank <= GRADES[whole].rank for part in (*one, *two))
    assert whole == GRADES.combine([*two, *one]) == GRADES.combine([GRADES.combine(one), GRADES.combine(two)])
    assert GRADES[whole].possible <= GRADES[one[0]].possible


def test_kernels_stand_still_beside_programs_that_read_high_grades() -> None:
    assert [grade.id for grade in GRADES.all if grade.freezes_kernels] == ["4", "important", "core"]


def test_a_higher_grade_never_lets_kernels_run_that_a_lower_one_freezes(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="lets kernels run"):
        changed(tmp_path, "concurrent_kernels: allowed", "concurrent_kernels: frozen")
    with pytest.raises(InvalidInput, match="concurrent_kernels"):
        changed(tmp_path, "concurrent_kernels: frozen", "concurrent_kernels: sometimes")


def test_the_highest_grade_decides() -> None:
    assert combine_grades(GRADES, ["1", "3", "2"]) == "3"
    assert combine_grades(GRADES, ["4", "important"]) == "important"


def test_nothing_has_no_grade_and_an_unknown_grade_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no grade to combine"):
        GRADES.combine([])
    with pytest.raises(InvalidInput, match="no grade '5'"):
        GRADES.combine(["1", "5"])
    with pytest.raises(InvalidInput, match="no way 'print'"):
        GRADES.allows("1", "print")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('- id: "2"', "- id: 2", 'grades.1.id: 2 is not of type "string"'),
        ('- id: "2"', '- id: "1"', "the grade '1' stands there twice"),
        (
            "possible: [see, dp, reviewed, hints, open_sale]",
            "possible: [see, dp, give_away]",
            "'give_away' is not a way",
        ),
        ("possible: []", "possible: [see, open_sale]", "which the lower grade 'important' does not"),
        (
            "class: general\n    name: {en: general data level 4",
            "class: core\n    name: {en: general data level 4",
            "important stands above core",
        ),
        ("combine: highest", "combine: average", 'combine: "highest" was expected'),
        ("source: GB/T 43697-2024\n", "source: x\nsource: y\n", "duplicate key"),
        ("grades:\n", "grades: [\n", "line"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        changed(tmp_path, old, new)
    assert said in refused.value.message
    assert refused.value.remedy
    named = int(refused.value.message.split("line ")[1].split(":")[0].split(",")[0])
    first = PATH.read_text("utf-8")[: PATH.read_text("utf-8").index(old)].count("\n") + 1
    assert 0 <= named - first <= 7
