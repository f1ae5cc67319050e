"""The refusals: one tree of errors with stable codes. Knows no HTTP.

    CihuError
    ├── InvalidInput        what was given cannot be used; the remedy says what to give instead
    │   └── QueryRefused    a construct of the SQL cannot be private; names it and where it stands
    ├── NotAuthenticated    nobody, or a token that is no longer good
    ├── Forbidden           somebody who may not; carries the decision's code and reason
    ├── NotFound            no such thing, or none that you may see
    ├── Conflict            the thing is not in the state that this action needs
    ├── BudgetExhausted     the loss does not fit in what is left, at the level it names
    ├── TooMany             a quota or rate is used up
    ├── NotAcceptable       the caller accepts none of the forms in which there is an answer
    └── Unavailable         a part is missing or broken; nothing was done

Every error has a public message (safe to show to anybody who may call) and may have an internal
one (for the operator's log). Neither may ever hold a value from raw data.

The message is made in both languages where it is made: `zh` and `remedy_zh` stand beside `message` and
`remedy`, and `words("zh")` gives them. A message without Chinese is shown in English; nobody ever
translates by matching a text.
"""

from dataclasses import dataclass


class CihuError(Exception):
    """The root. `code` is stable and machine-readable; `remedy` says what to do about it.

    `shown_as` is shown to the caller instead, where they may not even learn that the thing is there.
    """

    code = "error"
    shown_as: "CihuError | None" = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remedy: str = "",
        internal: str = "",
        zh: str = "",
        remedy_zh: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.remedy = remedy
        self.internal = internal
        self.zh = zh
        self.remedy_zh = remedy_zh

    def words(self, language: str) -> tuple[str, str]:
        """Message and remedy in "zh" or "en"; English where there is no Chinese."""
        if language == "zh":
            return self.zh or self.message, self.remedy_zh or self.remedy
        return self.message, self.remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InvalidInput(CihuError):
    code = "invalid_input"


@dataclass(frozen=True)
class Position:
    """A place in a text: line and column, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class QueryRefused(InvalidInput):
    code = "query_refused"

    def __init__(
        self,
        construct: str,
        why: str,
        *,
        instead: str,
        why_zh: str,
        instead_zh: str,
        position: Position | None = None,
        construct_zh: str = "",
    ) -> None:
        place = f" ({position})" if position else ""
        place_zh = f"（第 {position.line} 行第 {position.column} 列）" if position else ""
        super().__init__(
            f"{construct}{place}: {why}",
            remedy=instead,
            remedy_zh=instead_zh,
            zh=f"{construct_zh or construct}{place_zh}：{why_zh}",
        )
        self.construct = construct
        self.position = position


class NotAuthenticated(CihuError):
    """`challenge` says by which scheme one authenticates."""

    code = "not_authenticated"
    challenge = "Bearer"


class Forbidden(CihuError):
    code = "forbidden"


class NotFound(CihuError):
    code = "not_found"


class Conflict(CihuError):
    code = "conflict"


class BudgetExhausted(CihuError):
    code = "budget_exhausted"


class TooMany(CihuError):
    code = "too_many"


class NotAcceptable(CihuError):
    code = "not_acceptable"


class Unavailable(CihuError):
    code = "unavailable"
