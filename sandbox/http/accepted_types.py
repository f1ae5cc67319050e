"""Refuses a request whose `Accept` header excludes every form in which its operation answers
(RFC 9110, section 12.5.1).

It is refused before anything is done. A refusal is a problem document whatever the caller accepts.
"""

import re
from typing import Any

from fastapi import Request

from sandbox.api_schema import JSON
from sandbox.errors import NotAcceptable

RANGE = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*((?:;[^;]*)*)")
WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.IGNORECASE)


async def refuse_unaccepted_types(request: Request) -> None:
    """A FastAPI dependency for the operations of a service. Raises `NotAcceptable`."""
    offered = offered_types(request.scope.get("route"))
    accept = ",".join(request.headers.getlist("accept"))
    if offered and not any(accepts(accept, kind) for kind in offered):
        named = ", ".join(offered)
        raise NotAcceptable(
            "The Accept header excludes every form in which this operation answers.",
            remedy=f"Accept {named}, or send no Accept header.",
            zh="请求的 Accept 头排除了此操作的所有应答格式。",
            remedy_zh=f"请接受 {named}，或不发送 Accept 头。",
        )


def offered_types(route: Any) -> list[str]:
    """The media types of an operation's answers; none for what is no operation, or answers without a body."""
    if not getattr(route, "include_in_schema", False):
        return []
    answers = [answer for status, answer in route.responses.items() if int(status) < 400]
    return sorted(
        {kind for answer in answers for kind in answer.get("content", [JSON] if "model" in answer else [])}
    )


def accepts(accept: str, media_type: str) -> bool:
    """Whether `accept` allows this type: the nearest of its ranges decides, and a weight of 0 excludes.

    Parameters of a type are not compared. Where no range can be read, everything is allowed.
    """
    return weight_of(accept, media_type) > 0


def weight_of(accept: str, media_type: str) -> float:
    """How much this type is wanted, from 0 to 1, as `accepts` decides it."""
    ranges = [found for part in accept.split(",") if (found := RANGE.fullmatch(part.lower()))]
    if not ranges:
        return 1.0
    main, _, sub = media_type.partition("/")
    for wanted in ((main, sub), (main, "*"), ("*", "*")):
        weights = [_weight(found[3]) for found in ranges if (found[1], found[2]) == wanted]
        if weights:
            return max(weights)
    return 0.0


def _weight(parameters: str) -> float:
    found = WEIGHT.search(parameters)
    return float(found[1]) if found else 1.0
