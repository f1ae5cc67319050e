"""Finds the smallest and the largest value of a raw column in a file, whatever they are called: axis ends,
bounds of a scaler, the first and the last edge of bins."""

import re
from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.checks.written_numbers import NUMERAL
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, blocks
from sandbox.disclosure.raw_values.raw_columns import Floats

DIGITS = 4
"""Of a number that is taken for a raw one: fewer meet an end by chance."""
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def both_ends(subject: Subject) -> Iterator[Finding]:
    """A file in which both stand has them from the rows: one alone can be met by chance."""
    if subject.raw is None or subject.opened.kind is Kind.PNG or subject.thresholds.minimum_count <= 1:
        return
    ends = [end for raw in subject.raw.columns for end in raw.ends(subject.thresholds.minimum_count)]
    if not ends:
        return
    numbers, open_ = _numbers(subject)
    for name, low, high in ends:
        if len(numbers) and all(bool((np.abs(numbers - end) <= open_).any()) for end in (low, high)):
            yield blocks(
                "extreme_value",
                "single_unit",
                f"The smallest and the largest value of the raw column {name[:60]!r} stand here: each is one "
                "unit's own.",
                "Draw axes and bins between round numbers of your own choice; scale by means and deviations, "
                "or by percentiles with enough units beyond them.",
                f"此处出现了原始列 {name[:60]!r} 的最小值和最大值：二者都是某个个体的值。",
                "坐标轴和分箱请取自选的整数；缩放请用均值与标准差，或两侧有足够个体的百分位数。",
            )
            return


def _numbers(subject: Subject) -> tuple[Floats, Floats]:
    """Numbers of enough digits, and how far from each what was written may lie."""
    opened = subject.opened
    cells = {cell for grid in (*opened.grids, *opened.arrays) for row in grid.rows for cell in row}
    texts = (*cells, *(piece.text for piece in opened.texts))
    written = {found for text in texts for found in NUMERAL.findall(THOUSANDS.sub("", text))}
    numbers, open_ = [], []
    for cell in sorted(cells | written):
        try:
            value = Decimal(cell).normalize()
            float(value)
        except (ArithmeticError, ValueError):
            continue
        shape = value.as_tuple()
        if isinstance(shape.exponent, int) and len(shape.digits) >= DIGITS:
            numbers.append(float(value))
            last = min(shape.exponent, 0) if "e" not in cell.lower() else shape.exponent
            open_.append(max(0.5 * 10.0**last, 1e-7 * abs(float(value))))
    return np.array(numbers), np.array(open_)
