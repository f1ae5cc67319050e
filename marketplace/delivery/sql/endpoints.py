"""The endpoints of free SQL: POST /api/v1/call/{product}/ask and /explain with a key.

Plain ASGI applications like those of calls: the functions that FastAPI describes stand beside them.
"""

from typing import Annotated

import orjson
from fastapi import FastAPI, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Receive, Scope, Send

from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.delivery.endpoints import (
    IDEMPOTENCY,
    KEY_AS_BEARER,
    KEY_IN_HEADER,
    Headers,
    hand_out,
    key_of,
    limit_headers,
    parameters_of,
    refuse,
    request_id_of,
)
from marketplace.delivery.forms import choose_form
from marketplace.delivery.schemas import SqlAnswer, SqlExplanation
from marketplace.delivery.sql.answer_sql import Explained, SqlCall, SqlDelivery
from sandbox.api_schema import JSON, answers
from sandbox.errors import CihuError, InvalidInput
from sandbox.http.connection_limits import GONE
from sandbox.http.problem_details import language_of
from sandbox.plain_text import ExactText

ASK = """A question of your own on the product's dataset, in SQL, answered with differential privacy. What it
spends comes off the privacy budget that was sold with the licence, and is metered in epsilon. The same
question again spends nothing. A refusal costs nothing. With an `Idempotency-Key` a retry gets the same
answer and is billed once."""
EXPLAIN = """What a question would spend, and how exact its answer would be. It costs nothing and touches no
data."""


class SqlQuestion(BaseModel):
    """A question. `epsilon`: what it offers, as a decimal, at the dataset's delta."""

    model_config = ConfigDict(extra="forbid")

    sql: Annotated[ExactText, Field(min_length=1, max_length=20_000)]
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]


def install(app: FastAPI, delivery: SqlDelivery) -> None:
    """Mount both operations in `app`, before all others."""
    for path, name, summary, description, model in (
        ("ask", "ask_sql", "Ask a question of your own in SQL", ASK, SqlAnswer),
        (
            "explain",
            "explain_sql",
            "The price and the predicted error of a question",
            EXPLAIN,
            SqlExplanation,
        ),
    ):
        route = APIRoute(
            f"/api/v1/call/{{product}}/{path}",
            described,
            methods=["POST"],
            operation_id=name,
            summary=summary,
            description=description,
            tags=["call"],
            responses=answers(model, 402, 403, 404, 409, 429),
            openapi_extra={"parameters": [IDEMPOTENCY] if path == "ask" else []},
            dependencies=[Security(KEY_AS_BEARER), Security(KEY_IN_HEADER)],
        )
        route.app = SqlRoute(delivery, explain=path == "explain")
        app.router.routes.insert(0, route)


def described(product: str, question: SqlQuestion) -> Response:
    """What FastAPI describes; `SqlRoute` answers."""
    raise NotImplementedError


class SqlRoute:
    def __init__(self, delivery: SqlDelivery, *, explain: bool) -> None:
        self.delivery, self.explain = delivery, explain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        outcome: Delivered | Explained | NotDelivered
        try:
            choose_form(request.headers.get("accept"), (JSON,))
            asked = await read(request)
            try:
                outcome = await (self.delivery.explain if self.explain else self.delivery.answer)(asked)
            finally:
                await self.delivery.delivery.leave(asked.call)
        except CihuError as error:
            outcome = NotDelivered(error)
        if isinstance(outcome, NotDelivered):
            await refuse(outcome, scope, receive, send)
        elif isinstance(outcome, Explained):
            await send_explained(outcome, send)
        else:
            await self.send_answer(outcome, scope, send, request.headers.get("accept-encoding"))

    async def send_answer(self, answer: Delivered, scope: Scope, send: Send, encoding: str | None) -> None:
        gone = scope.get("extensions", {}).get(GONE, lambda: False)
        delivery, sent = self.delivery.delivery, False
        try:
            if not gone():
                await hand_out(answer, send, encoding=encoding)
                sent = not gone()
        finally:
            if sent:
                delivery.confirm(answer)
            else:
                await delivery.not_sent(answer)


async def read(request: Request) -> SqlCall:
    """Raises `InvalidInput`, `NotAuthenticated`."""
    body = await request.body()  # one that is too large is refused as such, as everywhere, whoever sends it
    headers = Headers(request.scope)
    secret, request_id = key_of(headers), request_id_of(headers)
    if parameters_of(request.scope):
        raise InvalidInput("A question has no parameters.", code="bad_parameter", zh="提问没有参数。")
    try:
        question = SqlQuestion.model_validate_json(body)
    except ValidationError as error:
        raise unreadable(error) from None
    given = {"sql": question.sql, "epsilon": question.epsilon}
    call = Call(
        secret=secret,
        product=request.path_params["product"],
        given=given,
        request_id=request_id,
        address=request.client.host if request.client else "",
    )
    return SqlCall(call, question.sql, question.epsilon, language_of(request))


def unreadable(error: ValidationError) -> InvalidInput:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "the body"
    return InvalidInput(
        f"The question cannot be read: {where}: {first['msg']}.",
        code="bad_question",
        remedy='Send JSON such as {"sql": "SELECT COUNT(*) FROM …", "epsilon": "0.1"}.',
        zh=f"无法读取提问：{where}。",
        remedy_zh='请发送 JSON，例如 {"sql": "SELECT COUNT(*) FROM …", "epsilon": "0.1"}。',
    )


async def send_explained(explained: Explained, send: Send) -> None:
    body = orjson.dumps(explained.document)
    headers = [
        (b"content-type", JSON.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *((name.encode(), value.encode()) for name, value in limit_headers(explained.limits).items()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
