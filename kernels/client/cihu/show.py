"""How does a table look, in a notebook and in a terminal?"""

import math
import unicodedata
from collections.abc import Sequence
from html import escape

STYLE = """<style>
.cihu { font-family: var(--jp-content-font-family, system-ui, sans-serif); margin: .4em 0; max-width: 70em }
.cihu table { border-collapse: collapse; margin: .3em 0 }
.cihu table th { text-align: left !important; font-weight: 600; padding: .2em .9em .2em 0;
  border-bottom: 1px solid var(--jp-border-color1, #bbb) }
.cihu table td { text-align: left !important; padding: .25em .9em .25em 0; vertical-align: top !important; white-space: nowrap }
.cihu table td.wrap { white-space: normal }
.cihu table tr { background: none !important }
.cihu table th.n, .cihu table td.n { font-variant-numeric: tabular-nums; text-align: right !important }
.cihu .e, .cihu .foot { color: var(--jp-ui-font-color2, #616161); font-size: .92em }
.cihu .foot { margin: .3em 0 }
.cihu .bar { display: inline-block; width: 12em; height: .6em; background: var(--jp-layout-color3, #ddd); border-radius: .3em }
.cihu .bar > span { display: block; height: 100%; background: var(--jp-brand-color1, #1976d2); border-radius: .3em }
</style>"""


def page(*parts: str) -> str:
    return f'{STYLE}<div class="cihu">{"".join(parts)}</div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool] = ()) -> str:
    """Cells are HTML already; heads are text."""
    right = [*numeric, *[False] * len(heads)]
    head = "".join(f'<th class="{"n" if right[at] else ""}" scope="col">{escape(name)}</th>' for at, name in enumerate(heads))
    body = "".join("<tr>" + "".join(f'<td class="{"n" if right[at] else "wrap"}">{cell}</td>' for at, cell in enumerate(row))
                   + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def bar(percent: float) -> str:
    filled = min(max(percent, 0.0), 100.0)
    return f'<span class="bar" role="img" aria-label="{filled:.0f} % used"><span style="width:{filled:.1f}%"></span></span>'


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(heads), *[list(row) for row in rows]]
    widths = [max(width(line[at]) for line in lines) for at in range(len(heads))]
    made = ["  ".join(cell + " " * (widths[at] - width(cell)) for at, cell in enumerate(line)).rstrip() for line in lines]
    return "\n".join([made[0], "  ".join("-" * wide for wide in widths), *made[1:]])


def width(text: str) -> int:
    """How many columns of a terminal the text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def number(value: float | None, error: float | None = None) -> str:
    """A number with as many digits as its error leaves meaningful; four significant ones without an error."""
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


def words(text: object) -> str:
    """A title in both languages, as the catalogue gives it, or plain text."""
    if isinstance(text, dict):
        return " ".join(str(text[language]) for language in ("en", "zh") if text.get(language))
    return "" if text is None else str(text)
