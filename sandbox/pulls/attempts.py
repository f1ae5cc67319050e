"""One attempt of a pull: the rows arrive, are published as the next version, or are told to be unfit.

The rows stream into the encrypted bucket. The version, the attempt's outcome and the next time are committed
as one, so that a crash leaves either the last state, which is due again, or all of the new one.
"""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Row, insert, select, update

from sandbox.catalog.automatic_versions import (
    Hindered,
    needs_second_officer,
    newest_for,
    second_person_needed,
    stored_words,
)
from sandbox.catalog.merge_rows import BASE_CHANGED, require_base
from sandbox.catalog.model import Version
from sandbox.catalog.opening import OpeningAnswers
from sandbox.catalog.publish import publish
from sandbox.database import Database, Transaction
from sandbox.drafts.files import StoredFile
from sandbox.errors import CihuError, Conflict, Forbidden, NotAuthenticated, NotFound, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.pulls.context import PullContext
from sandbox.pulls.cron import read_cron
from sandbox.pulls.hindrances import suspend
from sandbox.pulls.increments import merge_onto, read_since
from sandbox.pulls.schemas import AttemptDocument, DuePullDocument, SinceDocument
from sandbox.pulls.tables import pull_attempts, pulls
from sandbox.sources.failures import FAILURES, SourceFailure
from sandbox.storage import RawStore

FOLDER = "pulls"
TABLE_FILE = FileFormat(format=Format.PARQUET)
"""How the puller writes tables, whatever the first file of the dataset was."""
NOT_DUE = "pull_not_due"
log = logging.getLogger("cihu.pulls")


def due(context: PullContext) -> list[DuePullDocument]:
    """What is to be fetched now, the longest due first. A pull that may not go on is suspended instead:
    nobody's rows are fetched to be refused."""
    now = datetime.now(UTC)
    with context.database.transaction() as tx:
        rows = list(
            tx.execute(
                select(pulls)
                .where(pulls.c.state == "active", pulls.c.next_due <= now)
                .order_by(pulls.c.next_due)
            )
        )
    documents = []
    for row in rows:
        try:
            if _may_go_on(context.database, row):
                documents.append(_due_document(context, row, now))
        except CihuError as error:
            # its last version cannot be read, say: it stays due, and the others are fetched
            log.warning("a pull of %s cannot be prepared now: %s", row.dataset, error.code)
    return documents


def _due_document(context: PullContext, row: Row[Any], now: datetime) -> DuePullDocument:
    document = DuePullDocument(
        id=row.id,
        revision=row.revision,
        turn=row.revision,
        source=row.source,
        kind=row.kind,
        what=row.what,
    )
    drafting = context.drafting
    if row.since is not None and (
        found := read_since(row, now, repository=drafting.repository, store=drafting.store)
    ):
        since, base = found
        document["since"] = SinceDocument(column=since.column, kind=since.kind, at_least=since.at_least)
        document["base"] = base
    return document


def _may_go_on(database: Database, row: Row[Any]) -> bool:
    try:
        with database.transaction() as tx:
            newest_for(tx, row.dataset, row.policy_sha256)
    except Hindered as why:
        # whoever changed it meanwhile has the last word: it is asked for again
        with suppress(NotFound, Conflict), database.transaction() as tx:
            _expected(tx, row.id, row.revision, hold=True)
            suspend(tx, row, code=why.code, **_suspended_by(why))
        return False
    return True


def receive(
    context: PullContext, id: int, revision: int, stream: BinaryIO, *, base: int | None = None
) -> None:
    """Take a pull's rows, and publish them. `base`: onto which version they are put. Raises `Conflict` where
    nobody waits for them, and `Unavailable` where they could not be taken: then they stay due."""
    with context.database.transaction() as tx:
        dataset = _expected(tx, id, revision, base=base).dataset
    with context.database.lock(f"pull:{dataset}"):
        with context.database.transaction() as tx:
            row = _expected(tx, id, revision, base=base)
            object_name = f"{FOLDER}/{uuid4()}"
            attempt = tx.execute(
                insert(pull_attempts)
                .values(pull=id, set_by=row.set_by, outcome="arriving", object_name=object_name)
                .returning(pull_attempts.c.id)
            ).scalar_one()
        store = context.drafting.store
        version = None
        try:
            stored = StoredFile(store, store.put_stream(object_name, stream))
            if base is not None and not _has_rows(stored):
                # even the row with the last value is gone from the source: what else is, a full pull finds
                _fetch_all(context.database, row)
                return
            version = _published(context, row, attempt, stored, base)
        finally:
            _discard(context.database, store, attempt, object_name)
    if version is not None:
        officer, made = version
        context.drafting.published(officer, made)


