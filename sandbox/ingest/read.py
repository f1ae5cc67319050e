"""A file's bytes become a typed table, sorted by unit: strictly, a batch at a time, within limits."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import InvalidInput
from sandbox.ingest.ahead import THREADS
from sandbox.ingest.columns import ARROW_TYPE, CODE, ROUNDABLE, Mask, WrongType, read_column
from sandbox.ingest.csv_rows import CsvFile
from sandbox.ingest.excel_rows import ExcelFile
from sandbox.ingest.file_format import DETECTED, FileFormat, Format, format_of
from sandbox.ingest.file_parts import FileParts, PartFiles
from sandbox.ingest.identifiers import normalise
from sandbox.ingest.json_rows import JsonFile
from sandbox.ingest.limits import LIMITS, Limits
from sandbox.ingest.model import Fault, FieldRules, IdRule, Type, Unfit
from sandbox.ingest.packed import unpacked
from sandbox.ingest.parquet_rows import ParquetFile, too_much_unpacked
from sandbox.ingest.progress import QUIET, Progress
from sandbox.ingest.rows import Rows
from sandbox.ingest.source import InMemory, Opened, Source
from sandbox.ingest.spool import InMemoryOverflow, Spool
from sandbox.ingest.tally import Tally, refuse
from sandbox.ingest.unit_order import UnitOrder
from sandbox.ingest.units import UnitIds
from sandbox.ingest.value_hashes import Hashes, count_different, text_hashes


@dataclass(frozen=True)
class SortedRows:
    """The typed rows by unit, to be taken once, in batches; and what the publishing officer should know of
    how they were read."""

    schema: pa.Schema
    count: int
    batches: Iterator[pa.RecordBatch]
    told: tuple[str, ...]
    unfit: Mapping[str, int] = field(default_factory=dict)  # cells that did not fit, by column
    left_out: int = 0  # rows


@dataclass
class CleanRows:
    """Rows after cleaning, to be taken once. `told`, `unfit` and `left_out` are whole when all were taken:
    what was done, in words; of columns that were made, how many cells did not fit; and how many rows were
    left out."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    told: list[str] = field(default_factory=list)
    unfit: dict[str, int] = field(default_factory=dict)
    left_out: int = 0


Clean = Callable[[pa.Schema, Iterator[pa.RecordBatch], Spool], CleanRows]
"""Cleans rows as they come, in the file's order. Its batches raise `InvalidInput` at their end."""


@dataclass
class IdTally:
    """Ids that the rule changed, and how many ids it joined to others. Of ids only hashes are kept."""

    before: list[Hashes] = field(default_factory=list)
    after: list[Hashes] = field(default_factory=list)
    changed: int = 0

    def note(self, before: pa.Array, after: pa.Array) -> None:
        """An id of nothing visible names nobody, before as after."""
        changed = int(pc.sum(pc.not_equal(after, before)).as_py() or 0)
        self.changed += changed
        self.after.append(text_hashes(after.drop_null()))
        self.before.append(text_hashes(before.filter(pc.is_valid(after))) if changed else self.after[-1])

    def told(self) -> list[str]:
        if not self.changed:
            return []
        joined = count_different(self.before) - count_different(self.after)
        return [
            (
                f"{self.changed} rows have an id that was written otherwise than the rule "
                f"(NFKC, trimmed, upper case); {joined} ids differ from another id in that alone, "
                "and were joined with it"
            )
        ]


File = CsvFile | ExcelFile | JsonFile | ParquetFile | PartFiles
READERS: dict[Format, type[CsvFile | ExcelFile | JsonFile | ParquetFile]] = {
    Format.CSV: CsvFile,
    Format.EXCEL: ExcelFile,
    Format.JSON: JsonFile,
    Format.PARQUET: ParquetFile,
}


