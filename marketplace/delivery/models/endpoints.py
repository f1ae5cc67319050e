"""The endpoint of models: POST /api/v1/call/{product}/predict with a key.

A plain ASGI application like those of calls: the function that FastAPI describes stands beside it.
"""

from typing import Any

import orjson
from fastapi import FastAPI, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.types import Receive, Scope, Send

from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.delivery.endpoints import (
    IDEMPOTENCY,
    KEY_AS_BEARER,
    KEY_IN_HEADER,
    Headers,
    hand_out,
    key_of,
    parameters_of,
    refuse,
    request_id_of,
)
from marketplace.delivery.forms import choose_form
from marketplace.delivery.models.answer_model import ModelCall, ModelDelivery
from marketplace.delivery.schemas import ModelAnswer
from sandbox.api_schema import JSON, answers
from sandbox.errors import CihuError, InvalidInput
from sandbox.http.connection_limits import GONE
from sandbox.http.problem_details import language_of

PREDICT = """A prediction for each row, by the product's model, evaluated in a sealed process that has no
network and keeps nothing. Each row is an object with the model's columns (GET /api/v1/products/{product}
lists them), null for what is empty. A call is priced by model_call and by row. What is refused, and a model
that gives no prediction, costs nothing. With an `Idempotency-Key` a retry is billed once."""


class RowsToPredict(BaseModel):
    """1 to 1,000 rows, each with the model's columns by their names."""

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[str, Any]]


def install(app: FastAPI, delivery: ModelDelivery) -> None:
    """Mount the operation in `app`, before all others."""
    route = APIRoute(
        "/api/v1/call/{product}/predict",
        described,
        methods=["POST"],
        operation_id="call_model",
        summary="Predict by a licensed model",
        description=PREDICT,
        tags=["call"],
        responses=answers(ModelAnswer, 403, 404, 409, 429),
        openapi_extra={"parameters": [IDEMPOTENCY]},
        dependencies=[Security(KEY_AS_BEARER), Security(KEY_IN_HEADER)],
    )
    route.app = ModelRoute(delivery)
    app.router.routes.insert(0, route)


def described(product: str, rows: RowsToPredict) -> Response:
    """What FastAPI describes; `ModelRoute` answers."""
    raise NotImplementedError


class ModelRoute:
    def __init__(self, delivery: ModelDelivery) -> None:
        self.delivery = delivery

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        outcome: Delivered | NotDelivered
        try:
            choose_form(request.headers.get("accept"), (JSON,))
            asked = await read(request)
            try:
                outcome = await self.delivery.answer(asked)
            finally:
                await self.delivery.delivery.leave(asked.call)
        except CihuError as error:
            outcome = NotDelivered(error)
        if isinstance(outcome, NotDelivered):
            await refuse(outcome, scope, receive, send)
            return
        gone = scope.get("extensions", {}).get(GONE, lambda: False)
        sent = False
        try:
            if not gone():
                await hand_out(outcome, send, encoding=request.headers.get("accept-encoding"))
                sent = not gone()
        finally:
            if sent:
                self.delivery.delivery.confirm(outcome)
            else:
                await self.delivery.delivery.not_sent(outcome)


async def read(request: Request) -> ModelCall:
    """Raises `InvalidInput`, `NotAuthenticated`."""
    body = await request.body()  # one that is too large is refused as such, as everywhere, whoever sends it
    headers = Headers(request.scope)
    secret, request_id = key_of(headers), request_id_of(headers)
    if parameters_of(request.scope):
        raise InvalidInput(
            "A call of a model has no parameters in its address.",
            code="bad_parameter",
            remedy="Send the rows as JSON in the body.",
            zh="模型调用的地址中没有参数。",
            remedy_zh="请在正文中以 JSON 发送各行。",
        )
    rows, text = rows_of(body)
    call = Call(
        secret=secret,
        product=request.path_params["product"],
        given={"rows": text},
        request_id=request_id,
        address=request.client.host if request.client else "",
    )
    return ModelCall(call, rows, language_of(request))


def rows_of(body: bytes) -> tuple[list[dict[str, Any]], str]:
    """The rows, and the one text that the same rows have. Raises `InvalidInput`."""
    text = ""
    try:
        document = orjson.loads(body)
        rows = document.get("rows") if isinstance(document, dict) and set(document) == {"rows"} else None
        text = orjson.dumps(rows, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # the second: what is nested too deep to write
        rows = None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(
            "The rows cannot be read.",
            code="bad_rows",
            remedy='Send JSON such as {"rows": [{"year": 2026, "district": "north"}]}.',
            zh="无法读取各行。",
            remedy_zh='请发送 JSON，例如 {"rows": [{"year": 2026, "district": "north"}]}。',
        )
    return rows, text
