"""Verifies offline that a run's package is what the vault made, with nothing but the package and the log's
public key."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass

from sandbox.audit.note import NotProven, PublicKey, open_note
from sandbox.audit.receipts import verify_receipt

METADATA, SIGNATURE = "ro-crate-metadata.json", "ro-crate-metadata.json.note"
FIRST = "cihu.package/1"
"""The first line of what is signed.
A checkpoint's first line is the log's origin: neither can pass for the other."""
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class VerifiedPackage:
    name: str
    outcome: str
    files: tuple[str, ...]
    receipts: int


def statement(crate: bytes) -> str:
    return f"{FIRST}\nsha256 {hashlib.sha256(crate).hexdigest()}\n"


def verify_package(content: bytes, public_key: str) -> VerifiedPackage:
    """The signature holds for the metadata, the metadata for every file, and each receipt for itself.
    Raises `NotProven`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names) or sum(one.file_size for one in archive.infolist()) > MOST_BYTES:
                raise NotProven("The package holds a name twice, or unpacks to too much.")
            parts = {name: archive.read(name) for name in names}
        crate, note = parts.pop(METADATA), parts.pop(SIGNATURE).decode()
    except (
        zipfile.BadZipFile,
        KeyError,
        UnicodeDecodeError,
        NotImplementedError,
        OSError,
        RuntimeError,
    ) as error:
        raise NotProven(
            "This is not a package of a run: no zip, or without its metadata and signature."
        ) from error
    if open_note(note, PublicKey.parse(public_key)) != statement(crate):
        raise NotProven("The signature is not one of this package's metadata.")
    graph = {one["@id"]: one for one in json.loads(crate)["@graph"]}  # signed: it is what the vault wrote
    told = {
        name: one["sha256"]
        for name, one in graph.items()
        if one["@type"] in ("File", ["File", "SoftwareSourceCode"])
    }
    if told.keys() != parts.keys():
        raise NotProven(f"Files were added or taken away: {min(told.keys() ^ parts.keys())}.")
    for name, said in told.items():
        if hashlib.sha256(parts[name]).hexdigest() != said:
            raise NotProven(f"{name} is not what was packaged.")
    receipts = [name for name in parts if name.startswith("receipts/")]
    for name in receipts:
        verify_receipt(json.loads(parts[name]), public_key)
    return VerifiedPackage(
        graph["./"]["name"], json.loads(parts["review.json"])["outcome"], tuple(sorted(parts)), len(receipts)
    )
