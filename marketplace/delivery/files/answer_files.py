"""Delivers files: a signed list of them with links, and each file in as many parts as the caller likes.

    list:  check -> make what is missing -> sign                       free
    file:  check -> read the link -> commit -> send the part -> confirm

A link is one download. Its first part is metered, with the whole file; every other part within the link's
life is a replay of that line. Each part is committed, so each asks the licence again, and while a part is
sent the licence is looked at with every piece.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from marketplace.delivery.answer_call import (
    Delivery,
    another_way,
    draft_of,
    is_sampled,
    licence_masks,
    not_delivered,
    turned_away,
)
from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.delivery.files.byte_ranges import Part, wanted_part
from marketplace.delivery.files.file_store import FileStore, StoredFile
from marketplace.delivery.files.file_views import MEDIA_TYPES, FileView
from marketplace.delivery.files.manifest import FORMAT, ManifestKey
from marketplace.delivery.files.watermark import buyers_mark
from marketplace.delivery.signed_text import Signer
from marketplace.keys.admits import Scope
from marketplace.keys.verify_key import judge
from marketplace.metering.licence_cache import Opened
from marketplace.metering.limits import Limits
from marketplace.metering.model import Outcome
from marketplace.metering.verdicts import RefusedByCommit
from marketplace.offers.price import Quantity
from marketplace.products.masking import buyers_key
from marketplace.products.model import FilesDefinition
from sandbox.errors import CihuError, Forbidden, InvalidInput, NotFound

PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class ListedFiles:
    """A list of files, signed."""

    document: dict[str, Any]
    limits: Limits


@dataclass(frozen=True)
class OpenedFile:
    """A file, and the part of it that is sent. `delivered`: its line, which is durable."""

    delivered: Delivered
    stored: StoredFile
    part: Part
    media_type: str


@dataclass(frozen=True)
class OutsideFile:
    """A part that begins beyond the end of the file (416)."""

    size: int
    limits: Limits


@dataclass(frozen=True)
class Link:
    """What a link says: one download of one file by one licence, until some time."""

    licence: int
    file: str
    until: int
    id: str

    @property
    def parts(self) -> list[object]:
        return [self.licence, self.file, self.until, self.id]


class FileDelivery:
    """The parts that delivering files needs, beside those of a call. `link_life`: how long a link is good."""

    def __init__(self, delivery: Delivery, store: FileStore, *, link_life: timedelta) -> None:
        self.delivery, self.store, self.link_life = delivery, store, link_life
        self.links = Signer(delivery.secret, "link")
        self.manifest_key = ManifestKey(delivery.secret)

    async def list_files(self, call: Call) -> ListedFiles | NotDelivered:
        """The files of the release that the licence delivers, with a link each. Costs nothing."""
        admitted = await self.admit(call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits = admitted
        try:
            found = [(view, await self.stored(view)) for view in self.views(call, opened).values()]
        except Exception as error:  # noqa: BLE001  # why a copy cannot be read is the portal's own affair
            return NotDelivered(not_delivered(error, "The list costs nothing."), limits)
        now = datetime.now(UTC)
        until = now + self.link_life
        licence = opened.licence
        document = {
            "format": FORMAT,
            "product": opened.product.id,
            "release": opened.product.release,
            "licence": licence.id,
            "organisation": licence.organisation,
            "sample": is_sampled(call, opened),
            "watermark": any(view.mark for view, _ in found),
            "made_at": now.isoformat(timespec="seconds"),
            "expires_at": until.isoformat(timespec="seconds"),
            "files": [
                {
                    "name": f"{opened.product.id}.{view.format}",
                    "format": view.format,
                    "media_type": MEDIA_TYPES[view.format],
                    "rows": stored.rows,
                    "bytes": stored.size,
                    "sha256": stored.sha256,
                    "href": f"/api/v1/call/{opened.product.id}/files/{self.new_link(opened, view, until)}",
                }
                for view, stored in found
            ],
        }
        return ListedFiles(self.manifest_key.signed(document), limits)

    async def open_file(
        self, call: Call, link: str, *, range: str | None, if_range: str | None
    ) -> OpenedFile | OutsideFile | NotDelivered:
        """A part of a file. Charged once for each link, with its first part."""
        came = asyncio.get_running_loop().time()
        admitted = await self.admit(call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits = admitted
        try:
            read = self.read_link(link, opened)
            view = self.view_of(call, opened, read)
            stored = await self.stored(view)
        except CihuError as error:
            return NotDelivered(error, limits)
        except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
            return NotDelivered(not_delivered(error, "The file costs nothing."), limits)
        part = wanted_part(range, if_range, size=stored.size, etag=stored.etag)
        if part is None:
            return OutsideFile(stored.size, limits)
        draft = draft_of(call, opened, came)
        if not is_sampled(call, opened):
            draft = replace(
                draft,
                request_id=f"link:{read.id}",
                keyed=True,
                payload_hash=hashlib.sha256(stored.sha256.encode()).digest(),
                quantity=Quantity(calls=1, successful=1, rows=stored.rows, bytes=stored.size),
                outcome=Outcome.ANSWERED if stored.rows else Outcome.EMPTY,
                reference={"file": view.name, "release": opened.product.release},
            )
        committed = await self.delivery.metering.committer.submit(draft)
        if isinstance(committed, RefusedByCommit):
            return turned_away(committed, limits)
        delivered = Delivered({}, opened.product, opened.licence, draft, committed, limits)
        return OpenedFile(delivered, stored, part, MEDIA_TYPES[view.format])

    async def admit(self, call: Call) -> tuple[Opened, Limits] | NotDelivered:
        admitted = await self.delivery.open_key(call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits = admitted
        if not isinstance(opened.product.definition, FilesDefinition):
            return NotDelivered(not_files(opened), limits)
        if call.given:
            strange = InvalidInput("Files have no parameters.", code="bad_parameter", zh="文件没有参数。")
            return NotDelivered(strange, limits)
        return opened, limits

    def views(self, call: Call, opened: Opened) -> dict[str, FileView]:
        """The files that this buyer gets, by what names them in a link."""
        definition, licence = opened.product.definition, opened.licence
        assert isinstance(definition, FilesDefinition)
        masks = (*definition.masks, *licence_masks(licence))
        secret = self.delivery.secret
        pseudonyms = any(mask.do == "pseudonym" for mask in masks)
        marked = licence.document is not None and licence.document.terms.watermark
        key = buyers_key(secret, organisation=licence.organisation, product=opened.product.id)
        mark = buyers_mark(secret, organisation=licence.organisation, licence=licence.id)
        views = [
            FileView(
                definition,
                masks,
                format,
                key if pseudonyms else b"",
                mark if marked else b"",
                is_sampled(call, opened),
            )
            for format in definition.formats
        ]
        return {view.name[:32]: view for view in views}

    async def stored(self, view: FileView) -> StoredFile:
        """The file, made if it is not there. Raises what the bucket raises."""
        found = await self.delivery.in_thread(partial(self.store.find, view.name))
        return found or await self.store.made(view.name, partial(self.make, view))

    def make(self, view: FileView) -> StoredFile:
        table = self.delivery.copies.copies.table(view.definition.object, view.definition.version_id)
        return self.store.make(view.name, lambda file: view.write(table, file))

    def new_link(self, opened: Opened, view: FileView, until: datetime) -> str:
        link = Link(opened.licence.id, view.name[:32], int(until.timestamp()), uuid4().hex)
        return self.links.sign(link.parts)

    def read_link(self, text: str, opened: Opened) -> Link:
        """Raises `NotFound` for a link of another licence or of nobody's, `Forbidden` for one that is
        over."""
        parts = self.links.read(text)
        if parts is None or parts[0] != opened.licence.id:
            raise NotFound(
                "There is no such file.",
                remedy="Take the link from the product's list of files.",
                zh="没有此文件。",
                remedy_zh="请从产品的文件清单中取得链接。",
            )
        licence, file, until, id = parts
        assert isinstance(licence, int) and isinstance(until, int)
        if datetime.now(UTC).timestamp() >= until:
            raise Forbidden(
                "This link is over.",
                code="link_expired",
                remedy="Get the list of files again: a new link is a new download.",
                zh="此链接已过期。",
                remedy_zh="请重新获取文件清单：新链接按新的下载计量。",
            )
        return Link(licence, str(file), until, str(id))

    def view_of(self, call: Call, opened: Opened, link: Link) -> FileView:
        """Raises `NotFound` if the licence delivers another release by now."""
        view = self.views(call, opened).get(link.file)
        if view is None:
            raise NotFound(
                "The licence delivers another release by now.",
                code="other_release",
                remedy="Get the list of files again, or pin the licence to the release that you had.",
                zh="许可现已交付另一版次。",
                remedy_zh="请重新获取文件清单，或将许可固定在原版次。",
            )
        return view

    async def pieces(self, call: Call, opened: OpenedFile) -> AsyncIterator[bytes]:
        """The part's bytes, a piece at a time, for as long as the key opens its licence."""
        left = opened.part.end - opened.part.start
        with await self.delivery.in_thread(lambda: opened.stored.path.open("rb")) as file:
            file.seek(opened.part.start)
            while left:
                piece = await self.delivery.in_thread(partial(file.read, min(PIECE_BYTES, left)))
                if not piece or not await self.still_opens(call):
                    return
                left -= len(piece)
                yield piece

    async def still_opens(self, call: Call) -> bool:
        """Whether the key, or the access token, opens its product now, as far as memory knows: it learns of a
        revocation at once. A download goes on with the next token."""
        try:
            found = await self.delivery.find_opened(call)
        except CihuError:
            return False
        now = datetime.now(UTC)
        verdict = judge(found.key, found.licence, now, call.product, scope=Scope.CALL, address=call.address)
        return not isinstance(verdict, CihuError)


def not_files(opened: Opened) -> CihuError:
    if opened.product.kind in ("sql", "model"):
        return another_way(opened.product)
    return InvalidInput(
        "This product has no files.",
        code="other_delivery",
        remedy="GET /api/v1/call/{product} with its parameters.",
        zh="该产品没有文件。",
        remedy_zh="请以 GET /api/v1/call/{product} 及其参数调用。",
    )
