"""What those who use a dataset are told: versions to come, versions withdrawn, retirement and erasure.

Everybody who sees the dataset may read them: they come from policies and officers' words, never from rows.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, insert, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.compare import compare, effect_of, without_values
from sandbox.catalog.model import DatasetPolicy, Words
from sandbox.catalog.notice import DROPPED, OPEN
from sandbox.catalog.publish import decide_publish
from sandbox.catalog.resource import require_seen
from sandbox.catalog.tables import announced_versions, datasets
from sandbox.catalog.versions import change_document, seen_row
from sandbox.city_time import city_date, end_of
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict, InvalidInput, NotFound
from sandbox.grants import granted_datasets, holders
from sandbox.identity import Principal
from sandbox.lifecycle.context import LifecycleContext
from sandbox.lifecycle.schemas import AnnouncementDocument
from sandbox.lifecycle.tables import lifecycle_steps

SHOWN_FOR = timedelta(days=180)
"""So long what has happened is told; the versions' list tells it always."""


def announce(
    context: LifecycleContext, officer: Principal, name: str, *, policy_text: str, first_day: date, notes: str
) -> AnnouncementDocument:
    """Announce the policy of a version to come. Raises `InvalidInput`, `Refused`, `NotFound`, `Conflict`."""
    policy = context.repository.read(policy_text)
    if policy.dataset != name.lower():
        raise InvalidInput(
            f"The policy is of {policy.dataset}, not of {name}.",
            remedy="Announce it for its own dataset.",
            zh=f"该策略属于 {policy.dataset}，不属于 {name}。",
            remedy_zh="请在其自身的数据集下公告。",
        )
    decide_publish(context.gate, officer, policy)
    context.repository.lists.require_none(policy, {})
    takes_effect = end_of(first_day - timedelta(days=1)) + timedelta(seconds=1)
    with context.database.transaction() as tx:
        dataset = seen_row(tx, context.gate, officer, name)
        context.require_officer(officer, dataset.name, dataset.department)
        in_use = _in_use(context, tx, dataset)
        _require_in_time(context, tx, dataset.name, takes_effect)
        row = tx.execute(
            insert(announced_versions)
            .values(
                dataset=dataset.name,
                policy=context.repository.to_keep(policy_text),
                notes=notes.strip(),
                takes_effect=takes_effect,
                state=OPEN,
                announced_by=officer.id,
            )
            .returning(announced_versions)
        ).one()
        append(
            tx,
            Event(
                "version.announced",
                officer.id,
                f"dataset:{dataset.name}",
                {"announcement": row.id, "from": takes_effect.isoformat()},
            ),
            to=users_of(tx, dataset.name),
        )
        return _coming(context, row, in_use, policy)


def take_back(context: LifecycleContext, officer: Principal, name: str, id: int) -> None:
    with context.database.transaction() as tx:
        dataset = seen_row(tx, context.gate, officer, name)
        context.require_officer(officer, dataset.name, dataset.department)
        row = tx.execute(
            update(announced_versions)
            .where(
                announced_versions.c.id == id,
                announced_versions.c.dataset == dataset.name,
                announced_versions.c.state == OPEN,
            )
            .values(state=DROPPED)
            .returning(announced_versions.c.id)
        ).first()
        if row is None:
            raise NotFound(
                f"{dataset.name} has no open announcement {id}.",
                remedy=f"List them: cihu announcements {dataset.name}, or on the dataset's page.",
                zh=f"{dataset.name} 没有未结束的公告 {id}。",
                remedy_zh="可在数据集页面查看。",
            )
        append(
            tx,
            Event(
                "version.announcement_dropped", officer.id, f"dataset:{dataset.name}", {"announcement": id}
            ),
            to=users_of(tx, dataset.name),
        )


def users_of(tx: Transaction, dataset: str) -> list[str]:
    """The teams that have a live grant on a dataset, as notices name them."""
    return [notices.team(each) for each in holders(tx, dataset)]


def announcements_of(context: LifecycleContext, asker: Principal, name: str) -> list[AnnouncementDocument]:
    """Of one dataset, the newest first."""
    with context.database.transaction() as tx:
        dataset = seen_row(tx, context.gate, asker, name)
        require_seen(context.gate, asker, context.repository.last(tx, dataset.name))
        return _of(context, tx, dataset)


def announcements_for(context: LifecycleContext, asker: Principal) -> list[AnnouncementDocument]:
    """Of every dataset on which a team of the asker's has a live grant, or which their department has."""
    with context.database.transaction() as tx:
        own = asker.organisation if "officer" in asker.roles else None
        announced = select(announced_versions.c.dataset).where(announced_versions.c.state == OPEN)
        of_late = announced.union(select(lifecycle_steps.c.dataset).where(_shown_steps()))
        rows = tx.execute(
            select(datasets).where(datasets.c.name.in_(of_late)).order_by(datasets.c.name)
        ).all()
        granted = granted_datasets(tx, asker, {row.name for row in rows})
        told = [
            announcement
            for dataset in rows
            if dataset.name in granted or dataset.department == own
            for announcement in _of(context, tx, dataset)
        ]
    return sorted(told, key=lambda one: one["told_at"], reverse=True)


