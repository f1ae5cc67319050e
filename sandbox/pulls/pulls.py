"""Pulls: from which source a dataset's rows come, and when. An officer sets one, and answers for it."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, any_, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from sandbox.audit import Event, append
from sandbox.catalog.automatic_versions import (
    managed_dataset,
    needs_second_officer,
    policy_digest,
    publishable_version,
    second_person_needed,
)
from sandbox.catalog.dataset_repository import require_not_retired
from sandbox.catalog.former_holders import with_maker
from sandbox.catalog.model import Version
from sandbox.database import Transaction, numbers_of
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.pulls.attempts import attempt_document
from sandbox.pulls.context import PullContext
from sandbox.pulls.cron import read_cron
from sandbox.pulls.increments import NOT_INCREMENTAL, Increments
from sandbox.pulls.schemas import AttemptDocument, IncrementsDocument, PullDocument, SourceDocument, What
from sandbox.pulls.tables import pull_attempts, pulls
from sandbox.sources.failures import SourceFailure
from sandbox.sources.object_names import checked_object
from sandbox.sources.source_list import DataSource

MOST_ATTEMPTS = 50
ENDED = ("version", "unchanged", "failed")
"""The outcomes that are shown: what was cut off is simply due again."""


def list_sources(context: PullContext, officer: Principal) -> list[SourceDocument]:
    """The sources of the officer's department."""
    return [
        SourceDocument(name=source.name, kind=source.kind, tables=source.has_tables)
        for source in context.sources.values()
        if source.department == officer.organisation
    ]


def set_pull(
    context: PullContext,
    officer: Principal,
    dataset: str,
    *,
    source: str,
    kind: What,
    what: str,
    schedule: str,
    increments: Increments | None = None,
) -> PullDocument:
    """Set from where the dataset's rows come from now on, or change it. Whoever sets it answers for it and
    for the newest policy; of data about people, a second officer agrees to both, anew after each change."""
    version = _own_dataset(context, officer, dataset)
    require_not_retired(version)
    dataset = version.dataset
    _check(_own_source(context, officer, source), kind, what)
    fetched = increments.columns(version.policy, kind) if increments else NOT_INCREMENTAL
    due = read_cron(schedule).after(datetime.now(UTC))
    waits = needs_second_officer(version.policy)
    with context.database.lock(f"set-pull:{dataset}"), context.database.transaction() as tx:
        before = _row(tx, dataset, hold=True)
        values = {
            "source": source,
            "kind": kind,
            "what": what,
            "cron": schedule,
            "state": "waiting" if waits else "active",
            "set_by": officer.id,
            "makers": with_maker(before.makers if before else (), officer.id),
            "set_at": func.now(),
            "second_person": None,
            "suspended": None,
            "policy_sha256": policy_digest(tx, dataset, version.number),
            "next_due": due,
            "full_at": None,
            "made_version": None,
            **fetched,
        }
        if before is None:
            tx.execute(
                insert(pulls).values(
                    dataset=dataset, department=version.policy.department, revision=1, **values
                )
            )
        else:
            tx.execute(
                update(pulls).where(pulls.c.id == before.id).values(revision=before.revision + 1, **values)
            )
        append(
            tx,
            Event(
                "pull.set",
                officer.id,
                f"dataset:{dataset}",
                # a query may quote a value, and the log is for good
                {
                    "source": source,
                    "kind": kind,
                    "what_sha256": hashlib.sha256(what.encode()).hexdigest(),
                    "cron": schedule,
                    **{name: value for name, value in fetched.items() if value is not None},
                },
            ),
        )
        return _document(tx, _required(tx, dataset), officer)


