"""One attempt of a pull: the rows arrive, are published as the next version, or are told to be unfit.

The rows stream into the encrypted bucket. The version, the attempt's outcome and the next time are committed
as one, so that a crash leaves either the last state, which is due again, or all of the new one.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO
from uuid import uuid4

from sqlalchemy import Row, insert, select, update

from sandbox.catalog.model import Version
from sandbox.catalog.publish import publish
from sandbox.database import Database, Transaction
from sandbox.drafts.files import StoredFile
from sandbox.errors import CihuError, Conflict, Forbidden, NotAuthenticated, NotFound, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.pulls.context import PullContext
from sandbox.pulls.cron import read_cron
from sandbox.pulls.hindrances import Hindered, needs_second_officer, newest_for, suspend
from sandbox.pulls.schemas import AttemptDocument, DuePullDocument
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
    with context.database.transaction() as tx:
        rows = list(
            tx.execute(
                select(pulls)
                .where(pulls.c.state == "active", pulls.c.next_due <= datetime.now(UTC))
                .order_by(pulls.c.next_due)
            )
        )
    return [
        DuePullDocument(id=row.id, turn=row.turn, source=row.source, kind=row.kind, what=row.what)
        for row in rows
        if _may_go_on(context.database, row)
    ]


def _may_go_on(database: Database, row: Row[Any]) -> bool:
    try:
        with database.transaction() as tx:
            newest_for(tx, row)
    except Hindered as why:
        # whoever changed it meanwhile has the last word: it is asked for again
        with suppress(NotFound, Conflict), database.transaction() as tx:
            _expected(tx, row.id, row.turn, hold=True)
            suspend(tx, row, code=why.code, **_suspended_by(why))
        return False
    return True


def receive(context: PullContext, id: int, turn: int, stream: BinaryIO) -> None:
    """Take a pull's rows, and publish them. Raises `Conflict` where nobody waits for them, and
    `Unavailable` where they could not be taken: then they stay due."""
    with context.database.transaction() as tx:
        dataset = _expected(tx, id, turn).dataset
    with context.database.lock(f"pull:{dataset}"):
        with context.database.transaction() as tx:
            row = _expected(tx, id, turn)
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
            version = _published(context, row, attempt, stored)
        finally:
            _discard(context.database, store, attempt, object_name)
    if version is not None:
        officer, made = version
        context.drafting.published(officer, made)


def _published(
    context: PullContext, row: Row[Any], attempt: int, file: StoredFile
) -> tuple[Principal, Version] | None:
    """The officer and the new version, or None where there is none; the outcome is written down."""
    drafting = context.drafting
    try:
        with context.database.transaction() as tx:
            officer = load_principal(tx, row.set_by)
            newest = newest_for(tx, row)
        text, known = newest.text, newest.file_sha256
        policy = drafting.repository.read(text)
        if needs_second_officer(policy) and not row.second_person:
            _wait(context.database, row, attempt)
            return None
        # data about people become a version each time: whether one person's record changed since the last
        # pull would otherwise be told by the number of a version
        if policy.unit is None and known == file.version.sha256:
            with context.database.transaction() as tx:
                _end(tx, row, attempt, outcome="unchanged")
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
            registered=partial(_end_with_version, row=row, attempt=attempt),
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
        if unfit.code == NOT_DUE:
            raise
        with context.database.transaction() as tx:
            _end(tx, row, attempt, outcome="failed", failure=unfit)
    else:
        return officer, done.version
    return None


def fail(context: PullContext, id: int, turn: int, code: str, column: str) -> None:
    """The puller could not read the source. The last version stays, and the next time is awaited."""
    with context.database.transaction() as tx:
        row = _expected(tx, id, turn, hold=True)
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
                document[name] = words  # type: ignore[literal-required]  # the four of `_words`
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


def _expected(tx: Transaction, id: int, turn: int, *, hold: bool = False) -> Row[Any]:
    """The pull, if its rows are awaited. Raises `NotFound`, `Conflict`."""
    chosen = select(pulls).where(pulls.c.id == id)
    row = tx.execute(chosen.with_for_update() if hold else chosen).first()
    if row is None:
        raise NotFound(
            "There is no such pull.",
            remedy="Ask again which are due.",
            zh="没有该采集。",
            remedy_zh="请重新查询待采集的任务。",
        )
    if row.state != "active" or row.turn != turn or row.next_due > datetime.now(UTC):
        raise Conflict(
            "Nobody waits for these rows: the pull was changed, ended or done meanwhile.",
            code=NOT_DUE,
            remedy="Ask again which are due.",
            zh="没有等待这些数据的采集：任务已更改、结束或完成。",
            remedy_zh="请重新查询待采集的任务。",
        )
    return row


def _end_with_version(tx: Transaction, version: Version, *, row: Row[Any], attempt: int) -> None:
    """Within the transaction that registers the version."""
    _end(tx, row, attempt, outcome="version", version=version.number)


def _end(
    tx: Transaction,
    row: Row[Any],
    attempt: int,
    *,
    outcome: str,
    version: int | None = None,
    failure: CihuError | None = None,
) -> None:
    """Write the outcome down, and when the next pull is due. Raises `Conflict` where the pull was changed
    while its rows were read: then there is no outcome."""
    _expected(tx, row.id, row.turn, hold=True)
    now = datetime.now(UTC)
    tx.execute(
        update(pull_attempts)
        .where(pull_attempts.c.id == attempt)
        .values(
            outcome=outcome,
            version=version,
            code=failure.code if failure else None,
            words=_words(failure) if failure else None,
            ended_at=now,
        )
    )
    tx.execute(
        update(pulls)
        .where(pulls.c.id == row.id, pulls.c.turn == row.turn)
        .values(turn=row.turn + 1, next_due=read_cron(row.cron).after(now))
    )


def _words(failure: CihuError) -> Mapping[str, str]:
    return {
        "message": failure.message,
        "remedy": failure.remedy,
        "message_zh": failure.zh,
        "remedy_zh": failure.remedy_zh,
    }


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
            failure=Conflict(
                "The dataset has a grade now for which a second officer must agree to the pull.",
                code="second_person_needed",
                remedy="Ask another officer of your department to agree to it.",
                zh="数据集现在的级别要求第二位数据专员同意该采集。",
                remedy_zh="请本部门另一位数据专员同意。",
            ),
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
