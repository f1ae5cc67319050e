"""Lists reviews before opening, answers what is asked, opens and refuses.

Whoever published answers what is asked of the publisher, another officer of the department what is asked of a
second person. With the last yes the version opens. A no is kept and opens nothing, and only who said it
changes it. A refusal ends the review, gives a draft back to whoever wrote it, and removes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.dataset_repository import require_not_retired
from sandbox.catalog.notice import PublishersWord, require_announced
from sandbox.catalog.opening import (
    OPENED,
    REFUSED,
    WAITING,
    answer_of,
    put_in_use,
    unanswered_items,
)
from sandbox.catalog.opening_reasons import REASONS
from sandbox.catalog.sweep import publishing
from sandbox.catalog.tables import datasets, opening_reviews
from sandbox.database import Transaction
from sandbox.drafts.drafts import reopen_draft
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.openings.context import OpeningContext
from sandbox.openings.schemas import (
    OpeningDocument,
    OpeningItemDocument,
    OpeningReasonDocument,
    OpeningStateName,
)

LISTED = 500
SHORTEST_NOTE = 5


@dataclass(frozen=True)
class GivenAnswer:
    """What somebody answers to one item."""

    item: str
    yes: bool
    note: str = ""


def list_openings(
    context: OpeningContext,
    officer: Principal,
    *,
    dataset: str | None = None,
    state: OpeningStateName | None = None,
) -> list[OpeningDocument]:
    """Of the officer's department; what waits comes first, what is due first before the others."""
    context.require_officer(officer, dataset or "any", officer.organisation)
    chosen = select(opening_reviews).where(opening_reviews.c.department == officer.organisation)
    if dataset is not None:
        chosen = chosen.where(opening_reviews.c.dataset == dataset.lower())
    if state is not None:
        chosen = chosen.where(opening_reviews.c.state == state)
    with context.database.transaction() as tx:
        rows = list(tx.execute(chosen.order_by(opening_reviews.c.id.desc()).limit(LISTED)))
        rows.sort(
            key=lambda row: (row.state != WAITING, row.due_at if row.state == WAITING else row.asked_at)
        )
        return [opening_document(row, officer) for row in rows]


def read_opening(context: OpeningContext, officer: Principal, id: int) -> OpeningDocument:
    """One, with the policy of its version."""
    with context.database.transaction() as tx:
        row = _row(tx, officer, id)
        return _with_policy(context, tx, opening_document(row, officer))


def answer_opening(
    context: OpeningContext, officer: Principal, id: int, answers: Sequence[GivenAnswer]
) -> OpeningDocument:
    """Answer items that are asked of the officer. With the last yes the version opens.
    Raises `InvalidInput`, `NotFound`, `Conflict`."""
    with context.database.transaction() as tx:
        dataset = _row(tx, officer, id).dataset
    with context.database.lock(publishing(dataset)), context.database.transaction() as tx:
        row = _waiting(context, tx, officer, id)
        kept = dict(row.answers)
        now = datetime.now(UTC)
        for answer in answers:
            item = _item(row, officer, answer)
            _require_no_other_no(row, item, officer)
            kept[item["id"]] = answer_of(officer.id, yes=answer.yes, note=answer.note.strip(), now=now)
        second = _second_person(row, kept, officer)
        opens = not unanswered_items(row.items, kept)
        if opens and row.kind == "version":
            _require_may_open(context, tx, row)
            put_in_use(
                tx,
                context.repository,
                context.gate.grades,
                context.populations,
                row.dataset,
                row.number,
            )
        decided = {"state": OPENED, "decided_by": officer.id, "decided_at": now} if opens else {}
        row = tx.execute(
            update(opening_reviews)
            .where(opening_reviews.c.id == id)
            .values(answers=kept, second_person=second, **decided)
            .returning(opening_reviews)
        ).one()
        given = {answer.item: "yes" if answer.yes else "no" for answer in answers}
        _log(tx, "version.opening_answered", officer, row, {"answers": given})
        if opens:
            _log(tx, "version.opened", officer, row, {"reasons": row.reasons})
        version = context.repository.version(tx, row.dataset, row.number)
        document = _with_policy(context, tx, opening_document(row, officer))
    if opens and row.kind == "version":
        context.published(officer, version)
    return document


def refuse_opening(context: OpeningContext, officer: Principal, id: int, reason: str) -> OpeningDocument:
    """The version does not open, for this reason. Its publisher takes it back the same way. The draft that it
    was published from can be corrected and published again."""
    if len(reason.strip()) < SHORTEST_NOTE:
        raise _too_short("reason", "原因")
    with context.database.transaction() as tx:
        dataset = _row(tx, officer, id).dataset
    with context.database.lock(publishing(dataset)), context.database.transaction() as tx:
        row = _waiting(context, tx, officer, id)
        row = tx.execute(
            update(opening_reviews)
            .where(opening_reviews.c.id == row.id)
            .values(state=REFUSED, decided_by=officer.id, decided_at=datetime.now(UTC), reason=reason.strip())
            .returning(opening_reviews)
        ).one()
        if row.kind == "version":
            reopen_draft(tx, row.dataset, row.number)
        _log(tx, "version.opening_refused", officer, row, {"reason": reason.strip()})
        return _with_policy(context, tx, opening_document(row, officer))


