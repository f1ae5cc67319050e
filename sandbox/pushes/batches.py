"""Batches of a push: recorded, streamed into the encrypted bucket, read once to tell its own faults, kept.

A batch has an idempotency key. The same key with the same bytes is the same batch, however often it is sent;
with other bytes it is refused. What a crash, an end or an expiry leaves in the bucket is removed.
"""

import hashlib
import logging
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Row, func, insert, select, update

from sandbox.catalog.automatic_versions import newest_for
from sandbox.catalog.publish import id_rule_of
from sandbox.database import Database, Transaction
from sandbox.drafts.context import DraftContext
from sandbox.drafts.files import StoredFile
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.ingest import LIMITS, check_rows
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.ingest.file_parts import FileParts
from sandbox.ingest.known_ending import require_known_ending
from sandbox.pushes.pusher import Pusher
from sandbox.pushes.pushes import GOING, KEPT_FOR, end_push, require_going, seen_push
from sandbox.pushes.schemas import BatchDocument
from sandbox.pushes.tables import push_batches, pushes
from sandbox.storage import ObjectVersion, RawStore

FOLDER = "pushes"
MOST_BATCHES = 1000
MOST_BATCH_BYTES = 256 * 1024**2
CHUNK = 1 << 20
DETECTED = "detected"
FORMATS: dict[str, Format | None] = {
    "text/csv": Format.CSV,
    "application/x-ndjson": Format.JSON,
    "application/jsonl": Format.JSON,
    "application/json": Format.JSON,
    "application/vnd.apache.parquet": Format.PARQUET,
    "application/octet-stream": None,
}
"""The media types of batches; None: the format is detected. A CSV's first line has the columns' names."""
log = logging.getLogger("cihu.pushes")


class Sent(NamedTuple):
    """What a pusher sent: under which key, in which format, the bytes."""

    key: str
    format: Format | None
    stream: BinaryIO


def format_of_type(media_type: str) -> Format | None:
    """Raises `InvalidInput`."""
    known = media_type.partition(";")[0].strip().lower()
    if known not in FORMATS:
        raise InvalidInput(
            "A batch of this Content-Type cannot be read.",
            code="batch_format",
            remedy=f"Send one of {', '.join(FORMATS)}.",
            zh="无法读取此 Content-Type 的批次。",
            remedy_zh=f"请使用以下之一：{'、'.join(FORMATS)}。",
        )
    return FORMATS[known]


def receive_batch(
    context: DraftContext, pusher: Pusher, dataset: str, push: UUID, sent: Sent
) -> BatchDocument:
    """Take a batch; of a push one at a time, so that what arrives stays within the limits of all that is
    there. Raises `InvalidInput` for what does not fit the policy, by the batch's own cells alone; `Conflict`
    for a key that has another batch, a push that ended, or while another batch arrives (code "at_work")."""
    with context.database.transaction() as tx:
        _own_push(context, tx, pusher, dataset, push)
    with context.database.try_lock(f"push-batch:{push}"):
        return _receive(context, pusher, dataset, push, sent)


def _receive(context: DraftContext, pusher: Pusher, dataset: str, push: UUID, sent: Sent) -> BatchDocument:
    key = hashlib.sha256(sent.key.encode()).hexdigest()
    with context.database.transaction() as tx:
        row = _own_push(context, tx, pusher, dataset, push)
        known = _of_key(tx, push, key)
        if known is None:
            require_open(row)
            newest = newest_for(tx, row.dataset, row.policy_sha256)
            policy = context.repository.read(newest.text)
            ids = id_rule_of(tx, policy, context.repository)
            _require_room(tx, row)
            object_name = f"{FOLDER}/{uuid4()}"
            batch = tx.execute(
                insert(push_batches)
                .values(
                    push=push,
                    key_sha256=key,
                    state="storing",
                    object_name=object_name,
                    format=sent.format or DETECTED,
                )
                .returning(push_batches.c.id)
            ).scalar_one()
    if known is not None:
        return _again(known, _digest(sent.stream))
    try:
        stored = context.store.put_stream(object_name, sent.stream)
        file = StoredFile(context.store, stored)
        require_known_ending(FileParts(((file, built(sent.format)),)), policy.file)
        count, notes = check_rows(
            file,
            [column.rules for column in policy.file_columns],
            ids=ids,
            given=built(sent.format),
            dropped=policy.dropped_columns,
            made_ids=None if policy.steps else policy.made_ids,
        )
        document, kept = _keep(context.database, row, batch, key, stored, count, list(notes))
    except BaseException:
        _discard(context.database, context.store, batch, object_name)
        raise
    if not kept:
        _discard(context.database, context.store, batch, object_name)
    return document


