"""The endpoint that programs call: GET /api/v1/call/{product} with a key.

It is a plain ASGI application, on the event loop: a paid call waits for its group's commit and for nothing
else. The functions that FastAPI describes stand beside it, and are never called.
"""

import logging
import math
import re
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson
from fastapi import FastAPI, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketplace.delivery.answer_call import Delivery
from marketplace.delivery.call import BY_CALLER, Call, Delivered, NotDelivered
from marketplace.delivery.forms import (
    ARROW,
    COMPRESSED_FROM,
    CSV,
    choose_form,
    compressed,
    takes_gzip,
    written,
)
from marketplace.delivery.maintenance_watch import MaintenanceWatch
from marketplace.delivery.sandbox import SandboxAnswer
from marketplace.delivery.schemas import CallResult
from marketplace.keys.verify_key import Verdict, refusal
from marketplace.metering.limits import Limits
from sandbox.api_schema import JSON, answers
from sandbox.errors import CihuError, InvalidInput, NotAuthenticated
from sandbox.http.connection_limits import GONE
from sandbox.http.metrics import Metrics
from sandbox.http.problem_details import language_of, problem
from sandbox.http.request_id import accepted, current
from sandbox.http.status import status_of
from sandbox.operations.maintenance import UnderMaintenance
from sandbox.plain_text import is_text