def _of(context: LifecycleContext, tx: Transaction, dataset: Row[Any]) -> list[AnnouncementDocument]:
    told = []
    coming = select(announced_versions).where(
        announced_versions.c.dataset == dataset.name, announced_versions.c.state == OPEN
    )
    rows = tx.execute(coming).all()
    in_use = _in_use(context, tx, dataset) if rows else None
    for row in rows:
        try:
            policy = context.repository.read_kept(row.policy)
        except CihuError:
            continue  # of a former release: it must be announced anew
        told.append(_coming(context, row, in_use, policy))
    steps = select(lifecycle_steps).where(lifecycle_steps.c.dataset == dataset.name, _shown_steps())
    told += [_ended(row) for row in tx.execute(steps)]
    return sorted(told, key=lambda one: one["told_at"], reverse=True)


def _shown_steps() -> ColumnElement[bool]:
    return and_(
        lifecycle_steps.c.state.in_(["done", "erasing"]),
        lifecycle_steps.c.proposed_at > datetime.now(UTC) - SHOWN_FOR,
    )


def _in_use(context: LifecycleContext, tx: Transaction, dataset: Row[Any]) -> DatasetPolicy | None:
    if not dataset.latest:
        return None
    try:
        return context.repository.version(tx, dataset.name, dataset.latest).policy
    except CihuError:
        return None


def _coming(
    context: LifecycleContext, row: Row[Any], in_use: DatasetPolicy | None, policy: DatasetPolicy
) -> AnnouncementDocument:
    day = city_date(row.takes_effect).isoformat()
    document = _document(
        row.dataset,
        "coming_version",
        row.announced_at,
        row.takes_effect,
        Words(zh=f"{row.dataset} 的新版本将于 {day} 起发布。", en=f"A new version comes from {day} on."),
        row.notes,
    )
    document["id"] = row.id
    if in_use is not None:
        changes = compare(in_use, policy, context.gate.grades)
        if context.repository.opening.needs_second_person(context.gate.grades, policy):
            # one officer announces, and two open: until then values that were not public are not shown
            changes = [without_values(change) for change in changes]
        document["effect"] = effect_of(changes).value
        document["changes"] = [change_document(change) for change in changes]
    return document


def _ended(row: Row[Any]) -> AnnouncementDocument:
    told_at = row.done_at or row.proposed_at
    match row.kind:
        case "withdraw":
            words = Words(
                zh=f"{row.dataset} 的第 {row.number} 版已撤回。已给出的回答和文件仍保留，但请重新核对。",
                en=f"Version {row.number} was withdrawn. Answers and files that were given stay: check them.",
            )
            document = _document(row.dataset, "withdrawn", told_at, told_at, words, row.reason)
            document["version"] = row.number
            return document
        case "retire":
            day = city_date(row.takes_effect).isoformat()
            words = Words(
                zh=f"{row.dataset} 将停用，最后一日为 {day}。",
                en=f"The dataset retires; its last day is {day}.",
            )
            return _document(row.dataset, "retires", told_at, row.takes_effect, words, row.reason)
    words = Words(
        zh=f"{row.dataset} 的数据已删除。已给出的回答和文件仍保留。",
        en="The dataset's rows were erased. Answers and files that were given stay.",
    )
    return _document(row.dataset, "erased", told_at, told_at, words, row.reason)


def _document(
    dataset: str, kind: Any, told_at: datetime, takes_effect: datetime, words: Words, note: str
) -> AnnouncementDocument:
    return AnnouncementDocument(
        dataset=dataset,
        kind=kind,
        told_at=told_at,
        takes_effect=takes_effect,
        text={"en": words.en, "zh": words.zh},
        note=note,
    )


def _require_in_time(context: LifecycleContext, tx: Transaction, name: str, takes_effect: datetime) -> None:
    if not context.notice.has_grants(tx, name):
        return
    # days, not hours: whoever announces today announces for a whole number of days from today
    first = city_date(datetime.now(UTC) + context.notice.time)
    if city_date(takes_effect) < first:
        raise Conflict(
            f"A version is announced {context.notice.days} days ahead: {first.isoformat()} at the earliest.",
            code="too_soon",
            remedy="Choose a later day. What is urgent is published at once, with its reason (`urgent`).",
            zh=f"新版本须提前 {context.notice.days} 天公告，最早为 {first.isoformat()}。",
            remedy_zh="请选择更晚的日期。紧急情况可直接发布并说明原因（urgent）。",
        )