def open_file(source: Source, given: FileFormat = DETECTED, *, limits: Limits = LIMITS) -> File:
    """The reader of a file, whatever its format: its `names`, `rows_at_most` and `batches`.
    What `given` leaves open is detected. Raises `InvalidInput`."""
    if not source.size:
        raise InvalidInput(
            "The file is empty.",
            remedy="Send a table: CSV, Excel, JSON or Parquet.",
            zh="文件是空的。",
            remedy_zh="请提供表格：CSV、Excel、JSON 或 Parquet。",
        )
    if source.size > limits.file_bytes:
        raise InvalidInput(
            f"The file is larger than {limits.file_bytes // 1024**2} MiB.",
            remedy="Publish it as several datasets.",
            zh=f"文件超过 {limits.file_bytes // 1024**2} MiB。",
            remedy_zh="请分成几个数据集发布。",
        )
    if isinstance(source, FileParts):
        return PartFiles([open_file(part, built, limits=limits) for part, built in source.parts])
    opened: Opened | None = getattr(source, "opened", None)
    if opened is not None and (given, limits) in opened:
        known: CsvFile = opened[given, limits]
        return known.of(source)
    inner = unpacked(source, limits)
    file = READERS[given.format or format_of(inner)](inner, limits, given)
    if opened is not None and inner is source and isinstance(file, CsvFile):
        opened[given, limits] = file.of(InMemory(b""))  # and not the source: it may count for somebody
    if not file.names:
        raise InvalidInput(
            "The file has no columns.",
            remedy="Send a table with a row of names and rows of values.",
            zh="文件没有列。",
            remedy_zh="请提供含有列名和数据行的表格。",
        )
    return file


def read_rows(
    body: bytes | Source,
    fields: Sequence[FieldRules],
    *,
    ids: IdRule = IdRule.EXACT,
    given: FileFormat = DETECTED,
    dropped: Collection[str] = (),
    made_ids: UnitIds | None = None,
    limits: Limits = LIMITS,
    clean: Clean | None = None,
    unit: str | None = None,
) -> Rows:
    """As `read_sorted`, with the whole table in memory."""
    rows = read_sorted(
        body,
        fields,
        ids=ids,
        given=given,
        dropped=dropped,
        made_ids=made_ids,
        limits=limits,
        clean=clean,
        unit=unit,
        spool=Spool(InMemoryOverflow()),
    )
    table = pa.Table.from_batches(rows.batches, rows.schema)
    return Rows(table, rows.told, rows.unfit, rows.left_out)


def read_sorted(
    body: bytes | Source,
    fields: Sequence[FieldRules],
    *,
    ids: IdRule = IdRule.EXACT,
    given: FileFormat = DETECTED,
    dropped: Collection[str] = (),
    made_ids: UnitIds | None = None,
    limits: Limits = LIMITS,
    clean: Clean | None = None,
    unit: str | None = None,
    spool: Spool,
    progress: Progress = QUIET,
) -> SortedRows:
    """Read a file: the fields in their order and no other columns.

    `dropped`: labels of columns that stay out. `made_ids`: the unit's column,
    which the file has not, becomes the first. `clean` makes the rows that are kept of those that are read,
    while they are read, and says what it did. `unit`: the column that names the unit, where `clean` makes
    it. `spool`: where rows wait until all are read.

    Raises `InvalidInput`, which names columns, counts cells by the kind of their fault, and quotes none.
    """
    file, reading = _begun(body, fields, ids, given, dropped, made_ids, limits, progress)
    unit = next((rules.name for rules in fields if rules.unit), unit if clean is not None else None)
    schema, batches = reading.schema, reading.batches(file)
    cleaned = None if clean is None else clean(schema, batches, spool)
    if cleaned is not None:
        schema, batches = cleaned.schema, cleaned.batches
    if made_ids is not None:
        unit = made_ids.column
        schema, batches = made_ids.added(schema, batches, spool)
    order = UnitOrder(schema, unit, spool)
    for batch in batches:
        order.add(batch)
    reading.require_rows()
    told, unfit, out = _of_ending(file, given) + reading.told(), reading.unfit(), reading.left_out
    if cleaned is not None:
        out += cleaned.left_out
        told.extend(cleaned.told)
        unfit |= {name: unfit.get(name, 0) + count for name, count in cleaned.unfit.items()}
        if not order.rows:
            raise InvalidInput(
                "The cleaning steps leave no row.",
                remedy="Look at the conditions by which rows are left out.",
                zh="清洗步骤没有留下任何行。",
                remedy_zh="请检查去掉行的条件。",
            )
    return SortedRows(schema, order.rows, order.batches(), tuple(told), unfit, out)


