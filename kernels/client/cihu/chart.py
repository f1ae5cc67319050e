"""Draws the groups of an answer as bars with their intervals, as SVG: any script, no fonts, no engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from pathlib import Path

from cihu.show import number, width

ROW, BAR, LETTER, PLOT, MOST_LABEL = 24, 14, 6.6, 420, 260
FONT = "var(--jp-content-font-family, system-ui, sans-serif)"
INK, SOFT = "var(--jp-content-font-color1, #212121)", "var(--jp-border-color2, #d5d5d5)"
FILL, WHISKER = "var(--jp-brand-color3, #90caf9)", "var(--jp-brand-color0, #0d47a1)"
TEXT_WIDTH = 40  # of the longest bar in a terminal


@dataclass(frozen=True)
class Bar:
    """One group. `text` is the value as the table shows it."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str

    @property
    def ends(self) -> list[float]:
        return [end for end in (self.value, self.low, self.high) if end is not None]


class Chart:
    """Horizontal bars from zero, each with its 95 % interval as a whisker."""

    def __init__(self, title: str, axis: str, bars: Sequence[Bar]) -> None:
        self.title = title
        self.axis = axis
        self.bars = list(bars)
        ends = [0.0, *[end for bar in self.bars for end in bar.ends]]
        self.ticks = ticks(min(ends), max(ends))

    @property
    def svg(self) -> str:
        first, last = self.ticks[0], self.ticks[-1]
        left = min(
            max([width(bar.label) for bar in self.bars] + [width(self.axis) + 3, 2]) * LETTER + 12, MOST_LABEL
        )
        right = max([width(bar.text) for bar in self.bars] + [4]) * LETTER + 16
        top, bottom = 48, 48 + ROW * len(self.bars)

        def across(value: float) -> float:
            return left + PLOT * (value - first) / (last - first)

        parts = [
            f'<text x="0" y="16" font-weight="600">{escape(self.title)}</text>',
            (
                f'<text x="{left - 28:.0f}" y="{top - 8}" text-anchor="end" '
                f'opacity=".7">{escape(self.axis)}</text>'
            ),
        ]
        for tick in self.ticks:
            x = across(tick)
            parts += [
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2}" y2="{bottom}" stroke="{SOFT}"/>',
                f'<text x="{x:.1f}" y="{top - 8}" text-anchor="middle" opacity=".7">{number(tick)}</text>',
            ]
        for at, bar in enumerate(self.bars):
            parts += drawn(bar, top + ROW * at + ROW / 2, left, across)
        parts.append(
            f'<line x1="{across(0):.1f}" x2="{across(0):.1f}" y1="{top - 2}" y2="{bottom}" stroke="{INK}"/>'
        )
        wide, high = left + PLOT + right, bottom + 8
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-label="{escape(self.title)}" width="{wide:.0f}" height="{high}" viewBox="0 0 {wide:.0f} '
            f'{high}" style="max-width:100%;font-family:{FONT}" font-size="12" '
            f'fill="{INK}">{"".join(parts)}</svg>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the chart as an SVG file; returns where."""
        target = Path(path)
        target.write_text(self.svg + "\n")
        return target

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        longest = max([abs(bar.value) for bar in self.bars if bar.value is not None] + [0.0]) or 1.0
        room = max([width(bar.label) for bar in self.bars] + [0])
        lines = [self.title]
        for bar in self.bars:
            mark = "█" * round(TEXT_WIDTH * max(bar.value or 0.0, 0.0) / longest)
            span = f" [{number(bar.low)} … {number(bar.high)}]" if bar.low is not None else ""
            lines.append(f"{bar.label}{' ' * (room - width(bar.label))} {mark} {bar.text}{span}")
        return "\n".join(lines)


def drawn(bar: Bar, y: float, left: float, across: Callable[[float], float]) -> list[str]:
    """A bar, its whisker and its words; a group without a value has its label and a dash."""
    label = (
        f'<text x="{left - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{escape(shortened(bar.label))}</text>'
    )
    if bar.value is None:
        return [label, f'<text x="{across(0) + 6:.1f}" y="{y + 4:.1f}">{escape(bar.text)}</text>']
    start, end = sorted((across(0), across(bar.value)))
    said = f"{bar.label}: {bar.text}" + (
        f" [{number(bar.low)} … {number(bar.high)}]" if bar.low is not None else ""
    )
    parts = [
        label,
        f'<rect x="{start:.1f}" y="{y - BAR / 2:.1f}" width="{max(end - start, 0.5):.1f}" height="{BAR}" '
        f'fill="{FILL}"><title>{escape(said)}</title></rect>',
    ]
    if bar.low is not None and bar.high is not None:
        low, high = across(bar.low), across(bar.high)
        parts.append(
            f'<path d="M{low:.1f} {y - 4:.1f}v8m0 -4H{high:.1f}m0 -4v8" '
            f'stroke="{WHISKER}" stroke-width="1.5" fill="none"/>'
        )
    words = max(across(end) for end in (0.0, *bar.ends)) + 8
    return [*parts, f'<text x="{words:.1f}" y="{y + 4:.1f}">{escape(bar.text)}</text>']


def shortened(label: str) -> str:
    """A label that fits; all of it stands in the bar's own title."""
    while width(label) * LETTER > MOST_LABEL - 12:
        label = label[:-2] + "…"
    return label


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """About this number of round numbers around [low, high]."""
    span = (high - low) or 1.0
    step = 10.0 ** floor(log10(span / about))
    step *= next((times for times in (1, 2, 5) if span / (step * times) <= about), 10)
    first = floor(low / step)
    made = [first * step]
    while made[-1] < high or len(made) < 2:
        first += 1
        made.append(first * step)
    return made