def _check(source: DataSource, kind: What, what: str) -> None:
    if source.has_tables == (kind == "object"):
        have, have_zh = ("tables", "表") if source.has_tables else ("objects", "对象")
        raise InvalidInput(
            f"{source.name} has {have}.",
            remedy="Name a table or a query." if source.has_tables else "Name an object.",
            zh=f"{source.name} 提供的是{have_zh}。",
            remedy_zh="请填写表或查询。" if source.has_tables else "请填写对象名称。",
        )
    if kind == "table" and not all(what.split(".")):
        raise InvalidInput(
            "The table's name has an empty part.",
            remedy="Write name, or schema.name.",
            zh="表名有误。",
            remedy_zh="请写表名，或“模式.表名”。",
        )
    if kind == "object":
        try:
            checked_object(what)
        except SourceFailure:
            raise InvalidInput(
                "This is no object's name.",
                remedy="Write it as folder/file.csv, without .. and without a slash at the beginning.",
                zh="对象名称有误。",
                remedy_zh="请写成 folder/file.csv，不含 ..，不以斜杠开头。",
            ) from None


def agree(context: PullContext, officer: Principal, dataset: str, revision: int) -> PullDocument:
    """A second officer of the department agrees to the pull as they read it: `revision` says which it was."""
    dataset = _own_dataset(context, officer, dataset).dataset
    with context.database.transaction() as tx:
        row = _required(tx, dataset, hold=True)
        if officer.id in row.makers:
            raise Conflict(
                "You set, changed or handed over this pull, so you cannot be its second person.",
                code="own_pull",
                remedy="Ask another officer of your department; if there is none, remove it and set it anew.",
                zh="该采集由您设置、更改或移交，您不能作为复核人。",
                remedy_zh="请本部门另一位数据专员复核；如无他人，请移除后重新设置。",
            )
        if row.revision != revision:
            raise Conflict(
                "The pull was changed since you read it.",
                code="pull_changed",
                remedy="Read it again, and agree to what it is now.",
                zh="您查看后，该采集已被更改。",
                remedy_zh="请重新查看后再同意。",
            )
        if row.state == "waiting":
            tx.execute(
                update(pulls)
                .where(pulls.c.id == row.id)
                .values(state="active", second_person=officer.id, next_due=_next(row))
            )
            append(tx, Event("pull.agreed", officer.id, f"dataset:{dataset}", {"set_by": row.set_by}))
        return _document(tx, _required(tx, dataset), officer)


def run_now(context: PullContext, officer: Principal, dataset: str) -> PullDocument:
    """Let the puller fetch it as soon as it looks."""
    dataset = _own_dataset(context, officer, dataset).dataset
    with context.database.transaction() as tx:
        row = _required(tx, dataset, hold=True)
        if row.state == "waiting":
            raise second_person_needed("This pull", "该采集")
        if row.state == "suspended":
            raise Conflict(
                "This pull is suspended.",
                code="pull_suspended",
                remedy="Set it again: whoever sets it answers for it.",
                zh="该采集已暂停。",
                remedy_zh="请重新设置；设置人对其负责。",
            )
        tx.execute(update(pulls).where(pulls.c.id == row.id).values(next_due=datetime.now(UTC)))
        append(tx, Event("pull.asked", officer.id, f"dataset:{dataset}", {}))
        return _document(tx, _required(tx, dataset), officer)


def read_pull(context: PullContext, officer: Principal, dataset: str) -> PullDocument:
    with context.database.transaction() as tx:
        dataset = _department_dataset(context, tx, officer, dataset)
        return _document(tx, _required(tx, dataset), officer)


def list_pulls(context: PullContext, officer: Principal) -> list[PullDocument]:
    """The pulls of the officer's department, by dataset."""
    with context.database.transaction() as tx:
        rows = tx.execute(
            select(pulls)
            .where(pulls.c.department == officer.organisation, pulls.c.state != "removed")
            .order_by(pulls.c.dataset)
        ).all()
        return [_document(tx, row, officer) for row in rows]


def list_attempts(context: PullContext, officer: Principal, dataset: str) -> list[AttemptDocument]:
    """The newest first."""
    with context.database.transaction() as tx:
        dataset = _department_dataset(context, tx, officer, dataset)
        row = _required(tx, dataset)
        return [attempt_document(attempt, officer) for attempt in _attempts(tx, row.id, MOST_ATTEMPTS)]