def remind_of_openings(context: OpeningContext, *, now: datetime | None = None) -> int:
    """Write each review that has become overdue into the log, once; it goes on waiting. Returns how many."""
    now = now or datetime.now(UTC)
    with context.database.transaction() as tx:
        late = tx.execute(
            select(opening_reviews)
            .where(
                opening_reviews.c.state == WAITING,
                opening_reviews.c.due_at < now,
                opening_reviews.c.overdue_at.is_(None),
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in late:
            tx.execute(update(opening_reviews).where(opening_reviews.c.id == row.id).values(overdue_at=now))
            append(
                tx,
                Event(
                    "version.opening_overdue",
                    "vault",
                    f"dataset:{row.dataset}@{row.number}",
                    {"review": row.id, "due_at": row.due_at.isoformat()},
                ),
                to=[notices.officers(row.department)],
                about=f"opening:{row.id}",
            )
        return len(late)


def opening_document(row: Row[Any], officer: Principal) -> OpeningDocument:
    document = OpeningDocument(
        id=row.id,
        dataset=row.dataset,
        version=row.number,
        kind=row.kind,
        reasons=[
            OpeningReasonDocument(code=code, text={"en": REASONS[code].en, "zh": REASONS[code].zh})
            for code in row.reasons
        ],
        grade=row.grade,
        state=row.state,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        due_at=row.due_at,
        overdue=row.state == WAITING and row.due_at < datetime.now(UTC),
        needs_second_person=row.needs_second_person,
        items=[_item_document(row, item, officer) for item in row.items],
    )
    if row.columns is not None:
        document["columns"] = row.columns
    if row.second_person is not None:
        document["second_person"] = row.second_person
    if row.decided_by is not None:
        document["decided_by"], document["decided_at"] = row.decided_by, row.decided_at
    if row.reason:
        document["reason"] = row.reason
    return document


def _item_document(row: Row[Any], item: Mapping[str, Any], officer: Principal) -> OpeningItemDocument:
    document = OpeningItemDocument(
        id=item["id"],
        question=item["question"],
        answered_by=item["answered_by"],
        about=item["about"],
        yours=row.state == WAITING and _may_answer(row, item, officer) and _no_other_no(row, item, officer),
    )
    if (answer := row.answers.get(item["id"])) is not None:
        document |= answer
    return document


def _may_answer(row: Row[Any], item: Mapping[str, Any], officer: Principal) -> bool:
    match item["answered_by"]:
        case "publisher":
            return bool(row.asked_by == officer.id)
        case "second_person":
            return officer.id not in row.makers
    return False


def _no_other_no(row: Row[Any], item: Mapping[str, Any], officer: Principal) -> bool:
    """Whether nobody else answered it with no: else a third officer could be asked until one says yes."""
    answer = row.answers.get(item["id"])
    return answer is None or bool(answer["yes"]) or answer["by"] == officer.id


def _require_no_other_no(row: Row[Any], item: Mapping[str, Any], officer: Principal) -> None:
    if _no_other_no(row, item, officer):
        return
    by = row.answers[item["id"]]["by"]
    raise Conflict(
        f"{by} answered {item['id']} with no, and only they change it.",
        code="opening_no_stands",
        remedy=f"Ask {by}; or refuse the review with a reason, correct the draft, and publish it again.",
        zh=f"{by} 已对此项回答“否”，只有其本人可以更改。",
        remedy_zh=f"请联系 {by}；或说明原因后拒绝该审查，改正草稿后重新发布。",
    )


def _item(row: Row[Any], officer: Principal, answer: GivenAnswer) -> Mapping[str, Any]:
    """The item that is answered. Raises `InvalidInput` and `Conflict`."""
    item: Mapping[str, Any] | None = next((item for item in row.items if item["id"] == answer.item), None)
    if item is None:
        raise InvalidInput(
            "This review has no such item.",
            remedy=f"It asks: {', '.join(item['id'] for item in row.items)}.",
            zh="该审查没有这一项。",
            remedy_zh=f"审查项：{'、'.join(item['id'] for item in row.items)}。",
        )
    if not _may_answer(row, item, officer):
        raise _not_yours(row, item)
    if item["about"] and answer.yes and len(answer.note.strip()) < SHORTEST_NOTE:
        raise _too_short("note", "说明")
    return item


def _not_yours(row: Row[Any], item: Mapping[str, Any]) -> Conflict:
    if item["answered_by"] == "second_person":
        return Conflict(
            f"You wrote, published or handed over this version, so you cannot answer {item['id']} as its "
            "second person.",
            code="own_opening",
            remedy="Ask another officer of your department.",
            zh="该版本由您编写、发布或移交，您不能作为复核人。",
            remedy_zh="请本部门另一位数据专员复核。",
        )
    whose = row.asked_by if item["answered_by"] == "publisher" else "the system"
    return Conflict(
        f"{item['id']} is answered by {whose}.",
        code="not_yours_to_answer",
        remedy="Answer what is asked of you, or refuse the review with a reason.",
        zh=f"此项由 {row.asked_by if item['answered_by'] == 'publisher' else '系统'} 回答。",
        remedy_zh="请回答由您负责的各项，或说明原因后拒绝。",
    )


def _second_person(row: Row[Any], answers: Mapping[str, Any], officer: Principal) -> str | None:
    """Whoever answers as the second person. What another answered before stays theirs."""
    if not row.needs_second_person:
        return None
    asked = [item["id"] for item in row.items if item["answered_by"] == "second_person"]
    by_officer = any(answers.get(id, {}).get("by") == officer.id for id in asked)
    return officer.id if by_officer else row.second_person


def _require_may_open(context: OpeningContext, tx: Transaction, row: Row[Any]) -> None:
    """What could have changed since it was published: the dataset's end, grants on the version in use, the
    rights of whoever published. Raises `Conflict`."""
    dataset = tx.execute(select(datasets).where(datasets.c.name == row.dataset).with_for_update()).one()
    version = context.repository.version(tx, row.dataset, row.number)
    if dataset.erased_at is not None or version.withdrawn_at is not None:
        raise _closed(row)
    require_not_retired(replace(version, retires_at=dataset.retires_at))
    in_use = context.repository.version(tx, row.dataset, dataset.latest).policy if dataset.latest else None
    require_announced(
        tx,
        context.notice,
        read=context.repository.read_kept,
        grades=context.gate.grades,
        in_use=in_use,
        policy=version.policy,
        word=PublishersWord(urgent=row.urgent),
    )


def _row(tx: Transaction, officer: Principal, id: int) -> Row[Any]:
    """Raises `NotFound`, also for another department's."""
    row = tx.execute(
        select(opening_reviews).where(
            opening_reviews.c.id == id, opening_reviews.c.department == officer.organisation
        )
    ).first()
    if row is None or "officer" not in officer.roles:
        raise NotFound(
            f"Your department has no review {id}.",
            code="opening_not_found",
            remedy="List those that it has: cihu openings.",
            zh=f"您的部门没有安全审查 {id}。",
            remedy_zh="可在“安全审查”中查看。",
        )
    return row


def _waiting(context: OpeningContext, tx: Transaction, officer: Principal, id: int) -> Row[Any]:
    """Held until the transaction ends, after its dataset: as whoever erases what it was made of holds them.
    Raises `Conflict` where it is decided."""
    dataset = _row(tx, officer, id).dataset
    tx.execute(select(datasets.c.name).where(datasets.c.name == dataset).with_for_update())
    row = tx.execute(select(opening_reviews).where(opening_reviews.c.id == id).with_for_update()).one()
    context.require_officer(officer, row.dataset, row.department)
    if row.state != WAITING:
        raise _closed(row)
    return row


CLOSED = {"opened": "已开放", "refused": "已拒绝", "superseded": "已被后续版本取代", "waiting": "已终止"}


def _closed(row: Row[Any]) -> Conflict:
    return Conflict(
        f"Review {row.id} is {row.state if row.state != WAITING else 'over: its version or dataset ended'}.",
        code="opening_closed",
        remedy="Publish a new version if something is left to open.",
        zh=f"安全审查 {row.id} {CLOSED[row.state]}。",
        remedy_zh="如仍需开放，请发布新版本。",
    )


def _too_short(what: str, what_zh: str) -> InvalidInput:
    return InvalidInput(
        f"The {what} must have at least {SHORTEST_NOTE} characters.",
        remedy="Say why.",
        zh=f"{what_zh}至少 {SHORTEST_NOTE} 个字符。",
        remedy_zh="请说明原因。",
    )


def _with_policy(context: OpeningContext, tx: Transaction, document: OpeningDocument) -> OpeningDocument:
    document["policy"] = context.repository.policy_text(tx, document["dataset"], document["version"])
    return document


TOLD = ("version.opened", "version.opening_refused")


def _log(tx: Transaction, kind: str, officer: Principal, row: Row[Any], payload: dict[str, object]) -> None:
    append(
        tx,
        Event(kind, officer.id, f"dataset:{row.dataset}@{row.number}", {"review": row.id, **payload}),
        to=[notices.officers(row.department)] if kind in TOLD else (),
        about=f"opening:{row.id}",
    )
