"""Reads a derivation: one SELECT over versions of datasets about the same people, joined on the unit alone.

Each level gives rows of units, or one row for each unit (`GROUP BY` the unit). Whatever is joined has one row
for each unit, so that no join multiplies rows. Expressions are those of questions, over one row, and total.
By construction the rows of a unit in the result depend on that unit's rows in the inputs, and on nothing
else: rows of two units never meet in a join, a group or a condition
(tests/derivations/test_each_unit_alone.py).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from sandbox.catalog.model import Column, Role, Type, Version, Words
from sandbox.catalog.read_table import quoted
from sandbox.cleaning.expressions import fitted_to_rows, row_scope, row_sql
from sandbox.derivations.aggregates import COMPUTED, UnitAggregates
from sandbox.derivations.refusals import (
    COMPUTED_UNIT,
    GROUP_BY_UNIT,
    NO_CONDITION,
    NO_SUCH_SOURCE,
    ODD_NAME,
    ONE_ROW_EACH,
    ONLY_JOINS,
    ONLY_UNIT_JOINS,
    SEVERAL_HAVE_IT,
    UNNAMED,
    WITHOUT_UNIT,
    hidden_or_unknown,
    name_twice,
    no_version,
    not_allowed,
)
from sandbox.derivations.relation import Origin, Relation, RelationColumn
from sandbox.errors import InvalidInput
from sandbox.ingest.limits import LARGEST_INTEGER
from sandbox.queries.parse.expressions import Reader
from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.tree import Aggregate, Expression, IsNull, Literal, Name, names_in, rewritten, walk
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.text_cost import width_of
from sandbox.queries.types.value_ranges import range_of

BYTES_OF_A_CHARACTER = 4
MOST_INPUTS = 8
PLAIN_NAME = re.compile(r"[^\W\d]\w*")
CLAUSES = ("kind", "expressions", "from_", "joins", "where", "group", "having")
NOTHING = Words("", "")

FindVersion = Callable[[str, int], Version]
"""The version of a dataset by its number. Raises `NotFound`."""


def read_derivation(sql: str, find: FindVersion) -> Relation:
    """Raises `InvalidInput` for SQL that is none, or that is more than a derivation may be; and what `find`
    raises."""
    try:
        text = SqlText(sql)
        relation = _Derivation(text, find).level(text.statement)
    except RecursionError:
        raise InvalidInput(
            "The derivation is nested too deep.",
            remedy="Write fewer subqueries in each other.",
            zh="派生语句嵌套过深。",
            remedy_zh="请减少嵌套的子查询。",
        ) from None
    if len(relation.datasets) > MOST_INPUTS:
        raise InvalidInput(
            f"A derivation reads at most {MOST_INPUTS} datasets.",
            remedy="Derive in two steps.",
            zh=f"派生语句最多读取 {MOST_INPUTS} 个数据集。",
            remedy_zh="请分两步派生。",
        )
    return relation


def input_table(dataset: str, version: int) -> str:
    """What the rows of an input are called in the engine."""
    return f"{dataset}@{version}"


class _Derivation:
    def __init__(self, text: SqlText, find: FindVersion) -> None:
        self.text, self.find = text, find

    def level(self, node: exp.Expression) -> Relation:
        if not isinstance(node, exp.Select):
            not_allowed(self.text, node)
        for clause, value in node.args.items():
            if value and clause not in CLAUSES:
                not_allowed(self.text, node, clause.strip("_"))
        sources = _Sources(self.text)
        first = node.args.get("from_")
        if first is None:
            not_allowed(self.text, node, "SELECT without FROM")
        sources.add_first(*self._source(first.this))
        for join in node.args.get("joins") or []:
            self._join(join, sources)
        return _Select(self.text, node, sources).relation()

    def _source(self, node: exp.Expression) -> tuple[str, Relation]:
        alias = node.args.get("alias")
        if isinstance(alias, exp.TableAlias) and alias.args.get("columns"):
            not_allowed(self.text, node)
        if isinstance(node, exp.Subquery) and plain(node, "this", "alias"):
            if not node.alias:
                self.text.refuse(node, *UNNAMED)
            return _plain_name(self.text, node), self.level(node.this)
        if not isinstance(node, exp.Table) or not plain(node, "this", "db", "alias"):
            not_allowed(self.text, node)
        return self._dataset(node)

    def _dataset(self, node: exp.Table) -> tuple[str, Relation]:
        name, _, number = node.name.lower().partition("@")
        if not node.db or not number.isdigit() or not 1 <= len(number) <= 9 or int(number) < 1:
            no_version(self.text, node)
        version = self.find(f"{node.db.lower()}.{name}", int(number))
        policy, dataset = version.policy, version.dataset
        if policy.unit is None:
            raise InvalidInput(
                f"{dataset} is open, and about no people.",
                code="not_about_people",
                remedy="Derive from datasets about the same people; an open dataset is joined in a question.",
                zh=f"{dataset} 是开放数据，不涉及人员。",
                remedy_zh="派生只能用于关于同一批人员的数据集；开放数据可在提问时联接。",
            )
        usable = [column for column in policy.columns if column.role is not Role.HIDDEN]
        usable.sort(key=lambda column: column.role is not Role.UNIT)
        names = ", ".join(quoted(column.name) for column in usable)
        relation = Relation(
            sql=f"SELECT {names} FROM {quoted(input_table(dataset, version.number))}",
            unit=policy.unit.column,
            columns=tuple(RelationColumn(column, frozenset({(dataset, column.name)})) for column in usable),
            most_rows=policy.unit.max_rows,
            once=False,
            filters=frozenset(),
            datasets=frozenset({(dataset, version.number)}),
        )
        return _plain_name(self.text, node) if node.alias else name, relation

    def _join(self, join: exp.Join, sources: "_Sources") -> None:
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        known = side in ("", "LEFT") and kind in ("", "INNER", "OUTER")
        if not known or not plain(join, "this", "on", "using", "side", "kind"):
            self.text.refuse(join, *ONLY_JOINS)
        alias, relation = self._source(join.this)
        if alias in sources.relations:
            name_twice(self.text, join, alias)
        if relation.most_rows != 1:
            self.text.refuse(join, *ONE_ROW_EACH)
        sources.join(join, alias, _one_row_each(relation), outer=side == "LEFT")


def _one_row_each(relation: Relation) -> Relation:
    """Of a dataset with one row for each unit, the first of a unit that has several after all: by the order
    of all values, so that it is chosen among that unit's rows alone."""
    if relation.once:
        return relation
    order = ", ".join(quoted(column.name) for column in relation.columns)
    first = f"row_number() OVER (PARTITION BY {quoted(relation.unit)} ORDER BY {order}) = 1"
    return replace(relation, sql=f"SELECT * FROM ({relation.sql}) QUALIFY {first}", once=True)


