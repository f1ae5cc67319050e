"""Pushes: opened towards the next version of a dataset, read, and abandoned.

An officer pushes under their own authority, a machine under that of the officer who answers for its
credential.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit import Event, append
from sandbox.catalog.automatic_versions import (
    managed_dataset,
    needs_second_officer,
    newest_for,
    policy_digest,
    publishable_version,
    second_person_needed,
)
from sandbox.catalog.dataset_repository import require_not_retired
from sandbox.catalog.merge_rows import require_mergeable
from sandbox.catalog.model import Version
from sandbox.catalog.versions import dataset_row
from sandbox.database import Transaction, lock_name
from sandbox.drafts.context import DraftContext
from sandbox.errors import Conflict, InvalidInput, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.pushes.pusher import MachinePusher, OfficerPusher, Pusher
from sandbox.pushes.schemas import Mode, PushBatchDocument, PushDocument
from sandbox.pushes.tables import push_batches, push_credentials, pushes

KEPT_FOR = timedelta(hours=48)
"""A push to which nothing was sent for so long expires, and its rows are removed."""
MOST_OPEN = 5
"""Of one pusher, of one dataset."""
MOST_LISTED = 50
GOING = ("open", "waiting")
DONE = ("published", "refused")


def open_push(
    context: DraftContext, pusher: Pusher, dataset: str, *, mode: Mode | None, name: str | None
) -> PushDocument:
    """A new push; or the one that this pusher called by the name before, as it is now."""
    values = _of_officer(context, pusher, dataset, mode)
    with context.database.transaction() as tx:
        if isinstance(pusher, MachinePusher):
            values = _of_machine(context, tx, pusher, dataset, mode)
        which = (pushes.c.dataset == values["dataset"], pushes.c.pusher == pusher.name)
        _one_at_a_time(tx, f"open-push:{values['dataset']}:{pusher.name}")
        going = select(func.count()).select_from(pushes).where(*which, pushes.c.state.in_(GOING))
        if tx.execute(going).scalar_one() >= MOST_OPEN and not _named(tx, which, name):
            raise TooMany(
                f"You have {MOST_OPEN} open pushes into this dataset.",
                remedy="Complete or abandon them first.",
                zh=f"您对该数据集已有 {MOST_OPEN} 个未完成的推送。",
                remedy_zh="请先完成或放弃它们。",
            )
        row = tx.execute(
            insert(pushes)
            .values(id=uuid4(), pusher=pusher.name, name=name, state="open", **values)
            .on_conflict_do_nothing()
            .returning(pushes)
        ).first()
        if row is None:
            row = tx.execute(select(pushes).where(*which, pushes.c.name == name)).one()
            _require_mode(row.mode, mode)
            return push_document(tx, row, pusher)
        log_push(tx, "push.opened", row, pusher, mode=row.mode)
        return push_document(tx, row, pusher)


def read_push(context: DraftContext, pusher: Pusher, dataset: str, id: UUID) -> PushDocument:
    """For its pusher, and for the officers of the department."""
    with context.database.transaction() as tx:
        return push_document(tx, seen_push(context, tx, pusher, dataset, id), pusher)


def list_pushes(context: DraftContext, officer: Principal, dataset: str) -> list[PushDocument]:
    """The newest first."""
    with context.database.transaction() as tx:
        name = managed_dataset(tx, context.gate, officer, dataset)
        rows = tx.execute(
            select(pushes)
            .where(pushes.c.dataset == name)
            .order_by(pushes.c.opened_at.desc())
            .limit(MOST_LISTED)
        ).all()
        return [push_document(tx, row, OfficerPusher(officer)) for row in rows]


def abandon_push(context: DraftContext, pusher: Pusher, dataset: str, id: UUID) -> None:
    """Nothing of it becomes a version. Raises `Conflict` where it did."""
    with context.database.transaction() as tx:
        row = seen_push(context, tx, pusher, dataset, id, hold=True)
        if row.state in {"abandoned", "expired", "refused"}:
            return
        require_going(row)
        end_push(tx, row, state="abandoned")
        log_push(tx, "push.abandoned", row, pusher)


def end_push(tx: Transaction, row: Row[Any], *, state: str, **values: Any) -> None:
    """What was stored of it is removed once this transaction stands (batches.py)."""
    now = datetime.now(UTC)
    tx.execute(
        update(pushes)
        .where(pushes.c.id == row.id)
        .values(state=state, ended_at=now, changed_at=now, **values)
    )


def seen_push(
    context: DraftContext, tx: Transaction, pusher: Pusher, dataset: str, id: UUID, *, hold: bool = False
) -> Row[Any]:
    """The push, if it is the pusher's, or of a dataset that they manage. Raises `NotFound`, `Refused`."""
    if isinstance(pusher, OfficerPusher):
        managed_dataset(tx, context.gate, pusher.principal, dataset)
    chosen = select(pushes).where(pushes.c.id == id)
    row = tx.execute(chosen.with_for_update() if hold else chosen).first()
    is_own = row is not None and (isinstance(pusher, OfficerPusher) or row.pusher == pusher.name)
    if row is None or not is_own or row.dataset != dataset.lower():
        raise _no_push()
    if isinstance(pusher, MachinePusher):
        usable_credential(tx, pusher)
    return row


