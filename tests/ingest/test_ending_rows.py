"""Totals and notes at the end of a table are pointed out, and rows of data are not."""

import csv
import io
from contextlib import nullcontext

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import InvalidInput
from sandbox.ingest import FieldRules, InMemory, Type, open_file, read_rows
from sandbox.ingest.ending_rows import EndingRows
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.file_parts import FileParts
from sandbox.ingest.known_ending import notes_of_next, other_ending, require_known_ending

NAMES = ["姓名", "性别", "年龄", "费用"]
DATA = [[f"P{place}", "男", str(20 + place % 3), f"{place * 10 + 5}"] for place in range(12)]
AGES, COSTS = (str(sum(int(row[place]) for row in DATA)) for place in (2, 3))


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


@pytest.mark.parametrize("write", [as_csv, as_xlsx])
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([["合计", "", "", COSTS]], EndingRows(1, "total")),
        ([["", "合 计：", "", "1"]], EndingRows(1, "total")),
        ([["Grand total", "", AGES, COSTS]], EndingRows(1, "total")),
        (
            [["小计", "", "", "9"], ["总计", "", "", "9"], ["备注：不含门诊", "", "", "x"]],
            EndingRows(3, "total"),
        ),
        ([["总计", "", "", "9"], ["注：不含门诊", "", "", ""]], EndingRows(2, "total")),
        ([["备注", "见附件", "", ""]], EndingRows(1, "note")),
        ([["合计", "", "", "9"], ["制表人：张三", "审核人：李四", "", ""]], EndingRows(2, "total")),
        ([["制表人：张三", "审核人：李四", "", ""]], EndingRows(1, "note")),
        ([["甲：乙", "丙：丁", "戊：己", "庚：辛"]], EndingRows()),
        ([["区域：下陆", "状态：停用", "", ""]], EndingRows()),
        ([["制表人：张三", "状态：停用", "", ""]], EndingRows()),
        ([["单位负责人：张三", "制 表：李四", "日期：2026-01-05", ""]], EndingRows(1, "note")),
        ([["全区", "", AGES, COSTS]], EndingRows(1, "sum")),
        ([["P13", "女", "21", "77"]], EndingRows()),
        ([["Summer", "女", "21", "77"]], EndingRows()),
        ([["注册甲", "女", "21", "77"]], EndingRows()),
        ([["P13", "女", "21", COSTS]], EndingRows()),
    ],
)
def test_what_the_last_rows_look_like(write: object, last: list[list[str]], expected: EndingRows) -> None:
    assert callable(write)
    source = InMemory(write([NAMES, *DATA, *last]))
    file = open_file(source)
    assert file.ending == expected  # type: ignore[union-attr]
    kept = open_file(source, FileFormat(notes=expected.count))
    fields = {"姓名": FieldRules("姓名", Type.TEXT, source="姓名")}
    names = [name for batch in kept.batches(fields) for name in batch.column(0).to_pylist()]
    assert len(names) == (12 if expected.count else 13)


def test_a_row_whose_labels_other_rows_have_is_no_signature() -> None:
    rows = [[f"负责人：张{place}", f"审核：李{place}", "x", "停用"] for place in range(4)]
    file = open_file(InMemory(as_csv([NAMES, *rows, ["负责人：王", "审核：赵", "", ""]])))
    assert file.ending == EndingRows()  # type: ignore[union-attr]


def test_what_the_officer_says_is_not_guessed() -> None:
    file = open_file(InMemory(as_csv([NAMES, *DATA, ["合计", "", "", COSTS]])), FileFormat(notes=0))
    assert file.ending == EndingRows()  # type: ignore[union-attr]


TOTAL = ["合计", "", "", COSTS]
NOTE = ["注：不含门诊", "", "", ""]


@pytest.mark.parametrize("write", [as_csv, as_xlsx])
@pytest.mark.parametrize(
    ("notes", "last", "taken"),
    [
        (1, [TOTAL], True),
        (1, [], False),  # a row of data would be lost
        (2, [TOTAL], False),
        (None, [TOTAL], False),  # a total would be a person
        (1, [TOTAL, TOTAL], False),
        (0, [TOTAL], True),  # the officer keeps it
        (None, [], True),
        (None, [NOTE], True),
        (1, [NOTE], True),  # it is left out in either case
        (2, [NOTE, TOTAL], True),
        (1, [NOTE, TOTAL], True),
    ],
)
def test_a_file_that_comes_by_itself_has_the_known_rows_at_its_end(
    write: object, notes: int | None, last: list[list[str]], taken: bool
) -> None:
    assert callable(write)
    body = write([NAMES, *DATA, *last])
    if taken:
        require_known_ending(body, FileFormat(notes=notes))
        return
    with pytest.raises(InvalidInput) as refused:
        require_known_ending(body, FileFormat(notes=notes))
    assert refused.value.code == "ending_changed" and refused.value.zh and refused.value.remedy_zh


