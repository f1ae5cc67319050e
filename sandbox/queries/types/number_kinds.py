"""Tells whole numbers, decimals and DOUBLEs apart, and writes out where their arithmetic differs.

The engine that an analyst knows takes `0.1` for a DECIMAL, `0.1e0` for a DOUBLE: `x * 0.1 = 0.3` holds for a
whole x of 3, halves of a decimal go away from zero and those of a DOUBLE to the even neighbour, and `x // y`
leaves out what follows the point for whole numbers alone. Rows are computed in DOUBLE. So where the
difference shows (a comparison, a rounding, a remainder, a text), a decimal is first rounded to its own
digits: the DOUBLE that is nearest to it. Elsewhere nothing is written differently, so that what was paid for
stays free.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar, cast

from sandbox.catalog.model import Type
from sandbox.queries.refusal import refused
from sandbox.queries.tree import (
    BIGINT,
    DOUBLE,
    TO_DECIMAL,
    Aggregate,
    Aggregation,
    AnswerWindow,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Concat,
    DateDiff,
    DatePart,
    Expression,
    Function,
    GreatestLeast,
    In,
    Join,
    Length,
    Literal,
    Name,
    Operator,
    Round,
    StringPosition,
    UnitAggregate,
    UnitKey,
    UnitValue,
    WindowFunctionKind,
    part_names,
    walk,
)
from sandbox.queries.types.scope import Scope

MOST_DIGITS = 9
"""A decimal with more digits after the point is not rounded to them: DOUBLE does not hold them."""


class NumberKinds:
    """The kinds of the numbers of one question: BIGINT, DOUBLE, or how many digits a decimal has after its
    point. None for what is no number."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._known: dict[int, tuple[Expression, int | None]] = {}

    def of(self, expression: Expression) -> int | None:
        # trees that are alike can differ in how a value is written: by their ids, which kept trees keep
        known = self._known.get(id(expression))
        if known is None:
            known = self._known[id(expression)] = expression, self._of(expression)
        return known[1]

    def _of(self, expression: Expression) -> int | None:  # noqa: C901  # one case for each kind of node
        match expression:
            case Name():
                return {Type.INTEGER: BIGINT, Type.NUMBER: DOUBLE}.get(self.scope.column(expression).type)
            case Literal(value, _, digits):
                return _written_as(value) if digits is None else digits
            case Arithmetic():
                return self._arithmetic(expression)
            case Round(of, digits, even):
                if even:
                    return BIGINT
                if _is_decimal_cast(of):
                    return digits
                kind = self.of(of)
                return min(kind, digits) if kind is not None and kind >= 0 else kind
            case Call(Function.FLOOR | Function.CEIL, of):
                return 0 if self._decimal(of) else DOUBLE
            case Call(Function.TRUNC, Arithmetic(Operator.OVER, left, right), quotient) if quotient:
                return BIGINT if self.of(left) == self.of(right) == BIGINT else DOUBLE
            case Call(Function.TRUNC, of):
                return 0 if self._decimal(of) else self.of(of)
            case Call(Function.ABS, of):
                return self.of(of)
            case Call():
                return DOUBLE
            case DatePart() | DateDiff() | Length() | StringPosition():
                return BIGINT
            case GreatestLeast(_, parts) | Coalesce(parts):
                return _together([self.of(part) for part in parts])
            case Case(branches, otherwise):
                parts = (*(then for _, then in branches), *((otherwise,) if otherwise is not None else ()))
                return _together([self.of(part) for part in parts])
            case Aggregate(aggregation, of) | UnitAggregate(aggregation, of):
                return self._aggregate(aggregation, of)
            case UnitValue(of) | UnitKey(of):
                return self.of(of)
            case AnswerWindow(over, of):
                if over in (WindowFunctionKind.SUM, WindowFunctionKind.MIN, WindowFunctionKind.MAX):
                    return None if of is None else self.of(of)
                if over is WindowFunctionKind.VALUE:
                    return None if of is None else self.of(of)
                return DOUBLE if over is WindowFunctionKind.AVG else BIGINT
        return None

    def _decimal(self, of: Expression) -> bool:
        kind = self.of(of)
        return kind is not None and kind >= 0

    def _arithmetic(self, node: Arithmetic) -> int | None:
        left, right = self.of(node.left), self.of(node.right)
        match node:
            # ROUND(x, -1), as desugar.py writes it
            case Arithmetic(
                Operator.TIMES, Round(Arithmetic(Operator.OVER, of, _)), Literal(_, _, digits)
            ) if digits == TO_DECIMAL:
                kind = self.of(of)
                return 0 if kind is not None and kind >= 0 else kind
            case Arithmetic(Operator.OVER):
                return DOUBLE
        if left is None or right is None:
            return None
        if node.operator is Operator.TIMES and min(left, right) >= 0:
            return left + right
        return _together([left, right])

    def _aggregate(self, aggregation: Aggregation, of: Expression | None) -> int | None:
        match aggregation:
            case Aggregation.COUNT | Aggregation.COUNT_DISTINCT:
                return BIGINT
            case Aggregation.SUM | Aggregation.MIN | Aggregation.MAX if of is not None:
                kind = self.of(of)
                return BIGINT if kind is None else kind  # TRUE values are counted
        return DOUBLE


