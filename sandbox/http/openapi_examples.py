"""Puts examples into an OpenAPI document: of parameters, requests, answers and errors.

A service keeps those of its operations in a file beside its code, by operation id. A request is an example
that was thought of; the answer is what a running service gave to it (`tests/support/api_examples.py`).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.http.error_pages import page_address

Json = dict[str, Any]
PROBLEMS: Mapping[int, tuple[str, str, str]] = {
    400: (
        "http_400",
        "The body of the request cannot be read.",
        "Send it in the form that the description of the API names.",
    ),
    401: ("not_authenticated", "No token was sent.", "Log in, and send `Authorization: Bearer <token>`."),
    402: (
        "budget_exhausted",
        "The budget of this dataset (health.visits) has not enough left that is not promised already.",
        "Ask for less, or have its budget raised.",
    ),
    403: (
        "grade_never",
        "The dataset's grade allows nothing at all here: it is neither published, shown, granted nor sold.",
        "Only a new grading by the department could change this.",
    ),
    404: (
        "http_404",
        "There is nothing at this address.",
        "Look the operation up in the description of the API.",
    ),
    406: (
        "not_acceptable",
        "The Accept header excludes every form in which this operation answers.",
        "Accept application/json, or send no Accept header.",
    ),
    409: (
        "conflict",
        "The run is finished already.",
        "Only a run that waits or runs can be cancelled.",
    ),
    416: (
        "range_not_satisfiable",
        "The part begins beyond the end of the file.",
        "Ask for bytes below its end.",
    ),
    413: ("http_413", "The request is larger than 65536 bytes.", "Send less at once."),
    422: (
        "unknown_parameter",
        "This operation has no query parameter 'gramt'.",
        "Its query parameters are: grant.",
    ),
    429: ("too_many", "8 runs of your team are waiting already.", "Wait for some, or cancel some."),
    503: (
        "clocks_apart",
        "The clock of the database is 40 seconds ahead of this machine's.",
        "Set both by NTP (timedatectl set-ntp true): tokens and dates are judged by both.",
    ),
}
"""By status, one of its problems: code, detail and remedy, as the services say them."""


def read_examples(file: Path) -> Json:
    """The examples of a service's operations."""
    read: Json = json.loads(file.read_text("utf-8"))
    return read


def problem_example(status: int) -> Json:
    code, detail, remedy = PROBLEMS[status]
    return {
        "type": page_address(code),
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "code": code,
        "remedy": remedy,
        "request_id": "6d0f1c8e2b5a4937",
    }


def add_examples(operation: Json, examples: Mapping[str, Any]) -> None:
    """Put the examples of one operation beside what they are examples of."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in examples.get("parameters", {}):
            parameter["example"] = examples["parameters"][parameter["name"]]
    if "request" in examples:
        for content in operation["requestBody"]["content"].values():
            content["example"] = examples["request"]
    for status, response in operation["responses"].items():
        answer = examples.get("answer") if status < "300" else examples.get("errors", {}).get(status)
        for content in _readable(response) if answer is not None else ():
            content["example"] = answer


def _readable(response: Json) -> Iterator[Json]:
    """What a response can be that is no file; of one that comes as JSON and in other forms, the JSON."""
    forms = response.get("content", {})
    in_json = [content for kind, content in forms.items() if kind.endswith("json")]
    yield from in_json or [content for kind, content in forms.items() if kind.startswith("text/")]
