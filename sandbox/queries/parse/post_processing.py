"""Reads what is done with released groups: HAVING, QUALIFY, ORDER BY and LIMIT, and SELECTs over groups."""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from sandbox.errors import QueryRefused
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.parse import answer_windows
from sandbox.queries.parse.expressions import Reader
from sandbox.queries.parse.relations import Groups, says_across
from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.tree import (
    Afterwards,
    Aggregate,
    AnswerWindow,
    Case,
    Expression,
    Literal,
    Name,
    Ordering,
    Output,
    PerUnit,
    both,
    members,
    walk,
)

MOST_ROWS = 100_000


def from_groups(expression: Expression, groups: Groups) -> None:
    """Whether an output is made of keys and aggregates alone: a row's own value is never shown."""
    if expression in groups.keys or isinstance(expression, Aggregate | Literal):
        return
    if isinstance(expression, Name):
        raise QueryRefused(
            f"The column {expression.text}",
            "a row's own value is never shown.",
            instead="Put it in GROUP BY, or in an aggregate such as AVG.",
            position=expression.position,
            construct_zh=f"栏目 {expression.text}",
            why_zh="从不显示某一行自己的值。",
            instead_zh="请放入 GROUP BY，或放入 AVG 等聚合。",
        )
    parts = members(expression)
    nothing = expression == Case((), None)  # NULL, written out
    if not parts and not isinstance(expression, AnswerWindow) and not nothing:
        raise QueryRefused(
            wording(expression),
            "a row's own value is never shown.",
            instead="Put it in GROUP BY, or in an aggregate such as AVG.",
            construct_zh=wording_zh(expression),
            why_zh="从不显示某一行自己的值。",
            instead_zh="请放入 GROUP BY，或放入 AVG 等聚合。",
        )
    for part in parts:
        from_groups(part, groups)


def post_process(
    text: SqlText,
    select: exp.Select,
    groups: Groups,
    reader: Reader,
    outputs: Callable[[], tuple[Output, ...]],
) -> Groups:
    """A SELECT over groups that adds nothing to be aggregated: it works on what is released."""
    where, after = select.args.get("where"), groups.afterwards
    if after.cut and (where or any(select.args.get(clause) for clause in ("order", "offset", "qualify"))):
        text.refuse(
            select,
            "it sorts or filters what a LIMIT has cut.",
            "Put ORDER BY and LIMIT in the last SELECT.",
            "它对 LIMIT 截取之后的结果排序或筛选。",
            "请把 ORDER BY 和 LIMIT 放在最后的 SELECT 里。",
        )
    if where:
        after = _filtered(groups, reader.read(where.this))
    said = outputs()
    windows = {part for part in walk(said) if isinstance(part, AnswerWindow)} - {
        part for part in walk(groups.outputs) if isinstance(part, AnswerWindow)
    }
    if windows and (after.cut or after.kept is not None or after.each is not None):
        text.refuse(
            select,
            "its window is over what another window, a LIMIT or an aggregate of groups has left.",
            "Compute it from the answer, at no cost.",
            "其中的窗口建立在另一窗口、LIMIT 或分组聚合的结果之上。",
            "请由回答算出，不再花费。",
        )
    return arranged(text, select, replace(groups, outputs=said, afterwards=after), reader, None)


def _filtered(groups: Groups, condition: Expression) -> Afterwards:
    """Windows across groups are about the groups that were there before any filter on the windows."""
    after = groups.afterwards
    late = after.each is not None or after.kept is not None or says_across((groups.outputs, condition))
    return (
        replace(after, kept=both(after.kept, condition))
        if late
        else replace(after, having=both(after.having, condition))
    )


def over_groups(groups: Groups, per_unit: PerUnit) -> Groups:
    """Aggregates of groups of units: of what was grouped twice already, `per_unit` first."""
    found = answer_windows.over_groups(groups.as_question(), per_unit)
    return Groups(replace(groups.rows, per_unit=per_unit), found.keys, found.outputs, found.afterwards)


def arranged(
    text: SqlText, select: exp.Select, groups: Groups, reader: Reader, having: exp.Having | None
) -> Groups:
    """HAVING, ORDER BY and LIMIT: on released numbers only."""
    order, limit = select.args.get("order"), select.args.get("limit")
    after = groups.afterwards
    if having:
        condition = _released(text, having.this, groups, reader)
        after = (
            replace(after, kept=both(after.kept, condition))
            if says_across(condition)
            else replace(after, having=both(after.having, condition))
        )
    if qualify := select.args.get("qualify"):
        after = replace(after, kept=both(after.kept, _released(text, qualify.this, groups, reader)))
    if order:
        after = replace(
            after,
            order=tuple(one for node in order.expressions for one in _ordering(text, node, groups, reader)),
        )
    if limit is not None:
        # syntax.py: ROWS only
        fetch = isinstance(limit, exp.Fetch) and plain(limit, "count", "limit_options", "direction")
        if not fetch and (not isinstance(limit, exp.Limit) or not plain(limit, "expression")):
            text.refuse(
                limit, "it takes a whole number.", "Write LIMIT 10.", "此处应是整数。", "例如 LIMIT 10。"
            )
        size = text.whole(limit.args["count"] if fetch else limit.expression, least=0, most=MOST_ROWS)
        if size == 0:
            text.refuse(
                limit,
                "nothing would be shown of what is paid for.",
                "Leave it out; explain tells the columns and the price, at no cost.",
                "已付费的内容一行也不会显示。",
                "请去掉；explain 会免费说明栏目与价格。",
            )
        after = replace(after, limit=size if after.limit is None else min(size, after.limit))
    if offset := select.args.get("offset"):
        after = replace(after, offset=text.whole(offset.expression, least=0, most=MOST_ROWS))
    return replace(groups, afterwards=after)


def _ordering(text: SqlText, node: exp.Expression, groups: Groups, reader: Reader) -> list[Ordering]:
    if not isinstance(node, exp.Ordered) or node.args.get("with_fill"):
        text.refuse(
            node,
            "it cannot stand in ORDER BY.",
            "Name a column of the answer.",
            "不能写在 ORDER BY 里。",
            "请写回答中的栏目名。",
        )
    descending = bool(node.args.get("desc"))
    if isinstance(node.this, exp.Var) and node.this.name.upper() == "ALL":  # by every column of the answer
        return [Ordering(output.of, descending) for output in groups.outputs]
    return [Ordering(_released(text, node.this, groups, reader), descending)]


def _released(text: SqlText, node: exp.Expression, groups: Groups, reader: Reader) -> Expression:
    """An expression over the answer: its columns by name or place, its keys, aggregates written out."""
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        place = int(node.this)
        if 1 <= place <= len(groups.outputs):
            return groups.outputs[place - 1].of
        text.refuse(
            node,
            f"the answer has no column {place}.",
            f"Write a number from 1 to {len(groups.outputs)}, or a column's name.",
            f"回答没有第 {place} 栏。",
            f"请写 1 至 {len(groups.outputs)} 的数，或栏目名。",
        )
    by_name = groups.names

    def resolve(column: exp.Column) -> Expression:
        if not column.table and column.name.lower() in by_name and not within.inside_aggregate:
            return by_name[column.name.lower()]
        return reader.resolve(column)

    within = Reader(text, resolve, reader.own)
    found = within.read(node)
    from_groups(found, groups)
    return found
