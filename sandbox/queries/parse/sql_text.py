"""Reads facts from SQL's syntax tree: where something stands, its name, and the plain values it holds."""

import re
from dataclasses import is_dataclass
from datetime import date, datetime
from fractions import Fraction
from math import pi
from typing import NoReturn

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from sandbox.errors import InvalidInput, Position, QueryRefused
from sandbox.queries.tree import (
    BIGINT,
    DOUBLE,
    Concat,
    DateDiff,
    DatePart,
    DateTrunc,
    Expression,
    Literal,
    members,
    part_names,
)

LONGEST_SQL = 20_000
LARGEST_QUESTION = 12_000
"""So many parts may all expressions of a question have together, written out: planning visits each of them
many times, before anything is paid."""
LONGEST_PATTERN = 100
DEEPEST = 60
WIDEST_DECIMAL = 38
# in the engine's SQL, which would grow without end where they are nested
SAID_TWICE = (DateTrunc, DateDiff, DatePart, Concat)
NUMBER = re.compile(r"(?=.{1,40}$)\d*\.?\d*(?:[eE][+-]?\d{1,2})?")
SHAPE = "SELECT key, COUNT(*), AVG(x) FROM schema.dataset WHERE ... GROUP BY key"


class SqlText:
    """One question's text and its syntax tree; raises refusals that say where."""

    def __init__(self, sql: str) -> None:
        """Raises `InvalidInput` for what is not SQL, `QueryRefused` for what is not one query."""
        if not sql.strip():
            raise InvalidInput(
                "The question is empty.",
                remedy=f"Ask for example: {SHAPE}.",
                zh="问题是空的。",
                remedy_zh=f"例如：{SHAPE}。",
            )
        if len(sql) > LONGEST_SQL:
            raise InvalidInput(
                f"The question is longer than {LONGEST_SQL} characters.",
                remedy="Ask a shorter one.",
                zh=f"问题超过 {LONGEST_SQL} 个字符。",
                remedy_zh="请缩短问题。",
            )
        self.sql = sql
        try:
            statements = [statement for statement in _statements(sql) if statement is not None]
        except RecursionError as error:
            raise InvalidInput(
                "The question is nested too deeply.",
                remedy="Ask a simpler one.",
                zh="问题嵌套过深。",
                remedy_zh="请问得简单一些。",
            ) from error
        except Exception as error:  # what the parser itself trips over is no SQL either
            fault = (getattr(error, "errors", None) or [{}])[0]
            line, column = fault.get("line") or 1, fault.get("col") or 1
            raise InvalidInput(
                f"This is not SQL that can be read (near line {line}, column {column}).",
                code="not_sql",
                remedy=f"Ask for example: {SHAPE}.",
                zh=f"这不是可以读懂的 SQL（第 {line} 行第 {column} 列附近）。",
                remedy_zh=f"例如：{SHAPE}。",
            ) from error
        if len(statements) != 1:
            raise QueryRefused(
                "Several statements",
                "one question is asked at a time.",
                instead="Send them one by one.",
                construct_zh="多条语句",
                why_zh="一次只能问一个问题。",
                instead_zh="请逐条提问。",
            )
        statement = statements[0]
        assert isinstance(statement, exp.Expression)
        self.statement = statement
        self._sizes: dict[int, tuple[Expression, int]] = {}
        self.pinned: dict[tuple[str, int], Position] = {}
        """The versions of datasets that it asks for by number (`schema.name@2`), and where."""
        self.named: dict[tuple[str, tuple[str, ...]], Position] = {}
        """Names of expressions by which it groups, with the datasets that must have no such column."""

    def size(self, expression: Expression) -> int:
        """How many parts an expression has, written out. Each is counted once, however often it is used."""
        known = self._sizes.get(id(expression))
        if known is None:
            times = 2 if isinstance(expression, SAID_TWICE) else 1
            # kept, so that its id stays its own
            known = expression, 1 + times * sum(map(self.size, members(expression)))
            self._sizes[id(expression)] = known
        return known[1]

    def check_size(self, parts: int) -> None:
        """Raises `QueryRefused` where the expressions of a question have too many parts together."""
        if parts > LARGEST_QUESTION:
            raise QueryRefused(
                "A question",
                f"its expressions have more than {LARGEST_QUESTION} parts together, where names of "
                "subqueries, NULLIF, BETWEEN and the like are written out.",
                instead="Ask for fewer columns at a time, or shorten its expressions.",
                construct_zh="问题",
                why_zh="展开子查询的名称以及 NULLIF、BETWEEN 等之后，"
                f"全部表达式合计超过 {LARGEST_QUESTION} 个部分。",
                instead_zh="请分几次提问，每次少问几列，或将表达式写短。",
            )

    def size_of(self, what: object) -> int:
        """How many parts the expressions have that are anywhere in it."""
        if isinstance(what, tuple):
            return sum(map(self.size_of, what))
        if isinstance(what, Expression):
            return self.size(what)
        if is_dataclass(what) and not isinstance(what, type):
            return sum(self.size_of(getattr(what, name)) for name in part_names(type(what)))
        return 0

    def refuse(self, node: exp.Expression, why: str, instead: str, why_zh: str, instead_zh: str) -> NoReturn:
        raise QueryRefused(
            construct(node),
            why,
            instead=instead,
            position=self.position(node),
            construct_zh=construct_zh(node),
            why_zh=why_zh,
            instead_zh=instead_zh,
        )

    def position(self, node: exp.Expression) -> Position:
        starts: list[int] = []
        around: exp.Expr | None = node
        # NULL, ? and * do not say where they stand: what is around them does
        while around is not None and not starts:
            starts = [part.meta["start"] for part in around.walk() if "start" in part.meta]
            around = around.parent
        start = min(starts, default=0)
        before = self.sql[:start]
        return Position(before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1)

    def literal(self, node: exp.Expression) -> Literal:
        """A value written out: a number, a text, TRUE, FALSE, or a date."""
        found = self.literal_or_none(node)
        return found or self.refuse(
            node,
            "only a value written out can stand here.",
            "Write a number, a 'text', TRUE, FALSE or DATE '2026-01-31'.",
            "此处只能是直接写出的值。",
            "请写数字、'文本'、TRUE、FALSE 或 DATE '2026-01-31'。",
        )

    def literal_or_none(self, node: exp.Expression) -> Literal | None:
        match node:
            case exp.Paren():
                return self.literal_or_none(node.this)
            case exp.Literal(is_string=True):
                return Literal(node.this, self.position(node))
            case exp.Literal():
                position = self.position(node)
                return Literal(_number(node.this, position), position, _digits(node.this))
            case exp.Neg():
                inner = self.literal_or_none(node.this)
                if inner and isinstance(inner.value, int | Fraction) and not isinstance(inner.value, bool):
                    return Literal(-inner.value, inner.position, inner.digits)
            case exp.Pi():
                return Literal(Fraction(pi), self.position(node))
            case exp.Boolean():
                return Literal(bool(node.this), self.position(node))
            case exp.Cast(this=exp.Literal(is_string=True)) if node.to.is_type("date"):
                return Literal(self._date(node, node.this.this), self.position(node))
            case exp.Cast(this=exp.Literal(is_string=True)) if node.to.is_type(
                "timestamp", "datetime", "timestampntz"
            ):
                return Literal(self._time(node, node.this.this), self.position(node))
            case exp.DateFromParts() if plain(node, "year", "month", "day"):  # MAKE_DATE(2026, 1, 31)
                year, month, day = (
                    self.whole(node.args.get(part), least=1, most=9999) for part in ("year", "month", "day")
                )
                return Literal(self._date(node, f"{year:04}-{month:02}-{day:02}"), self.position(node))
            case exp.Cast():  # CAST(1 AS BIGINT), as programs write it
                inner = self.literal_or_none(node.this)
                if (
                    inner
                    and isinstance(inner.value, int | Fraction)
                    and not isinstance(inner.value, bool)
                    and node.to.is_type(*exp.DataType.NUMERIC_TYPES)
                    and not node.to.is_type("float")
                ):
                    if node.to.is_type("double"):
                        return Literal(inner.value, inner.position, DOUBLE)
                    decimal = node.to.is_type("decimal")
                    _, digits = self.decimals(node) if decimal else (0, 0)
                    value = _as_a(inner, inner.value, digits, decimal=decimal)
                    return Literal(value, inner.position, digits if decimal else BIGINT)
        return None

    def decimals(self, node: exp.Cast) -> tuple[int, int]:
        """How many digits a DECIMAL has, and how many of them after its point:
        18 and three where its type does not say."""
        said = [part.name for part in node.to.expressions]
        numbers = [int(one) for one in said if one.isascii() and one.isdigit() and len(one) < 3]
        if len(numbers) != len(said) or len(said) > 2 or (said and not 0 < numbers[0] <= WIDEST_DECIMAL):
            numbers = [0, 1]
        width, digits = numbers or (18, 3) if len(numbers) != 1 else (numbers[0], 0)
        if digits > width:
            self.refuse(
                node,
                "its DECIMAL has no such number of digits.",
                "Write for example DECIMAL(18, 2).",
                "其中的 DECIMAL 位数不成立。",
                "请写例如 DECIMAL(18, 2)。",
            )
        return width, digits

    def whole(self, node: exp.Expression | None, *, least: int, most: int) -> int:
        """A whole number written out, from `least` to `most`."""
        found = self.literal_or_none(node) if node is not None else None
        if (
            found is None
            or isinstance(found.value, bool)
            or not isinstance(found.value, int)
            or not least <= found.value <= most
        ):
            raise QueryRefused(
                "The number" if node is None else construct(node),
                f"a whole number from {least} to {most} belongs here.",
                instead="Write such a number.",
                position=None if node is None else self.position(node),
                construct_zh="数字" if node is None else construct_zh(node),
                why_zh=f"此处应是 {least} 至 {most} 的整数。",
                instead_zh="请写这样的整数。",
            )
        return found.value

    def pattern(self, node: exp.Expression) -> Literal:
        """Only % in a pattern: with _ the engine's matcher backtracks,
        and how long it takes tells about a row."""
        pattern = self.literal(node)
        if not isinstance(pattern.value, str) or "_" in pattern.value or len(pattern.value) > LONGEST_PATTERN:
            self.refuse(
                node,
                f"a pattern may hold % but not _, and at most {LONGEST_PATTERN} characters.",
                "Use % for what may vary.",
                f"模式中可用 %，不可用 _，且至多 {LONGEST_PATTERN} 个字符。",
                "请用 % 表示可变的部分。",
            )
        return pattern

    def _time(self, node: exp.Expression, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is not None:
            self.refuse(
                node,
                "it is not a time of the city's clock.",
                "Write TIMESTAMP '2026-01-31 08:00:00', without a zone.",
                "这不是本市时间。",
                "请写 TIMESTAMP '2026-01-31 08:00:00'，不带时区。",
            )
        return at

    def _date(self, node: exp.Expression, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.refuse(
                node,
                "it is not a date.",
                "Write DATE '2026-01-31'.",
                "这不是日期。",
                "请写 DATE '2026-01-31'。",
            )


def _statements(sql: str) -> list[exp.Expr | None]:
    """What sqlglot reads, where `name@2` is one name: by itself it would take `@2` for an alias."""
    duckdb = Dialect.get_or_raise("duckdb")
    tokens: list[Token] = []
    for token in duckdb.tokenize(sql):
        tokens.append(token)
        if len(tokens) > 2 and _pinned(*tokens[-3:]):
            name = tokens[-3]
            tokens[-3:] = [
                Token(
                    name.token_type, f"{name.text}@{token.text}", name.line, name.col, name.start, token.end
                )
            ]
    return duckdb.parser().parse(tokens, sql)


def _pinned(name: Token, at: Token, number: Token) -> bool:
    """Whether three tokens are `name@2`, with nothing between them."""
    together = at.start == name.end + 1 and number.start == at.end + 1
    return (
        together
        and name.token_type in (TokenType.VAR, TokenType.IDENTIFIER)
        and at.token_type is TokenType.PARAMETER
        and (number.token_type is TokenType.NUMBER and number.text.isdigit())
    )


def plain(node: exp.Expression, *allowed: str) -> bool:
    """Whether a node has nothing but the allowed arguments: what is not looked at must not be there."""
    return not any(value for name, value in node.args.items() if name not in allowed)


def construct(node: exp.Expression) -> str:
    """The construct's own name, as the analyst would write it."""
    if isinstance(node, exp.IgnoreNulls | exp.RespectNulls):
        return construct(node.this)
    if isinstance(node, exp.Anonymous):
        return f"{str(node.this).upper()}()"
    if isinstance(node, exp.And | exp.Or | exp.Case | exp.Cast):
        return type(node).__name__.upper()
    if isinstance(node, exp.Func):
        return f"{node.sql_name()}()"
    if isinstance(node, exp.Star):
        return "SELECT *"
    if isinstance(node, exp.Column):
        return f"The column {node.name}"
    if isinstance(node, exp.SetOperation):
        return type(node).__name__.upper()
    if isinstance(node, exp.Subquery | exp.Query):
        return "A subquery"
    return type(node).__name__.upper()


def construct_zh(node: exp.Expression) -> str:
    """The same in Chinese, where it is words and not SQL."""
    if isinstance(node, exp.IgnoreNulls | exp.RespectNulls):
        return construct_zh(node.this)
    if isinstance(node, exp.Column):
        return f"栏目 {node.name}"
    subquery = isinstance(node, exp.Subquery | exp.Query) and not isinstance(node, exp.SetOperation)
    return "子查询" if subquery else construct(node)


def _as_a(of: Literal, value: int | Fraction, digits: int, *, decimal: bool) -> int | Fraction:
    """A number written out, as a type with so many digits after the point has it: halves go away from zero,
    or where it was a DOUBLE before and becomes whole, to the even neighbour."""
    times = 10**digits
    if of.digits == DOUBLE and not decimal:
        return round(value)
    scaled = Fraction(float(value) * times) if of.digits == DOUBLE else value * times
    whole = int(abs(scaled) + Fraction(1, 2))
    found = Fraction(whole if value > 0 else -whole, times)
    return int(found) if found.denominator == 1 else found


def _digits(text: str) -> int:
    """The kind of a number as it is written: `1` is whole, `1.50` a decimal, `1e0` a DOUBLE."""
    if "e" in text.lower():
        return DOUBLE
    return len(text.partition(".")[2]) if "." in text else BIGINT


def _number(text: str, position: Position) -> int | Fraction:
    try:
        # looked at before it is built: 1e99999999 would take minutes to become a number
        if not NUMBER.fullmatch(text):
            raise ValueError
        number = Fraction(text)
    except ValueError:
        raise QueryRefused(
            f"The number {text[:40]}",
            "it cannot be read.",
            instead="Write a decimal number.",
            position=position,
            construct_zh=f"数字 {text[:40]}",
            why_zh="无法读懂。",
            instead_zh="请写十进制数。",
        ) from None
    if abs(number) >= 2**53:
        raise QueryRefused(
            f"The number {text[:40]}",
            "it is too large to compare exactly.",
            instead="Use numbers below 2**53.",
            position=position,
            construct_zh=f"数字 {text[:40]}",
            why_zh="过大，无法精确比较。",
            instead_zh="请用小于 2**53 的数。",
        )
    return int(number) if number.denominator == 1 else number