def _of_ending(file: File, given: FileFormat) -> list[str]:
    """What is told of rows at the end that look like totals and count as data, as nobody said what they
    are."""
    found = file.ending.count if isinstance(file, CsvFile | ExcelFile) and given.notes is None else 0
    if not found:
        return []
    return [
        f"the last {found} rows look like totals or notes, and count as data: write file.notes: {found} to "
        "leave them out, or file.notes: 0 to say that they are data"
    ]


def check_rows(
    body: Source,
    fields: Sequence[FieldRules],
    *,
    ids: IdRule,
    given: FileFormat = DETECTED,
    dropped: Collection[str] = (),
    made_ids: UnitIds | None = None,
    limits: Limits = LIMITS,
) -> tuple[int, tuple[str, ...]]:
    """Read a file and keep no row of it: how many there are, and what was done to their cells.
    Raises `InvalidInput` as `read_sorted` does."""
    file, reading = _begun(body, fields, ids, given, dropped, made_ids, limits, QUIET)
    for _ in reading.batches(file):
        pass
    reading.require_rows()
    return reading.rows, tuple(reading.told())


def _begun(
    body: bytes | Source,
    fields: Sequence[FieldRules],
    ids: IdRule,
    given: FileFormat,
    dropped: Collection[str],
    made_ids: UnitIds | None,
    limits: Limits,
    progress: Progress,
) -> tuple[File, "_Reading"]:
    """The file, whose names and size are checked, and the reading of it, before any row."""
    source = InMemory(body) if isinstance(body, bytes) else body
    file = _with_names(source, fields, given, limits)
    parts_of_id = (made_ids.of or ()) if made_ids else ()
    fields = [replace(rules, part_of_id=rules.name in parts_of_id) for rules in fields]
    _check_names(file.names, [rules.label for rules in fields], dropped)
    _check_size(file.rows_at_most, len(fields), limits)
    return file, _Reading({rules.name: rules for rules in fields}, ids, limits, progress)


def _with_names(source: Source, fields: Sequence[FieldRules], given: FileFormat, limits: Limits) -> File:
    """The file, with its first row for the header where only that has the policy's names."""
    file = open_file(source, given, limits=limits)
    wanted = {rules.label for rules in fields}
    if file.header.guessed and not wanted <= set(file.names):
        first = open_file(source, replace(given, header_row=1), limits=limits)
        file = first if wanted <= set(first.names) else file
    return file


