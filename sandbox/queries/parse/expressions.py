"""Reads SQL expressions by an allow-list of constructs: a construct that has no line here is refused by name
and place."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

from sqlglot import exp

from sandbox.errors import Position, QueryRefused
from sandbox.queries.parse.desugar import read_sugar
from sandbox.queries.parse.equivalents import written_instead
from sandbox.queries.parse.exists import as_in
from sandbox.queries.parse.sql_text import DEEPEST, LONGEST_PATTERN, SqlText, construct, plain
from sandbox.queries.tree import (
    DOUBLE,
    TO_DECIMAL,
    Aggregate,
    Aggregation,
    And,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Comparison,
    DateDiff,
    DatePart,
    DateTrunc,
    Expression,
    Function,
    Grain,
    GreatestLeast,
    In,
    IsNull,
    Length,
    Like,
    Literal,
    Not,
    Operator,
    Or,
    Part,
    Replace,
    Round,
    Slice,
    Spelling,
    StringPosition,
    TextCase,
)

COMPARISONS: dict[type[exp.Expression], Comparison] = {
    exp.EQ: Comparison.EQUAL,
    exp.NEQ: Comparison.UNEQUAL,
    exp.LT: Comparison.LESS,
    exp.LTE: Comparison.AT_MOST,
    exp.GT: Comparison.MORE,
    exp.GTE: Comparison.AT_LEAST,
}
MIRRORED = {
    Comparison.LESS: Comparison.MORE,
    Comparison.MORE: Comparison.LESS,
    Comparison.AT_MOST: Comparison.AT_LEAST,
    Comparison.AT_LEAST: Comparison.AT_MOST,
}
OPERATORS: dict[type[exp.Expression], Operator] = {
    exp.Add: Operator.PLUS,
    exp.Sub: Operator.MINUS,
    exp.Mul: Operator.TIMES,
    exp.Div: Operator.OVER,
    exp.Mod: Operator.MODULO,
}
FUNCTIONS: dict[type[exp.Expression], Function] = {
    exp.Floor: Function.FLOOR,
    exp.Ceil: Function.CEIL,
    exp.Abs: Function.ABS,
    exp.Sqrt: Function.SQRT,
    exp.Ln: Function.LN,
    exp.Exp: Function.EXP,
    exp.Trunc: Function.TRUNC,
    exp.Sin: Function.SIN,
    exp.Cos: Function.COS,
}
PARTS: dict[type[exp.Expression], Part] = {
    exp.Year: Part.YEAR,
    exp.Quarter: Part.QUARTER,
    exp.Month: Part.MONTH,
    exp.Day: Part.DAY,
    exp.DayOfMonth: Part.DAY,
    exp.DayOfWeek: Part.DAYOFWEEK,
    exp.DayOfWeekIso: Part.ISODOW,
    exp.Week: Part.WEEK,
    exp.WeekOfYear: Part.WEEK,
    exp.DayOfYear: Part.DAYOFYEAR,
    exp.Hour: Part.HOUR,
    exp.Minute: Part.MINUTE,
}
OTHER_NAMES = {"dow": Part.DAYOFWEEK, "doy": Part.DAYOFYEAR, "weekofyear": Part.WEEK, "dayofmonth": Part.DAY}
SPELLINGS: dict[type[exp.Expression], Spelling] = {
    exp.Lower: Spelling.LOWER,
    exp.Upper: Spelling.UPPER,
    exp.Trim: Spelling.TRIM,
}
AGGREGATIONS: dict[type[exp.Expression], Aggregation] = {
    exp.Sum: Aggregation.SUM,
    exp.Avg: Aggregation.AVG,
    exp.Variance: Aggregation.VARIANCE,
    exp.VariancePop: Aggregation.VARIANCE_POP,
    exp.Stddev: Aggregation.STDDEV,
    exp.StddevSamp: Aggregation.STDDEV,
    exp.StddevPop: Aggregation.STDDEV_POP,
    exp.Min: Aggregation.MIN,
    exp.Max: Aggregation.MAX,
}
OF_TWO: dict[type[exp.Expression], Aggregation] = {
    exp.Corr: Aggregation.CORRELATION,
    exp.CovarPop: Aggregation.COVARIANCE_POP,
    exp.CovarSamp: Aggregation.COVARIANCE,
    exp.RegrSlope: Aggregation.SLOPE,
    exp.RegrIntercept: Aggregation.INTERCEPT,
}
OF_BOTH = (exp.RegrAvgx, exp.RegrAvgy, exp.RegrSxx, exp.RegrSyy, exp.RegrSxy)
OTHERWISE = {"mean": Aggregation.AVG, "var": Aggregation.VARIANCE, "std": Aggregation.STDDEV}
QUANTILES = (exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxQuantile)
NUMBERS = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63, "INT128": 127}
"""The types of whole numbers: each holds those below this power of two."""
CONDITIONS = (Compare, In, Like, IsNull, Not, And, Or)
MOST_LETTERS = 1000
TO_THE_END = 2**16
"""The length of SUBSTRING(x, 5): no text has more characters (types/width_limits.py)."""
MOST_DIGITS = 9
LARGEST_EXPRESSION = 1000


class OwnRowsOf(Protocol):
    """What subqueries and windows over a unit's own rows stand for, where they may stand."""

    def among(self, node: exp.In, of: Expression) -> Expression: ...

    def window(self, node: exp.Window, read: Callable[[exp.Expression], Expression]) -> Expression: ...