def built(format: Format | None) -> FileFormat:
    """How a batch is built, whatever the dataset's first file was."""
    return FileFormat(format=format, header_row=1 if format is Format.CSV else None)


def stored_batches(tx: Transaction, push: UUID) -> list[Row[Any]]:
    """The batches that are there, in the order in which they were taken."""
    return list(
        tx.execute(
            select(push_batches)
            .where(push_batches.c.push == push, push_batches.c.state == "stored")
            .order_by(push_batches.c.number)
        )
    )


def file_of_batch(store: RawStore, row: Row[Any]) -> tuple[StoredFile, FileFormat]:
    version = ObjectVersion(row.object_name, row.object_version, row.bytes, row.sha256)
    return StoredFile(store, version), built(None if row.format == DETECTED else Format(row.format))


def require_open(row: Row[Any]) -> None:
    require_going(row)
    if row.state != "open":
        raise Conflict(
            "This push is complete, and takes no more batches.",
            code="push_complete",
            remedy="Open another push.",
            zh="该推送已完成，不再接收批次。",
            remedy_zh="请重新打开一个推送。",
        )


def remove_batches(database: Database, store: RawStore, push: UUID) -> None:
    """The bytes of a push that ended. What cannot be removed now is removed later."""
    with database.transaction() as tx:
        batches = stored_batches(tx, push)
    for row in batches:
        _discard(database, store, row.id, row.object_name)


def sweep_pushes(database: Database, store: RawStore) -> int:
    """At the start: remove what a crash left of batches that arrived; returns how many there were. Their
    pushes are as they were."""
    store.abort_unfinished(FOLDER)
    with database.transaction() as tx:
        left = [
            (row.id, row.object_name)
            for row in tx.execute(select(push_batches).where(push_batches.c.state == "storing"))
        ]
    for batch, object_name in left:
        _discard(database, store, batch, object_name)
    return len(left) + expire_pushes(database, store)


def expire_pushes(database: Database, store: RawStore) -> int:
    """End the pushes to which nothing came for long, and remove the bytes of all that ended."""
    old = datetime.now(UTC) - KEPT_FOR
    with database.transaction() as tx:
        late = (pushes.c.state.in_(GOING), pushes.c.changed_at < old)
        for row in list(tx.execute(select(pushes).where(*late).with_for_update(skip_locked=True))):
            end_push(tx, row, state="expired")
    with database.transaction() as tx:
        ended = list(
            tx.execute(
                select(pushes.c.id)
                .join(push_batches, push_batches.c.push == pushes.c.id)
                .where(pushes.c.state.not_in(GOING), push_batches.c.state == "stored")
                .distinct()
            ).scalars()
        )
    for push in ended:
        remove_batches(database, store, push)
    return len(ended)


def _own_push(context: DraftContext, tx: Transaction, pusher: Pusher, dataset: str, push: UUID) -> Row[Any]:
    """A colleague's push is seen by the officers of the department, and nothing is put into it by them."""
    row = seen_push(context, tx, pusher, dataset, push)
    require_pusher(row, pusher)
    return row