def _plain_name(text: SqlText, node: exp.Expression) -> str:
    """What stands after AS. Inside, columns are called `alias.column`, and aggregates begin with a sign of
    their own: a name that could be taken for another is refused."""
    name = node.alias.lower()
    if not PLAIN_NAME.fullmatch(name):
        text.refuse(node, *ODD_NAME)
    return name


def _value(expression: Expression, column: RelationColumn, scope: Scope) -> str:
    """A value in its column's own type: numbers are computed as DOUBLE. A whole number beyond those that are
    exact is empty."""
    if column.column.type is not Type.INTEGER:
        return row_sql(expression, scope)
    if isinstance(expression, Name) and not expression.text.startswith(COMPUTED):
        return f"r.{quoted(expression.text)}"
    value = row_sql(expression, scope)
    return f"CAST(CASE WHEN abs({value}) <= {LARGEST_INTEGER} THEN {value} END AS BIGINT)"


class _Sources:
    """What stands after FROM and JOIN, by its alias. Their columns stand side by side as `alias.column`."""

    def __init__(self, text: SqlText) -> None:
        self.text = text
        self.relations: dict[str, Relation] = {}
        self.first = ""
        self._from = ""

    def add_first(self, alias: str, relation: Relation) -> None:
        self.first, self.relations[alias] = alias, relation
        self._from = f"({relation.sql}) AS s0"

    def join(self, join: exp.Join, alias: str, relation: Relation, *, outer: bool) -> None:
        self._require_on_unit(join, alias, relation)
        place = f"s{len(self.relations)}"
        self.relations[alias] = relation
        mine = f"s0.{quoted(self.relations[self.first].unit)}"
        kind = "LEFT JOIN" if outer else "JOIN"
        self._from += f" {kind} ({relation.sql}) AS {place} ON {mine} = {place}.{quoted(relation.unit)}"

    def _require_on_unit(self, join: exp.Join, alias: str, relation: Relation) -> None:
        """Raises `QueryRefused` for a join on anything but the units of both sides."""
        using, on = join.args.get("using"), join.args.get("on")
        if using:
            names = [part.name.lower() for part in using]
            if names == [relation.unit] and self.relations[self.first].unit == relation.unit:
                return
        while isinstance(on, exp.Paren):
            on = on.this
        if isinstance(on, exp.EQ) and not using:
            sides = [self._unit_of(side, alias, relation) for side in (on.this, on.expression)]
            if alias in sides and any(side is not None and side != alias for side in sides):
                return
        self.text.refuse(join, *ONLY_UNIT_JOINS)

    def _unit_of(self, node: exp.Expression, alias: str, relation: Relation) -> str | None:
        """Whose unit a column is, written as `alias.unit`; of those before, one that an outer join may have
        left empty is nobody's."""
        if not isinstance(node, exp.Column):
            return None
        table, name = node.table.lower(), node.name.lower()
        if table == alias:
            return alias if name == relation.unit else None
        return self.first if table == self.first and name == self.relations[self.first].unit else None

    @property
    def columns(self) -> dict[str, RelationColumn]:
        """All columns, by `alias.column`."""
        return {
            f"{alias}.{column.name}": replace(
                column, column=replace(column.column, name=f"{alias}.{column.name}")
            )
            for alias, relation in self.relations.items()
            for column in relation.columns
        }

    @property
    def units(self) -> frozenset[str]:
        return frozenset(f"{alias}.{relation.unit}" for alias, relation in self.relations.items())

    @property
    def unit(self) -> str:
        return f"{self.first}.{self.relations[self.first].unit}"

    @property
    def sql(self) -> str:
        """All columns side by side."""
        parts = [
            f"s{place}.{quoted(column.name)} AS {quoted(f'{alias}.{column.name}')}"
            for place, (alias, relation) in enumerate(self.relations.items())
            for column in relation.columns
        ]
        return f"SELECT {', '.join(parts)} FROM {self._from}"

    def resolve(self, column: exp.Column) -> Name:
        if not isinstance(column.this, exp.Identifier) or column.db:
            not_allowed(self.text, column)
        name, table = column.name.lower(), column.table.lower()
        if table and table not in self.relations:
            self.text.refuse(column, *NO_SUCH_SOURCE)
        having = [
            alias
            for alias, relation in self.relations.items()
            if table in ("", alias) and relation.column(name) is not None
        ]
        if not having:
            hidden_or_unknown(self.text, column, self._usable(table))
        if len(having) > 1 and not all(self.relations[alias].unit == name for alias in having):
            self.text.refuse(column, *SEVERAL_HAVE_IT)
        # where all that have it are joined on it, it is the first one's, which no outer join leaves empty
        return Name(f"{having[0]}.{name}", "", self.text.position(column))

    def _usable(self, table: str) -> str:
        return ", ".join(
            column.name
            for alias, relation in self.relations.items()
            if table in ("", alias)
            for column in relation.columns
        )


