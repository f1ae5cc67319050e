"""Writes the expressions of a recipe in the engine's SQL, over the rows `r` as they are.

They are read, bound and written by the query language, so they name only columns that may be used, and no
row can make them fail. Other than in a private question nothing is clamped to the policy's bounds: what is
computed is exact, and its protection is the rules of outputs.
"""

import re
from dataclasses import dataclass

from sqlglot import exp

from sandbox.catalog import Version
from sandbox.catalog.model import KeyValue, Type
from sandbox.errors import InvalidInput, QueryRefused
from sandbox.queries import bind, parse
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.parse.sql_text import SqlText
from sandbox.queries.tree import Aggregate, Expression, Question, UnitAggregate, UnitValue, walk
from sandbox.queries.types.finite_domains import public_values
from sandbox.queries.types.scope import Scope

PLACE = re.compile(r" \(line \d+, column \d+\)|（第 \d+ 行第 \d+ 列）")
"""Where in the SQL that was made of the expression: it would mislead."""
DEEPEST = 30
"""Parts within each other. What is much deeper can be computed, and not be read by the checks of a review."""


@dataclass(frozen=True)
class Written:
    """An expression: its SQL, what kind of value it has, and its values if they are public."""

    sql: str
    type: Type
    values: tuple[KeyValue, ...] | None


class ExactWriter(ExpressionWriter):
    """Writes expressions without clamping."""

    def stored(self, expression: Expression) -> str:
        return self.raw(expression)


class RecipeExpressions:
    """Those over one dataset. `deepest`: how many parts may be within each other."""

    def __init__(self, version: Version, deepest: int = DEEPEST) -> None:
        self._deepest = deepest
        self._dataset = version.dataset
        self._scope = Scope(version.policy)
        self._writer = ExactWriter(self._scope)

    def value(self, text: str) -> Written:
        """Raises `InvalidInput`."""
        found = (
            self._bound(f"SELECT COUNT(DISTINCT {_one(text, self._deepest)}) AS c FROM {self._dataset}", text)
            .outputs[0]
            .of
        )
        if not isinstance(found, Aggregate) or found.of is None:
            raise _refused(text, "it is not an expression over one row", "它不是对一行的表达式")
        self._require_rows_alone(found.of, text)
        values = public_values(found.of, self._scope)
        return Written(self._writer.value(found.of), self._writer.type_of(found.of), values)

    def condition(self, text: str) -> str:
        """Raises `InvalidInput`."""
        found = self._bound(
            f"SELECT COUNT(*) AS c FROM {self._dataset} WHERE {_one(text, self._deepest)}", text
        ).where
        if found is None:  # it is true of every row
            return "TRUE"
        self._require_rows_alone(found, text)
        return self._writer.value(found)

    def _bound(self, sql: str, text: str) -> Question:
        try:
            return bind(parse(sql), self._scope)
        except (QueryRefused, InvalidInput) as fault:
            raise InvalidInput(
                f"The expression {text[:80]!r} cannot be used: {PLACE.sub('', fault.message)}",
                remedy=fault.remedy,
                zh=f"表达式 {text[:80]!r} 不能使用：{PLACE.sub('', fault.zh or fault.message)}",
                remedy_zh=fault.remedy_zh or fault.remedy,
            ) from None

    def _require_rows_alone(self, expression: Expression, text: str) -> None:
        if any(isinstance(node, UnitValue | UnitAggregate) for node in walk(expression)):
            raise _refused(text, "it looks at other rows than its own", "它涉及本行以外的行")


def _one(text: str, deepest: int) -> str:
    """The one expression that the text is, written anew. Raises `InvalidInput`."""
    try:
        statement = SqlText(f"SELECT {text}").statement
    except (InvalidInput, QueryRefused) as fault:
        raise _refused(text, "it is not one expression", "它不是一个表达式") from fault
    others = [name for name, part in statement.args.items() if part and name not in ("expressions", "kind")]
    if not isinstance(statement, exp.Select) or others or len(statement.expressions) != 1:
        raise _refused(text, "it is not one expression", "它不是一个表达式")
    one = statement.expressions[0]
    if isinstance(one, exp.Alias | exp.Star) or one.find(exp.Query, exp.AggFunc, exp.Window):
        raise _refused(
            text,
            "it has a name, a subquery, an aggregate or a window",
            "它带有别名、子查询、聚合或窗口函数",
        )
    if _depth(one) > deepest:
        raise _refused(
            text,
            f"more than {deepest} of its parts are within each other",
            f"它的嵌套超过 {deepest} 层",
            "Write it with fewer nested parts: x * 40 instead of x + x + x ..., IN (...) instead of OR, or "
            "several columns.",
            "请减少嵌套：例如用 x * 40 代替 x + x + x ……，用 IN (...) 代替 OR，或分成多个栏目。",
        )
    return str(one.sql(dialect="duckdb", comments=False))


def _depth(expression: exp.Expression) -> int:
    """How many parts are within each other; parentheses are none."""
    deepest, waiting = 0, [(expression, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner = depth if isinstance(node, exp.Paren | exp.If) else depth + 1
        waiting += [(part, inner) for part in node.iter_expressions()]
    return deepest


def _refused(
    text: str,
    why: str,
    zh: str,
    remedy: str = "Write an expression over the columns of one row: CASE WHEN age >= 65 THEN 1 ELSE 0 END.",
    remedy_zh: str = "请写对一行各栏目的表达式，例如 CASE WHEN age >= 65 THEN 1 ELSE 0 END。",
) -> InvalidInput:
    return InvalidInput(
        f"The expression {text[:80]!r} cannot be used: {why}.",
        remedy=remedy,
        zh=f"表达式 {text[:80]!r} 不能使用：{zh}。",
        remedy_zh=remedy_zh,
    )
