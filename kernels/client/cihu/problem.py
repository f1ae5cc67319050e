"""Why did it not work, and what can be done? An error that says so in a few lines, without a traceback."""

import re
from typing import Any

PLACE = re.compile(r"line (\d+), column (\d+)")


class CihuError(Exception):
    """The vault refused, or could not answer. `code` is stable; `mend` says what to do instead."""

    def __init__(self, message: str, *, code: str = "error", mend: str = "", query: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.mend = mend
        self.query = query

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        lines = [self.message]
        lines += [f"    {line}" for line in pointed(self.query, self.message)]
        if self.mend:
            lines.append(f"Instead: {self.mend}")
        return lines

    def _render_traceback_(self, *_: Any) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"CihuError [{self.code}]", *self._lines()]


def pointed(query: str, message: str) -> list[str]:
    """The line of the query that the message names, with a mark under the place."""
    place = PLACE.search(message)
    lines = query.splitlines()
    if not place or not 1 <= int(place[1]) <= len(lines):
        return []
    return [lines[int(place[1]) - 1], " " * (int(place[2]) - 1) + "^"]


def from_document(status: int, document: Any, query: str) -> CihuError:
    """An RFC 9457 problem document as an error."""
    said = document if isinstance(document, dict) else {}
    return CihuError(str(said.get("detail") or f"The vault refused ({status})."), code=str(said.get("code") or status),
                     mend=str(said.get("mend") or ""), query=query)