def list_push_batches(
    context: DraftContext, officer: Principal, dataset: str, id: UUID
) -> list[PushBatchDocument]:
    """The batches of a push, in their order. Raises `NotFound`, `Refused`."""
    with context.database.transaction() as tx:
        push = seen_push(context, tx, OfficerPusher(officer), dataset, id)
        found = tx.execute(
            select(push_batches)
            .where(push_batches.c.push == id, push_batches.c.number > 0)
            .order_by(push_batches.c.number)
        )
        documents = []
        for row in found:
            document = PushBatchDocument(
                number=row.number, rows=row.rows, bytes=row.bytes, removed=row.state == "removed"
            )
            if push.officer == officer.id:
                document["notes"] = row.notes or []
            documents.append(document)
        return documents


def require_going(row: Row[Any]) -> None:
    """Raises `Conflict` unless more may become of the push."""
    if row.state not in GOING:
        raise Conflict(
            "This push has ended.",
            code="push_ended",
            remedy="Open another.",
            zh="该推送已结束。",
            remedy_zh="请重新打开一个推送。",
        )


def usable_credential(tx: Transaction, pusher: MachinePusher) -> Row[Any]:
    """Raises `Conflict` where an officer has still to agree, or where it is suspended."""
    row = tx.execute(select(push_credentials).where(push_credentials.c.id == pusher.credential)).one()
    if row.state == "waiting":
        raise second_person_needed("This push credential", "该推送凭据")
    if row.state != "active":
        raise credential_suspended()
    return row


def credential_suspended() -> Conflict:
    return Conflict(
        "This push credential is suspended.",
        code="push_credential_suspended",
        remedy="Ask an officer of the department to look at it, and to confirm it.",
        zh="该推送凭据已暂停。",
        remedy_zh="请部门数据专员查看并重新确认。",
    )


def push_document(tx: Transaction, row: Row[Any], pusher: Pusher) -> PushDocument:
    """For its pusher, or a colleague of theirs: neither learns of rows but those of the push."""
    batches, rows, size = tx.execute(
        select(func.count(), func.sum(push_batches.c.rows), func.sum(push_batches.c.bytes)).where(
            push_batches.c.push == row.id, push_batches.c.number > 0
        )
    ).one()
    # by rows of their choice, and whether a rule held on all rows, a machine could find out others'
    hidden = isinstance(pusher, MachinePusher) and row.about_people and row.state in DONE
    document = PushDocument(
        id=str(row.id),
        dataset=row.dataset,
        mode=row.mode,
        state="complete" if hidden else row.state,
        opened_at=row.opened_at,
        batches=batches,
        rows=int(rows or 0),
        bytes=int(size or 0),
    )
    if row.name is not None:
        document["name"] = row.name
    if row.state in GOING:
        document["expires_at"] = row.changed_at + KEPT_FOR
    if row.ended_at is not None:
        document["ended_at"] = row.ended_at
    if row.version is not None and not hidden:
        document["version"] = row.version
    if isinstance(pusher, OfficerPusher):
        _for_officers(document, row, pusher.principal)
    return document


