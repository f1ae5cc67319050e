"""Which SQL computes a plan's totals? Text made from the plan alone: no word of the analyst's SQL reaches the engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from sandbox.catalog.model import Type
from sandbox.catalog.read_table import quoted
from sandbox.queries.compile_expression import ExpressionWriter, double, literal
from sandbox.queries.plan import BINS_IN_ONE, WEIGHT, Key, Plan, Total, TotalKind
from sandbox.queries.ranges import bounds_of, range_of
from sandbox.queries.tree import Aggregation, Expression, Name, UnitAggregate, UnitKey, walk

TABLE = "private_rows"


@dataclass(frozen=True)
class Statement:
    """One SELECT: columns k0, k1, ... for the keys (the place of each value), a bin where totals have bins, then the totals."""

    sql: str
    totals: tuple[Total, ...]

    @property
    def bins(self) -> int:
        return self.totals[0].bins if self.totals[0].kind is TotalKind.BINS else 0


def public_table(place: int) -> str:
    """The name under which the engine finds the public dataset that is joined at `place`."""
    return f"public_rows_{place}"


def compile_plan(plan: Plan) -> tuple[Statement, ...]:
    """One statement for all totals over rows, and one for each other total. Total on every table of the policy's types."""
    writer = _Writer(plan)
    over_rows = tuple(total for total in plan.totals if total.kind in (
        TotalKind.ROWS, TotalKind.PRESENT, TotalKind.SUM, TotalKind.CENTRED))
    statements = [Statement(writer.over_rows(over_rows), over_rows)] if over_rows else []
    for total in plan.totals:
        match total.kind:
            case TotalKind.UNITS:
                statements.append(Statement(writer.over_units(), (total,)))
            case TotalKind.VALUES:
                statements.append(Statement(writer.over_values(total), (total,)))
            case TotalKind.BINS:
                statements.append(Statement(writer.over_bins(total), (total,)))
    return tuple(statements)


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.keys = [f"k{place}" for place in range(len(plan.keys))]
        self.over_table = ExpressionWriter(plan.scope)
        self.of_units = self._of_units()
        self.over = ExpressionWriter(plan.scope, {node: column for column, node in self.of_units})

    # --- what the totals are taken over

    def kept(self, values: Iterable[str]) -> str:
        """The rows that reach the question: they pass the filter and fall into a listed cell."""
        plan = self.plan
        codes = [f"{self._code(key)} AS {name}" for key, name in zip(plan.keys, self.keys, strict=True)]
        unit = "r.unit" if plan.per_unit else f"r.{quoted(plan.unit.column)}"
        condition = plan.per_unit.where if plan.per_unit else plan.where
        where = f" WHERE {self.over.value(condition)}" if condition is not None else ""
        kept = f"SELECT {', '.join([f'{unit} AS unit', *codes, *values])} FROM {self._source()}{where}"
        if not codes:
            return kept
        return f"SELECT * FROM ({kept}) WHERE {' AND '.join(f'{name} IS NOT NULL' for name in self.keys)}"

    def _source(self) -> str:
        plan = self.plan
        if plan.per_unit is None:
            return self._table()
        where = f" WHERE {self.over_table.value(plan.where)}" if plan.where is not None else ""
        columns = ", ".join(["unit", *(column for column, _ in self.of_units)])
        said = ", ".join([f"r.{quoted(plan.unit.column)} AS unit", *(
            f"{self._of_unit(node)} AS {column}" for column, node in self.of_units)])
        inner_keys = [self.over_table.raw(key) for key in plan.per_unit.keys if key != Name(plan.unit.column)]
        by = ", ".join([f"r.{quoted(plan.unit.column)}", *inner_keys])
        return f"(SELECT {columns} FROM (SELECT {said} FROM {self._table()}{where} GROUP BY {by})) AS r"

    def _of_units(self) -> list[tuple[str, Expression]]:
        """The columns of units' groups that the question uses, each under a name."""
        plan = self.plan
        if plan.per_unit is None:
            return []
        used = dict.fromkeys(node for node in walk((tuple(key.of for key in plan.keys), tuple(plan.parts), plan.per_unit.where))
                             if isinstance(node, UnitAggregate | UnitKey))
        return [(f"u{place}", node) for place, node in enumerate(used) if node != UnitKey(Name(plan.unit.column))]

    def _of_unit(self, node: Expression) -> str:
        if isinstance(node, UnitKey):
            return self.over_table.raw(node.of)
        assert isinstance(node, UnitAggregate)
        if node.of is None or node.aggregation not in (Aggregation.SUM, Aggregation.AVG):
            return self.over_table.unit_aggregate(node, None)
        return self.over_table.unit_aggregate(node, bounds_of(node.of, self.plan.scope))

    def _table(self) -> str:
        said = f"{TABLE} AS r"
        for place, join in enumerate(self.plan.joins):
            on = " AND ".join(f"{self.over_table.raw(left)} = {self.over_table.raw(right)}"
                              for left, right in zip(join.left, join.right, strict=True))
            alias = self.over_table.aliases[join.dataset]
            said += f" {'LEFT ' if join.outer else ''}JOIN {public_table(place)} AS {alias} ON {on}"
        return said

    # --- the statements

    def over_rows(self, totals: tuple[Total, ...]) -> str:
        values = [f"{self._steps(total)} AS q{place}" for place, total in enumerate(totals)]
        sums = [f"sum(w * q{place})" for place in range(len(totals))]
        return self._weighted(self.kept(values), self.plan.max_rows, self.keys, sums)

    def over_units(self) -> str:
        return self._weighted(f"SELECT DISTINCT * FROM ({self.kept([])})", self.plan.most_groups, self.keys, ["sum(w)"])

    def over_bins(self, total: Total) -> str:
        kept = f"SELECT * FROM ({self.kept([f'{self._bin(total)} AS bin'])}) WHERE bin IS NOT NULL"
        return self._weighted(kept, self.plan.max_rows, [*self.keys, "bin"], ["sum(w)"])

    def over_values(self, total: Total) -> str:
        """Of each unit the first few (cell, value) pairs count; which, depends on its own rows alone (and no order of rows)."""
        assert total.of is not None
        pairs = f"SELECT DISTINCT * FROM ({self.kept([f'{self.over.raw(total.of)} AS value'])}) WHERE value IS NOT NULL"
        order = ", ".join(["hash(value)", "value", *self.keys])
        ranked = f"SELECT *, row_number() OVER (PARTITION BY unit ORDER BY {order}) AS place FROM ({pairs})"
        counts = f"count(DISTINCT value) * {WEIGHT}"
        return (f"SELECT {', '.join([*self.keys, counts])} FROM ({ranked}) WHERE place <= {self.plan.max_rows}"
                f"{_group(self.keys)}")

    def _weighted(self, kept: str, rows: int, by: list[str], sums: list[str]) -> str:
        return (f"WITH kept AS ({kept}), "
                f"weights AS (SELECT unit, least({WEIGHT}, {WEIGHT * rows} // count(*)) AS w FROM kept GROUP BY unit) "
                f"SELECT {', '.join([*by, *sums])} FROM kept JOIN weights USING (unit){_group(by)}")

    # --- a row's part in a total

    def _steps(self, total: Total) -> str:
        """A row's whole number in a total: see weights.md."""
        if total.kind is TotalKind.ROWS:
            return "1"
        assert total.of is not None
        if total.kind is TotalKind.PRESENT:
            return f"CASE WHEN {self.over.value(total.of)} IS NULL THEN 0 ELSE 1 END"
        assert total.bounds is not None
        zero, most = ((Fraction(0), total.bounds.reach) if total.kind is TotalKind.SUM
                      else (total.bounds.centre, total.bounds.span))
        return f"coalesce({self.over.steps(total.of, total.bounds, zero, most)}, 0)"

    def _bin(self, total: Total) -> str:
        """The bin of a row's value, from 0: equal parts of the bounds' grid."""
        assert total.of is not None and total.bounds is not None
        steps = int((total.bounds.high - total.bounds.low) / total.bounds.step)
        fine = max(other.bins for other in self.plan.totals if other.of == total.of and other.kind is TotalKind.BINS)
        whole = self.over.steps(total.of, total.bounds, total.bounds.low, steps)
        place = f"(CAST({whole} AS HUGEINT) * {fine} // {steps + 1})"
        return place if total.bins == fine else f"({place} // {BINS_IN_ONE})"

    def _code(self, key: Key) -> str:
        """The place of a row's value among the key's public values, from 0; NULL for any other value."""
        values = key.values
        raw = self.over.raw(key.of)
        found = range_of(key.of, self.plan.scope)
        if found.type is Type.INTEGER and not isinstance(key.of, Name | UnitKey) and values == tuple(
                range(int(values[0]), int(values[0]) + len(values))):
            near = f"CAST(round(least(greatest({raw} - {double(Fraction(int(values[0])))}, -1), {len(values)})) AS BIGINT)"
            return f"CASE WHEN {raw} IS NOT NULL AND {near} BETWEEN 0 AND {len(values) - 1} THEN {near} END"
        return f"list_position([{', '.join(literal(value) for value in values)}], {raw}) - 1"


def _group(keys: list[str]) -> str:
    return f" GROUP BY {', '.join(keys)}" if keys else ""
