"""Carries out the steps of a policy in their order, counts what each did, and looks that nothing that must be
there has become empty."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.cleaner import Cleaned, Done
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
    duplicates,
    filled,
    first_characters,
    in_case,
    limited,
    mapped,
    trimmed,
)
from sandbox.cleaning.expressions import RowExpression, type_of
from sandbox.cleaning.pseudonyms import PseudonymKeys, one_time_keys, pseudonyms
from sandbox.errors import InvalidInput
from sandbox.ingest import IdRule
from sandbox.ingest.columns import ARROW_TYPE, CODE, ROUNDABLE, Codes, read_column
from sandbox.ingest.identifiers import normalise
from sandbox.ingest.limits import LARGEST_INTEGER
from sandbox.ingest.model import Fault
from sandbox.ingest.tally import Tally, refuse


@dataclass
class _Rows:
    """The columns as they stand, and what the running step did."""

    policy: DatasetPolicy
    keys: PseudonymKeys
    columns: dict[str, pa.Array]
    rules: dict[str, Column]
    lenient: bool
    cells: int = 0
    left_out: int = 0
    unfit: dict[str, int] = field(default_factory=dict)

    @property
    def table(self) -> pa.Table:
        return pa.table(self.columns)

    def put(self, name: str, values: pa.Array) -> None:
        before = self.columns.get(name)
        self.cells += len(values) - values.null_count if before is None else changed(before, values)
        self.columns[name] = values

    def leave_out(self, rows: Mask) -> None:
        if rows.any():
            kept = pa.array(~rows)
            self.columns = {name: values.filter(kept) for name, values in self.columns.items()}
            self.left_out += int(rows.sum())

    def put_checked(self, column: Column, values: pa.Array, faults: Codes) -> None:
        """Values of a new column, by its own rule for cells that do not fit."""
        tally, rules = Tally(column.rules), column.rules
        out: Mask = np.zeros(len(values), np.bool_)
        if faults.any():
            self.unfit[column.name] = int(np.count_nonzero(faults))
        if rules.unfit is Unfit.ROUND:
            faults = np.where(np.isin(faults, ROUNDABLE), 0, faults).astype(np.int8)
        elif faults.any():
            values = pc.if_else(pa.array(faults != 0), pa.scalar(None, values.type), values)
        if faults.any() and not self.lenient:
            if rules.unfit in (Unfit.REFUSE, Unfit.ROUND):
                tally.refuse(faults, 1)
                refuse([tally])
            if rules.unfit is Unfit.DROP:
                out = faults != 0
            self.cells -= int((faults != 0).sum()) if rules.unfit is Unfit.DROP else 0
        self.put(column.name, values)
        self.leave_out(out)


class StepCleaner:
    """The cleaner of a vault. `keys`: of its pseudonyms."""

    def __init__(self, keys: PseudonymKeys) -> None:
        self.keys = keys

    def with_one_time_keys(self) -> "StepCleaner":
        return StepCleaner(one_time_keys())

    def type_of(self, expression: str, columns: Sequence[Column]) -> Type:
        return type_of(expression, columns)

    def clean(self, table: pa.Table, policy: DatasetPolicy, *, ids: IdRule) -> Cleaned:
        rows = self._begun(table, policy)
        told = [done.told(number) for number, done in enumerate(_carried_out(rows), start=1)]
        _normalise_unit(rows, ids)
        told += _look_for_empty(rows)
        kept = rows.table.select([column.name for column in policy.stored_columns])
        return Cleaned(kept, tuple(told), rows.unfit)

    def preview(self, table: pa.Table, policy: DatasetPolicy) -> Iterator[tuple[pa.Table, Done]]:
        rows = self._begun(table, policy, lenient=True)
        # whoever previews chooses the rows: with the published keys they could try values on pseudonyms
        rows.keys = one_time_keys()
        for done in _carried_out(rows):
            yield rows.table, done

    def _begun(self, table: pa.Table, policy: DatasetPolicy, *, lenient: bool = False) -> _Rows:
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        rules = {column.name: column for column in (*policy.columns, *policy.inputs)}
        return _Rows(policy, self.keys, columns, rules, lenient)


def _carried_out(rows: _Rows) -> Iterator[Done]:
    for number, step in enumerate(rows.policy.steps, start=1):
        rows.cells = rows.left_out = 0
        _carry_out(step, rows, number)
        yield Done(step, rows.cells, rows.left_out)


def _normalise_unit(rows: _Rows, ids: IdRule) -> None:
    """By the rule by which ids are read: what a step made of them, too."""
    unit = rows.policy.unit.column if rows.policy.unit else ""
    if unit in rows.columns and pa.types.is_string(rows.columns[unit].type):
        known = normalise(rows.columns[unit])
        if ids is IdRule.EXACT:
            known = pc.if_else(pc.is_null(known), known, rows.columns[unit])
        rows.columns[unit] = known


def _carry_out(step: Step, rows: _Rows, number: int) -> None:  # noqa: C901  # one case for each verb
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
            policy = rows.policy
            key = rows.keys.key(
                department=policy.department, dataset=policy.dataset, shared_as=step.shared_as
            )
            rows.put(into, pseudonyms(columns[name], key))
        case MapValues():
            _map(step, rows, number)
        case DropRows(condition):
            wanted = pc.fill_null(_computed(condition, rows), False)
            rows.leave_out(wanted.to_numpy(zero_copy_only=False))
        case Deduplicate(names, last):
            rows.leave_out(duplicates({name: columns[name] for name in names}, last=last))
        case Derive(into, expression):
            column = rows.rules[into]
            rows.put_checked(column, *_as_type(_computed(expression, rows), column))
        case Parse(name, into):
            column = rows.rules[into]
            read = read_column(columns[name], replace(column.rules, required=False))
            rows.put_checked(column, read.values, read.faults)


def _computed(expression: str, rows: _Rows) -> pa.Array:
    there = [rows.rules[name] for name in rows.columns]
    return RowExpression(expression, there).of(rows.table)


def _arrow_type(rows: _Rows, name: str) -> pa.DataType:
    return ARROW_TYPE[rows.rules[name].type]


def _map(step: MapValues, rows: _Rows, number: int) -> None:
    values, others = mapped(rows.columns[step.column], step, _arrow_type(rows, step.into))
    count = int(others.sum())
    if count and step.others is Others.REFUSE and not rows.lenient:
        raise InvalidInput(
            f"Step {number}, map {step.column}: {count} cells have a value that is not among its values.",
            code="unlisted_values",
            remedy="Add the missing values; or let the step say `others: empty`, `drop` or `keep`.",
            zh=f"第 {number} 个清洗步骤（map {step.column}）：{count} 个单元格的值不在列表中。",
            remedy_zh="请补上缺少的值；或在该步骤中写 others: empty、drop 或 keep。",
        )
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


def _look_for_empty(rows: _Rows) -> list[str]:
    """Cells that steps left empty and that may not be: their file is refused, or their rows are left out."""
    policy, parts = rows.policy, rows.policy.unit_parts
    told, tallies = [], []
    out: Mask = np.zeros(len(rows.table), np.bool_)
    for column in policy.stored_columns:
        if not column.cleaned or not (column.required or column.name in parts):
            continue
        values = rows.columns[column.name]
        named = column.name in parts and pa.types.is_string(values.type)
        empty = pc.is_null(normalise(values) if named else values).to_numpy(zero_copy_only=False)
        if not empty.any():
            continue
        if column.unfit is Unfit.DROP:
            out |= empty
            told.append(f"column {column.name}: {int(empty.sum())} cells are empty after the steps")
        else:
            tally = Tally(column.rules)
            tally.refuse(np.where(empty, CODE[Fault.EMPTY], 0).astype(np.int8), 1)
            tallies.append(tally)
    if tallies:
        refuse(tallies)
    rows.left_out = 0
    rows.leave_out(out)
    if rows.left_out:
        told.append(f"{rows.left_out} rows were left out after the steps")
    return told
