"""Computes how far a number can reach in the rows that a filter leaves:
`WHERE x BETWEEN 10 AND 20` bounds x for everybody to read.

A row that does not pass is in no total, and the value of a row that passes lies where the filter says. So the
limits are as public as the question, and narrower ones mean less noise. Where a policy has no bounds, the
limits stand in for them. What is added up is clamped to them as to a policy's bounds, so the claim of
weights.md rests on no comparison of the engine's.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from sandbox.queries.tree import And, Compare, Comparison, Expression, In, Literal, Question

Limits = tuple[Fraction | None, Fraction | None]
"""The least and the greatest value; None where nothing is said."""


def limits_of(question: Question) -> Mapping[Expression, Limits]:
    """What the filters of a question say of the numbers that they compare with numbers written out."""
    found: dict[Expression, Limits] = {}
    for where in (question.where, question.per_unit.where if question.per_unit else None):
        for of, (low, high) in _said(where):
            old_low, old_high = found.get(of, (None, None))
            found[of] = (
                low if old_low is None else old_low if low is None else max(low, old_low),
                high if old_high is None else old_high if high is None else min(high, old_high),
            )
    return found


def _said(where: Expression | None) -> Iterator[tuple[Expression, Limits]]:
    match where:
        case And(parts):
            for part in parts:
                yield from _said(part)
        case Compare(comparison, of, Literal(value)) if not isinstance(of, Literal) and _is_number(value):
            limit = Fraction(value)  # type: ignore[arg-type]  # a number, as was looked at
            match comparison:
                case Comparison.EQUAL:
                    yield of, (limit, limit)
                case Comparison.MORE | Comparison.AT_LEAST:
                    yield of, (limit, None)
                case Comparison.LESS | Comparison.AT_MOST:
                    yield of, (None, limit)
        case In(of, values) if not isinstance(of, Literal) and all(_is_number(one.value) for one in values):
            numbers = [Fraction(one.value) for one in values]  # type: ignore[arg-type]
            yield of, (min(numbers), max(numbers))


def _is_number(value: object) -> bool:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)
