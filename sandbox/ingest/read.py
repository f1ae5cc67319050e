"""A file's bytes become a typed table, sorted by unit: strictly, a batch at a time, within limits."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import InvalidInput
from sandbox.ingest.columns import ARROW_TYPE, CODE, ROUNDABLE, Mask, WrongType, read_column
from sandbox.ingest.csv_rows import CsvFile
from sandbox.ingest.excel_rows import ExcelFile
from sandbox.ingest.file_format import DETECTED, FileFormat, Format, format_of
from sandbox.ingest.identifiers import normalise
from sandbox.ingest.json_rows import JsonFile
from sandbox.ingest.limits import LIMITS, Limits
from sandbox.ingest.model import Fault, FieldRules, IdRule, Type, Unfit
from sandbox.ingest.packed import unpacked
from sandbox.ingest.parquet_rows import ParquetFile, too_much_unpacked
from sandbox.ingest.source import InMemory, Source
from sandbox.ingest.tally import Tally, refuse
from sandbox.ingest.units import UnitIds


@dataclass(frozen=True)
class Rows:
    """The typed rows, sorted by unit; and what the publishing officer should know of how they were read."""

    table: pa.Table
    told: tuple[str, ...]
    unfit: Mapping[str, int] = field(default_factory=dict)  # cells that did not fit, by column
    left_out: int = 0  # rows


@dataclass(frozen=True)
class CleanRows:
    """Rows after cleaning; what was done, in words; and of columns that were made how many cells did not
    fit."""

    table: pa.Table
    told: tuple[str, ...]
    unfit: Mapping[str, int]


@dataclass
class IdTally:
    """Ids that the rule changed, and how many ids it joined to others. Kept only where some were changed."""

    before: list[pa.Array]
    after: list[pa.Array]
    changed: int = 0

    def told(self) -> list[str]:
        if not self.changed:
            return []
        joined = _different(self.before) - _different(self.after)
        return [
            (
                f"{self.changed} rows have an id that was written otherwise than the rule "
                f"(NFKC, trimmed, upper case); {joined} ids differ from another id in that alone, "
                "and were joined with it"
            )
        ]


def _different(parts: list[pa.Array]) -> int:
    return int(pc.count_distinct(pa.chunked_array(parts)).as_py())


File = CsvFile | ExcelFile | JsonFile | ParquetFile
READERS: dict[Format, type[File]] = {
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
    inner = unpacked(source, limits)
    file = READERS[given.format or format_of(inner)](inner, limits, given)
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
    clean: Callable[[pa.Table], CleanRows] | None = None,
    unit: str | None = None,
) -> Rows:
    """Read a file: the fields in their order and no other columns.

    `dropped`: labels of columns that stay out. `made_ids`: the unit's column,
    which the file has not, becomes the first. `clean` makes the rows that are kept of those that were read,
    and says what it did. `unit`: the column that names the unit, where `clean` makes it.

    Raises `InvalidInput`, which names columns, counts cells by the kind of their fault, and quotes none.
    """
    source = InMemory(body) if isinstance(body, bytes) else body
    file = open_file(source, given, limits=limits)
    if file.header.guessed and not {rules.label for rules in fields} <= set(file.names):
        first = open_file(source, replace(given, header_row=1), limits=limits)
        file = first if {rules.label for rules in fields} <= set(first.names) else file
    parts_of_id = (made_ids.of or ()) if made_ids else ()
    fields = [replace(rules, part_of_id=rules.name in parts_of_id) for rules in fields]
    by_name = {rules.name: rules for rules in fields}
    by_label = {rules.label: rules for rules in fields}
    _check_names(file.names, list(by_label), dropped)
    _check_size(file.rows_at_most, len(fields), limits)
    tallies = {name: Tally(rules) for name, rules in by_name.items()}
    id_tally = IdTally([], [])
    parts, rows, size, out = [], 0, 0, 0
    for batch in file.batches(by_label):
        part, left_out = _typed(batch, by_name, tallies, rows, ids, id_tally)
        rows, out, size = rows + len(batch), out + left_out, size + part.nbytes
        _check_size(rows, len(fields), limits)
        if size > limits.unpacked_bytes:
            raise too_much_unpacked(limits)
        parts.append(part)
    refuse(list(tallies.values()))
    if rows == out:
        raise InvalidInput(
            "The file has no rows." if not rows else "No row of the file fits the policy.",
            remedy="Publish a dataset when it has data.",
            zh="文件没有任何行。" if not rows else "没有一行符合策略。",
            remedy_zh="请在有数据后再发布。",
        )
    table = pa.Table.from_batches(parts)
    del parts
    told = [said for tally in tallies.values() if (said := tally.told())] + id_tally.told()
    if out:
        told.append(f"{out} of {rows} rows were left out")
    unfit = {name: tally.done.total() for name, tally in tallies.items() if tally.done}
    if clean is not None:
        cleaned, before = clean(table), len(table)
        table, out = cleaned.table, out + before - len(cleaned.table)
        told.extend(cleaned.told)
        unfit |= {name: unfit.get(name, 0) + count for name, count in cleaned.unfit.items()}
        if not len(table):
            raise InvalidInput(
                "The cleaning steps leave no row.",
                remedy="Look at the conditions by which rows are left out.",
                zh="清洗步骤没有留下任何行。",
                remedy_zh="请检查去掉行的条件。",
            )
    unit = next((rules.name for rules in fields if rules.unit), unit if clean is not None else None)
    if made_ids is not None:
        unit, table = made_ids.column, table.combine_chunks()
        table = table.add_column(0, unit, made_ids.of_table(table))
    if unit is None:
        return Rows(table, tuple(told), unfit, out)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    del table  # so that each column can go when its sorted copy is made
    return Rows(sorted_by(columns, unit), tuple(told), unfit, out)


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
) -> tuple[pa.RecordBatch, int]:
    """A batch's rows, typed, and how many were left out."""
    columns, dropped = [], np.zeros(len(batch), np.bool_)
    for name, rules in fields.items():
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
                f"Column {name} is of the type {wrong.kind} in the file, which cannot "
                f"be read as {rules.type}.",
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
            tallies[name].note(np.where(rounded, faults, 0))
            faults = np.where(rounded, 0, faults).astype(np.int8)
        else:
            values = (
                pc.if_else(pa.array(rounded), pa.scalar(None, values.type), values)
                if rounded.any()
                else values
            )
        if rules.unfit is Unfit.EMPTY and faults.any():
            tallies[name].note(faults)
            faults = np.zeros_like(faults)
        if rules.unit or rules.required:
            names = normalise(values) if rules.part_of_id and rules.type is Type.TEXT else values
            faults = faults.copy()
            faults[_empty(names) & (faults == 0)] = CODE[Fault.EMPTY]
        if faults.any():
            if rules.unfit is Unfit.DROP:
                tallies[name].note(faults)
                dropped |= faults != 0
            else:
                tallies[name].refuse(faults, before + 1)
        columns.append(values)
    part = pa.RecordBatch.from_arrays(
        columns, schema=pa.schema([(name, ARROW_TYPE[rules.type]) for name, rules in fields.items()])
    )
    return part.filter(pa.array(~dropped)) if dropped.any() else part, int(dropped.sum())