log = logging.getLogger("cihu.portal")
# for the API's description alone: `key_of` reads the key
KEY_AS_BEARER = HTTPBearer(
    scheme_name="licence_key",
    description="A licence's key, or an access token.",
    auto_error=False,
)
KEY_IN_HEADER = APIKeyHeader(
    name="X-Api-Key", scheme_name="licence_key_header", description="A licence's key.", auto_error=False
)
PARAMETERS = {
    "name": "parameters",
    "in": "query",
    "description": "The product's own parameters, each by its name.",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A retry with the same key gets the same result, and is billed once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
PATHS = {False: "/api/v1/call/{product}", True: "/api/v1/call/{product}/sample"}
CALLED = re.compile(r"/api/v1/call/([a-z][a-z0-9-]{1,62})(/sample)?")
CONTENT_TYPES = {JSON: JSON.encode(), CSV: b"text/csv; charset=utf-8; header=present", ARROW: ARROW.encode()}
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def install(app: FastAPI, delivery: Delivery) -> None:
    """Mount the two operations in `app`, before all others."""
    for path, name, summary, description, more, sample in (
        (
            PATHS[False],
            "call_product",
            "Call a product with a key",
            CALL,
            [PARAMETERS, IDEMPOTENCY],
            False,
        ),
        (
            PATHS[True],
            "sample_product",
            "The first rows, free, to see what they look like",
            None,
            [IDEMPOTENCY],
            True,
        ),
    ):
        route = APIRoute(
            path,
            described,
            methods=["GET"],
            operation_id=name,
            summary=summary,
            description=description,
            tags=["call"],
            responses=in_other_forms(answers(CallResult, 403, 404, 409, 429)),
            openapi_extra={"parameters": more},
            dependencies=[Security(KEY_AS_BEARER), Security(KEY_IN_HEADER)],
        )
        route.app = PaidRoute(delivery, sample=sample)
        app.router.routes.insert(0, route)


def in_other_forms(responses: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """The answers, of which rows also come as CSV and as an Arrow stream."""
    responses[200]["content"] = {
        CSV: {"schema": {"type": "string"}},
        ARROW: {"schema": {"type": "string", "format": "binary"}},
    }
    return responses


CALL = """Send the key as `Authorization: Bearer chk_…` or `X-Api-Key`, or an access token of a service
account as `Authorization: Bearer`, the product's parameters as the query. With an `Idempotency-Key` a
retry gets the same result and is billed once. A sandbox key gets stand-in rows, at no cost.

Rows: `key=value` or `key=gte.5` (also `gt`, `lt`, `lte`, `in.(a,b)`, `between.(a,b)`, `like.begin*`),
columns by `_select=a,b`, order by `_order=key` or `key.desc`, pages by `_limit` and `_cursor` (as the page
before gave it), the number of rows by `_count=estimated`. By `Accept` they come as JSON, CSV or an Arrow
stream; those two have the cursor in the header `Cihu-Cursor`. What the call cost is in `Cihu-Usage` and
`Cihu-Amount-Fen`."""


def described(product: str) -> Response:
    """What FastAPI describes; `PaidRoute` answers."""
    raise NotImplementedError


class PaidRoute:
    """The ASGI application behind both operations."""

    def __init__(self, delivery: Delivery, *, sample: bool) -> None:
        self.delivery, self.sample = delivery, sample

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope)
        try:
            form = choose_form(headers.get("accept"))
            call = Call(
                secret=key_of(headers),
                product=scope["path_params"]["product"],
                given=parameters_of(scope),
                request_id=request_id_of(headers),
                sample=self.sample,
                address=(scope.get("client") or ("",))[0],
                form=form,
            )
        except CihuError as error:
            await refuse(NotDelivered(error), scope, receive, send)
            return
        try:
            outcome = await self.delivery.answer_call(call)
        finally:
            await self.delivery.leave(call)
        if isinstance(outcome, NotDelivered):
            await refuse(outcome, scope, receive, send)
            return
        if isinstance(outcome, SandboxAnswer):
            body = written(outcome.table, call.form) if call.form != JSON else orjson.dumps(outcome.body)
            await send_body(body, [], send, form=call.form, encoding=headers.get("accept-encoding"))
            return
        sent = False
        try:
            gone = scope.get("extensions", {}).get(GONE)
            if gone is None or not gone():
                await hand_out(outcome, send, form=call.form, encoding=headers.get("accept-encoding"))
                # a caller who left while `send` waited for room got nothing of it; once the whole answer is
                # with the connection, leaving is too late to cost nothing
                sent = gone is None or not gone()
        finally:
            if sent:
                self.delivery.confirm(outcome)
            else:
                await self.delivery.not_sent(outcome)


class PaidFirst:
    """ASGI middleware around the whole service: a well-formed call goes straight to its application, and
    everything else on its way. What the way adds to each answer is added here: the request's id, security
    headers, a line in the log, the count."""

    def __init__(
        self,
        app: ASGIApp,
        delivery: Delivery,
        *,
        headers: Mapping[str, str],
        log_file: logging.Logger,
        metrics: Metrics,
        watch: MaintenanceWatch,
    ) -> None:
        self.watch = watch
        self.app, self.log_file, self.metrics = app, log_file, metrics
        self.routes = {sample: PaidRoute(delivery, sample=sample) for sample in (False, True)}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = CALLED.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "GET" or not is_text(unquoted(scope["query_string"])):
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        scope["path_params"] = {"product": found[1]}
        id = accepted(Headers(scope).get("x-request-id") or "")
        current.set(id)
        added = [*self.headers, (b"x-request-id", id.encode())]

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        sample = found[2] is not None
        try:
            if not sample and (refusal := await self.watch.refusal()) is not None:
                await refuse(NotDelivered(refusal), scope, receive, send_with_headers)
                return
            await self.routes[sample](scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  # the last handler: whatever failed, its words stay inside
            self.log_file.error("GET %s ended in %s", scope["path"], type(error).__name__)  # noqa: TRY400  # no traceback
            if not status:
                await problem(503, "unavailable", "The service failed.")(scope, receive, send_with_headers)
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            self.write_line(scope["path"], status, milliseconds)
            self.metrics.answered("GET", PATHS[sample], status)

    def write_line(self, path: str, status: int, milliseconds: float) -> None:
        """As `info` does it, but without looking for the line of code that called it."""
        if self.log_file.isEnabledFor(logging.INFO):
            values = (path, status, milliseconds)
            name = self.log_file.name
            self.log_file.handle(
                logging.LogRecord(name, logging.INFO, "", 0, "GET %s %s %.0f ms", values, None)
            )


def unquoted(query: bytes) -> str:
    """The text of a query, to see whether it is text: what is no UTF-8 is kept as what it is."""
    return unquote_plus(query.decode("latin-1"), errors="surrogateescape")


class Headers:
    """A request's headers by their names; of several of a name, all with commas."""

    def __init__(self, scope: Scope) -> None:
        self.given: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            self.given[name] = self.given[name] + b"," + value if name in self.given else value

    def get(self, name: str) -> str | None:
        found = self.given.get(name.encode())
        return None if found is None else found.decode("latin-1")


def key_of(headers: Headers) -> str:
    """The key that came with a request. Never in the address, where logs would keep it.
    Raises `NotAuthenticated`."""
    scheme, _, bearer = (headers.get("authorization") or "").partition(" ")
    key = bearer.strip() if scheme.lower() == "bearer" else (headers.get("x-api-key") or "").strip()
    if not key:
        raise refusal(Verdict.NOT_FOUND, "There is no key.", "Send it as Authorization: Bearer chk_…")
    return key


def parameters_of(scope: Scope) -> dict[str, str]:
    """Each parameter once. Raises `InvalidInput`."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs):
        raise InvalidInput("A parameter is given twice.", code="bad_parameter")
    if any("\0" in text for pair in pairs for text in pair):
        raise InvalidInput("A parameter holds a zero byte.", code="bad_parameter")
    return given


def request_id_of(headers: Headers) -> str:
    """The caller's Idempotency-Key (with the quotes of a structured field or without), or an id of ours."""
    given = headers.get("idempotency-key")
    if given is None:
        return f"request:{secrets.token_hex(16)}"
    text = given.strip()
    text = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if not IDEMPOTENCY_KEY.fullmatch(text):
        raise InvalidInput(
            "The Idempotency-Key cannot be used.", remedy="Send 1 to 200 printable ASCII characters."
        )
    return f"{BY_CALLER}{text}"


async def hand_out(
    delivered: Delivered, send: Send, *, form: str = JSON, encoding: str | None = None
) -> None:
    headers = usage_headers(delivered)
    if form != JSON and (cursor := delivered.result.get("cursor")):
        headers.append((b"cihu-cursor", cursor.encode()))
    await send_body(body_of(delivered, form), headers, send, form=form, encoding=encoding)


async def send_body(
    body: bytes, more: list[tuple[bytes, bytes]], send: Send, *, form: str, encoding: str | None
) -> None:
    """Send an answer of this form, compressed where that is taken and worth it."""
    headers = [
        (b"content-type", CONTENT_TYPES[form]),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Accept-Encoding"),
        *more,
    ]
    if len(body) >= COMPRESSED_FROM and takes_gzip(encoding):
        body = compressed(body)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def body_of(delivered: Delivered, form: str) -> bytes:
    if form != JSON and delivered.table is not None:
        return written(delivered.table, form)
    terms = delivered.licence.terms
    return orjson.dumps(
        {
            "product": delivered.product.id,
            **delivered.result,
            "usage": usage_of(delivered),
            "terms": {"purpose": terms.purpose, "redistribution": terms.redistribution},
        }
    )


def usage_headers(delivered: Delivered) -> list[tuple[bytes, bytes]]:
    """What every answer says of its line and of what is left."""
    limits = limit_headers(delivered.limits_after)
    return [
        (b"cihu-usage", delivered.committed.usage.encode()),
        (b"cihu-amount-fen", b"%d" % delivered.committed.charge.amount_fen),
        *((name.encode(), value.encode()) for name, value in limits.items()),
        *([(b"idempotency-replayed", b"true")] if delivered.committed.replayed else []),
    ]


def usage_of(delivered: Delivered) -> dict[str, Any]:
    committed = delivered.committed
    return {
        "id": committed.usage,
        "verdict": Verdict.VALID,
        "reason": committed.charge.reason,
        "amount_fen": committed.charge.amount_fen,
        "log_index": None,
        "replayed": committed.replayed,
    }


async def refuse(outcome: NotDelivered, scope: Scope, receive: Receive, send: Send) -> None:
    error, limits = outcome.error, outcome.limits
    if error.internal:
        log.warning("%s %s: %s (%s)", scope["method"], scope["path"], error.code, error.internal)
    message, remedy = error.words(language_of(Request(scope)))
    answer = problem(status_of(error), error.code, message, remedy=remedy)
    answer.headers["Content-Language"] = "en" if message == error.message else "zh"
    answer.headers["Cache-Control"] = "no-store"
    if isinstance(error, NotAuthenticated):
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750, section 3
    if isinstance(error, UnderMaintenance):
        answer.headers["Retry-After"] = str(error.retry_after)
    if limits is not None:
        answer.headers.update(limit_headers(limits))
    answer.headers.update(retry_after(error, limits))
    await answer(scope, receive, send)


def retry_after(error: CihuError, limits: Limits | None) -> Mapping[str, str]:
    """When it is worth trying again, where that is known."""
    seconds = {"busy": 1, "not_metered": 10}.get(error.code)
    if error.code == Verdict.RATE_LIMITED:
        seconds = max(1, whole_seconds(limits.wait)) if limits is not None else 1
    if limits is not None and error.code == Verdict.USAGE_EXCEEDED:
        seconds = whole_seconds(limits.month_ends_in)
    return {} if seconds is None else {"Retry-After": str(seconds)}


def limit_headers(limits: Limits) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers-10 has them:
    a policy and what is left of it, for the second and the month."""
    month = whole_seconds(limits.month_ends_in)
    policy = f'"second";q={limits.per_second};w=1, "month";q={limits.per_month}'
    left = (
        f'"second";r={limits.left_now};t={whole_seconds(limits.wait)}, '
        f'"month";r={limits.left_this_month};t={month}'
    )
    if limits.company.calls_per_second is not None:
        policy += f', "company-second";q={limits.company.calls_per_second};w=1'
    if limits.company_left is not None:
        policy += f', "company-month";q={limits.company.calls_per_month}'
        left += f', "company-month";r={limits.company_left};t={month}'
    return {"RateLimit-Policy": policy, "RateLimit": left}


def whole_seconds(span: timedelta) -> int:
    return max(0, math.ceil(span.total_seconds()))
