"""Writes an expression for people, and as the name of what was released about it: one text for one
meaning."""

from datetime import date, datetime
from fractions import Fraction

from sandbox.queries.tree import (
    Aggregate,
    Aggregation,
    And,
    AnswerWindow,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Concat,
    DateDiff,
    DatePart,
    DateTrunc,
    Expression,
    GreatestLeast,
    In,
    InPublic,
    IsNull,
    Length,
    Like,
    Literal,
    Name,
    Not,
    Or,
    Replace,
    Round,
    Slice,
    StringPosition,
    TextCase,
    UnitAggregate,
    UnitKey,
    UnitValue,
    Value,
    WindowFunctionKind,
    rewritten,
)


def wording(expression: Expression) -> str:  # noqa: C901  # one case for each kind of node
    """SQL for people: `(age / 10)`.
    Two expressions that are written alike mean the same; AND, OR and IN are put in order."""
    match expression:
        case Name(text, dataset):
            return f"{dataset}.{text}" if dataset else text
        case Literal(value):
            return _value(value)
        case Arithmetic(operator, left, right):
            return f"({wording(left)} {operator.value} {wording(right)})"
        case GreatestLeast(greatest, parts):
            return f"{'greatest' if greatest else 'least'}({', '.join(map(wording, parts))})"
        case Call(function, of):
            return f"{function.value}({wording(of)})"
        case Round(of, digits, even):
            said = "round_even" if even else "round"
            return f"{said}({wording(of)}, {digits})" if digits else f"{said}({wording(of)})"
        case DatePart(part, of):
            return f"{part.value}({wording(of)})"
        case DateTrunc(grain, of):
            return f"date_trunc('{grain.value}', {wording(of)})"
        case DateDiff(grain, start, end):
            return f"date_diff('{grain.value}', {wording(start)}, {wording(end)})"
        case TextCase(spelling, of):
            return f"{spelling.value}({wording(of)})"
        case Slice(of, start, length):
            return f"substring({wording(of)}, {start}, {length})"
        case Length(of):
            return f"length({wording(of)})"
        case Concat(parts):
            return f"({' || '.join(map(wording, parts))})"
        case Replace(of, old, new):
            return f"replace({wording(of)}, {_value(old)}, {_value(new)})"
        case StringPosition(of, part):
            return f"strpos({wording(of)}, {_value(part)})"
        case Coalesce(parts):
            return f"coalesce({', '.join(map(wording, parts))})"
        case Case(branches, otherwise):
            said = "".join(f" when {wording(condition)} then {wording(then)}" for condition, then in branches)
            return f"case{said}{f' else {wording(otherwise)}' if otherwise is not None else ''} end"
        case Compare(comparison, left, right):
            return f"({wording(left)} {comparison.value} {wording(right)})"
        case In(of, values):
            return f"{wording(of)} in ({', '.join(sorted({wording(value) for value in values}))})"
        case InPublic(of, column):
            return f"{wording(of)} in (select {column.text} from {column.dataset})"
        case Like(of, pattern):
            return f"{wording(of)} like {wording(pattern)}"
        case IsNull(of):
            return f"({wording(of)} is null)"
        case Not(of):
            return f"(not {wording(of)})"
        case And(parts) | Or(parts):
            word = " and " if isinstance(expression, And) else " or "
            return "(" + word.join(sorted({wording(part) for part in parts})) + ")"
        case Aggregate(aggregation, of, by, fraction, of_a_row):
            parts = tuple(
                part for part in (of, by, None if fraction is None else Literal(fraction)) if part is not None
            )
            name = f"{aggregation.value}_disc" if of_a_row else aggregation.value
            return f"{name}({', '.join(map(wording, parts)) or '*'})"
        case UnitAggregate(Aggregation.COUNT, None):
            return "unit's count(*)"
        case UnitAggregate(aggregation, of):
            return f"unit's {aggregation.value}({'' if of is None else wording(of)})"
        case AnswerWindow(over, of, within, order):
            name = "first_value" if over is WindowFunctionKind.VALUE else over.value
            argument = (
                "*" if over is WindowFunctionKind.COUNT and of is None else "" if of is None else wording(of)
            )
            sides = (("partition by", within), ("order by", order))
            said = " ".join(f"{words} {', '.join(map(wording, inside))}" for words, inside in sides if inside)
            return f"{name}({argument}) over ({said})"
        case UnitValue(of):
            return f"among all rows the {wording(of)}"
        case UnitKey(of):
            return f"unit's {wording(of)}"


def wording_zh(expression: Expression) -> str:
    """The same to be read in a Chinese sentence."""

    def rule(node: object) -> object:
        match node:
            case UnitValue(of):
                return rule(of)
            case UnitAggregate(aggregation, of):
                return Name(f"每个单位的 {aggregation.value}({'*' if of is None else wording_zh(of)})")
            case UnitKey(of):
                return Name(wording_zh(of))
        return node

    return wording(rewritten(expression, rule))


def _value(value: Value) -> str:
    match value:
        case bool():
            return str(value).upper()  # columns' names are lowercase
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return f"timestamp '{value.isoformat(sep=' ')}'"
        case date():
            return f"date '{value.isoformat()}'"
        case Fraction() | int():
            return str(value)
