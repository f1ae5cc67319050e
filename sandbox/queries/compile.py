"""Which SQL computes a plan's totals? Text made from the plan alone: no word of the analyst's SQL reaches the engine."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sandbox.catalog.model import Bounds, Column, Type
from sandbox.catalog.read_table import quoted
from sandbox.queries.plan import WEIGHT, Key, Plan, Total, TotalKind
from sandbox.queries.tree import (
    And,
    Between,
    Compare,
    Condition,
    In,
    Is,
    IsNull,
    Like,
    Literal,
    Name,
    Not,
    Or,
    Value,
)

TABLE = "private_rows"


@dataclass(frozen=True)
class Statement:
    """One SELECT: a column k0, k1, ... for each key (the place of its value in the policy's list), then one per total."""

    sql: str
    totals: tuple[Total, ...]


def compile_plan(plan: Plan) -> tuple[Statement, ...]:
    """At most two statements: one for totals over rows, one for totals over units. Total on every table of the policy's types."""
    over_rows = tuple(total for total in plan.totals if total.kind is not TotalKind.UNITS)
    over_units = tuple(total for total in plan.totals if total.kind is TotalKind.UNITS)
    return tuple(Statement(sql, totals) for sql, totals in (
        (_rows_sql(plan, over_rows), over_rows), (_units_sql(plan), over_units)) if totals)


def _kept(plan: Plan, values: list[str]) -> str:
    """The rows that reach the question: they pass the filter and fall into a listed cell."""
    codes = [f"{_code(key)} AS k{place}" for place, key in enumerate(plan.keys)]
    columns = ", ".join([f"{quoted(plan.unit.column)} AS unit", *codes, *values])
    where = f" WHERE {_condition(plan.where, plan)}" if plan.where else ""
    kept = f"SELECT {columns} FROM {TABLE}{where}"
    if not codes:
        return kept
    listed = " AND ".join(f"k{place} IS NOT NULL" for place in range(len(codes)))
    return f"SELECT * FROM ({kept}) WHERE {listed}"


def _rows_sql(plan: Plan, totals: tuple[Total, ...]) -> str:
    values = [f"{_steps(total, plan)} AS q{place}" for place, total in enumerate(totals)]
    keys = [f"k{place}" for place in range(len(plan.keys))]
    sums = [f"sum(w * q{place})" for place in range(len(totals))]
    return (f"WITH kept AS ({_kept(plan, values)}), "
            f"weights AS (SELECT unit, least({WEIGHT}, {WEIGHT * plan.unit.max_rows} // count(*)) AS w "
            f"FROM kept GROUP BY unit) "
            f"SELECT {', '.join(keys + sums)} FROM kept JOIN weights USING (unit){_group(keys)}")


def _units_sql(plan: Plan) -> str:
    keys = [f"k{place}" for place in range(len(plan.keys))]
    return (f"WITH kept AS (SELECT DISTINCT * FROM ({_kept(plan, [])})), "
            f"weights AS (SELECT unit, least({WEIGHT}, {WEIGHT * plan.most_groups} // count(*)) AS w "
            f"FROM kept GROUP BY unit) "
            f"SELECT {', '.join([*keys, 'sum(w)'])} FROM kept JOIN weights USING (unit){_group(keys)}")


def _group(keys: list[str]) -> str:
    return f" GROUP BY {', '.join(keys)}" if keys else ""


def _code(key: Key) -> str:
    """The place of a row's value among the key's public values, from 0; NULL for any other value."""
    return f"list_position([{', '.join(_value(value) for value in key.values)}], {quoted(key.column)}) - 1"


def _steps(total: Total, plan: Plan) -> str:
    """A row's whole number in a total: see weights.md."""
    name = quoted(total.column)
    if total.kind is TotalKind.ROWS:
        return "1"
    if total.kind is TotalKind.PRESENT:
        return f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END"
    bounds = _measure(total, plan)
    zero = Fraction(0) if total.kind is TotalKind.SUM else bounds.centre
    most = bounds.reach if total.kind is TotalKind.SUM else bounds.span
    clamped = f"least(greatest(CAST({name} AS DOUBLE), {_double(bounds.low)}), {_double(bounds.high)})"
    steps = f"CAST(round(({clamped} - {_double(zero)}) / {_double(bounds.step)}) AS BIGINT)"
    return f"CASE WHEN {name} IS NULL THEN 0 ELSE greatest({-most}, least({most}, {steps})) END"


def _measure(total: Total, plan: Plan) -> Bounds:
    column = plan.version.policy.column(total.column)
    assert column is not None and column.bounds is not None
    return column.bounds


def _condition(condition: Condition, plan: Plan) -> str:
    match condition:
        case And(parts):
            return "(" + " AND ".join(_condition(part, plan) for part in parts) + ")"
        case Or(parts):
            return "(" + " OR ".join(_condition(part, plan) for part in parts) + ")"
        case Not(of):
            return f"(NOT {_condition(of, plan)})"
        case IsNull(name):
            return f"({quoted(name.text)} IS NULL)"
        case Is(name):
            return quoted(name.text)
        case Compare(comparison, left, Name() as right):
            return f"({_number(left, plan)} {comparison.value} {_number(right, plan)})"
        case Compare(comparison, left, Literal(value)):
            return f"({_number(left, plan)} {comparison.value} {_value(value)})"
        case Between(name, low, high):
            return f"({_number(name, plan)} BETWEEN {_value(low.value)} AND {_value(high.value)})"
        case In(name, values):
            return f"({_number(name, plan)} IN ({', '.join(_value(value.value) for value in values)}))"
        case Like(name, pattern):
            return f"({quoted(name.text)} LIKE {_value(pattern.value)})"
    raise AssertionError("every kind of condition has its case")


def _number(name: Name, plan: Plan) -> str:
    """A column, numbers as DOUBLE: integers and decimals then compare without a cast that could fail."""
    column: Column | None = plan.version.policy.column(name.text)
    assert column is not None, "bind checks every name"
    numeric = column.type in (Type.INTEGER, Type.NUMBER)
    return f"CAST({quoted(name.text)} AS DOUBLE)" if numeric else quoted(name.text)


def _value(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case Fraction():
            return _double(value)
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"


def _double(value: Fraction) -> str:
    return f"CAST({float(value)!r} AS DOUBLE)"