def _for_officers(document: PushDocument, row: Row[Any], officer: Principal) -> None:
    document["officer"] = row.officer
    if row.second_person is not None:
        document["second_person"] = row.second_person
    if row.credential is not None:
        document["credential"] = row.credential
    if row.words and row.officer == officer.id:
        document["code"] = row.code
        for name, words in row.words.items():
            if words:
                document[name] = words  # type: ignore[literal-required]  # the four of `stored_words`


def log_push(tx: Transaction, kind: str, row: Row[Any], pusher: Pusher, **more: object) -> None:
    """The log tells nothing of the rows, not even how many there are."""
    actor = pusher.principal.id if isinstance(pusher, OfficerPusher) else row.officer
    by = {} if row.credential is None else {"credential": row.credential}
    append(tx, Event(kind, actor, f"dataset:{row.dataset}", {"push": str(row.id), **by, **more}))


def pushable_version(context: DraftContext, officer: Principal, dataset: str, mode: Mode | None) -> Version:
    """The newest version of a dataset into which the officer may push. Raises `Refused`, `NotFound`,
    `Conflict` where it is retired, `InvalidInput` where nothing can be appended to it."""
    version = publishable_version(context.repository, context.gate, officer, dataset)
    require_not_retired(version)
    if mode == "append":
        require_mergeable(version.policy)
    return version


def _of_officer(context: DraftContext, pusher: Pusher, dataset: str, mode: Mode | None) -> dict[str, Any]:
    if not isinstance(pusher, OfficerPusher):
        return {}
    version = pushable_version(context, pusher.principal, dataset, mode)
    with context.database.transaction() as tx:
        digest = policy_digest(tx, version.dataset, version.number)
    return {
        "dataset": version.dataset,
        "mode": mode or "replace",
        "officer": pusher.principal.id,
        "policy_sha256": digest,
        "about_people": needs_second_officer(version.policy),
    }


def _of_machine(
    context: DraftContext, tx: Transaction, pusher: MachinePusher, dataset: str, mode: Mode | None
) -> dict[str, Any]:
    if dataset.lower() != pusher.dataset:
        raise _no_push()
    credential = usable_credential(tx, pusher)
    _require_mode(credential.mode, mode)
    newest = newest_for(tx, dataset_row(tx, dataset).name, credential.policy_sha256)
    return {
        "dataset": credential.dataset,
        "mode": credential.mode,
        "officer": credential.issued_by,
        "credential": credential.id,
        "policy_sha256": credential.policy_sha256,
        "about_people": needs_second_officer(context.repository.read_kept(newest.text)),
    }


def _one_at_a_time(tx: Transaction, name: str) -> None:
    """Until the transaction ends: what is counted in it stays true."""
    lock_name(tx, name)


def _named(tx: Transaction, which: Any, name: str | None) -> bool:
    found = select(pushes.c.id).where(*which, pushes.c.name == name)
    return name is not None and tx.execute(found).first() is not None


def _require_mode(mode: str, asked: Mode | None) -> None:
    if asked not in {None, mode}:
        raise InvalidInput(
            f"The mode of this push or credential is {mode}.",
            code="push_mode",
            remedy=f"Leave the mode out, or say {mode}.",
            zh=f"该推送或凭据的方式为 {mode}。",
            remedy_zh=f"请不填 mode，或填写 {mode}。",
        )


def _no_push() -> NotFound:
    return NotFound(
        "There is no such push, or none that you may see.",
        code="no_push",
        remedy="Open one: POST /v1/datasets/{name}/pushes.",
        zh="没有该推送，或您无权查看。",
        remedy_zh="请先打开推送：POST /v1/datasets/{name}/pushes。",
    )