class Reader:
    """Reads expressions; `resolve` says what a column's name stands for."""

    def __init__(
        self, text: SqlText, resolve: Callable[[exp.Column], Expression], own: OwnRowsOf | None = None
    ) -> None:
        self.text = text
        self.resolve = resolve
        self.own = own
        self.inside_aggregate = False

    def read(self, node: exp.Expression | None, depth: int = 0) -> Expression:
        """Raises `QueryRefused` at what is not allowed, and where an argument is not there."""
        if node is None:
            raise QueryRefused(
                "A function",
                "one of its arguments is missing.",
                instead="Write all of its arguments, such as CORR(x, y).",
                construct_zh="函数",
                why_zh="缺少参数。",
                instead_zh="请写全参数，例如 CORR(x, y)。",
            )
        if depth > DEEPEST:
            raise QueryRefused(
                "An expression",
                f"it is nested more than {DEEPEST} deep.",
                instead="Ask a simpler question.",
                construct_zh="表达式",
                why_zh=f"嵌套超过 {DEEPEST} 层。",
                instead_zh="请问得简单一些。",
            )
        found = self._read(node, depth)
        # names of subqueries are written out, so a short text could stand for an expression without end
        if self.text.size(found) > LARGEST_EXPRESSION:
            raise QueryRefused(
                "An expression",
                f"written out it has more than {LARGEST_EXPRESSION} parts.",
                instead="Ask a simpler question.",
                position=self.text.position(node),
                construct_zh="表达式",
                why_zh=f"展开后超过 {LARGEST_EXPRESSION} 个部分。",
                instead_zh="请问得简单一些。",
            )
        return found

    def _read(self, node: exp.Expression, depth: int) -> Expression:  # noqa: C901  # one case for each kind of node
        literal = self.text.literal_or_none(node)
        if literal is not None:
            return literal

        def inner(part: exp.Expression) -> Expression:
            return self.read(part, depth + 1)

        kind, said_otherwise = type(node), read_sugar(node, inner, self.text)
        if said_otherwise is not None:
            return said_otherwise
        match node:
            case exp.Paren():
                return inner(node.this)
            case exp.Column():
                return self.resolve(node)
            case exp.Neg():
                return Arithmetic(Operator.MINUS, Literal(0), inner(node.this))
            case exp.IntDiv() if plain(node, "this", "expression"):
                over = Arithmetic(Operator.OVER, inner(node.this), inner(node.expression))
                return Call(Function.TRUNC, over, "//")
            case exp.Least() | exp.Greatest():
                return GreatestLeast(
                    isinstance(node, exp.Greatest),
                    tuple(inner(part) for part in (node.this, *node.expressions)),
                )
            case exp.Round() if plain(node, "this", "decimals"):
                decimals = node.args.get("decimals")
                return Round(
                    inner(node.this), self.text.whole(decimals, least=0, most=MOST_DIGITS) if decimals else 0
                )
            case exp.Coalesce() if plain(node, "this", "expressions", "is_nvl", "is_null"):
                return Coalesce(tuple(inner(part) for part in (node.this, *node.expressions)))
            case exp.Nullif():
                of, other = inner(node.this), inner(node.expression)
                if isinstance(other, Literal):
                    return Case(((Compare(Comparison.UNEQUAL, of, other), of),), None)
                # where the other is empty, it is equal to nothing
                return Case(((Compare(Comparison.EQUAL, of, other), Case((), None)),), of)
            case exp.If() | exp.Case():
                return self._case(node, inner)
            case exp.Cast():
                return self._cast(node, inner(node.this))
            case exp.Extract() | exp.Anonymous() if (part := self._date_part(node)) is not None:
                return DatePart(
                    part, inner(node.expressions[1] if isinstance(node, exp.Anonymous) else node.expression)
                )
            case exp.Substring():
                start, length = node.args.get("start"), node.args.get("length")
                return Slice(
                    inner(node.this),
                    self.text.whole(start, least=1, most=MOST_LETTERS),
                    self.text.whole(length, least=0, most=MOST_LETTERS) if length else TO_THE_END,
                )
            case exp.Left():
                return Slice(
                    inner(node.this), 1, self.text.whole(node.expression, least=0, most=MOST_LETTERS)
                )
            case exp.Right() if plain(node, "this", "expression"):
                length = self.text.whole(node.expression, least=1, most=MOST_LETTERS)
                return Slice(inner(node.this), -length, length)
            case exp.Replace() if plain(node, "this", "expression", "replacement"):
                return Replace(
                    inner(node.this),
                    self._piece(node.expression),
                    self._piece(node.args.get("replacement") or exp.Literal.string(""), least=0),
                )
            case exp.StrPosition() if plain(node, "this", "substr"):
                return StringPosition(inner(node.this), self._piece(node.args["substr"]))
            case exp.DateDiff() if plain(node, "this", "expression", "unit", "date_part_boundary"):
                return DateDiff(self._grain(node), inner(node.expression), inner(node.this))
            case exp.TimestampTrunc() | exp.DateTrunc() if plain(node, "this", "unit"):
                return DateTrunc(self._grain(node), inner(node.this))
            case exp.Trim() if plain(node, "this", "position") and node.args.get("position"):
                side = Spelling.LTRIM if str(node.args["position"]).upper() == "LEADING" else Spelling.RTRIM
                return TextCase(
                    Spelling.TRIM if str(node.args["position"]).upper() == "BOTH" else side, inner(node.this)
                )
            case exp.Length() if plain(node, "this"):
                return Length(inner(node.this))
            case exp.Window() if self.own is not None and not self.inside_aggregate:
                return self.own.window(node, inner)
        if kind in OPERATORS and plain(node, "this", "expression", "typed", "safe"):
            return Arithmetic(OPERATORS[kind], inner(node.this), inner(node.expression))
        if kind in FUNCTIONS and plain(node, "this"):
            return Call(FUNCTIONS[kind], inner(node.this))
        if kind in PARTS and plain(node, "this"):
            return DatePart(PARTS[kind], inner(node.this))
        if kind in SPELLINGS and plain(node, "this"):
            return TextCase(SPELLINGS[kind], inner(node.this))
        return self._condition(node, inner) or self._aggregate(node)

    def _condition(
        self, node: exp.Expression, inner: Callable[[exp.Expression], Expression]
    ) -> Expression | None:
        kind = type(node)
        match node:
            case exp.And() | exp.Or():
                sort = And if isinstance(node, exp.And) else Or
                # a OR b OR c is no deeper than a OR b
                sides = [inner(side) for side in node.flatten(unnest=False)]  # type: ignore[arg-type]
                return sort(
                    tuple(
                        part for side in sides for part in (side.parts if isinstance(side, sort) else (side,))
                    )
                )
            case exp.Not():
                return Not(inner(node.this))
            case exp.In() if not node.expressions and not node.args.get("query"):
                self.text.refuse(
                    node,
                    "an empty list is equal to nothing.",
                    "List at least one value.",
                    "空列表与任何值都不相等。",
                    "请至少列出一个值。",
                )
            case exp.In() if node.args.get("query") and self.own is not None:
                return self.own.among(node, inner(node.this))
            case exp.Exists() if self.own is not None:
                return self._exists(node, inner)
            case exp.In() if plain(node, "this", "expressions"):
                known = [value for value in node.expressions if not isinstance(value, exp.Null)]
                among = In(inner(node.this), tuple(map(self.text.literal, known or node.expressions)))
                # what is not among the others might be the empty one: SQL says neither
                return among if len(known) == len(node.expressions) else Case(((among, Literal(True)),), None)
            case exp.Is(expression=exp.Null()):
                return IsNull(inner(node.this))
            case exp.Is(expression=exp.Boolean() as said):
                truth = Coalesce((inner(node.this), Literal(not said.this)))
                return truth if said.this else Not(truth)
            case exp.Between() if not node.args.get("symmetric"):
                of = inner(node.this)
                return And(
                    (
                        Compare(Comparison.AT_LEAST, of, inner(node.args["low"])),
                        Compare(Comparison.AT_MOST, of, inner(node.args["high"])),
                    )
                )
        if kind in COMPARISONS:
            left, right, comparison = inner(node.this), inner(node.expression), COMPARISONS[kind]
            # one way to say it, so that it is asked once
            if isinstance(left, Literal) and not isinstance(right, Literal):
                left, right, comparison = right, left, MIRRORED.get(comparison, comparison)
            return Compare(comparison, left, right)
        return None

    def _exists(self, node: exp.Exists, inner: Callable[[exp.Expression], Expression]) -> Expression:
        """`EXISTS (SELECT ... FROM t WHERE t.x = x AND ...)` is `x IN (SELECT x FROM t WHERE ...)`,
        but never itself empty."""
        assert self.own is not None, "looked before"
        looked_up = as_in(node)
        if looked_up is None:
            self.text.refuse(
                node,
                "it is not about rows that have one column in common with the question's.",
                "Write EXISTS (SELECT 1 FROM dataset AS b "
                "WHERE b.x = t.x AND ...), each column with its table.",
                "它所问的行与问题的行不是凭一个共同栏目对应的。",
                "请写 EXISTS (SELECT 1 FROM 数据集 AS b WHERE b.x = t.x AND ...)，每个栏目写明所属的表。",
            )
        of = inner(looked_up.this)
        return Coalesce((self.own.among(looked_up, of), Literal(False)))

    def _case(self, node: exp.Expression, inner: Callable[[exp.Expression], Expression]) -> Case:
        if isinstance(node, exp.If):
            otherwise = node.args.get("false")
            return Case(
                ((inner(node.this), inner(node.args["true"])),),
                inner(otherwise) if otherwise is not None and not isinstance(otherwise, exp.Null) else None,
            )
        compared = inner(node.this) if node.this else None
        branches = []
        for branch in node.args["ifs"]:
            when, then = inner(branch.this), branch.args["true"]
            condition = when if compared is None else Compare(Comparison.EQUAL, compared, when)
            branches.append((condition, Case((), None) if isinstance(then, exp.Null) else inner(then)))
        default = node.args.get("default")
        return Case(
            tuple(branches), None if default is None or isinstance(default, exp.Null) else inner(default)
        )

    def _cast(self, node: exp.Cast, of: Expression) -> Expression:
        name = node.to.this.name
        number = Arithmetic(Operator.PLUS, of, Literal(0))  # every computed number is a DOUBLE
        if name == "FLOAT":
            self.text.refuse(
                node,
                "its numbers have 32 bits, and are computed here with 64.",
                "Write CAST(x AS DOUBLE).",
                "它的数只有 32 位，而此处按 64 位计算。",
                "请写 CAST(x AS DOUBLE)。",
            )
        if name in (*NUMBERS, "DOUBLE", "DECIMAL") and isinstance(of, CONDITIONS):
            return Case(((of, Literal(1)), (Not(of), Literal(0))), None)
        if name == "DOUBLE":
            return replace(number, right=Literal(0, digits=DOUBLE))
        if name == "DECIMAL":
            width, digits = self.text.decimals(node)
            number = replace(number, right=Literal(0, digits=TO_DECIMAL))
            found = Round(number, digits) if digits <= MOST_DIGITS else number
            return _where_it_fits(node, found, -(10 ** (width - digits)), 10 ** (width - digits))
        if name in NUMBERS:
            most = 2 ** NUMBERS[name]
            return _where_it_fits(node, Round(number, even=True), -most - 1, most)
        if name == "DATE" and not isinstance(node, exp.TryCast):
            return DateTrunc(Grain.DAY, of)
        wanted = node.to.sql(dialect="duckdb")
        return self.text.refuse(
            node,
            f"a value cannot be made into {wanted} without some row failing.",
            "Use the column in its own type.",
            f"转换为 {wanted} 可能在某些行上失败。",
            "请按栏目原有的类型使用。",
        )

    def _piece(self, node: exp.Expression, *, least: int = 1) -> str:
        """A part of a text, written out."""
        value = self.text.literal(node).value
        if not isinstance(value, str) or not least <= len(value) <= LONGEST_PATTERN:
            self.text.refuse(
                node,
                f"a text of {least} to {LONGEST_PATTERN} characters belongs here.",
                "Write such a 'text'.",
                f"此处应是 {least} 至 {LONGEST_PATTERN} 个字符的文本。",
                "请写这样的'文本'。",
            )
        return value

    def _grain(self, node: exp.Expression) -> Grain:
        said = str(node.args["unit"].name).lower()
        return next((grain for grain in Grain if grain.value == said), None) or self.text.refuse(
            node,
            f"a date cannot be cut to its {said} here.",
            f"Use {', '.join(Grain)}.",
            f"这里不能把日期截到 {said}。",
            f"请用 {'、'.join(Grain)}。",
        )

    def _date_part(self, node: exp.Expression) -> Part | None:
        if isinstance(node, exp.Anonymous):
            if str(node.this).lower() not in ("date_part", "datepart") or len(node.expressions) != 2:
                return None
            said = node.expressions[0]
        else:
            said = node.this
        if said.name.lower() in OTHER_NAMES:
            return OTHER_NAMES[said.name.lower()]
        return next((part for part in Part if part.value == said.name.lower()), None) or self.text.refuse(
            node,
            f"the part {said.name} of a date is not known here.",
            f"Use {', '.join(Part)}.",
            f"此处没有日期的 {said.name} 部分。",
            f"可用：{'、'.join(Part)}。",
        )

    # --- aggregates

    def _aggregate(self, node: exp.Expression) -> Expression:
        if self.inside_aggregate and isinstance(node, exp.AggFunc):
            self.text.refuse(
                node,
                "an aggregate stands inside an aggregate.",
                "Aggregate each unit's rows in a subquery first: "
                "SELECT AVG(n) FROM (SELECT unit, COUNT(*) AS n FROM t GROUP BY unit).",
                "聚合里面不能再有聚合。",
                "请先在子查询里按单位汇总：SELECT AVG(n) FROM (SELECT unit, COUNT(*) AS n "
                "FROM t GROUP BY unit)。",
            )
        kept = self.inside_aggregate
        self.inside_aggregate = True
        try:
            return self._read_aggregate(node)
        finally:
            self.inside_aggregate = kept

    def _read_aggregate(self, node: exp.Expression) -> Expression:
        position, only = self.text.position(node), None
        if isinstance(node, exp.Filter) and isinstance(node.expression, exp.Where):
            only, node = self.read(node.expression.this), node.this
        kind = type(node)

        def of(argument: exp.Expression) -> Expression:
            if isinstance(argument, exp.Distinct | exp.Order | exp.Limit):
                self.text.refuse(
                    argument,
                    f"{construct(node)} takes one expression.",
                    "Leave out DISTINCT, ORDER BY and LIMIT.",
                    f"{construct(node)} 只接受一个表达式。",
                    "请去掉 DISTINCT、ORDER BY 和 LIMIT。",
                )
            found = self.read(argument)
            return Case(((only, found),), None) if only is not None else found

        match node:
            case exp.Count() | exp.ApproxDistinct():
                return self._read_count(node, only, of, position)
            case exp.RegrCount() if plain(node, "this", "expression"):
                both = And((Not(IsNull(self.read(node.this))), Not(IsNull(self.read(node.expression)))))
                return Aggregate(Aggregation.COUNT, of_rows_where(both, only), position=position)
            case exp.RegrR2() if plain(node, "this", "expression"):
                found = Aggregate(
                    Aggregation.CORRELATION, of(node.this), of(node.expression), position=position
                )
                return Arithmetic(Operator.TIMES, found, found)
            case exp.CountIf() if plain(node, "this"):
                return Aggregate(
                    Aggregation.COUNT, of_rows_where(self.read(node.this), only), position=position
                )
            case exp.Median() if plain(node, "this"):
                return Aggregate(
                    Aggregation.QUANTILE, of(node.this), fraction=Fraction(1, 2), position=position
                )
            case exp.WithinGroup(
                this=exp.PercentileCont() | exp.PercentileDisc() as quantile,
                expression=exp.Order(expressions=[exp.Ordered() as order]),
            ):
                fraction = self._fraction(quantile.this)
                return Aggregate(
                    Aggregation.QUANTILE,
                    of(order.this),
                    position=position,
                    fraction=1 - fraction if order.args.get("desc") else fraction,
                    of_a_row=isinstance(quantile, exp.PercentileDisc),
                )
            case exp.Anonymous(expressions=[one]):
                return self._read_named_aggregate(node, lambda: of(one), position)
        if isinstance(node, QUANTILES):
            return Aggregate(
                Aggregation.QUANTILE,
                of(node.this),
                position=position,
                fraction=self._fraction(node.args.get("quantile") or node.expression),
                of_a_row=isinstance(node, exp.PercentileDisc | exp.Quantile),
            )
        if kind in AGGREGATIONS and plain(node, "this"):
            return Aggregate(AGGREGATIONS[kind], of(node.this), position=position)
        if kind in OF_BOTH and plain(node, "this", "expression"):
            return self._of_both(kind, of(node.this), of(node.expression), position)
        if kind in OF_TWO and plain(node, "this", "expression"):
            return Aggregate(OF_TWO[kind], of(node.this), of(node.expression), position=position)
        return self._refuse(node)

    def _read_named_aggregate(
        self, node: exp.Anonymous, of: Callable[[], Expression], position: Position
    ) -> Expression:
        """An aggregate that the dialect does not know by its name."""
        name = str(node.this).lower()
        if name in OTHERWISE:
            return Aggregate(OTHERWISE[name], of(), position=position)
        if name in ("geomean", "geometric_mean"):
            return Call(Function.EXP, Aggregate(Aggregation.AVG, Call(Function.LN, of()), position=position))
        if name == "sem":
            spread = Aggregate(Aggregation.STDDEV_POP, of(), position=position)
            rows = Aggregate(Aggregation.COUNT, of(), position=position)
            return Arithmetic(Operator.OVER, spread, Call(Function.SQRT, rows))
        return self._refuse(node)

    def _read_count(
        self,
        node: exp.Expression,
        only: Expression | None,
        of: Callable[[exp.Expression], Expression],
        position: Position,
    ) -> Expression:
        """COUNT in all its forms. `only`: the FILTER's condition; `of` reads an argument under it."""
        match node:
            case exp.Count(this=exp.Distinct(expressions=[_, _, *_]) as several):
                self.text.refuse(
                    several,
                    "COUNT(DISTINCT) takes one expression.",
                    "Write COUNT(DISTINCT CONCAT(a, '-', b)).",
                    "COUNT(DISTINCT) 只接受一个表达式。",
                    "请写 COUNT(DISTINCT CONCAT(a, '-', b))。",
                )
            case exp.Count(this=exp.Star() as star, expressions=[]) if plain(star):
                counted = Case(((only, Literal(1)),), None) if only is not None else None
                return Aggregate(Aggregation.COUNT, counted, position=position)
            case exp.Count(this=exp.Distinct(expressions=[one]), expressions=[]) if plain(
                node.this, "expressions"
            ):
                return Aggregate(Aggregation.COUNT_DISTINCT, of(one), position=position)
            case exp.ApproxDistinct() if plain(node, "this"):
                return Aggregate(Aggregation.COUNT_DISTINCT, of(node.this), position=position)
            case exp.Count(this=None):
                return Aggregate(Aggregation.COUNT, None, position=position)
            case exp.Count(this=exp.Expression() as one, expressions=[]) if not isinstance(
                one, exp.Star | exp.Distinct
            ):
                return Aggregate(
                    Aggregation.COUNT,
                    None if isinstance(one, exp.Literal) and only is None else of(one),
                    position=position,
                )
        return self._refuse(node)

    def _of_both(
        self, kind: type[exp.Expression], y: Expression, x: Expression, position: Position
    ) -> Expression:
        """REGR_AVGX and its kin: of the rows that have both y and x."""
        there = And((Not(IsNull(y)), Not(IsNull(x))))
        y, x = Case(((there, y),), None), Case(((there, x),), None)
        if kind in (exp.RegrAvgx, exp.RegrAvgy):
            return Aggregate(Aggregation.AVG, x if kind is exp.RegrAvgx else y, position=position)
        spread = (
            Aggregate(Aggregation.COVARIANCE_POP, y, x, position=position)
            if kind is exp.RegrSxy
            else (Aggregate(Aggregation.VARIANCE_POP, x if kind is exp.RegrSxx else y, position=position))
        )
        return Arithmetic(Operator.TIMES, spread, Aggregate(Aggregation.COUNT, x, position=position))

    def _refuse(self, node: exp.Expression) -> Expression:
        if isinstance(node, exp.Window):
            self.text.refuse(
                node,
                "a window mixes the rows of several people.",
                "Use GROUP BY; ranks, shares and running totals can be computed from the answer, at no cost.",
                "窗口会混合多人的行。",
                "请用 GROUP BY；名次、占比、累计可由回答算出，不再花费。",
            )
        if isinstance(node, exp.Tuple):
            self.text.refuse(
                node,
                "several values cannot stand in the place of one.",
                "Write CONCAT(a, '-', b), or compare one by one.",
                "多个值不能写在一个值的位置。",
                "请写 CONCAT(a, '-', b)，或逐个比较。",
            )
        if isinstance(node, exp.Query | exp.Subquery | exp.Exists) or node.args.get("query"):
            self.text.refuse(
                node,
                "a subquery can stand after FROM only.",
                "Write it after FROM, or ask two questions.",
                "子查询只能写在 FROM 之后。",
                "请写在 FROM 之后，或分成两个问题。",
            )
        if isinstance(node, exp.Star):
            self.text.refuse(
                node,
                "a row's own values are never shown.",
                "Ask for aggregates, such as COUNT(*) or AVG(x).",
                "从不显示某一行自己的值。",
                "请问聚合，例如 COUNT(*) 或 AVG(x)。",
            )
        if isinstance(node, exp.Null):
            self.text.refuse(
                node,
                "NULL by itself is equal to nothing.",
                "Use IS NULL, or leave out ELSE.",
                "NULL 与任何值都不相等。",
                "请用 IS NULL，或省去 ELSE。",
            )
        if isinstance(node, exp.Rand | exp.Randn | exp.CurrentDate | exp.CurrentTimestamp | exp.Uuid):
            self.text.refuse(
                node,
                "a question must mean the same every time.",
                "Write the value out.",
                "同一问题每次的含义必须相同。",
                "请直接写出所要的值。",
            )
        if isinstance(node, exp.ConcatWs):
            self.text.refuse(
                node,
                "it leaves out what is empty, and its separator too.",
                "Write CONCAT(a, '-', b).",
                "它会省去空值及其分隔符。",
                "请写 CONCAT(a, '-', b)。",
            )
        if (written := written_instead(node)) is not None:
            self.text.refuse(
                node,
                "it is not known here; the same can be written in other words.",
                f"Write {written}.",
                "此处没有，可以换一种写法。",
                f"请写 {written}。",
            )
        if isinstance(node, exp.AggFunc):
            return self.text.refuse(
                node,
                "it is not an aggregate that can be answered privately.",
                "Ask for COUNT, SUM, AVG, MEDIAN, QUANTILE_CONT, MIN, MAX, VARIANCE, STDDEV or CORR.",
                "这种聚合不能给出保护隐私的回答。",
                "请用 COUNT、SUM、AVG、MEDIAN、QUANTILE_CONT、MIN、MAX、VARIANCE、STDDEV 或 CORR。",
            )
        return self.text.refuse(
            node,
            "it could fail on some row, or is not known here.",
            "Use + - * / %, CASE, COALESCE, LEAST, GREATEST, ROUND, FLOOR, comparisons and aggregates.",
            "它可能在某些行上失败，或此处没有。",
            "可用：+ - * / %、CASE、COALESCE、LEAST、GREATEST、ROUND、FLOOR、比较和聚合。",
        )

    def _fraction(self, node: exp.Expression) -> Fraction:
        if isinstance(node, exp.Array):
            self.text.refuse(
                node,
                "a list of fractions makes several columns.",
                "Write it by itself after SELECT, or one fraction.",
                "一列比例会成为多个栏目。",
                "请单独写在 SELECT 之后，或只写一个比例。",
            )
        value = self.text.literal(node).value if isinstance(node, exp.Expression) else None
        if isinstance(value, bool) or not isinstance(value, int | Fraction) or not 0 <= value <= 1:
            self.text.refuse(
                node,
                "a quantile's fraction lies between 0 and 1.",
                "Write for example 0.5.",
                "分位数的比例应在 0 与 1 之间。",
                "例如 0.5。",
            )
        return Fraction(value)


def _where_it_fits(node: exp.Cast, found: Expression, above: int, below: int) -> Expression:
    """TRY_CAST is empty where its type cannot hold a number. (CAST would fail there: it is the number.)"""
    if not isinstance(node, exp.TryCast) or below >= 2**53:  # no number here is larger
        return found
    fits = And(
        (Compare(Comparison.MORE, found, Literal(above)), Compare(Comparison.LESS, found, Literal(below)))
    )
    return Case(((fits, found),), None)


def of_rows_where(condition: Expression, only: Expression | None) -> Case:
    """1 in the rows where the condition holds, empty elsewhere."""
    return Case(((And((only, condition)) if only is not None else condition, Literal(1)),), None)