def test_short_lines_that_begin_as_notes_are_the_notes_that_the_policy_names() -> None:
    body = as_csv([NAMES, *DATA, ["来源：统计局", "2024"], ["填表人：王某"]])
    require_known_ending(body, FileFormat(notes=2))
    with pytest.raises(InvalidInput, match="2 rows look like totals or notes"):
        require_known_ending(body, FileFormat(notes=3))
    cut_off = as_csv([NAMES, *DATA, DATA[0][:2]])
    with pytest.raises(InvalidInput, match="0 rows"):
        require_known_ending(cut_off, FileFormat(notes=1))
    trailing = "a,b\n" + "1,2,\n" * 20
    with pytest.raises(InvalidInput, match="0 rows"):
        require_known_ending(trailing.encode(), FileFormat(notes=1))


@pytest.mark.parametrize(
    ("last", "notes", "taken"),
    [(TOTAL, 0, True), (TOTAL, 1, False), (TOTAL, None, False), (DATA[0], 1, True), (DATA[0], None, True)],
)
def test_a_batch_of_a_push_has_no_row_of_totals(last: list[str], notes: int | None, taken: bool) -> None:
    """And loses none, whatever the policy leaves out of a file."""
    batch = InMemory(as_csv([NAMES, *DATA, last]))
    parts = FileParts(((batch, FileFormat(header_row=1)), (batch, FileFormat(header_row=1))))
    with nullcontext() if taken else pytest.raises(InvalidInput, match="1 rows look"):
        require_known_ending(parts, FileFormat(notes=notes))


ENDS = st.lists(
    st.sampled_from(
        (
            ["合计", "", "", "9"],
            ["Total:", "", "", ""],
            ["注：不含门诊", "", "", ""],
            ["来源：统计局", "2024"],
            ["填表人：王某"],
            ["备注：", "", "x", ""],
            ["", "", "", ""],
            [],
        )
    ),
    max_size=4,
)
REAL = st.lists(
    st.sampled_from((["男", "是", "x"], ["", "", ""], ["男", "", ""], ["注：", "", ""], ["男"], [])),
    max_size=5,
)
"""What stands beside a person's id: also nothing, and fewer cells than there are columns."""


@settings(max_examples=150, deadline=None)
@given(REAL, ENDS, st.none() | st.integers(0, 4), st.none() | st.integers(0, 4))
def test_whatever_the_end_of_a_later_file_no_row_is_lost_unsaid(
    rows: list[list[str]], ends: list[list[str]], notes: int | None, before: int | None
) -> None:
    """`notes`: what the policy says; `before`: what that of the last version says, when a draft is made."""
    people = [[f"P{place}", *cells] for place, cells in enumerate([["女", "否", "y"], *rows])]
    text = "".join(",".join(row) + "\n" for row in [["姓名", "性别", "在院", "说明"], *people, *ends])
    body = text.encode()
    drafted = notes_of_next(open_file(InMemory(body)), before)
    for taken, told in ((notes, other_ending(body, FileFormat(notes=notes))), (drafted, None)):
        if told is None:
            assert lost(body, people, taken) == set(), (text, taken)


def lost(body: bytes, people: list[list[str]], notes: int | None) -> set[str]:
    """The people that a file is read without."""
    fields = [FieldRules(name, Type.TEXT, source=name) for name in ("姓名", "性别", "在院", "说明")]
    try:
        read = read_rows(body, fields, given=FileFormat(notes=notes))
    except InvalidInput:  # of rows with fewer cells, the officer is told
        return set()
    return {row[0] for row in people} - set(read.table.column("姓名").to_pylist())


def test_totals_that_count_as_rows_are_told() -> None:
    """Nobody said what they are, so they are data: whoever publishes must know."""
    body = as_csv([NAMES, *DATA, ["合计", "", "", "9"]])
    fields = [FieldRules(name, Type.TEXT) for name in NAMES]
    said = read_rows(body, fields).told
    assert any("the last 1 rows look like totals" in line for line in said)
    for notes in (0, 1):
        assert not any(
            "totals" in line for line in read_rows(body, fields, given=FileFormat(notes=notes)).told
        )
