"""The endpoint that programs call: GET /api/v1/call/{product} with a key.
What is left of the limits stands in the headers."""

import logging
import math
import re
import secrets
from datetime import timedelta

from fastapi import APIRouter, Request, Security
from fastapi.responses import JSONResponse, Response
from fastapi.security import APIKeyHeader, HTTPBearer

from marketplace.delivery.answer_call import Delivered, Delivery, NotDelivered
from marketplace.delivery.schemas import CallResult
from marketplace.keys.verify_key import Verdict, refusal
from marketplace.metering.admit_call import Admission, Call, Limits
from sandbox.api_schema import answers
from sandbox.errors import InvalidInput
from sandbox.http.problem_details import problem
from sandbox.http.status import status_of

log = logging.getLogger("cihu.portal")
# for the API's description alone: `key_of` reads the key
KEY_AS_BEARER = HTTPBearer(scheme_name="licence_key", description="A licence's key.", auto_error=False)
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
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def router(*, delivery: Delivery) -> APIRouter:
    routes = APIRouter(
        prefix="/api/v1", tags=["call"], dependencies=[Security(KEY_AS_BEARER), Security(KEY_IN_HEADER)]
    )

    @routes.get(
        "/call/{product}",
        operation_id="call_product",
        summary="Call a product with a key",
        responses=answers(CallResult, 403, 404, 409, 429),
        openapi_extra={"parameters": [PARAMETERS, IDEMPOTENCY]},
    )
    def call(request: Request, product: str) -> Response:
        """Send the key as `Authorization: Bearer chk_…` or `X-Api-Key`,
        the product's parameters as the query. With an `Idempotency-Key` a retry gets the same
        result and is billed once."""
        return answer(request, product, sample=False)

    @routes.get(
        "/call/{product}/sample",
        operation_id="sample_product",
        summary="The first rows, free, to see what they look like",
        responses=answers(CallResult, 403, 404, 409, 429),
        openapi_extra={"parameters": [IDEMPOTENCY]},
    )
    def sample(request: Request, product: str) -> Response:
        return answer(request, product, sample=True)

    def answer(request: Request, product: str, *, sample: bool) -> Response:
        outcome = delivery.answer_call(
            Call(
                secret=key_of(request),
                product=product,
                given=parameters_of(request),
                request_id=request_id_of(request),
                sample=sample,
            )
        )
        return handed_out(outcome) if isinstance(outcome, Delivered) else turned_away(outcome, request)

    return routes


def key_of(request: Request) -> str:
    """The key that came with a request. Never in the address, where logs would keep it.
    Raises `NotAuthenticated`."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    key = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "").strip()
    if not key:
        raise refusal(Verdict.NOT_FOUND, "There is no key.", "Send it as Authorization: Bearer chk_…")
    return key


def parameters_of(request: Request) -> dict[str, str]:
    """Each parameter once. Raises `InvalidInput`."""
    pairs = request.query_params.multi_items()
    given = dict(pairs)
    if len(given) < len(pairs):
        raise InvalidInput("A parameter is given twice.", code="bad_parameter")
    if any("\0" in text for pair in pairs for text in pair):
        raise InvalidInput("A parameter holds a zero byte.", code="bad_parameter")
    return given


def request_id_of(request: Request) -> str:
    """The caller's Idempotency-Key (with the quotes of a structured field or without), or an id of ours."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return f"request:{secrets.token_hex(16)}"
    text = given.strip()
    text = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if not IDEMPOTENCY_KEY.fullmatch(text):
        raise InvalidInput(
            "The Idempotency-Key cannot be used.", remedy="Send 1 to 200 printable ASCII characters."
        )
    return f"key:{text}"


def handed_out(delivered: Delivered) -> Response:
    admission = delivered.admission
    body = {
        "product": admission.product.id,
        **delivered.result,
        "usage": usage_of(admission),
        "terms": {
            "purpose": admission.licence.terms.purpose,
            "redistribution": admission.licence.terms.redistribution,
        },
    }
    headers = {"Cache-Control": "no-store", "Cihu-Usage": admission.usage, **limit_headers(admission.limits)}
    if admission.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(body, headers=headers)


def usage_of(admission: Admission) -> dict[str, object]:
    return {
        "id": admission.usage,
        "verdict": Verdict.VALID,
        "reason": admission.charge.reason,
        "amount_fen": admission.charge.amount_fen,
        "log_index": admission.log_index,
        "replayed": admission.replayed,
    }


def turned_away(outcome: NotDelivered, request: Request) -> Response:
    error, limits = outcome.error, outcome.limits
    if error.internal:
        log.warning("%s %s: %s (%s)", request.method, request.url.path, error.code, error.internal)
    answer = problem(status_of(error), error.code, error.message, remedy=error.remedy)
    answer.headers["Cache-Control"] = "no-store"
    if limits is not None:
        answer.headers.update(limit_headers(limits))
        if error.code == Verdict.RATE_LIMITED:
            answer.headers["Retry-After"] = str(whole_seconds(limits.wait))
        if error.code == Verdict.USAGE_EXCEEDED:
            answer.headers["Retry-After"] = str(whole_seconds(limits.month_ends_in))
    return answer


def limit_headers(limits: Limits) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers-10 has them:
    a policy and what is left of it, for the second and the month."""
    month = whole_seconds(limits.month_ends_in)
    return {
        "RateLimit-Policy": f'"second";q={limits.per_second};w=1, "month";q={limits.per_month}',
        "RateLimit": f'"second";r={limits.left_now};t={whole_seconds(limits.wait)}, '
        f'"month";r={limits.left_this_month};t={month}',
    }


def whole_seconds(span: timedelta) -> int:
    return max(0, math.ceil(span.total_seconds()))
