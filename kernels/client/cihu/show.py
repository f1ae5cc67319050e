"""Renders a table, in a notebook and in a terminal."""

import math
import unicodedata
from collections.abc import Sequence
from html import escape

STYLE = """<style>
.cihu { font-family: var(--jp-content-font-family, system-ui, sans-serif); margin: .4em 0; max-width: 80em; overflow-x: auto }
.cihu table { border-collapse: collapse; margin: .3em 0; border: 0 }
.cihu table th { text-align: left !important; font-weight: 600; padding: .3em 1.1em .3em 0; white-space: nowrap;
  border-bottom: 1px solid var(--jp-border-color1, #bbb); color: var(--jp-ui-font-color1, #212121) }
.cihu table th small { font-weight: 400; color: var(--jp-ui-font-color2, #616161) }
.cihu table td { text-align: left !important; padding: .35em 1.1em .35em 0; vertical-align: top !important; white-space: nowrap;
  border-bottom: 1px solid var(--jp-border-color3, #eee) }
.cihu table td.wrap { white-space: normal }
.cihu table tr { background: none !important }
.cihu table th.n, .cihu table td.n { font-variant-numeric: tabular-nums; text-align: right !important }
.cihu .v { font-weight: 600 }
.cihu .e, .cihu .foot { color: var(--jp-ui-font-color2, #616161); font-size: .92em }
.cihu .foot { margin: .3em 0 }
.cihu .bar { display: inline-block; width: 12em; height: .6em; background: var(--jp-layout-color3, #ddd); border-radius: .3em }
.cihu .bar > span { display: block; height: 100%; background: var(--jp-brand-color1, #1976d2); border-radius: .3em }
.cihu .strip { position: relative; display: block; height: .5em; min-width: 8em; margin-top: .15em }
.cihu .strip > i { position: absolute; top: .15em; height: .2em; min-width: 2px; border-radius: .1em;
  background: var(--jp-brand-color2, #64b5f6) }
.cihu .strip > b { position: absolute; top: 0; width: .5em; height: .5em; margin-left: -.25em; border-radius: 50%;
  background: var(--jp-brand-color1, #1976d2) }
.cihu .badge { padding: .05em .6em; border-radius: .8em; color: #fff; background: #2e7d32; font-size: .9em }
.cihu .unreal { padding: .3em .7em; border-left: .35em solid #e65100; font-weight: 600;
  color: var(--jp-ui-font-color1, #212121); background: var(--jp-warn-color3, #fff3e0) }
.cihu code { white-space: pre-wrap }
</style>"""  # noqa: E501


def page(*parts: str) -> str:
    return f'{STYLE}<div class="cihu">{"".join(parts)}</div>'


def foot(text: str) -> str:
    return f'<div class="foot">{escape(text)}</div>' if text else ""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool] = ()) -> str:
    """Cells are HTML already; heads are text, of which what follows a line feed is small."""
    right = [*numeric, *[False] * len(heads)]
    head = "".join(
        f'<th class="{"n" if right[at] else ""}" scope="col">{_head(name)}</th>'
        for at, name in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{"n" if right[at] else "wrap"}">{cell}</td>' for at, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _head(name: str) -> str:
    large, _, small = name.partition("\n")
    return escape(large) + (f" <small>{escape(small)}</small>" if small else "")


def bar(percent: float) -> str:
    filled = min(max(percent, 0.0), 100.0)
    return (
        f'<span class="bar" role="img" aria-label="{filled:.0f} % used"><span '
        f'style="width:{filled:.1f}%"></span></span>'
    )


def strip(value: float, low: float, high: float, extent: tuple[float, float]) -> str:
    """The value as a dot on its interval, all cells of a column to one scale.
    The numbers beside it say the same."""
    start, wide = extent[0], (extent[1] - extent[0]) or 1.0
    left, dot, right = (100 * (number - start) / wide for number in (low, value, high))
    return (
        f'<span class="strip" aria-hidden="true"><i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<b style="left:{dot:.1f}%"></b></span>'
    )


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool] = ()) -> str:
    lines = [[head.replace("\n", " ") for head in heads], *[list(row) for row in rows]]
    widths = [max(width(line[at]) for line in lines) for at in range(len(heads))]
    right = [*numeric, *[False] * len(heads)]

    def padded(cell: str, at: int) -> str:
        room = " " * (widths[at] - width(cell))
        return room + cell if right[at] else cell + room

    made = ["  ".join(padded(cell, at) for at, cell in enumerate(line)).rstrip() for line in lines]
    return "\n".join([made[0], "  ".join("-" * wide for wide in widths), *made[1:]])


def width(text: str) -> int:
    """How many columns of a terminal the text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def number(value: float | None, error: float | None = None) -> str:
    """A number with as many digits as its error leaves meaningful; four significant digits without an
    error."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if error and math.isfinite(error) and error > 0:
        digits = max(0, 1 - math.floor(math.log10(error)))
        return f"{value:,.{min(digits, 8)}f}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.4g}"


def percent(value: float) -> str:
    """Two digits of what is small or nearly whole: 0.38 %, 12 %, 99.6 %."""
    if 0 < value < 10:
        return f"{value:.2g} %"
    return f"{value:.1f} %" if 90 < value < 100 else f"{value:.0f} %"
