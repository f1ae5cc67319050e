"""Pushes files into a dataset: each file is a batch, and all of them become one version.

What breaks off is sent again under the same idempotency key, so nothing is taken twice.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sandbox.errors import InvalidInput, Unavailable

TYPES = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
}
ATTEMPTS = 3
CHUNK = 1 << 20
Document = dict[str, Any]


class Session(Protocol):
    """An officer's session, or a machine's."""

    def vault(self, method: str, path: str, **more: Any) -> Any: ...


def push_files(
    session: Session, dataset: str, files: Sequence[Path], *, mode: str | None = None, name: str | None = None
) -> Document:
    """The push as it ended. `name`: a push that was called so before goes on. Raises `InvalidInput` for a
    file that cannot be read; the vault's refusals."""
    kinds = [_type_of(file) for file in files]
    asked = {key: value for key, value in (("mode", mode), ("name", name)) if value is not None}
    pushes = f"/v1/datasets/{quote(dataset, safe='')}/pushes"
    push: Document = _again(session, "POST", pushes, json=asked) if name else _once(session, pushes, asked)
    path = f"{pushes}/{push['id']}"
    if push["state"] == "open":
        for number, (file, kind) in enumerate(zip(files, kinds, strict=True), start=1):
            _send_file(session, path, file, kind, number)
        push = _again(session, "POST", f"{path}/complete", json={"batches": len(files)})
    return push


def _type_of(file: Path) -> str:
    kind = TYPES.get(file.suffix.lower())
    if kind is None:
        raise InvalidInput(
            f"{file.name} is of no kind that can be pushed.",
            remedy=f"Name files that end in {', '.join(TYPES)}.",
            zh=f"无法推送 {file.name} 这类文件。",
            remedy_zh=f"文件名须以 {'、'.join(TYPES)} 结尾。",
        )
    return kind


def _send_file(session: Session, push: str, file: Path, kind: str, number: int) -> None:
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.",
            remedy="Name a file that you may read.",
            zh=f"无法读取 {file}：{error.strerror}。",
            remedy_zh="请指定可读取的文件。",
        ) from None
    headers = {"Idempotency-Key": f"{number}-{digest}", "Content-Type": kind}
    _again(session, "POST", f"{push}/batches", headers=headers, file=file)


def _once(session: Session, path: str, asked: Document) -> Document:
    """Without a name, a push that was opened twice would be two."""
    opened: Document = session.vault("POST", path, json=asked)
    return opened


def _again(session: Session, method: str, path: str, *, file: Path | None = None, **more: Any) -> Document:
    """A request that may be sent twice."""
    for left in reversed(range(ATTEMPTS)):
        try:
            body = {} if file is None else {"content": _chunks(file)}
            answer: Document = session.vault(method, path, **body, **more)
        except Unavailable:
            if not left:
                raise
        else:
            return answer
    raise AssertionError("an attempt answers or raises")


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while part := stream.read(CHUNK):
            yield part