def require_pusher(row: Row[Any], pusher: Pusher) -> None:
    if row.pusher != pusher.name:
        raise Conflict(
            "This push is another's.",
            code="not_your_push",
            remedy="Open a push of your own.",
            zh="这是他人的推送。",
            remedy_zh="请打开您自己的推送。",
        )


def _of_key(tx: Transaction, push: UUID, key: str) -> Row[Any] | None:
    """The batch that was taken under this key."""
    return tx.execute(
        select(push_batches).where(
            push_batches.c.push == push, push_batches.c.key_sha256 == key, push_batches.c.number > 0
        )
    ).first()


def _again(known: Row[Any], sha256: str) -> BatchDocument:
    """What was answered the first time."""
    if known.sha256 != sha256:
        raise Conflict(
            "This idempotency key was used for another batch of this push.",
            code="idempotency_key_reused",
            remedy="Give each batch a key of its own; sent again, it keeps its first key.",
            zh="该幂等键已用于本次推送的另一批次。",
            remedy_zh="请为每个批次使用各自的幂等键；重发时使用原来的键。",
        )
    return BatchDocument(
        number=known.number,
        rows=known.rows,
        bytes=known.bytes,
        sha256=known.sha256,
        notes=known.notes,
    )


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while part := stream.read(CHUNK):
        digest.update(part)
    return digest.hexdigest()


def _require_room(tx: Transaction, row: Row[Any], *, size: int = 0, rows: int = 0) -> None:
    """Raises `InvalidInput` where the push would have too many batches, bytes or rows."""
    batches, held, known = tx.execute(
        select(func.count(), func.sum(push_batches.c.bytes), func.sum(push_batches.c.rows)).where(
            push_batches.c.push == row.id, push_batches.c.number > 0
        )
    ).one()
    if (
        batches >= MOST_BATCHES
        or int(held or 0) + size > LIMITS.file_bytes
        or int(known or 0) + rows > LIMITS.rows
    ):
        raise InvalidInput(
            f"A push has at most {MOST_BATCHES} batches, {LIMITS.file_bytes // 1024**2} MiB and "
            f"{LIMITS.rows} rows.",
            code="push_too_large",
            remedy="Send larger batches, or publish several datasets.",
            zh=f"一次推送最多 {MOST_BATCHES} 个批次、{LIMITS.file_bytes // 1024**2} MiB、{LIMITS.rows} 行。",
            remedy_zh="请增大每个批次，或分成几个数据集发布。",
        )


def _keep(
    database: Database,
    push: Row[Any],
    batch: int,
    key: str,
    stored: ObjectVersion,
    rows: int,
    notes: list[str],
) -> tuple[BatchDocument, bool]:
    """The batch is one of the push now, and True; or it was already, sent twice at the same time."""
    with database.transaction() as tx:
        row = tx.execute(select(pushes).where(pushes.c.id == push.id).with_for_update()).one()
        if (known := _of_key(tx, push.id, key)) is not None:
            return _again(known, stored.sha256), False
        require_open(row)
        _require_room(tx, row, size=stored.size, rows=rows)
        last = select(func.max(push_batches.c.number)).where(push_batches.c.push == push.id)
        kept = tx.execute(
            update(push_batches)
            .where(push_batches.c.id == batch)
            .values(
                state="stored",
                number=(tx.execute(last).scalar_one() or 0) + 1,
                object_version=stored.version_id,
                bytes=stored.size,
                sha256=stored.sha256,
                rows=rows,
                notes=notes,
            )
            .returning(push_batches)
        ).one()
        tx.execute(update(pushes).where(pushes.c.id == push.id).values(changed_at=func.now()))
        return _again(kept, stored.sha256), True


def _discard(database: Database, store: RawStore, batch: int, object_name: str) -> None:
    try:
        for stored in store.versions(object_name):
            store.remove(stored)
    except CihuError as error:
        log.warning("a batch of a push cannot be removed now: %s", error.code)
        return
    with database.transaction() as tx:
        tx.execute(update(push_batches).where(push_batches.c.id == batch).values(state="removed"))