@dataclass
class _Reading:
    """One reading of a file: its batches, typed, and what there is to tell of them."""

    fields: Mapping[str, FieldRules]
    ids: IdRule
    limits: Limits
    progress: Progress
    rows: int = 0
    left_out: int = 0

    def __post_init__(self) -> None:
        self._tallies = {name: Tally(rules) for name, rules in self.fields.items()}
        self._ids = IdTally()
        self.schema = pa.schema([(name, ARROW_TYPE[rules.type]) for name, rules in self.fields.items()])

    def batches(self, file: File) -> Iterator[pa.RecordBatch]:
        """The rows that are kept. Raises `InvalidInput` at the end where a cell does not fit and is to be
        refused."""
        size = 0
        batches = file.batches({rules.label: rules for rules in self.fields.values()})
        with ThreadPoolExecutor(THREADS) as pool:
            for batch in batches:
                part, left_out = _typed(
                    batch, self.fields, self._tallies, self.rows, self.ids, self._ids, pool
                )
                self.rows, self.left_out, size = (
                    self.rows + len(batch),
                    self.left_out + left_out,
                    size + part.nbytes,
                )
                _check_size(self.rows, len(self.fields), self.limits)
                if size > self.limits.unpacked_bytes:
                    raise too_much_unpacked(self.limits)
                self.progress.rows(self.rows)
                yield part
        refuse(list(self._tallies.values()))

    def require_rows(self) -> None:
        if self.rows > self.left_out:
            return
        raise InvalidInput(
            "The file has no rows." if not self.rows else "No row of the file fits the policy.",
            remedy="Publish a dataset when it has data.",
            zh="文件没有任何行。" if not self.rows else "没有一行符合策略。",
            remedy_zh="请在有数据后再发布。",
        )

    def told(self) -> list[str]:
        told = [said for tally in self._tallies.values() if (said := tally.told())] + self._ids.told()
        if self.left_out:
            told.append(f"{self.left_out} of {self.rows} rows were left out")
        return told

    def unfit(self) -> dict[str, int]:
        return {name: tally.done.total() for name, tally in self._tallies.items() if tally.done}


def first_rows(
    source: Source, fields: Sequence[FieldRules], count: int, *, given: FileFormat = DETECTED
) -> pa.Table:
    """The first rows of a file in its order, for whoever's file it is. A cell that does not fit is empty.
    Raises `InvalidInput` where the file has not the fields."""
    file = open_file(source, given)
    by_label = {rules.label: rules for rules in fields}
    missing = [label for label in by_label if label not in file.names]
    if missing:
        raise InvalidInput(
            f"The file has no column {', '.join(missing)}.",
            remedy="Correct the columns of the policy first.",
            zh=f"文件没有列 {'、'.join(missing)}。",
            remedy_zh="请先改正策略中的栏目。",
        )
    batch = next(iter(file.batches(by_label)), None)
    columns: dict[str, pa.Array] = {}
    for rules in fields:
        if batch is None:
            columns[rules.name] = pa.array([], ARROW_TYPE[rules.type])
            continue
        try:
            columns[rules.name] = read_column(batch.column(rules.label).slice(0, count), rules).values
        except WrongType:
            columns[rules.name] = pa.nulls(min(count, len(batch)), ARROW_TYPE[rules.type])
    return pa.table(columns)


def _check_names(given: Sequence[str], wanted: Sequence[str], dropped: Collection[str]) -> None:
    missing = [name for name in wanted if name not in given]
    # named by their places: a file without a header line has a row there, and a row's values are never quoted
    unknown = [str(place) for place, name in enumerate(given, start=1) if name not in {*wanted, *dropped}]
    twice = sorted({name for name in wanted if given.count(name) > 1})
    faults = [
        (f"{words} {', '.join(names)}", f"{zh} {'、'.join(names)}")
        for words, zh, names in (
            ("it has not", "缺少", missing),
            ("the policy does not name its columns number", "策略未写明第几列：", unknown),
            ("duplicate column", "重复的列", twice),
        )
        if names
    ]
    if faults:
        raise InvalidInput(
            f"The file's columns are not the policy's: {'; '.join(said for said, _ in faults)}.",
            remedy=(
                "The first line must be the columns' names. Name every column of the file in the "
                "policy; give those that nobody may use the role hidden."
            ),
            zh=f"文件的列与策略不符：{'；'.join(zh for _, zh in faults)}。",
            remedy_zh="第一行须是列名。请在策略中写明文件的每一列；无人可用的列写 role: hidden。",
        )