class _Select:
    """One level: what it chooses, groups and gives."""

    def __init__(self, text: SqlText, node: exp.Select, sources: _Sources) -> None:
        self.text, self.node, self.sources = text, node, sources
        self.known: Mapping[str, RelationColumn] = sources.columns
        self.scope = row_scope([each.column for each in self.known.values()])
        self.reader = Reader(text, sources.resolve)
        self.grouped = self._is_grouped()
        self.aggregates = UnitAggregates(self.scope, sources.unit, sources.units)
        self.filters: set[Origin] = set()

    def relation(self) -> Relation:
        where, having = self.node.args.get("where"), self.node.args.get("having")
        rows = f"SELECT * FROM ({self.sources.sql}) AS r"
        if where is not None:
            condition = self._of_rows(self.reader.read(where.this), where.this)
            rows += f" WHERE {self._condition(condition, where.this, self.scope)}"
            self.filters |= self._origins(condition)
        outputs = [self._output(node) for node in self.node.expressions]
        kept = self.reader.read(having.this) if having is not None else None
        if self.grouped:
            return self._of_units(rows, outputs, kept)
        if kept is not None:
            not_allowed(self.text, self.node, "HAVING without GROUP BY")
        columns, parts = [], []
        for name, node in outputs:
            expression = self._read_output(node)
            columns.append(self._column(name, expression, self.scope, self._origins(expression)))
            parts.append((name, expression))
        return self._made(f"({rows}) AS r", parts, columns, self.scope)

    def _of_units(
        self, rows: str, outputs: list[tuple[str, exp.Expression]], kept: Expression | None
    ) -> Relation:
        """One row for each unit."""
        computed = [(name, self.aggregates.take(self._plain_unit(node)), node) for name, node in outputs]
        having = self.aggregates.take(kept) if kept is not None else None
        scope = row_scope([self._unit_column(), *self.aggregates.columns])
        parts, columns = [], []
        for name, expression, node in computed:
            fitted = self._fitted(expression, scope, node)
            parts.append((name, fitted))
            columns.append(self._column(name, fitted, scope, self._origins_of_units(fitted)))
        unit = quoted(self.sources.unit)
        values = "".join(f", {sql} AS {quoted(name)}" for name, sql in self.aggregates.sql.items())
        source = f"(SELECT r.{unit}{values} FROM ({rows}) AS r GROUP BY r.{unit}) AS r"
        if having is not None:
            node = self.node.args["having"].this
            condition = self._fitted(having, scope, node)
            source += f" WHERE {self._condition(condition, node, scope)}"
            self.filters |= self._origins_of_units(condition)
        return self._made(source, parts, columns, scope)

    def _made(
        self,
        source: str,
        parts: list[tuple[str, Expression]],
        columns: list[RelationColumn],
        scope: Scope,
    ) -> Relation:
        unit = [name for name, expression in parts if expression == Name(self.sources.unit)]
        if len(unit) != 1:
            self.text.refuse(self.node, *WITHOUT_UNIT)
        for name, _ in parts:
            if [other for other, _ in parts].count(name) > 1:
                name_twice(self.text, self.node, name)
        ordered = sorted(zip(parts, columns, strict=True), key=lambda each: each[0][0] != unit[0])
        written = [
            f"{_value(expression, column, scope)} AS {quoted(name)}" for (name, expression), column in ordered
        ]
        # the unit's name as it is: nothing computes with it
        written[0] = f"r.{quoted(self.sources.unit)} AS {quoted(unit[0])}"
        relations = self.sources.relations.values()
        return Relation(
            sql=f"SELECT {', '.join(written)} FROM {source}",
            unit=unit[0],
            columns=tuple(column for _, column in ordered),
            most_rows=1 if self.grouped else self.sources.relations[self.sources.first].most_rows,
            once=self.grouped or self.sources.relations[self.sources.first].once,
            filters=frozenset(self.filters).union(*(relation.filters for relation in relations)),
            datasets=frozenset[tuple[str, int]]().union(*(relation.datasets for relation in relations)),
        )

    def _is_grouped(self) -> bool:
        group = self.node.args.get("group")
        if group is None:
            return False
        if not plain(group, "expressions") or len(group.expressions) != 1:
            self.text.refuse(group, *GROUP_BY_UNIT)
        only = group.expressions[0]
        if not isinstance(only, exp.Column) or self.sources.resolve(only).text != self.sources.unit:
            self.text.refuse(group, *GROUP_BY_UNIT)
        return True

    def _output(self, node: exp.Expression) -> tuple[str, exp.Expression]:
        if isinstance(node, exp.Alias):
            return _plain_name(self.text, node), node.this
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
            return node.name.lower(), node
        return self.text.refuse(node, *UNNAMED)

    def _plain_unit(self, node: exp.Expression) -> Expression:
        return self.reader.read(node)

    def _read_output(self, node: exp.Expression) -> Expression:
        """The unit by itself, or an expression of the row's other columns."""
        expression = self.reader.read(node)
        if expression == Name(self.sources.unit):
            return expression
        return self._of_rows(expression, node)

    def _of_rows(self, expression: Expression, node: exp.Expression) -> Expression:
        if any(isinstance(part, Aggregate) for part in walk(expression)):
            self.text.refuse(node, *GROUP_BY_UNIT)
        return self._fitted(expression, self.scope, node)

    def _fitted(self, expression: Expression, scope: Scope, node: exp.Expression) -> Expression:
        """Nothing is computed of who somebody is: only whether there is somebody."""
        if expression == Name(self.sources.unit):
            return expression
        rest = rewritten(
            expression,
            lambda part: Literal(True) if isinstance(part, IsNull) and isinstance(part.of, Name) else part,
        )
        if {name.text for name in names_in(rest)} & self.sources.units:
            self.text.refuse(node, *COMPUTED_UNIT)
        return fitted_to_rows(expression, scope)

    def _condition(self, expression: Expression, node: exp.Expression, scope: Scope) -> str:
        if range_of(expression, scope).type is not Type.BOOLEAN:
            self.text.refuse(node, *NO_CONDITION)
        return row_sql(expression, scope)

    def _unit_column(self) -> Column:
        return self.known[self.sources.unit].column

    def _origins(self, expression: Expression) -> frozenset[Origin]:
        return frozenset[Origin]().union(*(self.known[name.text].origins for name in names_in(expression)))

    def _origins_of_units(self, expression: Expression) -> frozenset[Origin]:
        """Of what is computed of aggregates: the columns that those read."""
        found: frozenset[Origin] = frozenset()
        for name in names_in(expression):
            of = self.aggregates.read.get(name.text, frozenset({name.text}))
            found = found.union(*(self.known[each].origins for each in of))
        return found

    def _column(
        self, name: str, expression: Expression, scope: Scope, origins: frozenset[Origin]
    ) -> RelationColumn:
        if isinstance(expression, Name):
            known = scope.column(expression)
            return RelationColumn(replace(known, name=name), origins)
        kind = range_of(expression, scope).type
        column = Column(name, Role.ATTRIBUTE, kind, NOTHING, "")
        if kind is Type.TEXT:
            width = width_of(expression, scope)
            column = replace(column, longest=max(1, min(column.longest, width // BYTES_OF_A_CHARACTER)))
        return RelationColumn(column, origins)
