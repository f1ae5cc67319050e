"""Bounds how wide an expression's value can be, and how many bytes computing it touches: from public facts,
never from rows.

Widths are bytes. A step is one byte read or written, or what costs as much: the unit in which plans are
compared. Both are upper bounds on every row that a version can hold, because texts are loaded cut to
`columns.text_bytes`.
"""

from sandbox.catalog.model import Type
from sandbox.queries.functions.columns import column_bytes
from sandbox.queries.functions.construct import FIXED_WIDTH
from sandbox.queries.functions.registry import construct_of
from sandbox.queries.tree import Concat, Expression, Name, Replace, Slice, TextCase, members
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import range_of

WRITTEN = {Type.INTEGER: 20, Type.NUMBER: 24, Type.DATE: 18, Type.BOOLEAN: 5, Type.TIMESTAMP: 32}
"""The most bytes of a value written out: -9223372036854775808, 5877642-06-23 (BC), false."""

MADE = (TextCase, Slice, Concat, Replace)
"""What makes a new text, of which a batch of rows needs memory; all else points to a text that is there."""


class _Widths:
    """The widths of expressions over the rows of a scope, each computed once."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._known: dict[Expression, int] = {}

    def width(self, expression: Expression) -> int:
        known = self._known.get(expression)
        if known is None:
            known = self._known[expression] = construct_of(expression).width(expression, self)
        return known

    def written(self, expression: Expression) -> int:
        kind = range_of(expression, self.scope).type
        return self.width(expression) if kind is Type.TEXT else WRITTEN[kind]

    def column(self, name: Name) -> int:
        return column_bytes(self.scope.column(name))


def width_of(expression: Expression, scope: Scope) -> int:
    """The most bytes of an expression's value in a row. Raises `QueryRefused` where types do not fit."""
    return _Widths(scope).width(expression)


def made_bytes(expression: Expression, scope: Scope) -> int:
    """The most bytes of all texts that computing an expression makes in a row, its parts' included."""
    return _made(expression, _Widths(scope))


def steps_a_row(expression: Expression, scope: Scope) -> int:
    """The most steps of computing an expression once. Raises `QueryRefused` where types do not fit.

    LIKE, STRPOS and REPLACE are taken at their worst, the text's width times the pattern's: a pattern is
    compared at every byte.
    """
    return _steps(expression, _Widths(scope))


def widest_part(expression: Expression, scope: Scope, most: int) -> tuple[Expression, int] | None:
    """The innermost part that is wider than `most`, and its width; None where there is none."""
    return _widest(expression, _Widths(scope), most)


def _widest(expression: Expression, widths: _Widths, most: int) -> tuple[Expression, int] | None:
    for member in members(expression):
        if (found := _widest(member, widths, most)) is not None:
            return found
    width = widths.width(expression)
    return (expression, width) if width > most else None


def _made(expression: Expression, widths: _Widths) -> int:
    times = construct_of(expression).said
    own = widths.width(expression) if isinstance(expression, MADE) else 0
    if isinstance(expression, Concat):  # put together from the left, each beginning is a text of its own
        own = construct_of(expression).steps(expression, widths)
    return own + times * sum(_made(member, widths) for member in members(expression))


def _steps(expression: Expression, widths: _Widths) -> int:
    construct = construct_of(expression)
    return max(FIXED_WIDTH, construct.steps(expression, widths)) + construct.said * sum(
        _steps(member, widths) for member in members(expression)
    )
