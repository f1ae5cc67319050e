"""SQL about open data alone, which needs no noise:
which datasets it names, and that it can do nothing but compute with them.

The same SQL text as a private question's, but the engine reads it, so what may stand in it is listed here:
every kind of node, every function. A function that reads files or settings, or makes a text or a list longer
than it was, is in no list.
"""

from collections.abc import Mapping

from sqlglot import exp

from sandbox.queries.parse.expressions import COMPARISONS, FUNCTIONS, OF_BOTH, OF_TWO, OPERATORS, PARTS
from sandbox.queries.parse.sql_text import SqlText

MOST_SELECTS, MOST_TABLES = 50, 20
NAMED = ("weekday", "date_part", "datepart", "mean", "stddev", "date_diff", "starts_with")
ALLOWED: frozenset[type[exp.Expr]] = frozenset(
    {
        *COMPARISONS,
        *OPERATORS,
        *FUNCTIONS,
        *PARTS,
        *OF_TWO,
        *OF_BOTH,
        exp.Select,
        exp.From,
        exp.Join,
        exp.Table,
        exp.TableAlias,
        exp.Identifier,
        exp.Subquery,
        exp.Where,
        exp.Having,
        exp.Qualify,
        exp.With,
        exp.CTE,
        exp.Group,
        exp.Rollup,
        exp.Cube,
        exp.GroupingSets,
        exp.Order,
        exp.Ordered,
        exp.Limit,
        exp.Offset,
        exp.Fetch,
        exp.LimitOptions,
        exp.Distinct,
        exp.Union,
        exp.Intersect,
        exp.Except,
        exp.Alias,
        exp.Column,
        exp.Star,
        exp.Paren,
        exp.Tuple,
        exp.Literal,
        exp.Boolean,
        exp.Null,
        exp.Var,
        exp.Filter,
        exp.WithinGroup,
        exp.Window,
        exp.WindowSpec,
        exp.And,
        exp.Or,
        exp.Not,
        exp.In,
        exp.Is,
        exp.Between,
        exp.Exists,
        exp.Case,
        exp.If,
        exp.Cast,
        exp.TryCast,
        exp.DataType,
        exp.Like,
        exp.ILike,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.Neg,
        exp.IntDiv,
        exp.Least,
        exp.Greatest,
        exp.Round,
        exp.Coalesce,
        exp.Nullif,
        exp.Extract,
        exp.Substring,
        exp.Left,
        exp.Right,
        exp.Length,
        exp.Lower,
        exp.Upper,
        exp.Trim,
        exp.StartsWith,
        exp.EndsWith,
        exp.Contains,
        exp.StrPosition,
        exp.DateDiff,
        exp.TimestampTrunc,
        exp.DateTrunc,
        exp.Interval,
        exp.Sign,
        exp.Log,
        exp.Pow,
        exp.Dayname,
        exp.Monthname,
        exp.Anonymous,
        exp.Count,
        exp.CountIf,
        exp.Sum,
        exp.Avg,
        exp.Min,
        exp.Max,
        exp.Median,
        exp.Variance,
        exp.VariancePop,
        exp.Stddev,
        exp.StddevSamp,
        exp.StddevPop,
        exp.PercentileCont,
        exp.PercentileDisc,
        exp.Quantile,
        exp.ApproxQuantile,
        exp.ApproxDistinct,
        exp.Rank,
        exp.DenseRank,
        exp.RowNumber,
        exp.Lag,
        exp.Lead,
        exp.FirstValue,
        exp.LastValue,
        exp.Ntile,
        exp.PercentRank,
        exp.CumeDist,
        exp.RegrCount,
        exp.RegrR2,
    }
)


def datasets_named(text: SqlText) -> set[str]:
    """The datasets after FROM and JOIN, by their two names; what has one name alone is a CTE."""
    return {
        f"{table.db}.{table.name.rpartition('@')[0] or table.name}".lower()
        for table in text.statement.find_all(exp.Table)
        if table.db
    }


def versions_named(text: SqlText) -> list[tuple[str, str]]:
    """Datasets that are asked for by a version's number, and the number."""
    named = [
        (table.db, *table.name.rpartition("@")) for table in text.statement.find_all(exp.Table) if table.db
    ]
    return [(f"{schema}.{name}".lower(), number) for schema, name, at, number in named if at and name]


def open_sql(text: SqlText, tables: Mapping[str, str]) -> str:
    """The SQL to run: that of the question with `tables`' names in the place of the datasets'.
    Raises `QueryRefused`."""
    statement = text.statement.copy()
    nodes = list(text.statement.walk())
    for node in nodes:
        if type(node) not in ALLOWED or (
            isinstance(node, exp.Anonymous) and str(node.this).lower() not in NAMED
        ):
            text.refuse(
                node,  # type: ignore[arg-type]
                "it cannot stand in a question on open data.",
                "Use SELECT with joins, conditions, CASE, aggregates and windows; or take "
                "the open dataset's rows.",
                "开放数据的问题里不能用它。",
                "可用 SELECT、联表、条件、CASE、聚合和窗口；也可取得开放数据集的行。",
            )
        if isinstance(node, exp.With) and node.args.get("recursive"):
            text.refuse(
                node,
                "it could go on without end.",
                "Leave out RECURSIVE.",
                "它可能没有尽头。",
                "请去掉 RECURSIVE。",
            )
    many = (
        sum(isinstance(node, exp.Select) for node in nodes),
        sum(isinstance(node, exp.Table) for node in nodes),
    )
    if many[0] > MOST_SELECTS or many[1] > MOST_TABLES:
        text.refuse(
            text.statement,
            f"it has more than {MOST_SELECTS} SELECTs or {MOST_TABLES} tables.",
            "Ask a simpler one.",
            f"SELECT 超过 {MOST_SELECTS} 个，或表超过 {MOST_TABLES} 个。",
            "请问得简单一些。",
        )
    for table in list(statement.find_all(exp.Table)):
        _point(text, table, tables, _visible(table))
    for column in statement.find_all(exp.Column):
        column.set("db", None)  # schema.dataset.column: the dataset stands there by its own name
    return statement.sql(dialect="duckdb", identify=True)


def _visible(table: exp.Table) -> set[str]:
    """The CTEs that stand before a table's place: what else has a name there is the engine's own."""
    names: set[str] = set()
    inside = {id(table)}
    parent = table.parent
    while parent is not None:
        inside.add(id(parent))
        for cte in [
            cte
            for clause in parent.args.values()
            if isinstance(clause, exp.With)
            for cte in clause.expressions
        ]:
            if id(cte) in inside:
                break  # its own name, and those of later ones, are not there yet
            names.add(cte.alias.lower())
        parent = parent.parent
    return names


def _point(text: SqlText, table: exp.Table, tables: Mapping[str, str], known: set[str]) -> None:
    """Let a table mean rows that are there, or a CTE."""
    allowed = {"this", "db", "alias", "joins"}
    extra = [name for name, value in table.args.items() if value and name not in allowed]
    if (
        extra
        or not isinstance(table.this, exp.Identifier)
        or (not table.db and table.name.lower() not in known)
    ):
        text.refuse(
            table,
            "only a dataset's name can stand after FROM.",
            "Write schema.name, such as city.stops.",
            "FROM 之后只能是数据集名。",
            "请写 schema.name，例如 city.stops。",
        )
    if table.db:
        name = table.name.rpartition("@")[0] or table.name
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name, quoted=True))
        table.replace(
            exp.Table(
                this=exp.to_identifier(tables[f"{table.db}.{name}".lower()], quoted=True),
                alias=alias.copy(),
                joins=table.args.get("joins"),
            )
        )
