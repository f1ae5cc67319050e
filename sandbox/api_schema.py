"""How the HTTP operations of both services are described: what they answer with, and with which errors.

A description never changes what is sent. Operations declare their answers as additional responses
(`answers`), and not as response models: a mismatch is found by the tests, which hold every real answer
against its description, and never becomes a failure of the service.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict, is_typeddict

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

Scalar = bool | int | float | str | None
"""One value of a table in an answer. An integer beyond ±(2**53 - 1) is written as text."""

LARGEST_EXACT = 2**53 - 1
"""The largest integer that every reader of JSON keeps: many read numbers as doubles (RFC 8259, section 6)."""

ExactInt = Annotated[int, Field(ge=-LARGEST_EXACT, le=LARGEST_EXACT)]
"""An integer of a request. Those of answers have the same limits (`sandbox/http/openapi.py`)."""


Offset = Annotated[int, Field(ge=0, le=10_000_000)]
Limit = Annotated[int | None, Field(ge=1, le=1000)]
"""Which part of a list is asked for: at most `limit`, after the first `offset`."""


def exact_in_json(value: Any) -> Any:
    """The same value, but an integer that a reader of JSON could lose as text."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole and abs(value) > LARGEST_EXACT else value


class Place(TypedDict):
    """A place in the SQL that was sent; both count from 1."""

    line: int
    column: int


class Problem(TypedDict):
    """An error, as RFC 9457 describes problems. `code` is stable: programs should branch on it.

    `type` refers to the page that explains the code, at this service.
    `remedy` says what to do, where something can be done. `mend` is its older name, for one more release.
    `position` is there for SQL that was refused. `request_id` names the request in the operator's log.
    """

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    code: str
    remedy: NotRequired[str]
    mend: NotRequired[str]
    position: NotRequired[Place]
    request_id: NotRequired[str]


class Words(TypedDict):
    """A text in both languages."""

    en: str
    zh: str


ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("BadRequest", "The body cannot be read."),
    401: ("NotAuthenticated", "No token, or one that is no longer good."),
    402: ("BudgetExhausted", "The budget, or what may be paid, does not suffice."),
    403: ("Forbidden", "A policy forbids it. The code and the detail give the reason."),
    404: ("NotFound", "There is no such thing, or none that the caller may see."),
    406: ("NotAcceptable", "The `Accept` header excludes every form in which there is an answer."),
    409: ("Conflict", "The thing is not in the state that this operation needs."),
    413: ("TooLarge", "The request is larger than allowed."),
    416: ("OutsideFile", "The part that is asked for begins beyond the end of the file."),
    422: ("InvalidInput", "What was sent cannot be used. The remedy says what to send instead."),
    429: ("TooMany", "A quota or a rate is used up."),
    503: ("Unavailable", "A part of the service is missing or has failed."),
}
"""Each status of an error: the name and the description of its response."""


def answers(
    model: Any, *errors: int, status: int = 200, description: str = "", media_type: str = JSON
) -> dict[int | str, dict[str, Any]]:
    """The answers of an operation, as FastAPI takes them: `model` with `status`, and the statuses of errors.

    Those that follow from how the operation is called (401, 413, 422, 503) need not be named; the
    specification adds them. `model` None: no JSON, but content of `media_type`.
    """
    good: dict[str, Any] = {"description": description or "Success"}
    if model is not None:
        good["model"] = _described_when_asked(model)
    elif status != 204:
        schema = (
            {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
        )
        good["content"] = {media_type: {"schema": schema}}
    return {status: good, **{error: {"description": ERRORS[error][1]} for error in errors}}


def _described_when_asked(model: Any) -> Any:
    """The description of the API alone uses pydantic's schema of an answer: it is made when that is asked
    for, and not at the start of a service, of which it would be a third."""
    if is_typeddict(model):
        own: dict[str, Any] = getattr(model, "__pydantic_config__", {})
        model.__pydantic_config__ = {**own, "defer_build": True}
    return model
