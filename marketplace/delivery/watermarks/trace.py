"""Finds out whose copy of a file was found: compares it with the watermark of each buyer.

A copy is a CSV, whole or cut, also with some of its columns only. Rows are compared by what their cells say,
so that a spreadsheet that wrote `1` as `1.0` changes nothing. A copy that was sorted names nobody. A buyer is
named only where chance would do it once in 10^11 (`watermark.py`).
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any

import numpy as np
import pyarrow
from sqlalchemy import select

from marketplace.delivery.answer_call import Delivery, licence_masks
from marketplace.delivery.files.watermark import SLICE_ROWS, Agreement, bits, buyers_mark
from marketplace.licences.entitlements import entitled_releases
from marketplace.licences.find import licence_of
from marketplace.licences.model import Licence
from marketplace.licences.tables import licences
from marketplace.products.find import department_products
from marketplace.products.masking import buyers_key, mask_table
from marketplace.products.model import FilesDefinition
from marketplace.products.release import Release
from sandbox.audit import Event, append
from sandbox.errors import InvalidInput, TooMany
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

MOST_BYTES = 32 * 1024 * 1024
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
COMPARING = Lock()
"""A comparison takes the memory of both files: one at a time in a process."""
MOST_ZEROS = 40
"""A number whose digits stand further than this from its point keeps its exponent: written out, `1e999` alone
has a thousand digits."""
DIGEST_BYTES = 16
Rows = Mapping[bytes, int]
"""Where a row stands, by the digest of its cells: a row takes the same memory however long it is."""


@dataclass(frozen=True)
class FoundCopy:
    """A file that was found: its columns, and where each of its rows stands. A row that stands there twice is
    left out: it says nothing."""

    sha256: str
    columns: tuple[str, ...]
    rows: int
    places: Rows


@dataclass(frozen=True)
class Suspect:
    """A buyer, and how many pairs of the copy stand as its watermark wants it. `named`: it is this buyer's
    copy."""

    product: str
    release: int
    licence: int
    organisation: str
    agreeing: int
    pairs: int
    named: bool


@dataclass(frozen=True)
class Trace:
    """What a copy was compared with. `suspects`: those whose rows are in it, the likeliest first."""

    sha256: str
    rows: int
    columns: tuple[str, ...]
    compared: int
    suspects: tuple[Suspect, ...]


def require_tracer(gate: Gate, principal: Principal) -> None:
    """Raises `Forbidden`."""
    about = {"department": principal.organisation}
    gate.require(principal, "trace_watermark", Resource("Watermarks", principal.organisation, about))


def too_large() -> InvalidInput:
    most = MOST_BYTES // 2**20
    return InvalidInput(
        f"The file has more than {most} MiB.",
        code="copy_too_large",
        remedy="Cut it: some thousand rows in their order are enough.",
        zh=f"文件超过 {most} MiB。",
        remedy_zh="请截取一部分：按原有顺序的数千行即可。",
    )


def busy() -> TooMany:
    return TooMany(
        "Another file is being compared.",
        code="busy",
        remedy="Try again in a minute.",
        zh="正在比对另一个文件。",
        remedy_zh="请一分钟后重试。",
    )


def read_copy(content: bytes) -> FoundCopy:
    """Raises `InvalidInput` for what is no CSV with a header."""
    try:
        text = content.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = tuple(next(reader, ()))
        places: dict[bytes, int] = {}
        doubled: set[bytes] = set()
        rows = 0
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise bad_copy(f"row {rows + 1} has {len(cells)} cells where the header has {len(header)}")
            row = row_digest(map(canonical, cells))
            if row in places:
                doubled.add(row)
            places[row] = rows
            rows += 1
    except UnicodeDecodeError:
        raise bad_copy("it is not in UTF-8") from None
    except csv.Error as error:
        raise bad_copy(str(error)) from None
    if not header or len(set(header)) < len(header):
        raise bad_copy("its first line does not name the columns, each once")
    kept = {row: place for row, place in places.items() if row not in doubled}
    return FoundCopy(hashlib.sha256(content).hexdigest(), header, rows, kept)


def bad_copy(why: str) -> InvalidInput:
    return InvalidInput(
        f"This file cannot be compared: {why}.",
        code="bad_copy",
        remedy="Send a CSV in UTF-8 with a header. `cihu watermark trace` also takes Parquet.",
        zh="无法比对该文件：不是 UTF-8 编码、带表头的 CSV。",
        remedy_zh="请提供 UTF-8 编码、带表头的 CSV；`cihu watermark trace` 也接受 Parquet。",
    )


def canonical(text: str) -> str:
    """What a cell says: numbers by their value, and words without the blanks around them."""
    plain = text.strip()
    if plain.lower() in ("true", "false"):
        return plain.lower()
    if len(plain) >= 100 or not NUMBER.fullmatch(plain):
        return plain
    number = Decimal(plain).normalize()
    exponent = number.as_tuple().exponent
    written_out = isinstance(exponent, int) and abs(exponent) <= MOST_ZEROS
    return f"{number:f}" if written_out else f"{number:E}"


def row_digest(cells: Iterable[str]) -> bytes:
    """Of a row's canonical cells; their lengths keep apart rows whose cells join to the same text."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for cell in cells:
        encoded = cell.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.digest()


