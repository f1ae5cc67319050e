"""An organiser's own metric: an expression over `target` and `prediction`, evaluated for one row at a time.

    1 - abs(prediction - target) / max(abs(target), 1)
    1 if prediction == target else 0.5 if target == "high" and prediction == "middle" else 0

The language is closed: numbers, true, false, texts in quotes; + - * / **; == != < <= > >=; and, or, not;
`a if condition else b`; abs, min, max, sqrt, exp, log. It has no loops and nothing but its two values, so it
always ends, and what it gives for a person depends on that person alone. An operation that has no result
(a division by zero, a text minus a number, a number beyond all bounds) gives no value.

sandbox/competitions/boards/function.py and kernels/client/cihu/metric_function.py are the same text: what a
team computes is what the board computes (tests/competitions/test_local_score.py).
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

LONGEST = 500
MOST_PARTS = 120
LARGEST = 1e300
NAMES = ("prediction", "target")
WORDS = {"true": True, "false": False}
Value = float | bool | str
Row = Mapping[str, Value]

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
ORDER: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "min": min,
    "max": max,
}
OF_SEVERAL = ("min", "max")


class BadFunction(ValueError):
    """A text that is no expression of the language; in both languages."""

    def __init__(self, message: str, zh: str) -> None:
        super().__init__(message)
        self.message, self.zh = message, zh


class NoValue(ArithmeticError):
    """For these values the expression has no result. It holds no value."""


def row_value(text: str, target: object, prediction: object) -> float | None:
    """What a row gives, within [0, 1]: smaller values are 0, larger ones 1. None where there is no value:
    it counts as 0. Raises `BadFunction`."""
    raw = raw_value(text, target, prediction)
    return None if raw is None else min(1.0, max(0.0, raw))


def raw_value(text: str, target: object, prediction: object) -> float | None:
    """The same, before it is brought into [0, 1]. Raises `BadFunction`."""
    body = parsed(text)
    try:
        return _number(_value(body, {"target": _given(target), "prediction": _given(prediction)}))
    except NoValue:
        return None


@lru_cache(maxsize=64)
def parsed(text: str) -> ast.expr:
    """The expression. Raises `BadFunction`."""
    if not text.strip() or len(text) > LONGEST or "\\" in text:
        raise BadFunction(
            f"A function has 1 to {LONGEST} characters and no backslash.",
            f"评分函数须为 1 至 {LONGEST} 个字符，且不含反斜杠。",
        )
    try:
        body = ast.parse(" ".join(text.split("\n")).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadFunction("This is no expression.", "这不是一个表达式。") from None
    parts = list(ast.walk(body))
    if len(parts) > MOST_PARTS:
        raise BadFunction("The function is too long.", "评分函数过长。")
    _require_known(body)
    used = {part.id for part in parts if isinstance(part, ast.Name)}
    if missing := [name for name in NAMES if name not in used]:
        raise BadFunction(
            f"The function does not use {missing[0]}, so it compares nothing.",
            f"评分函数未使用 {missing[0]}，无从比较。",
        )
    return body


def _require_known(node: ast.expr) -> None:
    """Raises `BadFunction` for a part that is not of the language."""
    inner = _inner(node)
    if inner is None:
        part = ast.unparse(node)[:60]
        raise BadFunction(
            f"{part} is not of the language, which has prediction, target, numbers, true, false and texts in "
            f"quotes; + - * / **; == != < <= > >=; and, or, not; a if condition else b; "
            f"{', '.join(FUNCTIONS)}.",
            f"不支持 {part}。可用：prediction、target、数值、true、false 和带引号的文本；+ - * / **；"
            f"== != < <= > >=；and、or、not；a if 条件 else b；{'、'.join(FUNCTIONS)}。",
        )
    for each in inner:
        _require_known(each)


def _inner(node: ast.expr) -> list[ast.expr] | None:
    """The expressions inside a part of the language; None for another part."""
    inner: list[ast.expr] | None = None
    match node:
        case ast.Constant(value=value):
            # no infinity, and no whole number that a float does not hold
            numeric = type(value) in (int, float) and abs(value) <= LARGEST  # type: ignore[arg-type]
            inner = [] if isinstance(value, bool | str) or numeric else None
        case ast.Name(id=name):
            inner = [] if name in NAMES or name in WORDS else None
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            inner = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            inner = [left, right]
        case ast.BoolOp(values=values):
            inner = values
        case ast.IfExp(test=test, body=then, orelse=other):
            inner = [test, then, other]
        case ast.Compare(left=left, ops=ops, comparators=others):
            known = all(isinstance(op, ast.Eq | ast.NotEq) or type(op) in ORDER for op in ops)
            inner = [left, *others] if known else None
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            fits = len(args) >= 2 if name in OF_SEVERAL else len(args) == 1
            inner = args if fits else None
    return inner


def _given(value: object) -> Value:
    """A target or a prediction. Whole numbers are numbers like the others."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return _finite(value)
    raise NoValue


def _value(node: ast.expr, row: Row) -> Value:
    match node:
        case ast.Constant(value=bool() | str() as constant):
            return constant
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return row[name] if name in row else WORDS[name]
        case ast.UnaryOp(op=op, operand=inner):
            if isinstance(op, ast.Not):
                return not _truth(_value(inner, row))
            number = _number(_value(inner, row))
            return -number if isinstance(op, ast.USub) else number
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(ARITHMETIC[type(op)], _number(_value(left, row)), _number(_value(right, row)))
        case ast.BoolOp(op=op, values=values):
            chosen = any if isinstance(op, ast.Or) else all
            return chosen(_truth(_value(each, row)) for each in values)
        case ast.IfExp(test=test, body=then, orelse=other):
            return _value(then if _truth(_value(test, row)) else other, row)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compared([_value(each, row) for each in (left, *others)], ops)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _computed(FUNCTIONS[name], *(_number(_value(each, row)) for each in args))
    raise AssertionError(node)  # parsed() lets nothing else in


def _computed(deed: Callable[..., float], *numbers: float) -> float:
    try:
        return _finite(deed(*numbers))
    except (ValueError, OverflowError, ZeroDivisionError):
        raise NoValue from None


def _compared(values: list[Value], ops: list[ast.cmpop]) -> bool:
    """Texts are equal to texts, numbers and truth values to numbers; only numbers have an order."""
    pairs = zip(values, ops, values[1:], strict=False)
    return all(_holds(left, op, right) for left, op, right in pairs)


def _holds(left: Value, op: ast.cmpop, right: Value) -> bool:
    if isinstance(op, ast.Eq | ast.NotEq):
        return (left == right) is isinstance(op, ast.Eq)
    return ORDER[type(op)](_number(left), _number(right))


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        raise NoValue
    return value


def _number(value: Value) -> float:
    """True is 1, and false 0."""
    if isinstance(value, str):
        raise NoValue
    return float(value)


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise NoValue from None
    if not math.isfinite(number):
        raise NoValue
    return number
