"""Looks at an officer's file: how it is built, its first rows, and the policy that is suggested for it."""

import re
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from sandbox.catalog.tables import datasets
from sandbox.database import Transaction
from sandbox.drafts.context import DraftContext
from sandbox.drafts.files import file_of, source_of
from sandbox.drafts.pattern import Pattern
from sandbox.drafts.schemas import FormatDocument, RowsDocument
from sandbox.drafts.suggest import Rules, Suggested, rounded_up, suggest
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.ingest import FieldRules, Source, Type, open_file
from sandbox.ingest.csv_rows import CsvFile
from sandbox.ingest.ending_rows import NONE, EndingRows
from sandbox.ingest.excel_rows import ExcelFile
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.ingest.header import clean
from sandbox.ingest.inference import ColumnShape, inspect
from sandbox.ingest.json_rows import JsonFile
from sandbox.ingest.known_ending import notes_of_next
from sandbox.ingest.parquet_rows import ParquetFile
from sandbox.ingest.progress import QUIET, CountedSource, Progress
from sandbox.ingest.read import File
from sandbox.ingest.recognition import recognise
from sandbox.ingest.value_hashes import Hashes, text_hashes

ENDING = {
    "total": ("The last rows look like totals.", "末尾的行像是合计。"),
    "note": ("The last rows look like notes.", "末尾的行像是备注。"),
    "sum": ("The numbers of the last row are the sums of their columns.", "最后一行的数字是各列之和。"),
}
MOST_SHOWN_ROWS = 100
LIKE_AN_IDENTIFIER = re.compile("[0-9０-９]{6}|[@＠]")
NO_NAME = re.compile(r"\w+\.data(_[0-9]+)?")


def inspect_file(
    context: DraftContext,
    officer: Principal,
    source: Source,
    name: str,
    given: FileFormat,
    *,
    pattern: Pattern | None = None,
    progress: Progress = QUIET,
) -> tuple[Suggested, dict[str, Any]]:
    """What is suggested for a file, and what was seen of it (`drafts.shape`)."""
    source = CountedSource(source, progress)
    progress.step("opening", source.size)
    file = open_file(source, given)
    ending: EndingRows = getattr(file, "ending", NONE)
    before = pattern.notes if pattern is not None else None
    said = given.notes
    if said is None and (notes := notes_of_next(file, before)):
        given = replace(given, notes=notes)
        file = open_file(source, given)
    _refuse_names_of_people(file, context.rules)
    progress.step("inspecting", source.size)
    shapes = inspect(file, progress=progress)

    def rows_of_unit(label: str) -> int:
        progress.step("counting", source.size)
        return _rows_of_unit(file, label)

    suggested = suggest(
        shapes,
        context.rules,
        file_name=name,
        department=officer.organisation,
        rows_of_unit=rows_of_unit,
    )
    with context.database.transaction() as tx:
        suggested.policy["dataset"] = _own_name(tx, suggested.policy["dataset"])
    if ending.count:
        _tell_ending(suggested, ending, given.notes)
    elif before and given.notes is None and pattern is not None:
        _tell_no_ending(suggested, pattern.name, before)
    stated = _stated_format(given)
    if stated:
        suggested.policy["file"] = stated
    if pattern is not None:
        pattern.give(suggested)
    return suggested, {
        "dataset": suggested.policy["dataset"],
        "header_unsure": file.header.guessed and bool(file.header.rows) and any(map(_is_a_value, shapes)),
        "format": dict(format_document(file)),
        "rows": max((shape.rows for shape in shapes), default=0),
        "columns": [dict(column) for column in suggested.columns],
        "notes_said": said,
        "suggestions": [dict(suggestion) for suggestion in suggested.suggestions],
        **({} if pattern is None else {"next_of" if pattern.same else "like": pattern.name}),
    }


def _tell_ending(suggested: Suggested, ending: EndingRows, notes: int | None) -> None:
    """Rows at the end that are left out: the officer is told of them first."""
    en, zh = ENDING[ending.why]
    suggested.add(
        "file.notes",
        notes,
        f"{en} They are left out, so that none counts as a person; write 0 to keep them.",
        f"{zh}这些行不列入数据，以免被当作一个人；如需保留，请填 0。",
        "likely",
    )
    suggested.suggestions.insert(0, suggested.suggestions.pop())


def _tell_no_ending(suggested: Suggested, name: str, notes: int) -> None:
    suggested.add(
        "file.notes",
        0,
        f"{name} leaves {notes} rows out at its end; no row of this file looks like totals or notes, so all "
        "of them are data. Look at its last rows.",
        f"{name} 去掉末尾 {notes} 行；此文件末尾没有像合计或备注的行，因此各行均列入数据。请查看末尾各行。",
        "likely",
    )
    suggested.suggestions.insert(0, suggested.suggestions.pop())


