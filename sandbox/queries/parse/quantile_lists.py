"""Expands `QUANTILE_CONT(x, [0.25, 0.5, 0.75])` to one column for each fraction, all read from one histogram.

Which histogram a quantile is read from depends on x alone (plan.py), so a list costs what one of
its quantiles costs.
"""

from fractions import Fraction

from sqlglot import exp

LISTED = (exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxQuantile)
MOST_FRACTIONS = 100


def one_by_one(item: exp.Expression) -> list[exp.Expression]:
    """An item of a SELECT list; a list of quantiles as many items, `x AS q` as q_25, q_50 and q_75."""
    inner = item.this if isinstance(item, exp.Alias) else item
    argument = "quantile" if isinstance(inner, exp.ApproxQuantile | exp.Quantile) else "expression"
    fractions = inner.args.get(argument) if isinstance(inner, LISTED) else None
    if not isinstance(fractions, exp.Array) or not 0 < len(fractions.expressions) <= MOST_FRACTIONS:
        return [item]
    name = (
        item.alias
        if isinstance(item, exp.Alias)
        else f"quantile_{inner.this.name}"
        if inner.this.name
        else "quantile"
    )
    made: list[exp.Expression] = []
    for fraction in fractions.expressions:
        one = inner.copy()
        one.set(argument, fraction.copy())
        made.append(exp.Alias(this=one, alias=exp.to_identifier(f"{name}_{_percent(fraction)}", quoted=True)))
    return made


def _percent(fraction: exp.Expression) -> str:
    try:
        percent = 100 * Fraction(fraction.name)
    except (ValueError, ZeroDivisionError):  # it is refused where it is read
        return fraction.name
    return f"{float(percent):g}".replace(".", "_")
