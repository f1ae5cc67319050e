"""Page: whose copy of a file was found."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from marketplace.delivery.answer_call import Delivery
from marketplace.delivery.watermarks.trace import MOST_BYTES, require_tracer, too_large, trace_copy
from marketplace.portal.authentication import Authenticator
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from sandbox.errors import InvalidInput, TooMany
from sandbox.http.status import status_of
from sandbox.policy import Gate

WATERMARKS = "/watermarks"


def router(*, delivery: Delivery, gate: Gate, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]

    @routes.get(WATERMARKS)
    def page(request: Request, session: Person) -> Response:
        require_tracer(gate, session.principal)
        return pages.show(request, "watermarks.html", session, traced=None, refusal=None)

    @routes.post(WATERMARKS)
    async def trace(request: Request) -> Response:
        """Who sends it is asked before the form is read: it may be larger than those of other pages."""
        await run_in_threadpool(require_sending_tracer, request)
        form = await posted(request)
        csrf = form.get("csrf", "")
        session = await run_in_threadpool(
            authenticator.sender, request, csrf if isinstance(csrf, str) else ""
        )
        file = form.get("file", "")
        return await run_in_threadpool(traced, request, session, file)

    def require_sending_tracer(request: Request) -> None:
        session = authenticator.person(request)
        authenticator.check_same_site(request)
        require_tracer(gate, session.principal)

    def traced(request: Request, session: Session, file: UploadFile | str) -> Response:
        try:
            found = trace_copy(delivery, gate=gate, principal=session.principal, content=read_upload(file))
        except (InvalidInput, TooMany) as refusal:
            return pages.show(
                request,
                "watermarks.html",
                session,
                status=status_of(refusal),
                traced=None,
                refusal=words_of(refusal),
            )
        return pages.show(request, "watermarks.html", session, traced=found, refusal=None)

    return routes


def read_upload(file: UploadFile | str) -> bytes:
    """A file that was sent, or the text of a field. Raises `InvalidInput` for more than is compared."""
    content = file.encode() if isinstance(file, str) else file.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise too_large()
    return content
