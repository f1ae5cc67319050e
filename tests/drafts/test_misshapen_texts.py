"""Whatever an officer leaves half edited in a draft's text is told, and makes nothing fail."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData

from marketplace.portal.drafts import clean_answers, column_answers, step_fields, unit_answers
from marketplace.portal.drafts.answers import changes, shown_value, value_of
from marketplace.portal.drafts.file_form import form_of_format
from marketplace.portal.drafts.view import DraftView
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.cleaning.pseudonyms import PseudonymKeys
from sandbox.cleaning.step_cleaner import StepCleaner
from sandbox.drafts.check_policy import check_policy, names_the_header
from sandbox.drafts.context import DraftContext
from sandbox.drafts.draft_text import editable
from sandbox.drafts.edit_policy import edited
from sandbox.drafts.keep_decisions import decided_notes, keep_decisions
from sandbox.drafts.suggest import Suggested
from sandbox.errors import InvalidInput
from sandbox.ingest.code_lists import load_code_lists
from sandbox.policy import YamlText
from sandbox.quality.rules import check_rule
from story import POLICIES, POLICY

MORE = """
catalogue: {classification: [健康], sharing: none, opening: none}
update_cycle: monthly
hints: {bits: 3}
file: {encoding: gb18030, header_row: 1, notes: 1}
dropped_columns: [备注, 电话]
empty_marks: ["-"]
steps:
  - {trim: [note]}
  - {map: district, values: {N: north}, others: keep}
  - {derive: share, as: cost / 2}
  - {generalise: cost, bands: [10, 20], into: band}
  - {pseudonym: secret}
expect:
  - {complete: year, at_least: 0.5, else: warn}
  - {rule: "cost >= 0", else: stop}
  - {unique: [person, day], else: warn}
"""
COLUMNS = """  share: {role: attribute, type: number}
  band: {role: attribute, type: text}
  age: {role: measure, type: integer, bounds: [0, 100], step: "1", source: 年龄, title: {zh: 年龄, en: Age},
    written: {thousands: ","}, unfit: empty, typical: {median: 40, known_from: 年鉴}}
"""
WHOLE: dict[str, Any] = YamlText(POLICY + COLUMNS + MORE, None, what="The policy").document
RAW = (
    "",
    "~",
    "5",
    "[[a]]",
    "{<<: {a: {role: key}}}",
    "&x [*x]",
    "&y {b: *y}",
    "*nobody",
    "{? [a, b] : 1}",
    "{1: 2}",
    "{a: 1, a: 2}",
    "!!set {a, b}",
    "!!binary aGk=",
    "!other {a: 1}",
    "!other b",
    "!!int abc",
    "!!float x",
    "!!timestamp x",
    "2024-01-31",
    "2024-99-99",
    "0x1F",
    "1_000",
    ".nan",
    "-.inf",
    "1e300",
    "99999999999999999999",
    '"\\uD800"',
    '"\\0"',
    "[" * 30 + "]" * 30,
    "{",
    '"',
)
"""YAML that is no JSON, and texts that are no YAML."""


PARTS: tuple[tuple[str, ...], ...] = (
    (),
    ("columns",),
    ("columns", "age"),
    ("steps",),
    ("unit",),
    ("file", "notes"),
    ("dropped_columns",),
)


def paths(node: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    yield path
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        yield from paths(part, *path, key)


PATHS = list(paths(WHOLE))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["person", "age"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=4,
)
TEXT = json.dumps(WHOLE, ensure_ascii=False)
PATH_OF_LIST = "columns.note.values"
CHANGES: tuple[dict[str, Any], ...] = (
    {"columns.age.name": "jahre", "columns.day.drop": True},
    {"columns.share.drop": True, "columns.district.role": "measure", "columns.cost.values": ["a"]},
    {"about": {"who": "column", "column": "note", "kind": "firm", "max_rows": 3}},
    {"about": {"who": "columns", "columns": ["note", "day"]}, "columns.cost.bounds": [0, 1.5]},
    {"about": {"who": "nobody"}, "columns.new.make": {"type": "text"}},
    {"steps.add": {"trim": ["note"]}, "steps.remove": 1, "steps.move": [1, 2]},
    {"dropped_columns.restore": "备注", "title.zh": "x", "file.notes": None},
)


def replaced(path: tuple[str | int, ...], raw: str) -> str:
    """The policy's text with another value at this path."""
    if not path:
        return raw
    policy = deepcopy(WHOLE)
    node: Any = policy
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = "@@"
    return json.dumps(policy, ensure_ascii=False, indent=1).replace('"@@"', raw)


