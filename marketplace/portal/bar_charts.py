"""Lays out bar charts that the server draws as SVG elements: numbers in, places and lengths out.

A picture is made of `rect` and `text` with classes of portal.css; it has no script and no style of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BAR, GAP, FULL = 16, 6, 300
COLUMN, HIGH = 22, 90
LONGEST_LABEL = 24


@dataclass(frozen=True)
class Bar:
    """One bar: where it begins, how long it is, what stands beside it; `of_before` is the paler one's
    length."""

    label: str
    start: int
    length: float
    value: str
    of_before: float = 0.0


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    width: int
    height: int


def shares_chart(shares: Sequence[tuple[str, float]]) -> Chart:
    """Bars from left to right, one under the other, for shares from 0 to 1."""
    bars = tuple(
        Bar(cut(label, LONGEST_LABEL), place * (BAR + GAP), round(FULL * share, 1), _percent(share))
        for place, (label, share) in enumerate(shares)
    )
    return Chart(bars, 560, max(1, len(bars)) * (BAR + GAP))


def histogram(labels: Sequence[str], counts: Sequence[int], before: Sequence[int] = ()) -> Chart:
    """Bars upright, side by side: the share of each class, and paler that of the last version."""
    now, then = _shares(counts), _shares(before) if before else [0.0] * len(counts)
    most = max([*now, *then, 1e-9])
    bars = tuple(
        Bar(
            label, place * COLUMN, round(HIGH * share / most, 1), _percent(share), round(HIGH * old / most, 1)
        )
        for place, (label, share, old) in enumerate(zip(labels, now, then, strict=True))
    )
    return Chart(bars, max(1, len(bars)) * COLUMN, HIGH)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _percent(share: float) -> str:
    """Only what is whole is 100 %."""
    shown = f"{100 * share:.2f}"
    return f"{'99.99' if shown == '100.00' and share < 1 else shown.removesuffix('.00')} %"


def cut(label: str, longest: int) -> str:
    """At most `longest` characters of it; an ellipsis stands for what is left out."""
    return label if len(label) <= longest else f"{label[: longest - 1]}…"
