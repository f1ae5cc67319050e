"""Reads windows, and aggregates, over the groups of an answer. They are post-processing and cost nothing.

`COUNT(*) / SUM(COUNT(*)) OVER ()`, `RANK() OVER (ORDER BY SUM(x) DESC)`, and `SELECT MAX(n) FROM (SELECT
site, COUNT(*) AS n FROM t GROUP BY site)`: each is made of numbers that are released anyway (Dwork and Roth
2014, Proposition 2.1). bind.py checks that a subquery's groups are not units, whose rows are protected one by
one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from sandbox.errors import QueryRefused
from sandbox.queries.parse.relations import says_across
from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.tree import (
    RANKS,
    Afterwards,
    Aggregate,
    Aggregation,
    AnswerWindow,
    Expression,
    PerUnit,
    Question,
    UnitAggregate,
    UnitKey,
    WindowFunctionKind,
    rewritten,
    walk,
)

Read = Callable[[exp.Expression], Expression]
OVER: dict[type[exp.Expression], WindowFunctionKind] = {
    exp.Sum: WindowFunctionKind.SUM,
    exp.Avg: WindowFunctionKind.AVG,
    exp.Min: WindowFunctionKind.MIN,
    exp.Max: WindowFunctionKind.MAX,
    exp.Count: WindowFunctionKind.COUNT,
    exp.Rank: WindowFunctionKind.RANK,
    exp.DenseRank: WindowFunctionKind.DENSE_RANK,
    exp.RowNumber: WindowFunctionKind.ROW_NUMBER,
    exp.Lag: WindowFunctionKind.VALUE,
    exp.Lead: WindowFunctionKind.VALUE,
    exp.FirstValue: WindowFunctionKind.VALUE,
}
AGAIN = {
    Aggregation.SUM: WindowFunctionKind.SUM,
    Aggregation.AVG: WindowFunctionKind.AVG,
    Aggregation.MIN: WindowFunctionKind.MIN,
    Aggregation.MAX: WindowFunctionKind.MAX,
    Aggregation.COUNT: WindowFunctionKind.COUNT,
}
FARTHEST = 10_000


def window(text: SqlText, node: exp.Window, read: Read) -> AnswerWindow:
    """A window over the groups of a SELECT. Raises `QueryRefused`."""
    said = node.this
    if type(said) not in OVER or not plain(node, "this", "partition_by", "order", "spec", "over"):
        text.refuse(
            node,
            "it is no window over groups that is known here.",
            "Over groups use SUM, AVG, MIN, MAX, COUNT, RANK, DENSE_RANK, ROW_NUMBER, "
            "LAG, LEAD or FIRST_VALUE; the rest can be computed from the answer, at no cost.",
            "此处没有这种对分组的窗口。",
            "对分组可用 SUM、AVG、MIN、MAX、COUNT、RANK、DENSE_RANK、ROW_NUMBER、LAG、LEAD、FIRST_VALUE;"
            "其余可由回答算出，不再花费。",
        )
    over, order = OVER[type(said)], node.args.get("order")
    orderings = order.expressions if order else []
    if any(not isinstance(one, exp.Ordered) or one.args.get("with_fill") for one in orderings):
        text.refuse(
            node,
            "what stands in its ORDER BY is not known here.",
            "Name a column.",
            "其中 ORDER BY 的写法此处没有。",
            "请写栏目名。",
        )
    if (over in RANKS or over is WindowFunctionKind.VALUE) and not orderings:
        text.refuse(
            node,
            "without an order no group is before another.",
            "Add ORDER BY to it.",
            "没有次序，分组就没有先后。",
            "请在其中加上 ORDER BY。",
        )
    first, last, peers = _reach(text, node, said)
    found = AnswerWindow(
        over,
        _argument(text, said, read),
        tuple(read(one) for one in node.args.get("partition_by") or []),
        tuple(read(one.this) for one in orderings),
        tuple(bool(one.args.get("desc")) for one in orderings),
        first,
        last,
        peers,
        text.position(node),
    )
    if over in (WindowFunctionKind.MIN, WindowFunctionKind.MAX) and not (
        first is None and (last is None or last == 0)
    ):
        text.refuse(
            node,
            "a moving MIN or MAX is not known here.",
            "Let it reach back to the first, or over all.",
            "此处没有移动的 MIN 或 MAX。",
            "请让它从头算起，或对全部计算。",
        )
    if says_across((found.of, found.within, found.order)):
        text.refuse(
            node,
            "it is over another window.",
            "Compute it from the answer, at no cost.",
            "它建立在另一个窗口之上。",
            "请由回答算出，不再花费。",
        )
    noisy = [part for part in found.order if any(isinstance(one, Aggregate) for one in walk(part))]
    if noisy and over in RANKS and len(found.order) > 1:
        text.refuse(
            node,
            "the error of a rank by several released numbers cannot be told.",
            "Rank by one of them.",
            "按多个已发布的数排名，误差无法说明。",
            "请只按其中之一排名。",
        )
    return found


def _argument(text: SqlText, said: exp.Expression, read: Read) -> Expression | None:
    if (
        isinstance(said, exp.Count)
        and isinstance(said.this, exp.Star)
        and plain(said.this)
        and not said.expressions
    ):
        return None
    allowed = ("this", "offset", "big_int")
    distinct = isinstance(said.this, exp.Distinct | exp.Order | exp.Limit | exp.Star)
    if not plain(said, *allowed) or distinct or (said.this is None and OVER[type(said)] not in RANKS):
        text.refuse(
            said,
            "over groups it takes one expression.",
            "Write it with a column of the groups alone.",
            "对分组它只接受一个表达式。",
            "请只写分组的一个栏目。",
        )
    return None if said.this is None else read(said.this)


def _reach(text: SqlText, node: exp.Window, said: exp.Expression) -> tuple[int | None, int | None, bool]:
    """From which group to which a window reaches, and whether to those beside the last."""
    if isinstance(said, exp.Lag | exp.Lead):
        offset = said.args.get("offset")
        far = text.whole(offset, least=1, most=FARTHEST) if offset else 1
        return (-far, -far, False) if isinstance(said, exp.Lag) else (far, far, False)
    spec, ordered = node.args.get("spec"), bool(node.args.get("order"))
    if spec is None:
        return (None, 0, True) if ordered else (None, None, False)
    kind = str(spec.args.get("kind") or "").upper()
    first = _end(text, spec, "start")
    last = _end(text, spec, "end") if spec.args.get("end") else 0
    by_value = kind == "RANGE" and not (first is None and last in (None, 0))
    backwards = first is not None and last is not None and first > last
    unordered = not ordered and (first, last) != (None, None)
    if kind not in ("ROWS", "RANGE") or by_value or backwards or unordered or spec.args.get("exclude"):
        text.refuse(
            node,
            "over which groups it reaches cannot be told.",
            "Write ORDER BY ... ROWS BETWEEN 6 PRECEDING AND CURRENT ROW, or leave the frame out.",
            "无法说明它覆盖哪些分组。",
            "请写 ORDER BY ... ROWS BETWEEN 6 PRECEDING AND CURRENT ROW，或不写范围。",
        )
    return first, last, kind == "RANGE" and last == 0


def _end(text: SqlText, spec: exp.Expression, side: str) -> int | None:
    said, where = spec.args[side], str(spec.args.get(f"{side}_side") or "").upper()
    if said == "UNBOUNDED":
        return None
    if said == "CURRENT ROW":
        return 0
    far = text.whole(said, least=0, most=FARTHEST)
    return -far if where == "PRECEDING" else far


def over_groups(question: Question, per_unit: PerUnit | None = None) -> Question:
    """A question that aggregates the rows of units again, as one that aggregates groups again:
    for where these are no units.

    `per_unit` is what the groups are made of in turn. Raises `QueryRefused`.
    """
    inner = question.per_unit
    assert inner is not None, "it aggregates again"
    each = _as_groups(question.keys)

    def rule(node: Any) -> Any:
        if not isinstance(node, Aggregate):
            return _as_group(node)
        if node.aggregation not in AGAIN or node.by is not None:
            raise QueryRefused(
                f"{node.aggregation.value.upper()} of released groups",
                "it is not computed here.",
                instead="Use SUM, AVG, MIN, MAX or COUNT of them; or compute it from the answer, at no cost.",
                position=node.position,
                construct_zh=f"对已发布分组的 {node.aggregation.value.upper()}",
                why_zh="此处不作此计算。",
                instead_zh="请用 SUM、AVG、MIN、MAX 或 COUNT；或由回答算出，不再花费。",
            )
        if says_across(node.of):
            raise QueryRefused(
                "An aggregate of a window",
                "it is not computed here.",
                position=node.position,
                instead="Compute it from the answer, at no cost.",
                construct_zh="对窗口的聚合",
                why_zh="此处不作此计算。",
                instead_zh="请由回答算出，不再花费。",
            )
        return AnswerWindow(AGAIN[node.aggregation], _as_groups(node.of), each, position=node.position)

    after = question.afterwards
    if (
        after.sets
        or after.kept is not None
        or after.each is not None
        or says_across((question.outputs, after))
    ):
        raise QueryRefused(
            "A window over aggregates of groups",
            "it is not computed here.",
            instead="Compute it from the answer, at no cost.",
            construct_zh="对分组聚合的窗口",
            why_zh="此处不作此计算。",
            instead_zh="请由回答算出，不再花费。",
        )
    return replace(
        question,
        keys=inner.keys,
        per_unit=per_unit,
        outputs=rewritten(question.outputs, rule),
        afterwards=Afterwards(
            having=_as_groups(inner.where),
            each=each,
            kept=rewritten(after.having, rule),
            order=rewritten(after.order, rule),
            limit=after.limit,
            offset=after.offset,
        ),
    )


def _as_groups(part: Any) -> Any:
    return rewritten(part, _as_group)


def _as_group(node: Any) -> Any:
    """What was written of a unit's rows, of a group; what they are made of in turn stays as it is."""
    if isinstance(node, UnitAggregate):
        return Aggregate(node.aggregation, node.of, node.by, node.fraction, position=node.position)
    return node.of if isinstance(node, UnitKey) else node
