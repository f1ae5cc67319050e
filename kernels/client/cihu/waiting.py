"""Shows somebody whose question takes long how long it has taken, and how long such questions usually
take."""

import sys
from collections.abc import Callable
from html import escape
from typing import Any

from cihu.messages import say
from cihu.show import bar, page

Tick = Callable[[float], None]
TICK_SECONDS = 0.5
PATIENCE_SECONDS = 1.0  # a question that is quicker shows nothing but its answer


class Waiting:
    """A line under the cell, made at the first tick after PATIENCE_SECONDS and changed at each later one.

    `usual` gives the seconds that such questions usually take, by public facts; it is asked
    once, and may not know.
    """

    def __init__(self, usual: Callable[[], float | None]) -> None:
        self.usual = usual
        self.usual_seconds: float | None = None
        self.line: Any = None

    def tick(self, passed: float) -> None:
        if passed < PATIENCE_SECONDS or not shell():
            return
        from IPython.display import display  # there, as there is a shell

        if self.line is None:
            self.line = display(self._said(passed), display_id=True)
            self.usual_seconds = self.usual()
        else:
            self.line.update(self._said(passed))

    def over(self) -> None:
        """There is an answer, or none will come: the line goes, and leaves no trace."""
        if self.line is not None:
            self.line.update(Line("", None))

    def _said(self, passed: float) -> "Line":
        usually = (
            say("usually", seconds=f"{self.usual_seconds:.0f}")
            if self.usual_seconds and self.usual_seconds >= 1
            else ""
        )
        share = 100 * passed / self.usual_seconds if self.usual_seconds and usually else None
        return Line(say("asking", seconds=f"{passed:.0f}") + usually, share)


class Line:
    """A sentence and how much of the usual time has passed, in percent."""

    def __init__(self, text: str, share: float | None) -> None:
        self.text = text
        self.share = share

    def _repr_html_(self) -> str:
        if not self.text:
            return ""
        drawn = f"{bar(self.share)} " if self.share is not None else ""
        return page(f'<div class="foot">{drawn}{escape(self.text)}</div>')

    def __repr__(self) -> str:
        return self.text


def shell() -> Any:
    """IPython's shell, if we are in one; without importing IPython for those who are not."""
    loaded = sys.modules.get("IPython")
    return loaded.get_ipython() if loaded else None