CONTEXT = DraftContext(
    database=cast("Any", None),
    repository=DatasetRepository(
        cast("Any", None),
        POLICIES,
        StepCleaner(PseudonymKeys(b"k" * 32)),
        partial(check_rule, code_lists=load_code_lists(POLICIES / "codes")),
    ),
    gate=cast("Any", None),
    store=cast("Any", None),
    policies=POLICIES,
    populations={},
    published=cast("Any", None),
)
"""What reads a text needs no database."""
SHAPE = {"columns": [], "header_unsure": False, "format": {"header_row": 1}}


def require_told(refused: InvalidInput, *, code: str = "") -> None:
    assert refused.message and refused.remedy and refused.code, refused
    assert not code or (refused.code == code and refused.zh and refused.remedy_zh), refused


def read_in_the_vault(text: str, change: dict[str, Any]) -> None:
    policy, problems = check_policy(CONTEXT, text, SHAPE)
    assert policy is not None or problems
    assert all(problem["message"] and problem["remedy"] for problem in problems)
    names_the_header(CONTEXT, text, SHAPE)
    try:
        assert edited(text, change, before=[text, POLICY])
    except InvalidInput as refused:
        require_told(refused)
    try:
        document = editable(text)
    except InvalidInput as refused:
        require_told(refused, code="policy_misshapen")
        return
    for before, now in ((document, WHOLE), (WHOLE, document)):
        suggested = Suggested(deepcopy(WHOLE), {}, [])
        decided_notes(before, now, None)
        keep_decisions(suggested, before=before, now=now)
        assert suggested.text


def read_by_the_pages(text: str) -> None:
    problems = [{"line": line, "message": "x", "remedy": "y"} for line in (0, 1, 9, 40)]
    view = DraftView(
        {"policy": text, "columns": [], "problems": problems, "suggestions": [], "state": "open"}
    )
    assert len(view.problems) == len(problems)
    form_of_format({"format": "csv"}, view.policy.get("file.notes"))
    set(view.policy.get("file") or ())
    (view.policy.get("title") or {}).get("zh")
    unit_answers.unit_shown(view.policy)
    clean_answers.shown_steps(view.policy)
    clean_answers.columns_of(view.policy, ("text",))
    list(map(str, view.policy.get("dropped_columns") or ()))
    given = FormData([("columns.age.type", "text"), ("columns.age.title.zh", "x"), ("empty_marks", "")])
    column_answers.columns_changes(view.policy, [column.name for column in view.columns()], given)
    changes(step_fields.about_fields(view.policy), view.policy, given, accepted={})
    for column in view.valued_columns():
        assert column.lacks in (True, False)
        for field in step_fields.value_fields(view.policy, column.name):
            shown_value(field, view.policy)
    value_of(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATHS), VALUES, st.sampled_from(CHANGES))
def test_any_document_in_place_of_any_value_is_read_or_told(
    path: tuple[str | int, ...], value: Any, change: dict[str, Any]
) -> None:
    text = replaced(path, json.dumps(value, ensure_ascii=False))
    read_in_the_vault(text, change)
    read_by_the_pages(text)
    for changes_made in ({".".join(map(str, path)): value, **change}, {**change, PATH_OF_LIST: value}):
        try:
            assert edited(TEXT, changes_made, before=[TEXT])
        except InvalidInput as refused:
            require_told(refused)


@pytest.mark.parametrize("place", range(len(RAW)))
def test_any_yaml_in_place_of_a_part_is_read_or_told(place: int) -> None:
    for nth in range(2):
        text = replaced(PARTS[(place + nth * 3) % len(PARTS)], RAW[place])
        read_in_the_vault(text, CHANGES[(place + nth) % len(CHANGES)])
        read_by_the_pages(text)
