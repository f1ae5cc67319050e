"""The endpoints of files: GET /api/v1/call/{product}/files with a key, and each file by its link.

Plain ASGI applications like those of calls: the functions that FastAPI describes stand beside them.
"""

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import Depends, FastAPI, Request, Security
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from marketplace.delivery.call import Call, NotDelivered
from marketplace.delivery.endpoints import (
    KEY_AS_BEARER,
    KEY_IN_HEADER,
    Headers,
    key_of,
    limit_headers,
    parameters_of,
    refuse,
    request_id_of,
    usage_headers,
)
from marketplace.delivery.files.answer_files import FileDelivery, ListedFiles, OpenedFile, OutsideFile
from marketplace.delivery.files.file_views import MEDIA_TYPES
from marketplace.delivery.forms import choose_form
from marketplace.delivery.schemas import FileList, ManifestKeyDocument
from sandbox.api_schema import JSON, answers
from sandbox.errors import CihuError, InvalidInput
from sandbox.http.accepted_types import refuse_unaccepted_types
from sandbox.http.connection_limits import GONE
from sandbox.http.problem_details import language_of, problem

LIST = """What a licence delivers as files: each with its size, its SHA-256 and a link. The list is signed:
`cihu licensed verify` checks it and the files without the portal. It costs nothing; a link is one download,
which is metered with its first part, with the whole file. Links are relative to the portal, and need the
key."""
FILE = """A file by its link, or a part of it (`Range: bytes=0-1023`, RFC 9110). A download that was cut goes
on with `Range` and `If-Range` at no cost within the link's life. Each part asks the licence again: a
revocation counts at once, also in the middle of a part."""
RANGES = [
    {
        "name": "Range",
        "in": "header",
        "description": "The part that is wanted.",
        "schema": {"type": "string"},
    },
    {
        "name": "If-Range",
        "in": "header",
        "description": "The `ETag` that the part is of; of another file the whole is sent.",
        "schema": {"type": "string"},
    },
]


def install(app: FastAPI, files: FileDelivery) -> None:
    """Mount the operations in `app`, before all others."""
    secured = [Security(KEY_AS_BEARER), Security(KEY_IN_HEADER)]
    listing = APIRoute(
        "/api/v1/call/{product}/files",
        described_list,
        methods=["GET"],
        operation_id="list_files",
        summary="The files of a product, with links",
        description=LIST,
        tags=["call"],
        responses=answers(FileList, 403, 404, 429),
        dependencies=secured,
    )
    listing.app = ListRoute(files)
    file = APIRoute(
        "/api/v1/call/{product}/files/{link}",
        described_file,
        methods=["GET"],
        operation_id="get_file",
        summary="A file, or a part of it",
        description=FILE,
        tags=["call"],
        response_class=Response,
        responses=file_answers(),
        openapi_extra={"parameters": RANGES},
        dependencies=secured,
    )
    file.app = FileRoute(files)
    for route in (listing, file):
        app.router.routes.insert(0, route)
    key = ManifestKeyDocument(key=files.manifest_key.public, kid=files.manifest_key.kid, alg="EdDSA")
    app.get(
        "/api/v1/manifest-key",
        operation_id="get_manifest_key",
        summary="The public key of signed lists of files",
        tags=["call"],
        responses=answers(ManifestKeyDocument),
        dependencies=[Depends(refuse_unaccepted_types)],
    )(constant(key))


def constant(key: ManifestKeyDocument) -> Callable[[], ManifestKeyDocument]:
    def manifest_key() -> ManifestKeyDocument:
        """Ed25519, as RFC 8037 writes it. Get it once, from somebody you trust, and keep it."""
        return key

    return manifest_key


def file_answers() -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()}
    responses = answers(None, 403, 404, 416, 429, status=204)
    del responses[204]
    return {
        200: {"description": "The whole file", "content": content},
        206: {"description": "The part that was asked for", "content": content},
        **responses,
    }


def described_list(product: str) -> Response:
    """What FastAPI describes; `ListRoute` answers."""
    raise NotImplementedError


def described_file(product: str, link: str) -> Response:
    """What FastAPI describes; `FileRoute` answers."""
    raise NotImplementedError