def _written_as(value: object) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return BIGINT
        case Fraction():
            return DOUBLE
    return None


def _together(kinds: list[int | None]) -> int | None:
    """The kind that holds all of these: a DOUBLE where one is, else the most digits, else whole."""
    known = [kind for kind in kinds if kind is not None]
    if not known:
        return None
    return DOUBLE if DOUBLE in known else max(known)


def _is_decimal_cast(of: Expression) -> bool:
    return (
        isinstance(of, Arithmetic)
        and of.operator is Operator.PLUS
        and isinstance(of.right, Literal)
        and of.right.digits == TO_DECIMAL
    )


def _is_double_cast(node: Arithmetic) -> bool:
    right = node.right
    return (
        node.operator is Operator.PLUS
        and isinstance(right, Literal)
        and (right.value, right.digits) == (0, DOUBLE)
    )


Node = TypeVar("Node")


def with_exact_numbers(node: Any, scope: Scope) -> Any:
    """A question, or a part of one, whose names are bound, in which DOUBLE arithmetic gives what whole
    numbers and decimals do. Raises `QueryRefused` where it cannot."""
    return _Exact(NumberKinds(scope)).tree(node)


class _Exact:
    def __init__(self, kinds: NumberKinds) -> None:
        self.kinds = kinds

    def tree(self, node: Any, *, sharp: bool = False) -> Any:
        """`sharp`: what is made of it shows a difference in the last bit."""
        if isinstance(node, tuple):
            changed = tuple(self.tree(member, sharp=sharp) for member in node)
            return node if all(new is old for new, old in zip(changed, node, strict=True)) else changed
        match node:
            case Compare(_, left, right):
                return self._changed(node, left=self.own(left), right=self.own(right))
            case In(of):
                return self._changed(node, of=self.own(of))
            case Join(_, _, left):
                node = self._changed(node, left=tuple(map(self.own, left)))
                return self._changed(node, where=self.tree(node.where))
            case Aggregate(Aggregation.COUNT_DISTINCT, of) | UnitAggregate(Aggregation.COUNT_DISTINCT, of):
                return self._changed(node, of=self.own(of))
            case Aggregate() | UnitAggregate():
                sharp = False
            case Concat(parts):
                for part in parts:
                    self._check_written(part)
            case Call(Function.TRUNC, Arithmetic(Operator.OVER, left, right) as over, quotient) if quotient:
                return self._quotient(node, over, sharp=sharp)
            case Call(Function.FLOOR | Function.CEIL | Function.TRUNC, of):
                return self._changed(node, of=self.own(of))
            case Round(of):
                return self._round(node)
            case Arithmetic():
                return self._arithmetic(node, sharp=sharp)
        if not hasattr(node, "__dataclass_fields__") or isinstance(node, type):
            return node
        return self._changed(
            node, **{name: self.tree(getattr(node, name), sharp=sharp) for name in part_names(type(node))}
        )

    @staticmethod
    def _changed(node: Node, **parts: Any) -> Node:
        others = {name: part for name, part in parts.items() if part is not getattr(node, name)}
        return replace(cast("Any", node), **others) if others else node

    def expression(self, of: Expression, *, sharp: bool = False) -> Expression:
        return cast("Expression", self.tree(of, sharp=sharp))

    def own(self, of: Any) -> Any:
        """What it is worth as the DOUBLE that is nearest to it. Of what is released with noise, as it is."""
        found, kind = self.tree(of, sharp=True), self.kinds.of(of) if of is not None else None
        if kind is None or kind < 0 or is_nearest(of) or _is_released(of):
            return found
        if kind > MOST_DIGITS:
            raise refused(
                of,
                f"as a decimal it has {kind} digits after its point, more than can be told exactly.",
                f"Write numbers with at most {MOST_DIGITS} digits after the point, or one of them with "
                "e0 (0.1e0), which makes it a DOUBLE.",
                f"作为十进制数，它有 {kind} 位小数，无法精确计算。",
                f"请写小数至多 {MOST_DIGITS} 位的数，或在其中一个数后加 e0（0.1e0），使其成为 DOUBLE。",
            )
        return Round(found, kind)

    def _check_written(self, part: Expression) -> None:
        kind = self.kinds.of(part)
        if kind is None or kind in (BIGINT, 0) or _is_released(part):
            return
        raise refused(
            part,
            "how it would be written out as a text is not certain: to SQL it is no whole number, even where "
            "nothing follows its point ('3.0').",
            "Make it a whole number: CAST(x AS INTEGER) rounds, CAST(FLOOR(x) AS INTEGER) cuts off.",
            "它写成文本的形式不确定：在 SQL 中它不是整数，即使没有小数部分（“3.0”）。",
            "请变为整数：CAST(x AS INTEGER) 四舍五入，CAST(FLOOR(x) AS INTEGER) 向下取整。",
        )

    def _quotient(self, node: Call, over: Arithmetic, *, sharp: bool) -> Expression:
        """x // y: whole numbers without what follows the point, others as x / y."""
        parts = {"left": self.tree(over.left, sharp=True), "right": self.tree(over.right, sharp=True)}
        if self.kinds.of(node) == BIGINT:
            return self._changed(node, of=self._changed(over, **parts))
        return self.expression(over, sharp=sharp)

    def _arithmetic(self, node: Arithmetic, *, sharp: bool) -> Expression:
        kind = self.kinds.of(node)
        left, right = node.left, node.right
        if _is_double_cast(node) and self.kinds.of(left) is not None:
            return cast("Expression", self.own(left) if sharp else self.tree(left))
        if node.operator is Operator.MODULO and kind is not None and kind > 0 and not _is_binary(node):
            if _is_released(node) or not isinstance(right, Literal) or kind > MOST_DIGITS:
                return self._changed(node, left=self.tree(left), right=self.tree(right))
            times = 10**kind
            assert isinstance(right.value, int | Fraction), "the bounds refuse every other"
            steps = Literal(int(right.value * times), right.position)
            rest = Arithmetic(Operator.MODULO, self._steps(left, times), steps)
            return Arithmetic(Operator.OVER, rest, Literal(times))
        becomes_double = kind == DOUBLE or kind is None
        if sharp and becomes_double:
            return self._changed(node, left=self.own(left), right=self.own(right))
        return self._changed(node, left=self.tree(left, sharp=sharp), right=self.tree(right, sharp=sharp))

    def _steps(self, of: Expression, times: int) -> Expression:
        """How many steps of 1 / times a decimal is."""
        return Round(Arithmetic(Operator.TIMES, self.tree(of, sharp=True), Literal(times)))

    def _round(self, node: Round) -> Expression:
        inner, cast = node.of, node.even or _is_decimal_cast(node.of)
        if cast:
            assert isinstance(inner, Arithmetic)
            inner = inner.left
        kind = self.kinds.of(inner)
        if kind is None or kind < 0 or kind <= node.digits or _is_released(inner):
            if kind is not None and kind >= 0 and node.even and not _is_released(inner):
                return Round(self.own(inner))
            # a DOUBLE is rounded as it is; a decimal of no more digits becomes the nearest DOUBLE
            return self._changed(node, of=self.tree(node.of, sharp=True))
        if node.digits == 0:
            return Round(self.own(inner))
        if _is_binary(inner):
            return Round(self.tree(inner, sharp=True), node.digits)
        if kind > MOST_DIGITS:
            return Round(self.own(inner), node.digits)  # refused there
        fewer = Arithmetic(Operator.OVER, self._steps(inner, 10**kind), Literal(10 ** (kind - node.digits)))
        return Arithmetic(Operator.OVER, Round(fewer), Literal(10**node.digits))


