"""Expressions of the question language over one row of a file: read, typed, and computed in a locked DuckDB.

What can be asked of many rows is refused here: aggregates, windows, subqueries and other tables. Every
construct that is left is total (queries/README.md), so that no row makes it fail.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction

import duckdb
import pyarrow as pa
from sqlglot import exp

from sandbox.catalog.locked_duckdb import shut_connection
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type, Words
from sandbox.errors import InvalidInput, Position, QueryRefused, Unavailable
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.parse.expressions import Reader
from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.plan.bind import fitted
from sandbox.queries.tree import Aggregate, Expression, Literal, Name, UnitAggregate, rewritten, walk
from sandbox.queries.types.limits import Limits
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import range_of
from sandbox.queries.types.width_limits import refuse_wide_parts

BEFORE = "SELECT "
WITHIN = (Fraction(2**26), Fraction(2**17))
"""Between which numbers, plus and minus, an expression is taken to compute: the first that it fits in 2**53
with. A product of two takes the first, of three the second."""


class _AnyNumber(Mapping[Expression, Limits]):
    """Limits by which every number can be computed with. A question needs an interval, because what one
    person adds up to is bounded by it; here nothing is added up, and no value is clamped to these limits."""

    def __init__(self, within: Fraction) -> None:
        self.within = within

    def __getitem__(self, of: Expression) -> Limits:
        if isinstance(of, Literal):
            raise KeyError(of)
        return (-self.within, self.within)

    def __iter__(self) -> Iterator[Expression]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _AsItStands(ExpressionWriter):
    """Writes expressions over the rows of a file: no column has bounds, and none is clamped."""

    def stored(self, expression: Expression) -> str:
        return self.raw(expression)


class _StepText(SqlText):
    """The text of a step, whose places are counted without what stands before it."""

    def position(self, node: exp.Expression) -> Position:
        found = super().position(node)
        return replace(found, column=max(1, found.column - len(BEFORE))) if found.line == 1 else found


def row_scope(columns: Sequence[Column], within: Fraction = WITHIN[0]) -> Scope:
    """What an expression over a row of these columns may name: each of them, without bounds."""
    return Scope(_row_of(columns), limits=_AnyNumber(within))


def fitted_to_rows(expression: Expression, scope: Scope) -> Expression:
    """The expression as it is computed for rows: texts that are compared with dates are dates. Raises
    `QueryRefused` for types that do not go together, and for texts that could be too wide."""
    computed: Expression = rewritten(expression, lambda node: fitted(node, scope))
    refuse_wide_parts((computed,), scope)
    return computed


def row_sql(expression: Expression, scope: Scope) -> str:
    """In the engine's SQL, over rows `r`."""
    return _AsItStands(scope).value(expression)


class RowExpression:
    """An expression over a row of these columns. Raises `InvalidInput` for what is none."""

    def __init__(self, text: str, columns: Sequence[Column]) -> None:
        refusals = []
        for within in WITHIN:
            try:
                self._read(text, row_scope(columns, within))
            except QueryRefused as refused:
                refusals.append(refused)
            else:
                return
        raise refusals[0]

    def _read(self, text: str, scope: Scope) -> None:
        self.scope = scope
        sql = _StepText(BEFORE + text)
        expression: Expression = Reader(sql, _Resolver(sql, self.scope)).read(_only_expression(sql))
        for node in walk(expression):
            if isinstance(node, Aggregate | UnitAggregate):
                raise QueryRefused(
                    wording(node),
                    "it mixes the rows of several people; a step treats each row by itself.",
                    instead="Use the row's own columns.",
                    position=node.position,
                    construct_zh=wording_zh(node),
                    why_zh="它会混合多人的行；清洗步骤只看每一行自己。",
                    instead_zh="请只用该行自己的栏目。",
                )
        self.expression = fitted_to_rows(expression, self.scope)
        self.type = range_of(self.expression, self.scope).type

    def sql(self) -> str:
        """In the engine's SQL, over rows `r`."""
        return row_sql(self.expression, self.scope)

    def of(self, rows: pa.Table, connection: duckdb.DuckDBPyConnection) -> pa.Array:
        """Its value for each row, in their order. Raises `Unavailable` where the machine cannot."""
        try:
            connection.register("r", rows)
            query = f"SELECT {self.sql()} AS v FROM r"  # written from a checked tree
            found = connection.execute(query).to_arrow_table()
            connection.unregister("r")
        except duckdb.Error as error:
            # its words can quote a value
            raise Unavailable(
                "A cleaning step could not be computed.",
                code="step_failed",
                remedy="Publish again; if it stays so, ask the operator for more memory.",
                zh="清洗步骤未能计算。",
                remedy_zh="请重新发布；若仍如此，请联系运营人员增加内存。",
                internal=type(error).__name__,
            ) from None
        return found.column("v").combine_chunks()


@contextmanager
def row_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked engine in which rows come out in their order."""
    with shut_connection() as connection:
        connection.execute("SET threads = 1")
        yield connection


class _Resolver:
    def __init__(self, sql: SqlText, scope: Scope) -> None:
        self.sql, self.scope = sql, scope

    def __call__(self, column: exp.Column) -> Expression:
        if column.table or not isinstance(column.this, exp.Identifier):
            self.sql.refuse(
                column,
                "only the row's own columns can be used.",
                "Write the column's name alone.",
                "只能用该行自己的栏目。",
                "请只写栏目名。",
            )
        name = Name(column.name.lower(), "", self.sql.position(column))
        self.scope.column(name)
        return name


def _only_expression(sql: SqlText) -> exp.Expression:
    """The one expression of the text; the text ends with it."""
    statement = sql.statement
    if (
        isinstance(statement, exp.Select)
        and plain(statement, "expressions")
        and len(statement.expressions) == 1
    ):
        only = statement.expressions[0]
        if isinstance(only, exp.Expression) and not isinstance(only, exp.Alias):
            return only
    raise InvalidInput(
        "It is not one expression of a row.",
        code="not_sql",
        remedy="Write an expression alone, such as `UPPER(name)` or `age > 120`.",
        zh="这不是单个的行内表达式。",
        remedy_zh="请只写一个表达式，例如 UPPER(name) 或 age > 120。",
    )


def _row_of(columns: Sequence[Column]) -> DatasetPolicy:
    """The row as the language knows it: columns without bounds, of which each may be used."""
    nothing = Words("", "")
    return DatasetPolicy(
        dataset="the row",
        title=nothing,
        summary=nothing,
        department="",
        grade="",
        source="",
        licence="",
        citation="",
        update_cycle="",
        about_rows=0,
        population="",
        unit=None,
        budget=None,
        columns=tuple(
            Column(column.name, Role.ATTRIBUTE, column.type, nothing, "", longest=column.longest)
            for column in columns
        ),
    )


def type_of(text: str, columns: Sequence[Column]) -> Type:
    with suppress(RecursionError):
        return RowExpression(text, columns).type
    raise InvalidInput(
        "The expression is nested too deep.",
        remedy="Write a simpler one, or derive a column first.",
        zh="表达式嵌套过深。",
        remedy_zh="请写得简单一些，或先生成一个栏目。",
    )
