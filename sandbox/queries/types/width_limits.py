"""Questions whose texts could become too wide are refused before anything is computed, by the construct and
its place.
"""

from collections.abc import Iterable, Iterator

from sandbox.errors import QueryRefused
from sandbox.queries.functions.registry import construct_of
from sandbox.queries.refusal import place_of
from sandbox.queries.tree import Aggregate, Expression, Literal, Question, Replace, StringPosition, walk
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.text_cost import made_bytes, widest_part

WIDEST = 2**16
"""Bytes of the widest text that any part of an expression may make in a row."""

MOST_MADE = 2**19
"""Bytes of all texts that a question may make in a row. The engine computes 2,048 rows at a time on each of
two threads, so these texts need 2 GiB of memory at most, whatever the rows hold.
"""


def refuse_too_wide(question: Question, scope: Scope) -> None:
    """Raises `QueryRefused` where a part of a question is too wide, or all of its texts together are."""
    refuse_wide_parts(_of_rows(question), scope)


def refuse_wide_parts(expressions: Iterable[Expression], scope: Scope) -> None:
    """The same of some expressions that are computed for the same rows."""
    made, last = 0, None
    for expression in expressions:
        found = widest_part(expression, scope, WIDEST)
        if found is not None:
            raise _too_wide(*found)
        made += (own := made_bytes(expression, scope))
        last = expression if own else last
        if made > MOST_MADE and last is not None:
            raise QueryRefused(
                "The texts of this question",
                f"together they can have {made} bytes in a row; at most {MOST_MADE} can be computed with.",
                position=place_of(last),
                instead=(
                    "Compute with fewer texts, or with a part of each: LEFT(x, 100). "
                    "LIKE needs less than ILIKE."
                ),
                construct_zh="这个问题中的文本",
                why_zh=f"它们合计在一行里可达 {made} 字节，至多可计算 {MOST_MADE} 字节。",
                instead_zh="请减少所计算的文本，或只取一部分：LEFT(x, 100)。LIKE 比 ILIKE 所需更少。",
            )


def refuse_broken_texts(question: Question) -> None:
    """Raises `QueryRefused` for a text with half a character, which UTF-8 does not have
    and no row can hold."""
    for node in walk(question):
        match node:
            case Literal(str() as value):
                texts: tuple[str, ...] = (value,)
            case Replace(_, old, new):
                texts = (old, new)
            case StringPosition(_, part):
                texts = (part,)
            case _:
                continue
        if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
            raise QueryRefused(
                "A text",
                "it holds a lone surrogate, which is half a character.",
                position=place_of(node),
                instead="Write the whole character.",
                construct_zh="文本",
                why_zh="它含有单独的代理码位，即半个字符。",
                instead_zh="请写出完整的字符。",
            )


def _of_rows(question: Question) -> Iterator[Expression]:
    """The expressions that are computed for rows, each once."""
    per_unit = question.per_unit
    aggregates = (
        node for node in walk((question.outputs, question.afterwards)) if isinstance(node, Aggregate)
    )
    every = [
        question.where,
        *question.keys,
        *(part for node in aggregates for part in (node.of, node.by)),
        *(part for join in question.joins for part in (*join.left, join.where)),
        *((*per_unit.keys, per_unit.where) if per_unit else ()),
    ]
    yield from dict.fromkeys(expression for expression in every if expression is not None)


def _too_wide(part: Expression, width: int) -> QueryRefused:
    return QueryRefused(
        construct_of(part).name,
        f"its text can have {width} bytes in a row; at most {WIDEST} can be computed with.",
        position=place_of(part),
        instead="Shorten its argument first: LEFT(x, 100); or put in a shorter text.",
        why_zh=f"它的文本在一行里可达 {width} 字节，至多可计算 {WIDEST} 字节。",
        instead_zh="请先缩短它的参数：LEFT(x, 100)；或换用更短的文本。",
    )