def _check_size(rows: int, columns: int, limits: Limits) -> None:
    if rows <= limits.rows and rows * columns <= limits.cells:
        return
    most = min(limits.rows, limits.cells // columns)
    raise InvalidInput(
        f"The file has more than {most} rows, which is the most for {columns} columns.",
        code="too_many_rows",
        remedy="Publish it as several datasets, or leave columns out.",
        zh=f"文件超过 {most} 行（{columns} 列时的上限）。",
        remedy_zh="请分成几个数据集发布，或去掉一些列。",
    )


def _typed(
    batch: pa.RecordBatch,
    fields: Mapping[str, FieldRules],
    tallies: Mapping[str, Tally],
    before: int,
    ids: IdRule,
    id_tally: IdTally,
    pool: ThreadPoolExecutor,
) -> tuple[pa.RecordBatch, int]:
    """A batch's rows, typed, and how many were left out. Columns are read side by side."""

    def read(name: str) -> tuple[pa.Array, Mask | None]:
        return _typed_column(batch, fields[name], tallies[name], before, ids, id_tally)

    columns, dropped = [], np.zeros(len(batch), np.bool_)
    for values, out in pool.map(read, fields):
        columns.append(values)
        if out is not None:
            dropped |= out
    part = pa.RecordBatch.from_arrays(
        columns, schema=pa.schema([(name, ARROW_TYPE[rules.type]) for name, rules in fields.items()])
    )
    return part.filter(pa.array(~dropped)) if dropped.any() else part, int(dropped.sum())


def _typed_column(
    batch: pa.RecordBatch,
    rules: FieldRules,
    tally: Tally,
    before: int,
    ids: IdRule,
    id_tally: IdTally,
) -> tuple[pa.Array, Mask | None]:
    """A column of a batch, typed, and which rows it leaves out."""
    name = rules.name
    try:
        column = read_column(batch.column(rules.label), rules)
    except pa.ArrowException as error:
        raise InvalidInput(
            f"Column {name} of the file is damaged.",
            remedy="Write the file again.",
            zh=f"文件中栏目 {name} 已损坏。",
            remedy_zh="请重新写出文件。",
            internal=type(error).__name__,
        ) from None
    except WrongType as wrong:
        raise InvalidInput(
            f"Column {name} is of the type {wrong.kind} in the file, which cannot be read as {rules.type}.",
            remedy=(
                "Mend the column's type in the policy, or write the column as plain values of that type."
            ),
            zh=f"文件中栏目 {name} 的类型是 {wrong.kind}，不能读作 {rules.type}。",
            remedy_zh="请改正策略中的类型，或把该列写成此类型的普通值。",
        ) from None
    values, faults = column.values, column.faults
    if rules.unit and rules.type is Type.TEXT:
        values = _normalised(values, ids, id_tally)
    rounded = np.isin(faults, ROUNDABLE)
    if rules.unfit is Unfit.ROUND and rounded.any():
        tally.note(np.where(rounded, faults, 0))
        faults = np.where(rounded, 0, faults).astype(np.int8)
    else:
        values = (
            pc.if_else(pa.array(rounded), pa.scalar(None, values.type), values) if rounded.any() else values
        )
    if rules.unfit is Unfit.EMPTY and faults.any():
        tally.note(faults)
        faults = np.zeros_like(faults)
    if rules.unit or rules.required:
        names = normalise(values) if rules.part_of_id and rules.type is Type.TEXT else values
        faults = faults.copy()
        faults[_empty(names) & (faults == 0)] = CODE[Fault.EMPTY]
    if faults.any():
        if rules.unfit is Unfit.DROP:
            tally.note(faults)
            return values, faults != 0
        tally.refuse(faults, before + 1)
    return values, None


def _empty(values: pa.Array) -> Mask:
    mask: Mask = pc.is_null(values).to_numpy(zero_copy_only=False)
    return mask


def _normalised(values: pa.Array, ids: IdRule, tally: IdTally) -> pa.Array:
    """An id without a visible character names nobody, by either rule."""
    known = normalise(values)
    if ids is IdRule.EXACT:
        return pc.if_else(pc.is_null(known), known, values)
    tally.note(values, known)
    return known
