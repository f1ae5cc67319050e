"""Serves the pages' static files: under a name with their digest for ever, compressed; under their plain
name, asked again each time.

The files are read once, when the service starts: what a page names is what it gets, also while another
release is being installed.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.errors import NotFound

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
DIGEST_LETTERS = 12
COMPRESSED = (".css", ".js", ".svg")


@dataclass(frozen=True)
class Asset:
    """A file: its content, the same compressed (None where that does not help), and its digest."""

    content: bytes
    packed: bytes | None
    digest: str
    media_type: str


class Assets:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = {path.name: _read(path) for path in sorted(folder.iterdir()) if path.is_file()}

    def address(self, name: str) -> str:
        """Under which a page asks for a file: another content, another address."""
        stem, _, suffix = name.rpartition(".")
        return f"/static/{stem}.{self.files[name].digest}.{suffix}"

    def find(self, name: str) -> tuple[Asset, bool]:
        """The file, and whether its digest was named. Raises `NotFound`."""
        if name in self.files:
            return self.files[name], False
        stem, _, suffix = name.rpartition(".")
        plain, _, digest = stem.rpartition(".")
        asset = self.files.get(f"{plain}.{suffix}")
        if asset is None or digest != asset.digest:
            raise NotFound("There is no such file.", zh="没有这个文件。")
        return asset, True


def router(assets: Assets) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/static/{name}", methods=["GET", "HEAD"])
    def static(request: Request, name: str) -> Response:
        asset, for_ever = assets.find(name)
        headers = {
            "Cache-Control": FOR_EVER if for_ever else ASK_AGAIN,
            "ETag": f'"{asset.digest}"',
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        body = asset.content
        if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = asset.packed, "gzip"
        return Response(body, media_type=asset.media_type, headers=headers)

    return routes


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    packed = gzip.compress(content, 9, mtime=0) if path.suffix in COMPRESSED else None
    return Asset(
        content,
        packed if packed is not None and len(packed) < len(content) else None,
        hashlib.sha256(content).hexdigest()[:DIGEST_LETTERS],
        mimetypes.guess_type(path.name)[0] or "application/octet-stream",
    )