def texts_of(column: pyarrow.ChunkedArray) -> list[str]:
    return ["" if value is None else canonical(str(value)) for value in column.to_pylist()]


def trace_copy(delivery: Delivery, *, gate: Gate, principal: Principal, content: bytes) -> Trace:
    """Compare a copy with the watermarks of all buyers of the files of the own department, and write down
    that it was done. Raises `Forbidden`, `InvalidInput`, `TooMany`."""
    database, department = delivery.metering.database, principal.organisation
    require_tracer(gate, principal)
    if not COMPARING.acquire(blocking=False):
        raise busy()
    try:
        copy = read_copy(content)
        marked = marked_releases(delivery, department)
        suspects = [suspect for each in marked for suspect in each.compare(copy)]
    finally:
        COMPARING.release()
    compared = len(suspects)
    found = sorted((each for each in suspects if each.pairs), key=lambda s: -s.agreeing / s.pairs)
    with database.transaction() as tx:
        append(
            tx,
            Event(
                kind="watermark.traced",
                actor=principal.id,
                subject=f"file:{copy.sha256}",
                payload={
                    "department": department,
                    "rows": copy.rows,
                    "compared": compared,
                    "named": [each.licence for each in found if each.named],
                },
            ),
        )
    return Trace(copy.sha256, copy.rows, copy.columns, compared, tuple(found))


@dataclass(frozen=True)
class MarkedRelease:
    """A release of files, and the licences that have it with a watermark. Buyers whose rows are the same
    share the work."""

    delivery: Delivery
    release: Release
    holders: tuple[Licence, ...]

    def compare(self, copy: FoundCopy) -> Iterator[Suspect]:
        definition = self.release.definition
        assert isinstance(definition, FilesDefinition)
        table = self.delivery.copies.copies.table(definition.object, definition.version_id)
        table = table.select(list(definition.columns))
        known: dict[tuple[Any, ...], Sequence[tuple[int, np.ndarray[Any, Any]]]] = {}
        for licence in self.holders:
            masks = (*definition.masks, *licence_masks(licence))
            key = buyers_key(
                self.delivery.secret, organisation=licence.organisation, product=self.release.product
            )
            own = key if any(mask.do == "pseudonym" for mask in masks) else b""
            shown = (masks, own)
            if shown not in known:
                known[shown] = list(standing_pairs(mask_table(table, masks, key), copy))
            mark = buyers_mark(self.delivery.secret, organisation=licence.organisation, licence=licence.id)
            agreement = agreement_of(known[shown], mark)
            yield Suspect(
                self.release.product,
                self.release.number,
                licence.id,
                licence.organisation,
                agreement.agreeing,
                agreement.pairs,
                agreement.names_buyer,
            )


def marked_releases(delivery: Delivery, department: str) -> Iterator[MarkedRelease]:
    database = delivery.metering.database
    with database.transaction() as tx:
        sold = [each.id for each in department_products(tx, department) if each.kind == "files"]
        wanted = select(licences).where(licences.c.product.in_(sold)).order_by(licences.c.id)
        buyers = [licence_of(row) for row in tx.execute(wanted)]
        marked = [each for each in buyers if each.document and each.document.terms.watermark]
        held: dict[tuple[str, int], tuple[Release, list[Licence]]] = {}
        for licence in marked:
            for release in entitled_releases(tx, licence.id):
                held.setdefault((release.product, release.number), (release, []))[1].append(licence)
    for _, (release, holders) in sorted(held.items(), key=lambda item: item[0]):
        if isinstance(release.definition, FilesDefinition):
            yield MarkedRelease(delivery, release, tuple(holders))


def standing_pairs(table: pyarrow.Table, copy: FoundCopy) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
    """Of each slice its number, and of each of its pairs how it stands in the copy: 1 the other way round,
    0 as in the release, -1 not both there, or not told apart."""
    if not set(copy.columns) <= set(table.column_names):
        return
    columns = [texts_of(table[name]) for name in copy.columns]
    rows = [row_digest(cells) for cells in zip(*columns, strict=True)]
    seen: set[bytes] = set()
    twice: set[bytes] = set()
    for row in rows:
        (twice if row in seen else seen).add(row)
    places = np.array([-1 if row in twice else copy.places.get(row, -1) for row in rows], np.int64)
    for number, start in enumerate(range(0, len(rows), SLICE_ROWS)):
        part = places[start : start + SLICE_ROWS]
        pairs = len(part) // 2
        first, second = part[: 2 * pairs : 2], part[1 : 2 * pairs : 2]
        stands = np.where((first < 0) | (second < 0), -1, (second < first).astype(np.int64))
        yield number, stands


def agreement_of(standing: Sequence[tuple[int, np.ndarray[Any, Any]]], mark: bytes) -> Agreement:
    agreeing = pairs = 0
    for number, stands in standing:
        wanted = bits(mark, number, len(stands))
        known = stands >= 0
        pairs += int(known.sum())
        agreeing += int((known & (stands == wanted)).sum())
    return Agreement(agreeing, pairs)
