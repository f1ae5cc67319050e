"""Completes a push: its batches become the next version, all of them or none.

The version and the push's end are one transaction. Whoever dies before leaves the push as it was, and
completing it again finishes it once.
"""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update

from sandbox.catalog.automatic_versions import (
    Hindered,
    needs_second_officer,
    newest_for,
    publishable_version,
    second_person_needed,
    stored_words,
)
from sandbox.catalog.former_holders import former_holders
from sandbox.catalog.merge_rows import Merge
from sandbox.catalog.model import Version
from sandbox.catalog.opening import OpeningAnswers
from sandbox.catalog.publish import digest_of, publish
from sandbox.database import Transaction
from sandbox.drafts.context import DraftContext
from sandbox.errors import CihuError, Conflict, Forbidden, InvalidInput, NotAuthenticated, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.ingest.file_parts import FileParts
from sandbox.pushes.batches import file_of_batch, remove_batches, require_pusher, stored_batches
from sandbox.pushes.credentials import hold_credential, own_push, require_active, suspend_credential
from sandbox.pushes.pusher import OfficerPusher, Pusher
from sandbox.pushes.pushes import DONE, end_push, log_push, push_document, read_push, require_going, seen_push
from sandbox.pushes.schemas import PushDocument
from sandbox.pushes.tables import pushes

STAYS_OPEN = frozenset({"push_ended", "push_incomplete", "second_person_needed", "push_credential_suspended"})
"""What is about the push and not about its rows: its pusher is told, and may go on."""


def complete_push(
    context: DraftContext, pusher: Pusher, dataset: str, id: UUID, *, batches: int | None
) -> PushDocument:
    """Let the push become a version, or wait for a second officer. Completed again, it answers the same.
    `batches`: how many the pusher sent, so that none is lost. Raises `Conflict`, `InvalidInput`, and
    `Unavailable` where it stays open."""
    with context.database.try_lock(f"push:{id}"):
        with context.database.transaction() as tx:
            row = seen_push(context, tx, pusher, dataset, id, hold=True)
            require_pusher(row, pusher)
            if row.state in DONE or row.state == "waiting":
                return push_document(tx, row, pusher)
            require_going(row)
            stored = stored_batches(tx, id)
            _require_batches(len(stored), batches)
            policy = context.repository.read(newest_for(tx, row.dataset, row.policy_sha256).text)
            # the officer who answers for a credential had it agreed to before it was used
            waits = needs_second_officer(policy) and row.credential is None
            if waits:
                tx.execute(
                    update(pushes).where(pushes.c.id == id).values(state="waiting", changed_at=func.now())
                )
                log_push(tx, "push.completed", row, pusher)
        if not waits:
            _publish(context, row, pusher)
    return read_push(context, pusher, dataset, id)


def agree_to_push(context: DraftContext, officer: Principal, dataset: str, id: UUID) -> PushDocument:
    """A second officer agrees to a push that is complete, and it becomes a version."""
    publishable_version(context.repository, context.gate, officer, dataset)
    pusher = OfficerPusher(officer)
    with context.database.try_lock(f"push:{id}"):
        with context.database.transaction() as tx:
            row = seen_push(context, tx, pusher, dataset, id)
            makers = {row.officer, *former_holders(tx, "push", id)}
            if officer.id in makers or row.pusher == pusher.name:
                raise own_push()
            if row.state in DONE:
                return push_document(tx, row, pusher)
            require_going(row)
            if row.state != "waiting":
                raise Conflict(
                    "This push is not complete.",
                    code="push_incomplete",
                    remedy="Wait until it is: more batches may come.",
                    zh="该推送尚未完成。",
                    remedy_zh="请等待其完成：可能还有批次。",
                )
        _publish(context, row, pusher, second=officer.id)
    return read_push(context, pusher, dataset, id)