def _refuse_names_of_people(file: File, rules: Rules) -> None:
    """Names of columns are shown to everybody. Raises `InvalidInput` where one is an identifier: then a row
    is taken for the header, or people stand side by side."""
    for place, label in enumerate(file.names, start=1):
        if not LIKE_AN_IDENTIFIER.search(label):
            continue
        found = recognise([label], "", rules.identifiers)
        if found.kind is not None and found.confidence == "sure":
            raise InvalidInput(
                f"The name of column {place} has the form of a {found.title_en}.",
                code="header_with_identifiers",
                remedy="If the file has no row of names, say so (header row 0). If people stand side by "
                "side, write one row for each.",
                zh=f"第 {place} 列的列名具有{found.title_zh}的形式。",
                remedy_zh="若文件没有列名行，请说明（列名行为 0）；若各人并列为列，请改为每人一行。",
            )


def _is_a_value(shape: ColumnShape) -> bool:
    """Whether the column's name is also one of its values."""
    return bool(pc.index(shape.sample, pa.scalar(shape.label, shape.sample.type)).as_py() >= 0)


def _own_name(tx: Transaction, name: str) -> str:
    """A file whose name has no letter that a dataset's can have is called `data`: so are others. Such a name
    must not make it a version of another file's dataset."""
    if not NO_NAME.fullmatch(name):
        return name
    taken = set(tx.execute(select(datasets.c.name)).scalars())
    return next(
        each for number in count(1) if (each := name if number == 1 else f"{name}_{number}") not in taken
    )


def _rows_of_unit(file: File, label: str) -> int:
    """How many rows a unit may have so that one row in a hundred is beyond, rounded up."""
    fields = {label: FieldRules(label, Type.TEXT, unit=True, source=label)}
    hashes = np.sort(np.concatenate([_unit_hashes(batch) for batch in file.batches(fields)]))
    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
    counted = np.diff(np.append(starts, len(hashes)))
    rows, most = len(hashes), 1
    while rows and int((counted - most).clip(min=0).sum()) > rows / 100:
        most = rounded_up(most + 1)
    return most


def _unit_hashes(batch: pa.RecordBatch) -> Hashes:
    """Eight bytes for each id that is not empty, and not the id."""
    return text_hashes(pc.cast(batch.column(0), pa.string()).drop_null())


def _stated_format(given: FileFormat) -> dict[str, Any]:
    """What the officer said of the file; the rest is detected anew for each version."""
    stated = {
        name: getattr(given, name)
        for name in ("encoding", "separator", "sheet", "header_row", "header_rows")
        if getattr(given, name) is not None
    }
    if given.format is not None:
        stated["format"] = given.format.value
    if given.notes is not None:
        stated["notes"] = given.notes
    return stated


def format_document(file: File) -> FormatDocument:
    """How a file is built, as it was detected."""
    header = file.header
    document = FormatDocument(
        format=FORMATS[type(file)].value,
        header_row=header.first + 1 if header.rows else 0,
        header_rows=header.rows,
        columns=list(file.names),
    )
    match file:
        case CsvFile():
            document |= {
                "encoding": file.encoding.name,
                "damaged": file.encoding.damaged,
                "separator": file.separator,
            }
        case JsonFile():
            document |= {"encoding": file.encoding.name, "damaged": file.encoding.damaged}
        case ExcelFile():
            document |= {"sheet": clean(file.sheet), "sheets": list(map(clean, file.sheets))}
    return document


def first_rows(
    context: DraftContext, officer: Principal, file: UUID, given: FileFormat, count: int
) -> RowsDocument:
    """The first rows of a file as they are read, for the officer who uploaded it."""
    with context.database.transaction() as tx:
        row = file_of(tx, file, officer)
    opened = open_file(source_of(context.store, row), given)
    labels = [label for label in opened.names if label not in getattr(opened, "nested", ())]
    fields = {label: FieldRules(label, Type.TEXT, source=label) for label in labels}
    batch = next(iter(opened.batches(fields)), None)
    if batch is None:
        return RowsDocument(columns=list(labels), rows=[])
    table = pa.Table.from_batches([batch.slice(0, min(count, MOST_SHOWN_ROWS))])
    return rows_document(table)


def rows_document(table: pa.Table) -> RowsDocument:
    columns = [
        [None if value is None else str(value)[:200] for value in column.to_pylist()]
        for column in table.columns
    ]
    return RowsDocument(
        columns=list(table.column_names), rows=[list(row) for row in zip(*columns, strict=True)]
    )


FORMATS: dict[type[File], Format] = {
    CsvFile: Format.CSV,
    ExcelFile: Format.EXCEL,
    JsonFile: Format.JSON,
    ParquetFile: Format.PARQUET,
}
