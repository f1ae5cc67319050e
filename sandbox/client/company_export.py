"""Checks the export of a company without the portal: the digests and the signature of its files, and the way
of each usage line to the log."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sandbox.client.licensed_files import verify_manifest
from sandbox.errors import InvalidInput

FORMAT = "cihu-company-export-1"
LIST = "manifest.json"
MOST_LIST_BYTES = 1_000_000


@dataclass(frozen=True)
class VerifiedExport:
    """`receipts`: usage lines whose way to the log was checked. `without`: lines that have none, which are
    from before there were receipts, or were not in the log yet."""

    organisation: str
    as_of: str
    files: tuple[str, ...]
    lines: int
    receipts: int

    @property
    def without(self) -> int:
        return self.lines - self.receipts


def verify_export(path: Path, *, key: str, log_key: str | None) -> VerifiedExport:
    """Check an export with the portal's public key, and its receipts with the log's where that is given.
    Raises `InvalidInput` for what is not as it was signed, and `NotProven` for a receipt that is wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            return verify_archive(archive, key=key, log_key=log_key)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise InvalidInput(
            f"{path} is not a whole export of a company ({type(error).__name__}).",
            code="not_an_export",
            remedy="Download it again: cihu company-export.",
            zh=f"{path} 不是完整的企业导出文件。",
            remedy_zh="请重新下载：cihu company-export。",
        ) from None


def verify_archive(archive: zipfile.ZipFile, *, key: str, log_key: str | None) -> VerifiedExport:
    with archive.open(LIST) as file:
        manifest = verify_manifest(read_json(file.read(MOST_LIST_BYTES)), key)
    listed = {str(each["name"]): each for each in manifest["files"]}
    if manifest.get("format") != FORMAT or set(archive.namelist()) != {LIST, *listed}:
        raise changed("the list of files")
    for name, each in listed.items():
        with archive.open(name) as file:
            if digest_of(file) != (each["sha256"], each["bytes"]):
                raise changed(name)
    with archive.open("usage.jsonl") as file:
        lines = {str(line["id"]): line["amount_fen"] for line in documents(file)}
    proven = verify_receipts(archive, lines, log_key) if log_key is not None else 0
    return VerifiedExport(
        str(manifest["organisation"]), str(manifest["as_of"]), tuple(listed), len(lines), proven
    )


def verify_receipts(archive: zipfile.ZipFile, lines: dict[str, int], log_key: str) -> int:
    """How many lines were checked: that the leaf of each is in the log, and says the same id and amount."""
    from sandbox.audit.batch_receipts import verify_batch_receipt  # brings SQLAlchemy

    with archive.open("log_entries.jsonl") as file:
        entries = {each["log_index"]: each["receipt"] for each in documents(file)}
    proven = set()
    with archive.open("receipts.jsonl") as file:
        for each in documents(file):
            receipt = {name: each[name] for name in ("format", "leaf", "steps")}
            verify_batch_receipt(receipt | {"receipt": entries[each["log_index"]]}, log_key)
            leaf = read_json(each["leaf"])
            if leaf["id"] != each["line"] or leaf["amount_fen"] != lines.get(each["line"]):
                raise changed(f"the receipt of {each['line']}")
            proven.add(each["line"])
    return len(proven)


def documents(file: IO[bytes]) -> Iterator[Any]:
    for line in file:
        yield read_json(line)


def read_json(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise changed("a JSON file") from None


def digest_of(file: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(1024 * 1024):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def changed(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} is not as it was signed.",
        code="other_bytes",
        remedy="Download the export again.",
        zh=f"{what} 与签名时不一致。",
        remedy_zh="请重新下载导出文件。",
    )
