"""Files of a licence: checks a signed list and the files of it, and downloads them so that what was cut
off goes on."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sandbox.client.session import SECONDS, refusal
from sandbox.errors import InvalidInput, Unavailable

PIECE_BYTES = 1024 * 1024
TRIES = 5
Document = Mapping[str, Any]


def verify_manifest(document: Document, public_key: str) -> Document:
    """The manifest of a signed list, if the key signed it. Raises `InvalidInput`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(decoded(public_key))
        manifest: Document = document["manifest"]
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        key.verify(decoded(document["signature"]["value"]), text.encode())
        assert isinstance(manifest["files"], list)
    except (InvalidSignature, ValueError, KeyError, TypeError, AssertionError):
        raise InvalidInput(
            "The list of files was not signed with this key, or it was changed.",
            code="bad_signature",
            remedy="Get the portal's key (GET /api/v1/manifest-key) from somebody you trust, and the list.",
            zh="文件清单不是用此公钥签名的，或已被改动。",
            remedy_zh="请从可信来源取得门户公钥（GET /api/v1/manifest-key），并重新获取清单。",
        ) from None
    return manifest


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify_file(path: Path, listed: Document) -> None:
    """Raises `InvalidInput` if the file is not there or has other bytes than the list says."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror}.",
            code="no_file",
            remedy="Download it, or name its folder.",
            zh=f"无法读取 {path}。",
            remedy_zh="请下载该文件，或指明其所在文件夹。",
        ) from None
    if (digest, size) != (listed["sha256"], listed["bytes"]):
        raise InvalidInput(
            f"{path} is not the file of the list: its bytes differ.",
            code="other_bytes",
            remedy="Download it again.",
            zh=f"{path} 与清单中的文件不一致。",
            remedy_zh="请重新下载。",
        )


def client_of(portal: str, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=portal, headers={"Authorization": f"Bearer {key}"}, timeout=300, trust_env=False
    )


def signed_list(client: httpx.Client, product: str) -> Document:
    """The signed list of a product's files, with a link each. Raises what the portal refuses with."""
    try:
        answer = client.get(f"/api/v1/call/{product}/files")
    except httpx.HTTPError as error:
        raise unreachable(error) from None
    if not answer.is_success:
        raise refusal(answer)
    document: Document = answer.json()
    return document


def post(client: httpx.Client, path: str, body: Document) -> dict[str, Any]:
    """The answer to a question; a retry after a broken connection gets the same, and is billed once.
    Raises what the portal refuses with."""
    headers = {"Idempotency-Key": str(uuid4())}
    for left in reversed(range(TRIES)):
        try:
            answer = client.post(path, json=body, headers=headers, timeout=SECONDS)
            break
        except httpx.HTTPError as error:
            if not left:
                raise unreachable(error) from None
    if not answer.is_success:
        raise refusal(answer)
    document: dict[str, Any] = answer.json()
    return document


def download(client: httpx.Client, listed: Document, folder: Path, tell: Callable[[int], None]) -> Path:
    """Download a file of a list; what is there of it already is kept, and goes on. `tell`: how many bytes are
    there. Raises `InvalidInput` if it is another file in the end, and what the portal refuses with."""
    to = folder / Path(str(listed["name"])).name
    part = to.with_name(f"{to.name}.{listed['sha256'][:12]}.part")
    for left in reversed(range(TRIES)):
        try:
            fetch(client, listed, part, tell)
            break
        except httpx.HTTPError as error:
            if not left:
                raise unreachable(error) from None
    verify_file(part, listed)
    part.replace(to)
    return to


def fetch(client: httpx.Client, listed: Document, part: Path, tell: Callable[[int], None]) -> None:
    """What is missing of a file. Raises `httpx.HTTPError` where the connection breaks."""
    there = part.stat().st_size if part.exists() else 0
    if there == listed["bytes"]:
        return
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": f'"{listed["sha256"]}"'}
    href = str(listed["href"])
    if not href.startswith("/api/v1/call/"):  # the key goes to the portal, and nowhere else
        raise InvalidInput(
            "The list has a link that does not lead to the portal.",
            code="foreign_link",
            remedy="Get the list again from the portal.",
            zh="清单中的链接不指向门户。",
            remedy_zh="请从门户重新获取清单。",
        )
    with client.stream("GET", href, headers=headers) as answer:
        if not answer.is_success:
            answer.read()
            raise refusal(answer)
        with part.open("ab" if answer.status_code == 206 else "wb") as file:
            for piece in answer.iter_bytes(PIECE_BYTES):
                file.write(piece)
                tell(file.tell())


def unreachable(error: httpx.HTTPError) -> Unavailable:
    return Unavailable(
        f"The portal cannot be reached ({type(error).__name__}).",
        remedy="Run the same command again: it goes on where it was cut off.",
        zh="无法连接门户。",
        remedy_zh="请再次运行同一命令：它会从中断处继续。",
    )