def remove_pull(context: PullContext, officer: Principal, dataset: str) -> None:
    """No more is pulled. What was published stays."""
    with context.database.transaction() as tx:
        dataset = _department_dataset(context, tx, officer, dataset)
        row = _required(tx, dataset, hold=True)
        tx.execute(
            update(pulls).where(pulls.c.id == row.id).values(state="removed", revision=row.revision + 1)
        )
        append(tx, Event("pull.removed", officer.id, f"dataset:{dataset}", {"source": row.source}))


def _next(row: Row[Any]) -> datetime:
    return read_cron(row.cron).after(datetime.now(UTC))


def _own_dataset(context: PullContext, officer: Principal, name: str) -> Version:
    return publishable_version(context.drafting.repository, context.drafting.gate, officer, name)


def _department_dataset(context: PullContext, tx: Transaction, officer: Principal, name: str) -> str:
    return managed_dataset(tx, context.drafting.gate, officer, name)


def _own_source(context: PullContext, officer: Principal, name: str) -> DataSource:
    source = context.sources.get(name)
    if source is None or source.department != officer.organisation:
        known = [one["name"] for one in list_sources(context, officer)]
        raise InvalidInput(
            "Your department has no source of this name.",
            code="no_such_source",
            remedy=f"It has: {', '.join(known)}." if known else "Let the operator enter one (sources.yaml).",
            zh="本部门没有这个数据源。",
            remedy_zh=f"现有：{'、'.join(known)}。" if known else "请运营人员在 sources.yaml 中登记。",
        )
    return source


def _row(tx: Transaction, dataset: str, *, hold: bool = False) -> Row[Any] | None:
    chosen = select(pulls).where(pulls.c.dataset == dataset, pulls.c.state != "removed")
    return tx.execute(chosen.with_for_update() if hold else chosen).first()


def _required(tx: Transaction, dataset: str, *, hold: bool = False) -> Row[Any]:
    row = _row(tx, dataset, hold=hold)
    if row is None:
        raise NotFound(
            f"No pull is set for {dataset}.",
            code="no_pull",
            remedy="Set one: cihu pull-set, or on the page of pulls.",
            zh=f"{dataset} 没有设置采集。",
            remedy_zh="可在数据专区设置，或使用 cihu pull-set。",
        )
    return row


def last_attempts(tx: Transaction, pulls: Collection[int]) -> dict[int, Row[Any]]:
    """The last of each pull that ended; what was cut off did not."""
    wanted = (
        select(pull_attempts)
        .ext(distinct_on(pull_attempts.c.pull))
        .where(pull_attempts.c.pull == any_(numbers_of(pulls)), pull_attempts.c.outcome.in_(ENDED))
        .order_by(pull_attempts.c.pull, pull_attempts.c.id.desc())
    )
    return {row.pull: row for row in tx.execute(wanted)}


def _attempts(tx: Transaction, pull: int, most: int) -> list[Row[Any]]:
    return list(
        tx.execute(
            select(pull_attempts)
            .where(pull_attempts.c.pull == pull, pull_attempts.c.outcome.in_(ENDED))
            .order_by(pull_attempts.c.id.desc())
            .limit(most)
        )
    )


def _document(tx: Transaction, row: Row[Any], officer: Principal) -> PullDocument:
    document = PullDocument(
        dataset=row.dataset,
        department=row.department,
        source=row.source,
        kind=row.kind,
        what=row.what,
        schedule=row.cron,
        state=row.state,
        revision=row.revision,
        turn=row.revision,
        set_by=row.set_by,
        set_at=row.set_at,
    )
    if row.second_person:
        document["second_person"] = row.second_person
    if row.suspended:
        document["suspended"] = row.suspended
    if row.since is not None:
        document["increments"] = IncrementsDocument(
            since=row.since, key=row.key, overlap=row.overlap, full=row.full_pull
        )
    if row.state == "active":
        document["next_due"] = row.next_due
    if last := _attempts(tx, row.id, 1):
        document["last"] = attempt_document(last[0], officer)
    return document
