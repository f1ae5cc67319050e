"""Limits the size of a request: ASGI middleware that counts the body as it comes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_plus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.errors import CihuError
from sandbox.http.problem_details import problem
from sandbox.http.status import status_of
from sandbox.plain_text import REMEDY, is_text

Admit = Callable[[str], object]
"""Asked with the request's authorization before a byte of its body is read; its refusal is the answer."""


class LargeBody(NamedTuple):
    """Requests whose body may be larger: `*` stands for a part of the path. `admit`: who may send them, where
    that is not as for the others."""

    method: str
    path: str
    most: int
    admit: Admit | None = None


class BodyLimit:
    """ASGI middleware: a body is at most `most` bytes, counted as it comes. `large` names the requests that
    may be larger; `admit` says who may send them."""

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        *,
        large: Sequence[LargeBody] = (),
        admit: Admit | None = None,
    ) -> None:
        self.app, self.most, self.large, self.admit = app, most, large, admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # every parameter of every path and query, whatever endpoint reads it
        if not is_text(scope["path"]):
            await problem(404, "not_found", "There is nothing at this address.")(scope, receive, send)
            return
        query = unquote_plus(scope.get("query_string", b"").decode("latin-1"), errors="surrogateescape")
        if not is_text(query):
            await problem(422, "invalid_input", "The query of the address is not plain text.", remedy=REMEDY)(
                scope, receive, send
            )
            return
        limit = self.most
        more = next(
            (
                body
                for body in self.large
                if scope["method"] == body.method and _is_path(scope["path"], body.path)
            ),
            None,
        )
        if more is not None:
            limit, admit = more.most, more.admit or self.admit
            try:
                if admit:
                    admit(Request(scope).headers.get("authorization", ""))
            except CihuError as refused:
                refusal = refused.shown_as or refused
                await problem(status_of(refusal), refusal.code, refusal.message, remedy=refusal.remedy)(
                    scope, receive, send
                )
                return
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413, str(limit))  # the words are in http_refusals.py
            return message

        await self.app(scope, receive_some, send)


def _is_path(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        want in {"*", part} for part, want in zip(parts, wanted, strict=True)
    )