def _has_rows(file: StoredFile) -> bool:
    """What is no table is for the reader to refuse."""
    try:
        with file.open() as stream:
            return bool(pyarrow.parquet.read_metadata(stream).num_rows)
    except (pa.ArrowException, OSError):
        return True


def _fetch_all(database: Database, row: Row[Any]) -> None:
    """The pull stays due, and fetches all rows."""
    with database.transaction() as tx:
        _expected(tx, row.id, row.revision, hold=True)
        tx.execute(update(pulls).where(pulls.c.id == row.id).values(full_at=None))


def _published(
    context: PullContext, row: Row[Any], attempt: int, file: StoredFile, base: int | None
) -> tuple[Principal, Version] | None:
    """The officer and the new version, or None where there is none; the outcome is written down."""
    drafting = context.drafting
    try:
        with context.database.transaction() as tx:
            officer = load_principal(tx, row.set_by)
            newest = newest_for(tx, row.dataset, row.policy_sha256)
        require_base(newest.number, base)
        text, known = newest.text, newest.file_sha256
        policy = drafting.repository.read(text)
        if needs_second_officer(policy) and not row.second_person:
            _wait(context.database, row, attempt)
            return None
        # data about people become a version each time: whether one person's record changed since the last
        # pull would otherwise be told by the number of a version
        if policy.unit is None and known == file.version.sha256:
            with context.database.transaction() as tx:
                _end(tx, row, attempt, outcome="unchanged", base=base)
            return None
        done = publish(
            context.database,
            repository=drafting.repository,
            store=drafting.store,
            gate=drafting.gate,
            populations=drafting.populations,
            officer=officer,
            policy_text=text,
            body=file,
            sha256=file.version.sha256,
            assess=drafting.assess,
            notice=drafting.notice,
            given=None if row.kind == "object" else TABLE_FILE,
            merge=merge_onto(row, base),
            automatic=partial(newest_for, dataset=row.dataset, policy_sha256=row.policy_sha256),
            registered=partial(_end_with_version, row=row, attempt=attempt, base=base),
            opening=OpeningAnswers(makers=frozenset(row.makers)),
        )
    except (Forbidden, NotAuthenticated) as refused:
        _suspend(
            context.database,
            row,
            attempt,
            refused,
            en=f"{row.set_by}, who set it, may not publish this dataset any more. Set it again.",
            zh=f"设置人 {row.set_by} 已无权发布该数据集。请重新设置。",
        )
    except Hindered as why:
        _suspend(context.database, row, attempt, why, **_suspended_by(why))
    except Unavailable:
        raise
    except CihuError as unfit:
        if unfit.code in {NOT_DUE, BASE_CHANGED}:
            raise
        with context.database.transaction() as tx:
            _end(tx, row, attempt, outcome="failed", failure=unfit)
    else:
        return None if done.held else (officer, done.version)
    return None


def fail(context: PullContext, id: int, revision: int, code: str, column: str) -> None:
    """The puller could not read the source. The last version stays, and the next time is awaited."""
    with context.database.transaction() as tx:
        row = _expected(tx, id, revision, hold=True)
        attempt = tx.execute(
            insert(pull_attempts)
            .values(pull=id, set_by=row.set_by, outcome="arriving")
            .returning(pull_attempts.c.id)
        ).scalar_one()
        _end(tx, row, attempt, outcome="failed", failure=SourceFailure(code, column=column))


def attempt_document(row: Row[Any], officer: Principal) -> AttemptDocument:
    """For whoever set the pull in full; a colleague is told what the rows do not tell."""
    document = AttemptDocument(started_at=row.started_at, outcome=row.outcome)
    if row.ended_at is not None:
        document["ended_at"] = row.ended_at
    if row.version is not None:
        document["version"] = row.version
    if row.words and (row.set_by == officer.id or row.code in FAILURES):
        document["code"] = row.code
        for name, words in row.words.items():
            if words:
                document[name] = words  # type: ignore[literal-required]  # the four of `stored_words`
    return document


