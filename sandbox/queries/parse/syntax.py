"""The parts that a piece of SQL may have, kind by kind:
what is not listed here is refused, never passed over.

The parser of the SQL reads many dialects and is generous: `FROM t@1` is to it a table with a placeholder for
an alias, and `a JOIN b JOIN c ON ... ON ...` a table with joins of its own. A part that nobody looks at would
be left out of the question without a word, so the question would mean something else. Functions check their
own arguments where they are read.
"""

from enum import Enum

from sqlglot import exp

from sandbox.queries.parse.sql_text import SqlText, construct

PARTS: dict[type[exp.Expr], frozenset[str]] = {
    kind: frozenset(parts.split())
    for kind, parts in {
        exp.From: "this",
        exp.Table: "this db alias",
        exp.TableAlias: "this columns",
        exp.Identifier: "this quoted",
        exp.Subquery: "this alias",
        exp.Where: "this",
        exp.Having: "this",
        exp.Qualify: "this",
        exp.With: "expressions recursive",
        exp.CTE: "this alias materialized",
        exp.Order: "expressions",
        exp.Ordered: "this desc",
        exp.Offset: "expression",
        exp.Alias: "this alias",
        exp.Column: "this table db",
        exp.Paren: "this",
        exp.Filter: "this expression",
        exp.WithinGroup: "this expression",
        exp.In: "this expressions query",
        exp.Is: "this expression",
        exp.Not: "this",
        exp.And: "this expression",
        exp.Or: "this expression",
        exp.Between: "this low high symmetric",
        exp.Case: "this ifs default",
        exp.If: "this true false",
        exp.Cast: "this to",
        exp.TryCast: "this to safe",
        exp.Least: "this expressions ignore_nulls",
        exp.Greatest: "this expressions ignore_nulls",
        exp.Nullif: "this expression",
        exp.Extract: "this expression",
        exp.Substring: "this start length",
        exp.Left: "this expression negative_length_returns_empty",
        exp.Anonymous: "this expressions",
        exp.Count: "this expressions big_int",
        exp.Distinct: "expressions on",
        exp.Exists: "this",
        exp.Interval: "this unit",
        exp.Array: "expressions bracket_notation",
        exp.Any: "this",
        exp.Tuple: "expressions",
        exp.Literal: "this is_string",
        exp.PercentileCont: "this expression",
        exp.PercentileDisc: "this expression",
        exp.Quantile: "this quantile",
        exp.ApproxQuantile: "this quantile",
        exp.LimitOptions: "rows",
    }.items()
}
NAMES = (exp.TableAlias, exp.Alias)


def check_syntax(text: SqlText) -> None:
    """Raises `QueryRefused` at the first part of the statement that has no place in PARTS."""
    for node in text.statement.walk():
        assert isinstance(node, exp.Expression)
        allowed = PARTS.get(type(node))
        # (a JOIN b): normalize_joins.py
        if isinstance(node, exp.Table) and isinstance(node.parent, exp.Subquery):
            allowed = PARTS[exp.Table] | {"joins"}
        if isinstance(node, exp.Cast) and not isinstance(getattr(node.args.get("to"), "this", None), Enum):
            text.refuse(
                node,
                "it does not name a type.",
                "Write for example CAST(x AS INTEGER).",
                "其中没有类型。",
                "请写例如 CAST(x AS INTEGER)。",
            )
        unknown = (
            []
            if allowed is None
            else [name for name, value in node.args.items() if value and name not in allowed]
        )
        if unknown:
            part = node.args[unknown[0]]
            where = part[0] if isinstance(part, list) else part
            said = _name(unknown[0])
            text.refuse(
                where if isinstance(where, exp.Expression) and not isinstance(node, exp.Ordered) else node,
                f"{said} beside {construct(node)} cannot be asked.",
                f"Leave out {said}, or say it in other words.",
                f"{construct(node)} 不能带 {said}。",
                f"请去掉 {said}，或换一种写法。",
            )
        name = (
            node.args.get("alias" if isinstance(node, exp.Alias) else "this")
            if isinstance(node, NAMES)
            else None
        )
        if isinstance(name, exp.Expression) and not isinstance(name, exp.Identifier):
            text.refuse(
                name,
                "it is not a name.",
                "Write AS and a name of letters and digits.",
                "这不是名称。",
                "请写 AS 和由字母、数字组成的名称。",
            )


def _name(part: str) -> str:
    """What a part is called in SQL."""
    return {
        "nulls_first": "NULLS FIRST",
        "with_ties": "WITH TIES",
        "percent": "PERCENT",
        "joins": "a JOIN inside a JOIN",
        "sample": "TABLESAMPLE",
        "catalog": "a name of three parts",
    }.get(part, part.rstrip("_").upper().replace("_", " "))