def _is_released(of: Expression) -> bool:
    return any(isinstance(part, Aggregate | AnswerWindow) for part in walk(of))


def _is_binary(of: Expression) -> bool:
    """Whether DOUBLE arithmetic on it is exact: whole numbers, halves, quarters and the like."""
    match of:
        case Literal(value):
            bottom = value.denominator if isinstance(value, int | Fraction) else 0
            return bottom > 0 and bottom & (bottom - 1) == 0 and bottom < 2**20
        case Round(_, digits):
            return digits == 0
        case Arithmetic(Operator.PLUS | Operator.MINUS | Operator.TIMES | Operator.MODULO, left, right):
            return _is_binary(left) and _is_binary(right)
    return _all_results(of, _is_binary)


def is_nearest(of: Expression) -> bool:
    """Whether DOUBLE arithmetic gives the nearest DOUBLE of a decimal (or of a whole number) anyway."""
    match of:
        case Literal() | Round():
            return True
        case Arithmetic(Operator.MINUS, Literal(0), right):
            return is_nearest(right)
        case Arithmetic(Operator.MODULO):
            return True  # `_arithmetic` divides a whole number of steps
        case Arithmetic():
            return _is_binary(of)
    return _all_results(of, is_nearest)


def _all_results(of: Expression, rule: Callable[[Expression], bool]) -> bool:
    match of:
        case Call(Function.ABS, inner):
            return rule(inner)
        case GreatestLeast(_, parts) | Coalesce(parts):
            return all(map(rule, parts))
        case Case(branches, otherwise):
            return all(rule(then) for _, then in branches) and (otherwise is None or rule(otherwise))
        case UnitAggregate(Aggregation.MIN | Aggregation.MAX, inner) if inner is not None:
            return rule(inner)
        case UnitAggregate() | UnitValue() | UnitKey() | Arithmetic():
            return False
    return True  # whole numbers: a column's, a date's, a text's