def sweep_pulls(database: Database, store: RawStore) -> int:
    """Remove what a crash left of rows that arrived; returns how many there were. They are due again."""
    store.abort_unfinished(FOLDER)
    with database.transaction() as tx:
        left = [
            (row.id, row.object_name)
            for row in tx.execute(select(pull_attempts).where(pull_attempts.c.object_name.is_not(None)))
        ]
    for attempt, object_name in left:
        _discard(database, store, attempt, object_name)
    return len(left)


def _expected(
    tx: Transaction, id: int, revision: int, *, hold: bool = False, base: int | None = None
) -> Row[Any]:
    """The pull, if its rows are awaited; where there is a `base`, those that are new since. Raises
    `NotFound`, `Conflict`."""
    chosen = select(pulls).where(pulls.c.id == id)
    row = tx.execute(chosen.with_for_update() if hold else chosen).first()
    if row is None:
        raise NotFound(
            "There is no such pull.",
            remedy="Ask again which are due.",
            zh="没有该采集。",
            remedy_zh="请重新查询待采集的任务。",
        )
    awaited = row.state == "active" and row.revision == revision and row.next_due <= datetime.now(UTC)
    if not awaited or (base is not None and (row.since is None or row.made_version != base)):
        raise Conflict(
            "Nobody waits for these rows: the pull was changed, ended or done meanwhile.",
            code=NOT_DUE,
            remedy="Ask again which are due.",
            zh="没有等待这些数据的采集：任务已更改、结束或完成。",
            remedy_zh="请重新查询待采集的任务。",
        )
    return row


def _end_with_version(
    tx: Transaction, version: Version, *, row: Row[Any], attempt: int, base: int | None
) -> None:
    """Within the transaction that registers the version."""
    _end(tx, row, attempt, outcome="version", version=version.number, base=base)


def _end(
    tx: Transaction,
    row: Row[Any],
    attempt: int,
    *,
    outcome: str,
    version: int | None = None,
    failure: CihuError | None = None,
    base: int | None = None,
) -> None:
    """Write the outcome down, and when the next pull is due. Raises `Conflict` where the pull was changed
    while its rows were read: then there is no outcome."""
    _expected(tx, row.id, row.revision, hold=True)
    now = datetime.now(UTC)
    fetched: dict[str, Any] = {} if version is None else {"made_version": version}
    if failure is None and base is None:
        fetched["full_at"] = now
    tx.execute(
        update(pull_attempts)
        .where(pull_attempts.c.id == attempt)
        .values(
            outcome=outcome,
            version=version,
            code=failure.code if failure else None,
            words=stored_words(failure) if failure else None,
            ended_at=now,
        )
    )
    tx.execute(
        update(pulls)
        .where(pulls.c.id == row.id, pulls.c.revision == row.revision)
        .values(revision=row.revision + 1, next_due=read_cron(row.cron).after(now), **fetched)
    )


def _suspend(database: Database, row: Row[Any], attempt: int, why: CihuError, *, en: str, zh: str) -> None:
    with database.transaction() as tx:
        _end(tx, row, attempt, outcome="failed", failure=why)
        suspend(tx, row, code=why.code, en=en, zh=zh)


def _suspended_by(why: Hindered) -> dict[str, str]:
    return {"en": f"{why.message} {why.remedy}", "zh": f"{why.zh}{why.remedy_zh}"}


def _wait(database: Database, row: Row[Any], attempt: int) -> None:
    """The newest policy has a grade for which two officers are needed, and one has agreed."""
    with database.transaction() as tx:
        _end(
            tx,
            row,
            attempt,
            outcome="failed",
            failure=second_person_needed("This pull", "该采集"),
        )
        tx.execute(update(pulls).where(pulls.c.id == row.id).values(state="waiting"))


def _discard(database: Database, store: RawStore, attempt: int, object_name: str) -> None:
    """Remove the bytes that arrived. An attempt that came to no outcome was cut off."""
    try:
        for stored in store.versions(object_name):
            store.remove(stored)
    except CihuError as error:
        log.warning("what arrived for a pull cannot be removed now: %s", error.code)
        return
    with database.transaction() as tx:
        tx.execute(update(pull_attempts).where(pull_attempts.c.id == attempt).values(object_name=None))
        tx.execute(
            update(pull_attempts)
            .where(pull_attempts.c.id == attempt, pull_attempts.c.outcome == "arriving")
            .values(outcome="cut", ended_at=datetime.now(UTC))
        )