def _empty(values: pa.Array) -> Mask:
    mask: Mask = pc.is_null(values).to_numpy(zero_copy_only=False)
    return mask


def _normalised(values: pa.Array, ids: IdRule, tally: IdTally) -> pa.Array:
    """An id without a visible character names nobody, by either rule."""
    known = normalise(values)
    if ids is IdRule.EXACT:
        return pc.if_else(pc.is_null(known), known, values)
    tally.changed += int(pc.sum(pc.not_equal(known, values)).as_py() or 0)
    tally.before.append(values)
    tally.after.append(known)
    return known


def sorted_by(columns: dict[str, pa.ChunkedArray], unit: str) -> pa.Table:
    """By unit, and rows of one unit in the file's order: the same file gives the same table.
    `columns` is emptied, so that there is one copy of a column at a time."""
    keys = _ranks(columns[unit].combine_chunks())
    if bool((keys[1:] >= keys[:-1]).all()):
        return pa.table(columns)
    order = pa.array(np.argsort(keys, kind="stable"))
    del keys
    # one piece of memory for each column first: taking from many pieces is ten times slower
    return pa.table({name: columns.pop(name).combine_chunks().take(order) for name in list(columns)})


def _ranks(ids: pa.Array) -> npt.NDArray[np.int64]:
    """Numbers in the order of the ids: texts by their bytes, as the engine orders them."""
    if pa.types.is_integer(ids.type):
        numbers: npt.NDArray[np.int64] = ids.to_numpy()
        return numbers
    coded = ids.dictionary_encode()
    rank: npt.NDArray[np.int64] = np.empty(len(coded.dictionary), np.int64)
    rank[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(rank))
    ranks: npt.NDArray[np.int64] = rank[coded.indices.to_numpy()]
    return ranks
