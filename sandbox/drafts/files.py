"""Officers' files: streamed into the raw bucket, recorded before, and removed when nobody needs them.

The object's name is recorded first, so that what a crash leaves is known and removed at the next start.
"""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import BinaryIO
from uuid import UUID, uuid4

from sqlalchemy import Row, exists, insert, select, update

from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.database import Database, Transaction
from sandbox.drafts.schemas import FileDocument
from sandbox.drafts.tables import draft_files, drafts
from sandbox.errors import CihuError, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.ingest import Source
from sandbox.ingest.source import Opened
from sandbox.plain_text import is_text
from sandbox.storage import ObjectVersion, RawStore

KEPT_FOR = timedelta(days=14)
"""A file whose draft was not published is removed after so long."""
FOLDER = "uploads"
LONGEST_NAME = 200
MOST_OPENED = 32
log = logging.getLogger("cihu.drafts")


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file as a `Source`: read in pieces from the bucket."""

    store: RawStore
    version: ObjectVersion
    opened: Opened | None = None

    @property
    def size(self) -> int:
        return self.version.size

    def open(self) -> BinaryIO:
        return self.store.open(self.version)


@dataclass
class OpenedFiles:
    """What was found out about the files that were read last, so that publishing need not look through them
    again. It is of versions of objects, whose bytes never change; a removed file's is never asked for."""

    _lock: Lock = field(default_factory=Lock)
    _known: OrderedDict[ObjectVersion, Opened] = field(default_factory=OrderedDict)

    def of(self, version: ObjectVersion) -> Opened:
        with self._lock:
            opened = self._known.setdefault(version, {})
            self._known.move_to_end(version)
            while len(self._known) > MOST_OPENED:
                self._known.popitem(last=False)
            return opened


def store_file(
    database: Database, store: RawStore, *, officer: Principal, name: str, stream: BinaryIO
) -> FileDocument:
    """Stream a file into the bucket. Raises `InvalidInput` for an empty one."""
    id = uuid4()
    object_name = f"{FOLDER}/{id}"
    with database.transaction() as tx:
        tx.execute(
            insert(draft_files).values(
                id=id,
                name=shown_name(name),
                object_name=object_name,
                state="storing",
                department=officer.organisation,
                uploaded_by=officer.id,
            )
        )
    try:
        stored = store.put_stream(object_name, stream)
        if not stored.size:
            raise InvalidInput(
                "The file is empty.",
                remedy="Send a table: CSV, Excel, JSON or Parquet.",
                zh="文件是空的。",
                remedy_zh="请提供表格：CSV、Excel、JSON 或 Parquet。",
            )
    except BaseException:
        _remove(database, store, id, object_name)
        raise
    with database.transaction() as tx:
        tx.execute(
            update(draft_files)
            .where(draft_files.c.id == id)
            .values(state="stored", object_version=stored.version_id, bytes=stored.size, sha256=stored.sha256)
        )
        return file_document(tx, file_of(tx, id, officer), officer.organisation)


def shown_name(name: str) -> str:
    """The last part of what the officer's computer calls the file, as plain text."""
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    return last[:LONGEST_NAME] if last and is_text(last) else "file"


def file_of(tx: Transaction, id: UUID, officer: Principal) -> Row[tuple[object, ...]]:
    """A stored file of this officer, in the department for which they uploaded it.
    Raises `NotFound`, also for another's."""
    row = _row(tx, id)
    theirs = row is not None and (row.uploaded_by, row.department) == (officer.id, officer.organisation)
    if row is None or not theirs or row.state != "stored":
        raise NotFound(
            "You have no such file.",
            code="no_such_file",
            remedy="Upload it again: a file that is not published is kept for 14 days.",
            zh="您没有该文件。",
            remedy_zh="请重新上传：未发布的文件保留 14 天。",
        )
    return row


def give_file(tx: Transaction, id: UUID, to: Principal) -> None:
    """Let another officer have a file: from now on the rows are theirs to see, and nobody else's."""
    tx.execute(update(draft_files).where(draft_files.c.id == id).values(uploaded_by=to.id))


def source_of(store: RawStore, row: Row[tuple[object, ...]], opened: OpenedFiles | None = None) -> Source:
    version = ObjectVersion(row.object_name, row.object_version, row.bytes, row.sha256)
    return StoredFile(store, version, None if opened is None else opened.of(version))


def file_document(tx: Transaction, row: Row[tuple[object, ...]], department: str) -> FileDocument:
    """`known` is about what the file's officer published for the department of another file with the same
    content: whether what others published is the same as a guess must not be asked."""
    of_this_file = exists().where(
        drafts.c.file == row.id,
        drafts.c.published_dataset == dataset_versions.c.dataset,
        drafts.c.published_version == dataset_versions.c.number,
    )
    known = tx.execute(
        select(dataset_versions.c.number)
        .join(datasets, datasets.c.name == dataset_versions.c.dataset)
        .where(
            dataset_versions.c.file_sha256 == row.sha256,
            dataset_versions.c.published_by == row.uploaded_by,
            dataset_versions.c.publisher_held_rows,
            datasets.c.department == department,
            ~of_this_file,
        )
        .limit(1)
    ).first()
    return FileDocument(
        id=str(row.id),
        name=row.name,
        bytes=row.bytes,
        sha256=row.sha256,
        uploaded_at=row.uploaded_at,
        expires_at=row.uploaded_at + KEPT_FOR,
        known=known is not None,
    )


def list_files(tx: Transaction, officer: Principal) -> list[FileDocument]:
    rows = tx.execute(
        select(draft_files)
        .where(
            draft_files.c.uploaded_by == officer.id,
            draft_files.c.department == officer.organisation,
            draft_files.c.state == "stored",
        )
        .order_by(draft_files.c.uploaded_at.desc())
    )
    return [file_document(tx, row, officer.organisation) for row in rows]


def remove_file(database: Database, store: RawStore, id: UUID) -> None:
    with database.transaction() as tx:
        row = _row(tx, id)
    if row is not None and row.state != "removed":
        _remove(database, store, id, row.object_name)


def sweep_files(database: Database, store: RawStore) -> int:
    """Remove what a crash left and what has expired; returns how many there were."""
    store.abort_unfinished(FOLDER)
    with database.transaction() as tx:
        old = datetime.now(UTC) - KEPT_FOR
        waiting = [
            (row.id, row.object_name)
            for row in tx.execute(select(draft_files).where(draft_files.c.state != "removed"))
            if row.state == "storing" or row.uploaded_at < old
        ]
    for id, object_name in waiting:
        try:
            _remove(database, store, id, object_name)
        except CihuError as error:
            log.warning("an uploaded file cannot be removed: %s", error.code)
    return len(waiting)


def _remove(database: Database, store: RawStore, id: UUID, object_name: str) -> None:
    for stored in store.versions(object_name):
        store.remove(stored)
    with database.transaction() as tx:
        tx.execute(update(draft_files).where(draft_files.c.id == id).values(state="removed"))
        tx.execute(
            update(drafts).where(drafts.c.file == id, drafts.c.state == "open").values(state="dropped")
        )


def _row(tx: Transaction, id: UUID) -> Row[tuple[object, ...]] | None:
    return tx.execute(select(draft_files).where(draft_files.c.id == id)).first()
