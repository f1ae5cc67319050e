"""Compiles a plan to the SQL that computes its totals.
The text is made from the plan alone: no word of the analyst's SQL reaches the engine."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from sandbox.catalog.model import DatasetPolicy, Role, Type
from sandbox.catalog.read_table import quoted
from sandbox.queries.compile.layout import code_column
from sandbox.queries.expression_sql import UNIT, ExpressionWriter, code_of, looked_up, places_of
from sandbox.queries.functions.literals import LARGEST, double, told_years, whole_number, within_years
from sandbox.queries.plan.bounds_estimation import LARGEST_POWER, buckets, smallest_power
from sandbox.queries.plan.partition_selection import MOST_CHARACTERS, MOST_VALUES, PartitionSelection
from sandbox.queries.plan.plan import Key, Plan, Total, TotalKind
from sandbox.queries.tree import Aggregation, Expression, Name, UnitAggregate, UnitKey, UnitValue, members
from sandbox.queries.types.scope import BoundsEstimation, Scope
from sandbox.queries.types.value_ranges import bounds_of, of_all_rows, range_of
from sandbox.queries.weights import WEIGHT, weight_column, weight_of

TABLE = "private_rows"
UNITS_TABLE = "units"
"""The ids of units (`unit`) and the numbers that stand for them beside rows (`code`)."""


@dataclass(frozen=True)
class Statement:
    """One SELECT: columns k0, k1, ...
    for the keys (the place of each value), a bin where totals have bins, then the totals.

    `additive`: totals over some units and totals over all others add up to the totals. `weighed`: each unit's
    rows are weighed by how many of them are kept, and no join multiplies them.
    """

    sql: str
    totals: tuple[Total, ...]
    additive: bool = True
    weighed: bool = False

    @property
    def bins(self) -> int:
        return self.totals[0].bins if self.totals[0].kind is TotalKind.BINS else 0


def joined_table(place: int) -> str:
    """The name under which the engine finds the dataset that is joined at `place`."""
    return f"joined_rows_{place}"


def compile_plan(plan: Plan, among: range | None = None) -> tuple[Statement, ...]:
    """One statement for all totals over rows, and one for each other total.
    Total on every table of the policy's types.

    `among`: over the units with these codes alone.
    """
    writer = _Writer(plan, among)
    weighed = not plan.weights_stored and plan.per_unit is None and plan.joins_once
    statements = []
    for totals in computed_together(plan):
        match totals[0].kind:
            case TotalKind.UNITS:
                statements.append(Statement(writer.over_units(totals[0]), totals))
            case TotalKind.VALUES:
                statements.append(Statement(writer.over_values(totals[0]), totals, additive=False))
            case TotalKind.BINS:
                statements.append(Statement(writer.over_bins(totals[0]), totals, weighed=weighed))
            case _:
                statements.append(Statement(writer.over_rows(totals), totals, weighed=weighed))
    return tuple(statements)


def computed_together(plan: Plan) -> tuple[tuple[Total, ...], ...]:
    """The totals of each statement, in the order of the statements: all over rows, then each other one.
    Coarse histograms follow from fine ones and are in none."""
    over_rows = over_rows_of(plan)
    others = [
        total
        for total in plan.totals
        if total.kind in (TotalKind.UNITS, TotalKind.VALUES)
        or (total.kind is TotalKind.BINS and total.bins == finest_bins(plan, total))
    ]
    return ((over_rows,) if over_rows else ()) + tuple((total,) for total in others)


def over_rows_of(plan: Plan) -> tuple[Total, ...]:
    """The totals that one statement computes together."""
    return tuple(
        total
        for total in plan.totals
        if total.kind in (TotalKind.ROWS, TotalKind.PRESENT, TotalKind.SUM, TotalKind.CENTRED)
    )


def compile_rows(plan: Plan, totals: tuple[Total, ...], among: range) -> str:
    """The rows that a weighed statement weighs: `cell`, its unit's place in `among` times the cells plus
    its cell, then q0...

    Each q is the row's whole number in a total that has one, for which 32 bits must be enough (`most_steps`).
    """
    return _Writer(plan, among).rows_to_weigh(totals, among)


def most_steps(total: Total) -> int:
    """The largest whole number that a row can bring to a total over rows."""
    return 1 if total.bounds is None or total.kind is TotalKind.BINS else _most(total)


def finest_bins(plan: Plan, total: Total) -> int:
    """The number of bins of the histogram from which this one follows:
    coarse bins are sums of fine ones."""
    return max(other.bins for other in plan.totals if other.kind is TotalKind.BINS and other.of == total.of)


def compile_brought(plan: Plan) -> str:
    """The SELECT of what each unit contributes to each cell, unweighed:
    columns unit, k0, k1, ..., then t0, t1, ... for the totals."""
    return _Writer(plan).brought()


def compile_partition_selection(
    discovery: PartitionSelection | BoundsEstimation, policy: DatasetPolicy, *, choice: str | None
) -> str:
    """The SELECT of a key's values, or of the sizes of a column's,
    and the sum of the weights of the units that have each.

    Which values of a unit count that has too many, its own id and values and the key `choice`
    (hexadecimal digits) say. Without it, how many units have each value: exactly, and so for no answer
    with noise (declared/).
    """
    scope = Scope(policy)
    raw = ExpressionWriter(scope).raw(discovery.of)
    value = bucket_of(raw, discovery) if isinstance(discovery, BoundsEstimation) else raw
    kind = Type.INTEGER if isinstance(discovery, BoundsEstimation) else range_of(discovery.of, scope).type
    fits = (
        told_years("value", kind)
        if kind in (Type.DATE, Type.TIMESTAMP)
        else (f"length(value) <= {MOST_CHARACTERS}" if kind is Type.TEXT else f"abs(value) < {int(LARGEST)}")
    )
    pairs = (
        f"SELECT DISTINCT unit, value FROM (SELECT r.{UNIT} AS unit, {value} AS value "
        f"FROM {TABLE} AS r) WHERE {fits}"
    )
    if choice is None:
        return f"SELECT value, count(*) FROM ({pairs}) GROUP BY value"
    most = len(buckets(discovery)) if isinstance(discovery, BoundsEstimation) else MOST_VALUES
    # exact: of whole numbers below 2**21
    weight = f"CAST(floor(sqrt(CAST({WEIGHT**2} // n AS DOUBLE))) AS INTEGER)"
    return (
        f"WITH pairs AS ({pairs}), counted AS (SELECT unit, least(count(*), {most}) AS n "
        f"FROM pairs GROUP BY unit), chosen AS ({_chosen('pairs', ['value'], most, choice)}) "
        f"SELECT value, sum({weight}) FROM chosen JOIN counted USING (unit) GROUP BY value"
    )


def _chosen(pairs: str, columns: list[str], most: int, choice: str) -> str:
    """All rows of `pairs` (unit, then `columns`) of a unit that has at most so many,
    and as many of one that has more.

    Which, a hash of the unit's id, the row and the key says: so it depends on no other unit, and is no
    preference that all units share. (The unit's code would not do: it is a row number over all units.)
    """
    assert choice and not set(choice) - set("0123456789abcdef"), "hexadecimal digits"
    parts = [
        f"'{choice}'",
        "CAST(u.unit AS VARCHAR)",
        *(f"CAST(p.{column} AS VARCHAR)" for column in columns),
    ]
    of_row = " || '|' || ".join(parts)
    said = ", ".join(["unit", *columns])
    ranked = (
        f"SELECT p.*, row_number() OVER (PARTITION BY p.unit ORDER BY sha256({of_row}), "
        f"{', '.join(f'p.{column}' for column in columns)}) AS place "
        f"FROM {pairs} AS p SEMI JOIN many USING (unit) JOIN {UNITS_TABLE} AS u ON u.code = p.unit"
    )
    return (
        f"WITH many AS (SELECT unit FROM {pairs} GROUP BY unit HAVING count(*) > {most}) "
        f"SELECT {said} FROM {pairs} ANTI JOIN many USING (unit) "
        f"UNION ALL SELECT {said} FROM ({ranked}) WHERE place <= {most}"
    )


def _told_apart(value: str, kind: Type) -> str:
    """Something small and total that is the same where values are:
    texts by their digest (16 bytes), times within what can be written out."""
    match kind:
        case Type.TEXT:
            return f"md5_number({value})"
        case Type.DATE | Type.TIMESTAMP:  # of an empty one the clamp is the first year's
            return f"CASE WHEN {value} IS NOT NULL THEN {within_years(value, kind)} END"
    return value


def bucket_of(value: str, one: BoundsEstimation) -> str:
    """The bucket of a number (bounds_estimation.py), for every DOUBLE there is:
    infinities and NaN are in an outermost one."""
    least, most = smallest_power(one), LARGEST_POWER
    power = (
        f"least(greatest(ceil(log2(greatest(abs({value}), "
        f"{double(Fraction(2) ** least)}))), {least}), {most})"
    )
    return (
        f"CASE WHEN {value} > 0 THEN CAST({power} AS INTEGER) + {1 - least} "
        f"WHEN {value} < 0 THEN {least - 1} - CAST({power} AS INTEGER) WHEN {value} = 0 THEN 0 END"
    )


class _Writer:
    def __init__(self, plan: Plan, among: range | None = None) -> None:
        self.plan, self.among = plan, among
        self.keys = [f"k{place}" for place in range(len(plan.keys))]
        self.own = {node: quoted(f"unit:own{place}") for place, node in enumerate(plan.own)}
        self.over_table = ExpressionWriter(
            plan.scope, {node: f"r.{column}" for node, column in self.own.items()}
        )
        self.of_units = self._of_units()
        self.over = (
            self.over_table
            if plan.per_unit is None
            else ExpressionWriter(plan.scope, {node: column for column, node in self.of_units})
        )
        # keys that are columns of joined tables
        self.beside = {
            key.of: key.values
            for key in plan.keys
            if isinstance(key.of, Name) and key.of.dataset and not self._many(key) and plan.per_unit is None
        }

    # --- what the totals are taken over

    def kept(self, values: Iterable[str], *, weighed: bool = False) -> str:
        """The rows that pass the filter and fall into a listed cell,
        with their units or with their weights."""
        plan = self.plan
        codes = [
            f"{f'd{place}.code' if self._many(key) else self._code(key)} AS k{place}"
            for place, key in enumerate(plan.keys)
        ]
        where = (
            self._where(self.over, plan.per_unit.where)
            if plan.per_unit
            else self._where(self.over, plan.where, self.among)
        )
        kept = (
            f"SELECT {', '.join([self._owner(weighed=weighed), *codes, *values])} "
            f"FROM {self._source()}{self._lists()}{where}"
        )
        if not codes:
            return kept
        return f"SELECT * FROM ({kept}) WHERE {' AND '.join(f'{name} IS NOT NULL' for name in self.keys)}"

    @staticmethod
    def _where(writer: ExpressionWriter, condition: Expression | None, among: range | None = None) -> str:
        said = [f"r.{UNIT} BETWEEN {among.start} AND {among.stop - 1}"] if among is not None else []
        said += [writer.value(condition)] if condition is not None else []
        return f" WHERE {' AND '.join(said)}" if said else ""

    def _owner(self, *, weighed: bool) -> str:
        if weighed:
            return f"r.{weight_column(self.plan.stored_keys)} AS w"
        return "r.unit AS unit" if self.plan.per_unit else f"r.{UNIT} AS unit"

    def _source(self) -> str:
        plan = self.plan
        if plan.per_unit is None:
            return self._table()
        where = self._where(self.over_table, plan.where, self.among)
        columns = ", ".join(["unit", *(column for column, _ in self.of_units)])
        said = ", ".join(
            [f"r.{UNIT} AS unit", *(f"{self._of_unit(node)} AS {column}" for column, node in self.of_units)]
        )
        inner_keys = [self._inner_key(key) for key in plan.per_unit.keys if key != Name(plan.unit.column)]
        by = ", ".join([f"r.{UNIT}", *inner_keys])
        return f"(SELECT {columns} FROM (SELECT {said} FROM {self._table()}{where} GROUP BY {by})) AS r"

    def _of_units(self) -> list[tuple[str, Expression]]:
        """The columns of units' groups that the question uses, each under a name."""
        plan = self.plan
        if plan.per_unit is None:
            return []
        said = [
            *(key.of for key in plan.keys),
            *plan.parts,
            *([plan.per_unit.where] if plan.per_unit.where else []),
        ]
        used = dict.fromkeys(node for expression in said for node in _of_groups(expression))
        return [
            (f"u{place}", node) for place, node in enumerate(used) if node != UnitKey(Name(plan.unit.column))
        ]

    def _of_unit(self, node: Expression) -> str:
        if isinstance(node, UnitKey):
            return self._inner_key(node.of)
        if isinstance(node, UnitValue):
            return f"min({self.over_table.raw(node)})"  # all rows of a unit have the same
        assert isinstance(node, UnitAggregate)
        if node.of is None or node.aggregation not in (Aggregation.SUM, Aggregation.AVG):
            return self.over_table.unit_aggregate(node, None)
        return self.over_table.unit_aggregate(node, bounds_of(node.of, self.plan.scope))

    def _inner_key(self, key: Expression) -> str:
        """What a unit's rows are grouped by: a whole number of any size as it lies, since as a DOUBLE two of
        them could be one."""
        return self.over_table.as_it_lies(key) or self.over_table.raw(key)

    def _rows(self) -> str:
        """The dataset's rows, with what all rows of their unit say beside them."""
        if not self.own:
            return f"{TABLE} AS r"
        scope = of_all_rows(self.plan.scope)
        writer = ExpressionWriter(scope)
        said = []
        for node, column in self.own.items():
            added = node.of.of is not None and node.of.aggregation in (Aggregation.SUM, Aggregation.AVG)
            bounds = bounds_of(node.of.of, scope) if added and node.of.of is not None else None
            said.append(f"{writer.unit_aggregate(node.of, bounds)} AS {column}")
        among = self._where(writer, None, self.among)
        own = f"SELECT r.{UNIT}, {', '.join(said)} FROM {TABLE} AS r{among} GROUP BY r.{UNIT}"
        return f"(SELECT * FROM {TABLE} AS r JOIN ({own}) AS o USING ({UNIT})) AS r"

    def _table(self) -> str:
        said = self._rows()
        for place, join in enumerate(self.plan.joins):
            on = " AND ".join(
                self._met(left, right) for left, right in zip(join.left, join.right, strict=True)
            )
            alias = self.over_table.aliases[join.name]
            said += f" {'LEFT ' if join.outer else ''}JOIN {self._joined(place, alias)} ON {on}"
        return said

    def _joined(self, place: int, alias: str) -> str:
        """A joined table, with the places of its columns' values where they are keys:
        it has fewer rows than what it joins."""
        join, table = self.plan.joins[place], f"{joined_table(place)} AS {alias}"
        codes = [
            f", {code_of(self.over_table.raw(name), values)} AS {code_column(name.text)}"
            for name, values in self.beside.items()
            if name.dataset == join.name
        ]
        if not codes and join.where is None:
            return table
        return (
            f"(SELECT {alias}.*{''.join(codes)} FROM "
            f"{table}{self._where(self.over_table, join.where)}) AS {alias}"
        )

    def _met(self, left: Expression, right: Name) -> str:
        # of another private dataset, whose units have the same codes
        if self.plan.scope.column(right).role is Role.UNIT:
            return f"r.{UNIT} = {self.over_table.aliases[right.dataset]}.{UNIT}"
        return " = ".join(self.over_table.compared(left, right))

    def _lists(self) -> str:
        """The values of keys that have many, as tables to be joined."""
        return "".join(
            f" JOIN {places_of(key.values)} AS d{place} ON d{place}.value = {self.over.raw(key.of)}"
            for place, key in enumerate(self.plan.keys)
            if self._many(key)
        )

    def _many(self, key: Key) -> bool:
        return not self._coded(key) and looked_up(key.values)

    def _coded(self, key: Key) -> bool:
        """Whether the places of its values lie beside the rows:
        all of a column's, as the policy lists them."""
        column = self.plan.scope.column(key.of) if isinstance(key.of, Name) and not key.of.dataset else None
        return column is not None and column.role is Role.KEY and column.values == key.values

    # --- the statements

    def over_rows(self, totals: tuple[Total, ...]) -> str:
        values = [
            f"{self._steps(total)} AS q{place}"
            for place, total in enumerate(totals)
            if total.kind is not TotalKind.ROWS
        ]
        kept = self.kept(values, weighed=self.plan.weights_stored)
        if self.plan.weights_stored:
            sums = [self._sum(total, f"q{place}") for place, total in enumerate(totals)]
            return f"SELECT {', '.join([*self.keys, *sums])} FROM ({kept}){_group(self.keys)}"
        inner = [f"{self._of_cell(total, f'q{place}')} AS s{place}" for place, total in enumerate(totals)]
        return self._weighed_anew(
            kept, self.keys, inner, [f"sum(w * s{place})" for place in range(len(totals))]
        )

    def brought(self) -> str:
        """Exactly, and so for no answer with noise: for tables that reviewers decide on (declared/)."""
        totals = self.plan.totals
        kept = self.kept(
            [
                f"{self._there(total)} AS q{place}"
                for place, total in enumerate(totals)
                if total.kind is TotalKind.PRESENT or (total.kind is TotalKind.UNITS and total.of is not None)
            ]
        )
        said = [f"{self._of_cell(total, f'q{place}')} AS t{place}" for place, total in enumerate(totals)]
        by = ", ".join(["unit", *self.keys])
        return f"SELECT {by}, {', '.join(said)} FROM ({kept}) GROUP BY {by}"

    def rows_to_weigh(self, totals: tuple[Total, ...], among: range) -> str:
        bins = totals[0].bins if totals[0].kind is TotalKind.BINS else 0
        parts = (
            [f"{self._bin(totals[0])} AS bin"]
            if bins
            else [
                f"{self._steps(total)} AS q{place}"
                for place, total in enumerate(totals)
                if total.kind is not TotalKind.ROWS
            ]
        )
        cell = f"(unit - {among.start})"
        for place, key in enumerate(self.plan.keys):
            cell = f"({cell} * {len(key.values)} + CAST(k{place} AS INTEGER))"
        cell = f"{cell} * {bins} + CAST(bin AS INTEGER)" if bins else cell
        numbers = (
            []
            if bins
            else [
                f"coalesce(CAST(q{place} AS INTEGER), 0) AS q{place}"
                for place, total in enumerate(totals)
                if total.kind is not TotalKind.ROWS
            ]
        )
        where = " WHERE bin IS NOT NULL" if bins else ""
        return (
            f"SELECT {', '.join([f'CAST({cell} AS INTEGER) AS cell', *numbers])} "
            f"FROM ({self.kept(parts)}){where}"
        )

    def over_units(self, total: Total) -> str:
        """Units with any row, or with one of which a condition is true."""
        kept = (
            self.kept([])
            if total.of is None
            else (f"SELECT * FROM ({self.kept([f'{self.over.value(total.of)} AS q'])}) WHERE q")
        )
        if not self.keys:  # every unit is in one cell, and so has its full weight
            return f"SELECT count(DISTINCT unit) * {WEIGHT} FROM ({kept})"
        most = self.plan.most_groups
        by = ", ".join(self.keys)
        return (
            f"WITH cells AS (SELECT DISTINCT unit, {by} FROM ({kept})), "
            f"weights AS (SELECT unit, CAST(least({WEIGHT}, {WEIGHT * most} // count(*)) AS SMALLINT) AS w "
            f"FROM cells GROUP BY unit) SELECT {by}, sum(w) FROM cells "
            f"JOIN weights USING (unit) GROUP BY {by}"
        )

    def over_bins(self, total: Total) -> str:
        rows = self.kept([f"{self._bin(total)} AS bin"], weighed=self.plan.weights_stored)
        kept = f"SELECT * FROM ({rows}) WHERE bin IS NOT NULL"
        by = [*self.keys, "bin"]
        if self.plan.weights_stored:
            return f"SELECT {', '.join(by)}, sum(w) FROM ({kept}) GROUP BY {', '.join(by)}"
        return self._weighed_anew(kept, by, [], ["sum(w * n)"])

    def over_values(self, total: Total) -> str:
        """Of each unit a few (cell, value) pairs count;
        which, its own id and rows say, and no order of rows (`_chosen`).

        The key is the same whenever the same is asked of a version, so that there is one answer. It
        must not depend on data, as the hash of a version's rows does: a unit would then move the
        choice of every other.
        """
        assert total.of is not None
        kind, whole = range_of(total.of, self.plan.scope).type, self.over.as_it_lies(total.of)
        value = f"{whole or _told_apart(self.over.raw(total.of), kind)} AS value"
        pairs = (
            f"SELECT DISTINCT {', '.join(['unit', *self.keys, 'value'])} FROM ({self.kept([value])}) "
            "WHERE value IS NOT NULL"
        )
        choice = hashlib.sha256(f"{self.plan.version.name} {total.name}".encode()).hexdigest()
        chosen = _chosen("pairs", ["value", *self.keys], self.plan.max_rows, choice)
        counts = f"count(DISTINCT value) * {WEIGHT}"
        return (
            f"WITH pairs AS ({pairs}), chosen AS ({chosen}) "
            f"SELECT {', '.join([*self.keys, counts])} FROM chosen{_group(self.keys)}"
        )

    def _weighed_anew(self, kept: str, by: list[str], inner: list[str], sums: list[str]) -> str:
        """Each unit's weight by those of its rows that are kept: see weights.md."""
        return (
            f"WITH cells AS (SELECT {', '.join(['unit', *by, 'count(*) AS n', *inner])} FROM ({kept}) "
            f"GROUP BY {', '.join(['unit', *by])}), "
            f"weights AS (SELECT unit, {weight_of('n', self.plan.max_rows)} AS w FROM cells GROUP BY unit) "
            f"SELECT {', '.join([*by, *sums])} FROM cells JOIN weights USING (unit){_group(by)}"
        )

    def _sum(self, total: Total, value: str) -> str:
        """A total over rows, in the smallest type that holds each product."""
        match total.kind:
            case TotalKind.ROWS:
                return "sum(w)"
            case TotalKind.PRESENT:
                return f"sum(w) FILTER (WHERE {value})"
        return f"sum(CAST(w AS {'INTEGER' if WEIGHT * _most(total) < 2**31 else 'BIGINT'}) * {value})"

    def _of_cell(self, total: Total, value: str) -> str:
        """A unit's own part of a total in one cell, before its weight."""
        match total.kind:
            case TotalKind.UNITS:
                return "1" if total.of is None else f"CAST(coalesce(bool_or({value}), FALSE) AS INTEGER)"
            case TotalKind.ROWS:
                return "count(*)"
            case TotalKind.PRESENT:
                return f"count(*) FILTER (WHERE {value})"
        # below 2**31 rows, and with its weight at most the sensitivity: where both fit, 64
        # bits are faster than 128
        small = _most(total) < 2**31 and total.sensitivity < 2**62
        return f"coalesce(sum({value}), 0)" + ("::BIGINT" if small else "")

    # --- a row's part in a total

    def _there(self, total: Total) -> str:
        """Whether a row is counted."""
        assert total.of is not None
        return self.over.value(total.of) if total.kind is TotalKind.UNITS else self._steps(total)

    def _steps(self, total: Total) -> str:
        """A row's whole number in a total, or whether it has one: see weights.md."""
        assert total.of is not None
        if total.kind is TotalKind.PRESENT:
            return f"{self.over.value(total.of)} IS NOT NULL"
        assert total.bounds is not None
        zero = Fraction(0) if total.kind is TotalKind.SUM else total.bounds.centre
        return self.over.steps(total.of, total.bounds, zero)

    def _bin(self, total: Total) -> str:
        """The bin of a row's value, from 0: equal parts of the bounds' grid."""
        assert total.of is not None and total.bounds is not None
        grid = int((total.bounds.high - total.bounds.low) / total.bounds.step) + 1
        steps = self.over.steps(total.of, total.bounds, total.bounds.low)
        if grid == total.bins:
            return steps
        return (
            f"(CAST({steps} AS {'BIGINT' if grid * total.bins < 2**63 else 'HUGEINT'}) * "
            f"{total.bins} // {grid})"
        )

    def _code(self, key: Key) -> str:
        """The place of a row's value among the key's public values, from 0; NULL for any other value."""
        values = key.values
        if isinstance(key.of, Name) and self._coded(key):
            return f"r.{code_column(key.of.text)}"
        if isinstance(key.of, Name) and key.of in self.beside:
            return f"{self.over.aliases[key.of.dataset]}.{code_column(key.of.text)}"
        raw = self.over.raw(key.of)
        found = range_of(key.of, self.plan.scope)
        first = values[0]
        if (
            found.type is Type.INTEGER
            and not isinstance(key.of, Name | UnitKey)
            and isinstance(first, int)
            and values == tuple(range(first, first + len(values)))
        ):
            near = whole_number(f"{raw} - {double(Fraction(first))}", "-1", str(len(values)))
            return f"CASE WHEN {raw} IS NOT NULL AND {near} BETWEEN 0 AND {len(values) - 1} THEN {near} END"
        return code_of(raw, values)


def _of_groups(expression: Expression) -> Iterator[Expression]:
    """What an expression over units' groups is made of:
    their aggregates and keys, and what is beside them."""
    if isinstance(expression, UnitAggregate | UnitKey | UnitValue):
        yield expression
        return
    for part in members(expression):
        yield from _of_groups(part)


def _most(total: Total) -> int:
    """The most steps that a row can bring."""
    assert total.bounds is not None
    return total.bounds.reach if total.kind is TotalKind.SUM else total.bounds.span


def _group(keys: list[str]) -> str:
    return f" GROUP BY {', '.join(keys)}" if keys else ""
