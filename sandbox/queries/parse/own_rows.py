"""Reads subqueries and windows over a unit's own rows: what all rows of a unit say becomes a value beside
each of its rows.

`person IN (SELECT person FROM t WHERE ...)`, `JOIN (SELECT person, SUM(x) AS s FROM t GROUP BY person) AS g
ON ...` and `SUM(x) OVER (PARTITION BY person)` mix nobody's rows with another's. They are read here. bind.py
checks that they are about the unit, and of the dataset that is asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from sandbox.queries.parse.relations import CHOSEN, Groups, Relation, Rows
from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.tree import (
    Aggregate,
    Aggregation,
    Case,
    Compare,
    Comparison,
    Expression,
    Literal,
    Name,
    UnitAggregate,
    UnitValue,
    both,
    rewritten,
    walk,
)

AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max)


@dataclass(frozen=True)
class OwnRows:
    """Rows, or one row for each unit, of one dataset, to be matched by `unit`:
    what it has for a unit, and whether anything."""

    dataset: str
    unit: Name
    there: Expression
    names: Mapping[str, Expression]

    def matched(self, by: Expression) -> "OwnRows":
        """Beside rows that have `by` where it has its unit."""

        def rule(node: object) -> object:
            return UnitValue(node.of, (self.unit, by), self.dataset) if isinstance(node, UnitValue) else node

        return OwnRows(
            self.dataset,
            self.unit,
            rewritten(self.there, rule),
            {name: rewritten(of, rule) for name, of in self.names.items()},
        )


def own_rows(text: SqlText, node: exp.Expression, found: Relation) -> OwnRows:
    """A subquery as values of units.
    Raises `QueryRefused` where it is no filter and no grouping by one column."""
    rows = found.rows if isinstance(found, Groups) else found
    if rows.joins or rows.per_unit:
        text.refuse(
            node,
            "its subquery joins, or groups twice.",
            "Filter, or group by the unit, in one SELECT there.",
            "它的子查询里有联表或两次分组。",
            "请在其中只用一个 SELECT 筛选，或按保护对象分组。",
        )
    if isinstance(found, Groups) and found.arranged:
        text.refuse(node, *CHOSEN)
    keys = found.keys if isinstance(found, Groups) else tuple(found.names.values())
    if len(keys) != 1 or not isinstance(keys[0], Name):
        text.refuse(
            node,
            "its subquery is not about one row for each unit.",
            "Write (SELECT unit FROM dataset WHERE ...), or (SELECT unit, SUM(x) AS s "
            "FROM dataset GROUP BY unit).",
            "它的子查询不是每个保护对象一行。",
            "请写 (SELECT 标识 FROM 数据集 WHERE ...)，或 (SELECT 标识, SUM(x) AS s "
            "FROM 数据集 GROUP BY 标识)。",
        )

    def rule(part: object) -> object:
        if isinstance(part, Aggregate):
            return UnitValue(
                UnitAggregate(part.aggregation, _where(rows.where, part.of), position=part.position)
            )
        return part

    counted = UnitAggregate(Aggregation.COUNT, _where(rows.where, None), position=text.position(node))
    any_row = Compare(Comparison.MORE, UnitValue(counted), Literal(0))
    if isinstance(found, Rows):
        return OwnRows(rows.dataset, keys[0], any_row, dict(found.names))
    having = found.afterwards.having
    there = any_row if having is None else both(any_row, rewritten(having, rule))
    assert there is not None
    return OwnRows(
        rows.dataset, keys[0], there, {name: rewritten(of, rule) for name, of in found.names.items()}
    )


def looked_up(found: Relation, *, besides: str) -> tuple[Name, Expression | None] | None:
    """A subquery as a column of another dataset, and the condition on its rows;
    None if it is about `besides`, or says more."""
    rows = found.rows if isinstance(found, Groups) else found
    # SELECT DISTINCT
    only = not isinstance(found, Groups) or (
        not found.arranged and found.afterwards.having is None and len(found.keys) == len(found.outputs)
    )
    column = next(iter(found.names.values()), None)
    if (
        rows.dataset == besides
        or not only
        or rows.joins
        or rows.per_unit
        or len(found.names) != 1
        or (not isinstance(column, Name))
        or any(isinstance(part, UnitValue) for part in walk(rows.where))
    ):
        return None
    return Name(column.text, rows.dataset, column.position), rows.where


def window(
    text: SqlText, node: exp.Window, read: Callable[[exp.Expression], Expression], rows: Rows | None
) -> UnitValue:
    """`SUM(x) OVER (PARTITION BY unit)`, over the rows that the WHERE of its SELECT leaves;
    None where it lists groups."""
    by = node.args.get("partition_by") or []
    simple = (
        plain(node, "this", "partition_by", "over") and len(by) == 1 and isinstance(node.this, AGGREGATES)
    )
    if not simple or rows is None or rows.joins or rows.per_unit:
        text.refuse(
            node,
            "a window mixes the rows of several people.",
            "Over a person's own rows write SUM(x) OVER (PARTITION BY unit) in a subquery, "
            "without ORDER BY; ranks, shares and running totals of groups can be computed from "
            "the answer, at no cost.",
            "窗口会混合多人的行。",
            "对一个人自己的行，请在子查询里写 SUM(x) OVER (PARTITION BY 标识)，不加 ORDER BY;"
            "各组的名次、占比、累计可由回答算出，不再花费。",
        )
    found = read(node.this)
    assert isinstance(found, Aggregate), "each of AGGREGATES is read as one"
    return UnitValue(
        UnitAggregate(found.aggregation, _where(rows.where, found.of), position=found.position),
        (read(by[0]),),
        rows.dataset,
    )


def _where(condition: Expression | None, of: Expression | None) -> Expression | None:
    """What is aggregated of a row, empty where the row does not pass."""
    return of if condition is None else Case(((condition, Literal(1) if of is None else of),), None)