def call_of(scope: Scope, headers: Headers) -> Call:
    """Raises `CihuError`."""
    return Call(
        secret=key_of(headers),
        product=scope["path_params"]["product"],
        given=parameters_of(scope),
        request_id=request_id_of(headers),
        address=(scope.get("client") or ("",))[0],
    )


class ListRoute:
    def __init__(self, files: FileDelivery) -> None:
        self.files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope)
        try:
            choose_form(headers.get("accept"), (JSON,))
            call = call_of(scope, headers)
            try:
                listed = await self.files.list_files(call)
            finally:
                await self.files.delivery.leave(call)
        except CihuError as error:
            listed = NotDelivered(error)
        if isinstance(listed, NotDelivered):
            await refuse(listed, scope, receive, send)
            return
        await send_list(listed, send)


async def send_list(listed: ListedFiles, send: Send) -> None:
    body = orjson.dumps(listed.document)
    headers = [
        (b"content-type", JSON.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *((name.encode(), value.encode()) for name, value in limit_headers(listed.limits).items()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class FileRoute:
    def __init__(self, files: FileDelivery) -> None:
        self.files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope)
        try:
            choose_form(headers.get("accept"), tuple(MEDIA_TYPES.values()))
            call = call_of(scope, headers)
        except CihuError as error:
            await refuse(NotDelivered(error), scope, receive, send)
            return
        try:
            await self.answer(call, headers, scope, receive, send)
        finally:
            await self.files.delivery.leave(call)

    async def answer(self, call: Call, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        opened: OpenedFile | OutsideFile | NotDelivered
        try:
            opened = await self.files.open_file(
                call,
                scope["path_params"]["link"],
                range=headers.get("range"),
                if_range=headers.get("if-range"),
            )
        except CihuError as error:
            opened = NotDelivered(error)
        if isinstance(opened, NotDelivered):
            await refuse(opened, scope, receive, send)
        elif isinstance(opened, OutsideFile):
            await send_outside(opened, scope, receive, send)
        else:
            await self.send_part(call, opened, scope, send)

    async def send_part(self, call: Call, opened: OpenedFile, scope: Scope, send: Send) -> None:
        """Send the part a piece at a time. Its line is confirmed once a piece was sent."""
        gone = scope.get("extensions", {}).get(GONE, lambda: False)
        delivery, sent, left = self.files.delivery, False, opened.part.end - opened.part.start
        head = {"type": "http.response.start", "status": status_of(opened), "headers": head_of(opened)}
        try:
            await send(head)
            async for piece in self.files.pieces(call, opened):
                if gone():
                    return
                left -= len(piece)
                if not left:
                    await delivery.leave(call)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                if not sent and not gone():
                    sent = True
                    delivery.confirm(opened.delivered)
            # a part that ended early is not finished: the server then cuts the connection
        finally:
            if not sent:
                await delivery.not_sent(opened.delivered)


def status_of(opened: OpenedFile) -> int:
    return 200 if opened.part.whole else 206


def head_of(opened: OpenedFile) -> list[tuple[bytes, bytes]]:
    part, stored = opened.part, opened.stored
    name = f"{opened.delivered.product.id}{stored.path.suffix}"
    headers = [
        (b"content-type", opened.media_type.encode()),
        (b"content-length", b"%d" % (part.end - part.start)),
        (b"accept-ranges", b"bytes"),
        (b"etag", stored.etag.encode()),
        (b"cache-control", b"no-store"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"repr-digest", f"sha-256=:{stored.base64}:".encode()),
        *usage_headers(opened.delivered),
    ]
    if not part.whole:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.end - 1, stored.size)))
    return headers


async def send_outside(outside: OutsideFile, scope: Scope, receive: Receive, send: Send) -> None:
    error = InvalidInput(
        "The part begins beyond the end of the file.",
        code="range_not_satisfiable",
        remedy=f"The file has {outside.size} bytes: ask for bytes below that.",
        zh="所请求的范围超出文件末尾。",
        remedy_zh=f"文件共 {outside.size} 字节。",
    )
    message, remedy = error.words(language_of(Request(scope)))
    answer = problem(416, error.code, message, remedy=remedy)
    answer.headers["Content-Range"] = f"bytes */{outside.size}"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.update(limit_headers(outside.limits))
    await answer(scope, receive, send)
