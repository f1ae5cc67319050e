"""Carries out the steps of a policy in their order, counts what each did, and looks that nothing that must be
there has become empty.

Rows pass through all steps a batch at a time. Looking for duplicates alone needs all rows: there they wait in
the spool, packed, until their values were compared. What a file is refused for is counted on all of it, and
told when the last row has passed; the first step that refuses tells it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.cleaner import Done
from sandbox.catalog.cleaning_steps import (
    Bands,
    ChangeCase,
    CutDate,
    Deduplicate,
    Derive,
    DropRows,
    Fill,
    FirstCharacters,
    Limit,
    MapValues,
    Others,
    Parse,
    Pseudonym,
    Step,
    Trim,
)
from sandbox.catalog.model import Column, DatasetPolicy, Type, Unfit
from sandbox.cleaning.column_verbs import (
    Mask,
    banded,
    changed,
    cut,
    filled,
    first_characters,
    in_case,
    limited,
    mapped,
    trimmed,
)
from sandbox.cleaning.expressions import RowExpression, row_engine, type_of
from sandbox.cleaning.pseudonyms import PseudonymKeys, one_time_keys, pseudonyms
from sandbox.errors import InvalidInput
from sandbox.ingest import IdRule
from sandbox.ingest.columns import ARROW_TYPE, CODE, ROUNDABLE, Codes, read_column
from sandbox.ingest.equal_rows import FIRST, LAST, EqualRows
from sandbox.ingest.identifiers import normalise
from sandbox.ingest.limits import LARGEST_INTEGER
from sandbox.ingest.model import Fault
from sandbox.ingest.read import CleanRows
from sandbox.ingest.spool import InMemoryOverflow, Spool
from sandbox.ingest.tally import Tally, refuse
from sandbox.ingest.unit_order import UnitOrder
from sandbox.memory_release import release_memory

Engine = duckdb.DuckDBPyConnection


@dataclass
class _Running:
    """A step, and what it has done so far to the rows that passed."""

    number: int
    step: Step
    passed: int = 0
    cells: int = 0
    left_out: int = 0
    unlisted: int = 0
    tally: Tally | None = None
    expression: RowExpression | None = None

    @property
    def done(self) -> Done:
        return Done(self.step, self.cells, self.left_out)

    def refuse(self) -> None:
        """Raises `InvalidInput` where a cell was not as the step wants it."""
        if self.unlisted:
            raise InvalidInput(
                f"Step {self.number}, {self.step.verb} {_column_of(self.step)}: {self.unlisted} cells have "
                "a value that is not among its values.",
                code="unlisted_values",
                remedy="Add the missing values; or let the step say `others: empty`, `drop` or `keep`.",
                zh=f"第 {self.number} 个清洗步骤（{self.step.verb} {_column_of(self.step)}）："
                f"{self.unlisted} 个单元格的值不在列表中。",
                remedy_zh="请补上缺少的值；或在该步骤中写 others: empty、drop 或 keep。",
            )
        if self.tally is not None:
            refuse([self.tally])


@dataclass
class _Cleaning:
    """One carrying out of a policy's steps. `lenient`: nothing is refused, what does not fit is empty."""

    policy: DatasetPolicy
    keys: PseudonymKeys
    ids: IdRule
    lenient: bool = False
    unfit: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = {column.name: column for column in (*self.policy.columns, *self.policy.inputs)}
        self.running = [_Running(number, step) for number, step in enumerate(self.policy.steps, start=1)]
        self.empty = {
            column.name: _Emptied(Tally(column.rules))
            for column in self.policy.stored_columns
            if column.cleaned and (column.required or column.name in self.policy.unit_parts)
        }
        self.passed = self.left_out_after = 0

    def cleaned(self, batches: Iterator[pa.RecordBatch], spool: Spool) -> CleanRows:
        stored = [(column.name, ARROW_TYPE[column.type]) for column in self.policy.stored_columns]
        kept = CleanRows(pa.schema(stored), iter(()))
        kept.batches = self._kept(kept, batches, spool)
        return kept

    def _kept(
        self, kept: CleanRows, batches: Iterator[pa.RecordBatch], spool: Spool
    ) -> Iterator[pa.RecordBatch]:
        with row_engine() as engine:
            for running in self.running:
                batches = self.after(running, batches, engine, spool)
            for batch in batches:
                yield self._looked_at(batch).select(kept.schema.names)
        release_memory()
        for running in self.running:
            running.refuse()
        refuse([emptied.tally for emptied in self.empty.values()])
        kept.told.extend(running.done.told(running.number) for running in self.running)
        kept.told.extend(self._told_of_empty())
        kept.unfit.update(self.unfit)
        kept.left_out = sum(running.left_out for running in self.running) + self.left_out_after

    def after(
        self, running: _Running, batches: Iterator[pa.RecordBatch], engine: Engine, spool: Spool
    ) -> Iterator[pa.RecordBatch]:
        """The rows after a step."""
        if isinstance(running.step, Deduplicate):
            yield from _without_duplicates(running, running.step, batches, spool)
            return
        for batch in batches:
            rows = _Rows(self, running, dict(zip(batch.schema.names, batch.columns, strict=True)), engine)
            _carry_out(running.step, rows)
            running.passed += len(batch)
            yield rows.batch

    def _looked_at(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows after all steps, without those that have an empty cell where none may be."""
        batch = self._with_normalised_unit(batch)
        out: Mask = np.zeros(len(batch), np.bool_)
        for name, emptied in self.empty.items():
            values = batch.column(name)
            named = name in self.policy.unit_parts and pa.types.is_string(values.type)
            empty = pc.is_null(normalise(values) if named else values).to_numpy(zero_copy_only=False)
            if not empty.any():
                continue
            if emptied.tally.rules.unfit is Unfit.DROP:
                out |= empty
                emptied.left_out += int(empty.sum())
            else:
                codes = np.where(empty, CODE[Fault.EMPTY], 0).astype(np.int8)
                emptied.tally.refuse(codes, self.passed + 1)
        self.passed += len(batch)
        self.left_out_after += int(out.sum())
        return batch.filter(pa.array(~out)) if out.any() else batch

    def _with_normalised_unit(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """By the rule by which ids are read: what a step made of them, too."""
        unit = self.policy.unit.column if self.policy.unit else ""
        place = batch.schema.get_field_index(unit)
        if place < 0 or not pa.types.is_string(batch.column(place).type):
            return batch
        known = normalise(batch.column(place))
        if self.ids is IdRule.EXACT:
            known = pc.if_else(pc.is_null(known), known, batch.column(place))
        return batch.set_column(place, unit, known)

    def _told_of_empty(self) -> Iterator[str]:
        for name, emptied in self.empty.items():
            if emptied.left_out:
                yield f"column {name}: {emptied.left_out} cells are empty after the steps"
        if self.left_out_after:
            yield f"{self.left_out_after} rows were left out after the steps"


@dataclass
class _Emptied:
    """Cells of a column that are empty after the steps and may not be."""

    tally: Tally
    left_out: int = 0


@dataclass
class _Rows:
    """The columns of a batch as they stand while a step is at work."""

    of: _Cleaning
    running: _Running
    columns: dict[str, pa.Array]
    engine: Engine

    @property
    def batch(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(list(self.columns.values()), names=list(self.columns))

    def put(self, name: str, values: pa.Array) -> None:
        before = self.columns.get(name)
        made = len(values) - values.null_count if before is None else changed(before, values)
        self.running.cells += made
        self.columns[name] = values

    def leave_out(self, rows: Mask) -> None:
        if rows.any():
            kept = pa.array(~rows)
            self.columns = {name: values.filter(kept) for name, values in self.columns.items()}
            self.running.left_out += int(rows.sum())

    def put_checked(self, column: Column, values: pa.Array, faults: Codes) -> None:
        """Values of a new column, by its own rule for cells that do not fit."""
        rules, unfit = column.rules, self.of.unfit
        out: Mask = np.zeros(len(values), np.bool_)
        if faults.any():
            unfit[column.name] = unfit.get(column.name, 0) + int(np.count_nonzero(faults))
        if rules.unfit is Unfit.ROUND:
            faults = np.where(np.isin(faults, ROUNDABLE), 0, faults).astype(np.int8)
        elif faults.any():
            values = pc.if_else(pa.array(faults != 0), pa.scalar(None, values.type), values)
        if faults.any() and not self.of.lenient:
            if rules.unfit in (Unfit.REFUSE, Unfit.ROUND):
                self.running.tally = self.running.tally or Tally(rules)
                self.running.tally.refuse(faults, self.running.passed + 1)
            if rules.unfit is Unfit.DROP:
                out = faults != 0
            self.running.cells -= int((faults != 0).sum()) if rules.unfit is Unfit.DROP else 0
        self.put(column.name, values)
        self.leave_out(out)

    def computed(self, text: str) -> pa.Array:
        running, rules = self.running, self.of.rules
        if running.expression is None:
            running.expression = RowExpression(text, [rules[name] for name in self.columns])
        return running.expression.of(pa.table(self.columns), self.engine)


class StepCleaner:
    """The cleaner of a vault. `keys`: of its pseudonyms."""

    def __init__(self, keys: PseudonymKeys) -> None:
        self.keys = keys

    def with_one_time_keys(self) -> "StepCleaner":
        return StepCleaner(one_time_keys())

    def type_of(self, expression: str, columns: Sequence[Column]) -> Type:
        return type_of(expression, columns)

    def clean(
        self,
        batches: Iterator[pa.RecordBatch],
        policy: DatasetPolicy,
        *,
        ids: IdRule,
        spool: Spool,
    ) -> CleanRows:
        return _Cleaning(policy, self.keys, ids).cleaned(batches, spool)

    def preview(self, table: pa.Table, policy: DatasetPolicy) -> Iterator[tuple[pa.Table, Done]]:
        # whoever previews chooses the rows: with the published keys they could try values on pseudonyms
        cleaning = _Cleaning(policy, one_time_keys(), IdRule.EXACT, lenient=True)
        with row_engine() as engine:
            for running in cleaning.running:
                spool = Spool(InMemoryOverflow())
                batches = iter(table.combine_chunks().to_batches())
                after = list(cleaning.after(running, batches, engine, spool))
                table = pa.Table.from_batches(after) if after else table
                yield table, running.done


def _without_duplicates(
    running: _Running, step: Deduplicate, batches: Iterator[pa.RecordBatch], spool: Spool
) -> Iterator[pa.RecordBatch]:
    """The first or the last of the rows that are alike in the step's columns."""
    waiting: UnitOrder | None = None
    for batch in batches:
        if waiting is None:
            compared = batch.select(list(step.columns)).schema
            waiting, equal = UnitOrder(batch.schema, None, spool), EqualRows(compared, spool)
        waiting.add(batch)
        equal.add(batch.select(list(step.columns)))
    if waiting is None:
        return
    kept = np.zeros(equal.rows, np.bool_)
    for groups in equal.groups():
        kept[groups.column(LAST if step.last else FIRST).to_numpy()] = True
    running.left_out += len(kept) - int(kept.sum())
    release_memory()
    place = 0
    for batch in waiting.batches():
        yield batch.filter(pa.array(kept[place : place + len(batch)]))
        place += len(batch)


def _column_of(step: Step) -> str:
    return step.column if isinstance(step, MapValues) else ""


def _carry_out(step: Step, rows: _Rows) -> None:  # one case for each verb
    columns = rows.columns
    match step:
        case Trim(names):
            for name in names:
                rows.put(name, trimmed(columns[name]))
        case ChangeCase(names):
            for name in names:
                rows.put(name, in_case(columns[name], step))
        case Fill(name, value):
            rows.put(name, filled(columns[name], value))
        case Limit(name):
            rows.put(name, limited(columns[name], step))
        case FirstCharacters(_, name, into):
            rows.put(into, first_characters(columns[name], step))
        case Bands(name, into):
            rows.put(into, banded(columns[name], step))
        case CutDate(name, into):
            rows.put(into, cut(columns[name], step, _arrow_type(rows, into)))
        case Pseudonym(name, into):
            policy = rows.of.policy
            key = rows.of.keys.key(
                department=policy.department, dataset=policy.dataset, shared_as=step.shared_as
            )
            rows.put(into, pseudonyms(columns[name], key))
        case MapValues():
            _map(step, rows)
        case DropRows(condition):
            wanted = pc.fill_null(rows.computed(condition), False)
            rows.leave_out(wanted.to_numpy(zero_copy_only=False))
        case Derive(into, expression):
            column = rows.of.rules[into]
            rows.put_checked(column, *_as_type(rows.computed(expression), column))
        case Parse(name, into):
            column = rows.of.rules[into]
            read = read_column(columns[name], replace(column.rules, required=False))
            rows.put_checked(column, read.values, read.faults)


def _arrow_type(rows: _Rows, name: str) -> pa.DataType:
    return ARROW_TYPE[rows.of.rules[name].type]


def _map(step: MapValues, rows: _Rows) -> None:
    values, others = mapped(rows.columns[step.column], step, _arrow_type(rows, step.into))
    if step.others is Others.REFUSE and not rows.of.lenient:
        rows.running.unlisted += int(others.sum())
    rows.put(step.into, values)
    if step.others is Others.DROP:
        rows.leave_out(others)


def _as_type(values: pa.Array, column: Column) -> tuple[pa.Array, Codes]:
    """What an expression gave as the column's type, and the faults of what does not fit it."""
    faults: Codes = np.zeros(len(values), np.int8)
    kind = ARROW_TYPE[column.type]
    if column.type in (Type.INTEGER, Type.NUMBER):
        numbers = pc.cast(values, pa.float64())
        finite = pc.fill_null(pc.is_finite(numbers), True).to_numpy(zero_copy_only=False)
        faults[~finite] = CODE[Fault.NOT_FINITE]
        numbers = pc.if_else(pa.array(finite), numbers, pa.scalar(None, pa.float64()))
        if column.type is Type.NUMBER:
            return numbers, faults
        large = pc.fill_null(pc.greater(pc.abs(numbers), float(LARGEST_INTEGER)), False)
        faults[large.to_numpy(zero_copy_only=False)] = CODE[Fault.TOO_LARGE]
        numbers = pc.if_else(large, pa.scalar(None, pa.float64()), numbers)
        return pc.cast(pc.round(numbers), kind), faults
    if column.type is Type.TEXT:
        texts = pc.cast(values, pa.string())
        long = pc.fill_null(pc.greater(pc.utf8_length(texts), column.longest), False)
        faults[long.to_numpy(zero_copy_only=False)] = CODE[Fault.TOO_LONG]
        return texts, faults
    return pc.cast(values, kind), faults
