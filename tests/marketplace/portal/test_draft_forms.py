"""What the wizard's forms change: the pure rules, without a service."""

from pathlib import Path

import pytest

from marketplace.portal.drafts import clean_answers, file_form, step_fields, unit_answers
from marketplace.portal.drafts.answers import Field, changes
from marketplace.portal.drafts.column_answers import columns_changes
from marketplace.portal.drafts.file_form import FileForm, form_of_format
from marketplace.portal.drafts.policy_titles import population_titles, seen_titles
from marketplace.portal.drafts.policy_values import PolicyValues, value_of
from marketplace.portal.drafts.steps import STEPS, next_step, step_of
from marketplace.portal.drafts.view import DraftView
from marketplace.portal.messages import MESSAGES
from marketplace.portal.rendering import Words
from sandbox.errors import InvalidInput
from story import POLICIES, POLICY

VALUES = PolicyValues(POLICY)


@pytest.mark.parametrize(
    ("field", "typed", "changed"),
    [
        (Field("grade"), {"grade": "3"}, {}),
        (Field("grade"), {"grade": "4"}, {"grade": "4"}),
        (Field("title.zh"), {"title.zh": " 就诊\r\n"}, {}),
        (Field("title.zh"), {"title.zh": ""}, {"title.zh": None}),
        (Field("title.zh"), {}, {}),
        (Field("about_rows", "whole"), {"about_rows": "2000"}, {"about_rows": 2000}),
        (Field("budget.delta"), {"budget.delta": "1e-6"}, {}),
        (
            Field("columns.cost.bounds", "range"),
            {"columns.cost.bounds.low": "-1.5", "columns.cost.bounds.high": "100"},
            {"columns.cost.bounds": [-1.5, 100]},
        ),
        (
            Field("columns.cost.bounds", "range"),
            {"columns.cost.bounds.low": "0", "columns.cost.bounds.high": "100"},
            {},
        ),
        (
            Field("columns.year.values", "values", of_integers=True),
            {"columns.year.values": "1..5"},
            {"columns.year.values": {"from": 1, "to": 5}},
        ),
        (Field("columns.year.values", "values", of_integers=True), {"columns.year.values": "1 至 3"}, "same"),
        (
            Field("columns.district.values", "values"),
            {"columns.district.values": "north\r\nsouth\r\nnorth\r\n"},
            {"columns.district.values": ["north", "south"]},
        ),
        (Field("empty_marks", "list"), {"empty_marks": "NA、无，-"}, {"empty_marks": ["NA", "无", "-"]}),
        (
            Field("columns.visits.required", "flag"),
            {"boxes": "columns.visits.required"},
            {"columns.visits.required": None},
        ),
        (Field("columns.visits.required", "flag"), {}, {}),
    ],
)
def test_a_form_changes_what_differs_and_nothing_else(field: Field, typed, changed) -> None:
    found = changes([field], VALUES, typed, accepted={})
    assert found == ({"columns.year.values": {"from": 1, "to": 3}} if changed == "same" else changed)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        (Field("about_rows", "whole"), {"about_rows": "many"}),
        (
            Field("columns.cost.bounds", "range"),
            {"columns.cost.bounds.low": "0", "columns.cost.bounds.high": ""},
        ),
        (Field("columns.year.values", "values", of_integers=True), {"columns.year.values": "1\ntwo"}),
        (Field("budget.dataset_epsilon", "decimal"), {"budget.dataset_epsilon": "1e3"}),
    ],
)
def test_what_cannot_be_read_is_named(field: Field, typed) -> None:
    with pytest.raises(InvalidInput) as refused:
        changes([field], VALUES, typed, accepted={})
    assert field.path.removeprefix("columns.") in refused.value.message and refused.value.zh


def test_a_suggestion_from_the_rows_is_taken_only_with_its_tick() -> None:
    accepted = {"columns.cost.bounds": "[0, 5000]"}
    assert changes([], VALUES, {}, accepted=accepted) == {}
    ticked = {"accept:columns.cost.bounds": "on", "accept:grade": "on"}
    assert changes([], VALUES, ticked, accepted=accepted) == {"columns.cost.bounds": [0, 5000]}
    assert value_of("[0, 0.5]") == [0, 0.5] and value_of("a: [") == "a: ["


def test_new_names_of_columns_come_last() -> None:
    given = {
        "columns.cost.name": "price",
        "columns.cost.title.en": "Price",
        "columns.note.role": "drop",
        "columns.note.title.en": "lost",
        "columns.person.role": "key",
        "columns.day.role": "hidden",
    }
    found = columns_changes(VALUES, ["cost", "note", "person", "day"], given)
    assert found == {
        "columns.cost.title.en": "Price",
        "columns.note.drop": True,
        "columns.day.role": "hidden",
        "columns.cost.name": "price",
    }
    assert list(found)[-1] == "columns.cost.name"


