"""An error that says in a few lines, without a traceback, why something did not work and what can be done."""

from typing import Any

from cihu.messages import say


class CihuError(Exception):
    """The vault refused, or could not answer. `code` is stable; `remedy` says what to do instead.

    `position` is the place in the query, (line, column) from 1, where the vault names one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "error",
        remedy: str = "",
        query: str = "",
        position: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = self.mend = remedy  # `mend` is its older name, for one more release
        self.query = query
        self.position = position

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        lines = [self.message, *(f"    {line}" for line in pointed(self.query, self.position))]
        if self.remedy:
            lines.append(say("instead", remedy=self.remedy))
        return lines

    def _render_traceback_(self, *_: Any) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"CihuError [{self.code}]", *self._lines()]


def pointed(query: str, position: tuple[int, int] | None) -> list[str]:
    """The line of the query that a refusal names, with a mark under the place."""
    lines = query.splitlines()
    if position is None or not 1 <= position[0] <= len(lines):
        return []
    return [lines[position[0] - 1], " " * (position[1] - 1) + "^"]


def from_document(status: int, document: Any, query: str) -> CihuError:
    """An RFC 9457 problem document as an error."""
    said = document if isinstance(document, dict) else {}
    place = said.get("position")
    position = (int(place["line"]), int(place["column"])) if isinstance(place, dict) else None
    return CihuError(
        str(said.get("detail") or say("refused", status=status)),
        code=str(said.get("code") or status),
        remedy=str(said.get("remedy") or said.get("mend") or ""),
        query=query,
        position=position,
    )