def _publish(context: DraftContext, row: Row[Any], pusher: Pusher, *, second: str | None = None) -> None:
    """Under the lock of the push."""
    try:
        with context.database.transaction() as tx:
            officer = load_principal(tx, row.officer)
            newest = newest_for(tx, row.dataset, row.policy_sha256)
            batches = [file_of_batch(context.store, batch) for batch in stored_batches(tx, row.id)]
        for batch, _ in batches:
            if digest_of(batch) != batch.version.sha256:
                raise Unavailable(
                    "A batch is damaged in the object store.",
                    code="storage_damaged",
                    remedy="Abandon the push, and send it anew.",
                    zh="有一个批次在对象存储中已损坏。",
                    remedy_zh="请放弃该推送并重新发送。",
                )
        done = publish(
            context.database,
            repository=context.repository,
            store=context.store,
            gate=context.gate,
            populations=context.populations,
            officer=officer,
            policy_text=newest.text,
            body=FileParts(tuple(batches)),
            assess=context.assess,
            notice=context.notice,
            merge=Merge() if row.mode == "append" else None,
            automatic=partial(newest_for, dataset=row.dataset, policy_sha256=row.policy_sha256),
            registered=partial(
                _end_with_version, row=row, pusher=pusher, second=second, batches=len(batches)
            ),
            opening=OpeningAnswers(),
        )
    except (Forbidden, NotAuthenticated) as refused:
        _refuse(
            context,
            row,
            refused,
            en=f"{row.officer}, who answers for it, may not publish this dataset any more. Confirm it again.",
            zh=f"负责人 {row.officer} 已无权发布该数据集。请重新确认。",
        )
    except Hindered as why:
        _refuse(context, row, why, en=f"{why.message} {why.remedy}", zh=f"{why.zh}{why.remedy_zh}")
    except Unavailable:
        raise
    except CihuError as unfit:
        if unfit.code in STAYS_OPEN:
            raise
        _refuse(context, row, unfit)
    else:
        if not done.held:
            context.published(officer, done.version)
    remove_batches(context.database, context.store, row.id)


def _end_with_version(
    tx: Transaction, version: Version, *, row: Row[Any], pusher: Pusher, second: str | None, batches: int
) -> None:
    """Within the transaction that registers the version."""
    if row.credential is not None:
        require_active(tx, row.credential)
    now = tx.execute(select(pushes).where(pushes.c.id == row.id).with_for_update()).one()
    require_going(now)
    # none may have come meanwhile: it was answered, and would be in no version
    _require_batches(len(stored_batches(tx, row.id)), batches)
    if second is None and now.credential is None and version.policy.unit is not None:
        raise second_person_needed("This push", "该推送")
    end_push(tx, now, state="published", version=version.number, second_person=second)
    more = {"version": version.number}
    if second is not None:
        log_push(tx, "push.agreed", row, pusher, **more)
    else:
        log_push(tx, "push.completed", row, pusher, **more)


def _refuse(context: DraftContext, row: Row[Any], why: CihuError, *, en: str = "", zh: str = "") -> None:
    """No version comes of it. The log tells nothing: it may be because of one cell."""
    with context.database.transaction() as tx:
        credential = None if row.credential is None else hold_credential(tx, row.credential)
        now = tx.execute(select(pushes).where(pushes.c.id == row.id).with_for_update()).one()
        require_going(now)
        end_push(tx, now, state="refused", code=why.code, words=stored_words(why))
        if en and credential is not None:
            suspend_credential(tx, credential, code=why.code, en=en, zh=zh)


def _require_batches(stored: int, sent: int | None) -> None:
    if not stored:
        raise InvalidInput(
            "The push has no batch.",
            code="push_empty",
            remedy="Send rows first, or abandon it.",
            zh="该推送没有任何批次。",
            remedy_zh="请先发送数据，或放弃该推送。",
        )
    if sent is not None and sent != stored:
        raise Conflict(
            f"The push has {stored} batches, not {sent}.",
            code="push_incomplete",
            remedy="Send those that are missing, each under its first idempotency key.",
            zh=f"该推送有 {stored} 个批次，而不是 {sent} 个。",
            remedy_zh="请用原来的幂等键补发缺少的批次。",
        )