def test_whom_it_is_about_is_one_answer() -> None:
    shown = unit_answers.unit_shown(VALUES)
    assert shown["whom"] == "column" and shown["column"] == "person" and shown["max_rows"] == "4"
    assert unit_answers.unit_changes(VALUES, shown) == {}
    rows = shown | {"whom": "row", "kind": "firm", "max_rows": "nothing"}
    assert unit_answers.unit_changes(VALUES, rows) == {"about": {"who": "rows", "kind": "firm"}}
    several = shown | {"whom": "columns", "columns": ["district", "day"], "max_rows": "2"}
    assert unit_answers.unit_changes(VALUES, several)["about"]["columns"] == ["district", "day"]
    assert unit_answers.unit_changes(VALUES, shown | {"exact": True}) == {"unit.ids": "exact"}
    for wrong in ({"max_rows": "0"}, {"column": ""}, {"kind": "cat"}, {"whom": ""}, {"whom": "columns"}):
        with pytest.raises(InvalidInput):
            unit_answers.unit_changes(VALUES, shown | wrong)


def test_a_line_leads_to_its_step() -> None:
    for path, step in (
        ("unit.max_rows", "unit"),
        ("columns.cost.bounds", "values"),
        ("columns.cost.type", "columns"),
        ("empty_marks", "columns"),
        ("budget.delta", "about"),
        ("file.encoding", "file"),
        ("steps", "clean"),
    ):
        assert step_of(path) == step
    assert next_step(STEPS[0]) == STEPS[1] and next_step(STEPS[-1]) == STEPS[-1]
    lines = (
        "dataset: a.b\nunit:\n  kind: person\n  max_rows: 0\n"
        "columns:\n  a: {role: key, type: text}\n  b: {role: hidden, type: text}\n"
    )
    draft = {
        "policy": lines,
        "columns": [],
        "problems": [{"line": n, "message": "", "remedy": ""} for n in (0, 1, 4, 6, 7)],
    }
    assert [problem["step"] for problem in DraftView(draft).problems] == [
        "policy",
        "about",
        "unit",
        "values",
        "columns",
    ]
    unreadable = DraftView(draft | {"policy": "{ not yaml"})
    assert {problem["step"] for problem in unreadable.problems} == {"policy"} and not unreadable.columns()


@pytest.mark.parametrize(
    ("note", "chinese"),
    [
        ("read again", "重新读取文件"),
        ("handed to li. 请继续", "已转交给 li。请继续"),
        ("handed to li.", "已转交给 li。"),
        ("my own words", "my own words"),
    ],
)
def test_what_the_vault_notes_of_a_draft_is_told_in_the_readers_language(note: str, chinese: str) -> None:
    view = DraftView({"policy": POLICY, "columns": [], "problems": []})
    assert view.note(Words("zh"), note) == chinese and view.note(Words("en"), note) == note


def test_only_what_was_chosen_of_a_file_is_pinned() -> None:
    found = {"format": "csv", "encoding": "utf-8", "separator": "\t", "header_row": 1, "header_rows": 1}
    shown = form_of_format(found)
    assert shown == FileForm("utf-8", "tab", "", "1", "1", "")
    chosen = FileForm("gb18030", "tab", "", "1", "1", "")
    assert chosen.as_given(shown) == {"encoding": "gb18030"}
    assert chosen.as_given(shown, ["separator"]) == {"encoding": "gb18030", "separator": "\t"}
    ending = form_of_format(found, 1)
    assert ending.as_given(ending, ["notes"]) == {}, "who decided on it is known where the file is read"
    assert shown.as_given(ending, ["notes"]) == {"notes": None}, "it is looked for again"
    assert form_of_format({"format": "parquet", "header_row": 1, "header_rows": 1}) == FileForm()
    for wrong in (FileForm(header_row="31"), FileForm(header_rows="x"), FileForm(notes="-1")):
        with pytest.raises(InvalidInput):
            wrong.as_given()


def test_every_choice_has_words() -> None:
    groups = {
        "type": step_fields.TYPES,
        "use": (*step_fields.ROLES, "unit", "drop"),
        "use_is": (*step_fields.ROLES, "unit", "drop"),
        "grade": step_fields.GRADES,
        "unfit": step_fields.UNFIT,
        "dates": step_fields.DATES,
        "cycle": step_fields.UPDATE_CYCLES,
        "encoding": file_form.ENCODINGS,
        "separator": file_form.SEPARATORS,
        "whom": unit_answers.WHOM,
        "whom_is": unit_answers.WHOM,
        "unit": unit_answers.KINDS,
        "draft_step": (*STEPS, "policy"),
        "clean_verb": clean_answers.FORMS,
        "clean_is": clean_answers.FORMS,
        "clean_input": {each.name for form in clean_answers.FORMS.values() for each in form},
        "clean_choice": {
            choice for form in clean_answers.FORMS.values() for each in form for choice in each.choices
        },
        "draft": ("open", "published", "dropped"),
        "confidence": ("sure", "likely", "possible"),
        "filled": ("none", "few", "some", "most", "nearly all"),
    }
    missing = {f"{group}.{name}" for group, names in groups.items() for name in names} - MESSAGES.keys()
    assert not missing


def test_what_was_seen_has_the_titles_of_the_policies() -> None:
    titles = seen_titles(POLICIES)
    assert {"resident_identity_number", "free_text", "sex", "icd10_chapter"} <= titles.keys()
    assert all({"zh", "en"} <= set(words) for words in titles.values())
    assert population_titles(Path(POLICIES))["residents"] == {"zh": "常住居民", "en": "Residents"}
