"""Steps that end a version or a dataset: withdraw, retire, erase.

An officer of the department proposes a step. Where the grade asks for two officers it waits for a second one;
else it is done at once. Each is a line of the log, and of what is announced.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.former_holders import former_holders
from sandbox.catalog.not_found import version_not_found
from sandbox.catalog.opening import close_reviews, lock_reviews, use_newest
from sandbox.catalog.retirement import is_retired
from sandbox.catalog.sweep import publishing
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.catalog.versions import dataset_row, seen_row
from sandbox.city_time import city_date, end_of
from sandbox.database import Transaction
from sandbox.derivations.dependents import dependents, end_dependents, lock_dependents, made_of
from sandbox.errors import CihuError, Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.lifecycle.announcements import users_of
from sandbox.lifecycle.context import LifecycleContext
from sandbox.lifecycle.open_work import open_work
from sandbox.lifecycle.schemas import StepDocument, StepKind
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.pulls.hindrances import lock_pull, remove_for_erasure, suspend_for_withdrawal
from sandbox.pushes.endings import end_pushes_for_erasure, lock_pushes, suspend_pushes_for_withdrawal

SHORTEST_REASON = 5


def propose(
    context: LifecycleContext,
    officer: Principal,
    name: str,
    kind: StepKind,
    *,
    reason: str,
    version: int | None = None,
    last_day: date | None = None,
) -> StepDocument:
    """Propose a step; it is done at once where one officer may do it. `last_day`: of a dataset that retires.
    Raises `InvalidInput`, `Refused`, `NotFound`, `Conflict`."""
    _check_terms(kind, reason, version, last_day)
    takes_effect = end_of(last_day) if last_day else None
    _require_own(context, officer, name)
    with context.database.lock(publishing(name.lower())), context.database.transaction() as tx:
        dataset = _held_for(tx, name, kind)
        context.require_officer(officer, dataset.name, dataset.department)
        _check_possible(context, tx, dataset, kind, version, takes_effect)
        _lock_arrivals(tx, dataset.name, made_of(tx, dataset.name) if kind == "erase" else ())
        row = tx.execute(
            insert(lifecycle_steps)
            .values(
                dataset=dataset.name,
                kind=kind,
                number=version,
                reason=reason.strip(),
                takes_effect=takes_effect,
                state="proposed",
                proposed_by=officer.id,
            )
            .returning(lifecycle_steps)
        ).one()
        append(
            tx,
            Event(
                "lifecycle.proposed",
                officer.id,
                f"dataset:{dataset.name}",
                {"step": row.id, "kind": kind, "version": version, "reason": reason.strip()},
            ),
            to=[notices.officers(dataset.department)],
        )
        if not _needs_two(context, tx, dataset):
            row = _carry_out(tx, dataset, row, officer)
        return step_document(tx, row)


def agree(context: LifecycleContext, officer: Principal, name: str, id: int) -> StepDocument:
    """A second officer of the department agrees, and the step is done."""
    _require_own(context, officer, name)
    with context.database.lock(publishing(name.lower())), context.database.transaction() as tx:
        # of which kind it is never changes
        dataset = _held_for(tx, name, _step(tx, dataset_row(tx, name), id).kind)
        context.require_officer(officer, dataset.name, dataset.department)
        row = _step(tx, dataset, id)
        if row.state != "proposed":
            raise _closed(row)
        if officer.id in {row.proposed_by, *former_holders(tx, "lifecycle_step", id)}:
            raise Conflict(
                "You proposed this step, or handed it over, so you cannot be its second person.",
                code="own_step",
                remedy="Ask another officer of your department.",
                zh="该操作由您提出或移交，您不能作为复核人。",
                remedy_zh="请本部门另一位数据专员复核。",
            )
        _check_possible(context, tx, dataset, row.kind, row.number, row.takes_effect)
        _lock_arrivals(tx, dataset.name, made_of(tx, dataset.name) if row.kind == "erase" else ())
        tx.execute(update(lifecycle_steps).where(lifecycle_steps.c.id == id).values(second_person=officer.id))
        return step_document(tx, _carry_out(tx, dataset, row, officer))


def drop(context: LifecycleContext, officer: Principal, name: str, id: int) -> None:
    """Take back what was proposed; or a retirement, before its day has come."""
    _require_own(context, officer, name)
    with context.database.lock(publishing(name.lower())), context.database.transaction() as tx:
        dataset = _held(tx, name)
        context.require_officer(officer, dataset.name, dataset.department)
        row = _step(tx, dataset, id)
        takes_back = row.state == "done" and row.kind == "retire" and row.takes_effect > datetime.now(UTC)
        if row.state != "proposed" and not takes_back:
            raise _closed(row)
        stands = takes_back and _retirement(tx, dataset.name) == id
        tx.execute(update(lifecycle_steps).where(lifecycle_steps.c.id == id).values(state="dropped"))
        if stands:
            tx.execute(update(datasets).where(datasets.c.name == dataset.name).values(retires_at=None))
        append(
            tx,
            Event("lifecycle.dropped", officer.id, f"dataset:{dataset.name}", {"step": id, "kind": row.kind}),
        )


def list_steps(context: LifecycleContext, officer: Principal, name: str) -> list[StepDocument]:
    """Every step of a dataset, the newest first, for the officers of its department."""
    with context.database.transaction() as tx:
        dataset = seen_row(tx, context.gate, officer, name)
        context.require_officer(officer, dataset.name, dataset.department)
        rows = list(
            tx.execute(
                select(lifecycle_steps)
                .where(lifecycle_steps.c.dataset == dataset.name)
                .order_by(lifecycle_steps.c.id.desc())
            )
        )
        return [step_document(tx, row) for row in rows]


def step_document(tx: Transaction, row: Row[Any]) -> StepDocument:
    runs, reviews = open_work(tx, row.dataset, row.number)
    document = StepDocument(
        id=row.id,
        dataset=row.dataset,
        kind=row.kind,
        reason=row.reason,
        state=row.state,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        open_runs=runs,
        open_reviews=reviews,
    )
    if row.number is not None:
        document["version"] = row.number
    if row.takes_effect is not None:
        document["takes_effect"] = row.takes_effect
    if row.second_person is not None:
        document["second_person"] = row.second_person
    if row.kind == "erase" and (made := dependents(tx, row.dataset)):
        document["derived"] = [f"{each.dataset}@{each.number}" for each in made]
    return document


def _check_terms(kind: StepKind, reason: str, version: int | None, last_day: date | None) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInput(
            f"The reason must have at least {SHORTEST_REASON} characters: those who use the dataset read it.",
            remedy="Say why.",
            zh=f"原因至少 {SHORTEST_REASON} 个字符：数据集的使用者会看到。",
            remedy_zh="请说明原因。",
        )
    if (version is not None) != (kind == "withdraw") or (last_day is not None) != (kind == "retire"):
        raise InvalidInput(
            "To withdraw takes a version, to retire takes the last day, and to erase takes neither.",
            remedy="Give `version` or `last_day` as the kind needs it.",
            zh="撤回须指明版本，停用须指明最后一日，删除两者都不需要。",
            remedy_zh="请按操作类型填写 version 或 last_day。",
        )


def _check_possible(
    context: LifecycleContext,
    tx: Transaction,
    dataset: Row[Any],
    kind: StepKind,
    version: int | None,
    takes_effect: datetime | None,
) -> None:
    if dataset.erased_at is not None:
        raise Conflict(
            f"{dataset.name} was erased.",
            code="dataset_erased",
            remedy="Nothing is left of it that could be ended.",
            zh=f"{dataset.name} 已被删除。",
            remedy_zh="已无可终止的内容。",
        )
    match kind:
        case "withdraw":
            _require_version(tx, dataset, version)
        case "retire":
            assert takes_effect is not None
            _require_not_retired(dataset)
            _require_in_time(context, tx, dataset, takes_effect)
        case "erase":
            _require_nothing_open(tx, dataset)


def _require_version(tx: Transaction, dataset: Row[Any], version: int | None) -> None:
    row = tx.execute(
        select(dataset_versions.c.withdrawn_at, dataset_versions.c.opened_at).where(
            dataset_versions.c.dataset == dataset.name, dataset_versions.c.number == version
        )
    ).first()
    if row is None:
        raise version_not_found(dataset.name, version)
    if row.opened_at is None:
        raise Conflict(
            f"Version {version} of {dataset.name} is not open, so nobody uses it.",
            code="version_not_open",
            remedy="Refuse its review instead: cihu openings.",
            zh=f"{dataset.name} 的第 {version} 版尚未开放，无人使用。",
            remedy_zh="请改为拒绝其安全审查。",
        )
    if row.withdrawn_at is not None:
        raise Conflict(
            f"Version {version} of {dataset.name} was withdrawn already.",
            code="version_withdrawn",
            remedy="Nothing more is to be done.",
            zh=f"{dataset.name} 的第 {version} 版已撤回。",
            remedy_zh="无需再操作。",
        )


def _require_not_retired(dataset: Row[Any]) -> None:
    """What is over does not begin again."""
    if is_retired(dataset.retires_at):
        raise Conflict(
            f"{dataset.name} is retired already.",
            code="dataset_retired",
            remedy="Publish its rows under another name if they are needed again.",
            zh=f"{dataset.name} 已停用。",
            remedy_zh="如仍需要这些数据，请以其他名称发布。",
        )


def _require_in_time(
    context: LifecycleContext, tx: Transaction, dataset: Row[Any], takes_effect: datetime
) -> None:
    now = datetime.now(UTC)
    used = context.notice.has_grants(tx, dataset.name)
    first = now + context.notice.time if used else now
    if takes_effect < first:
        day = city_date(first).isoformat()
        raise Conflict(
            f"The last day of {dataset.name} can be {day} at the earliest"
            + (": somebody has a grant on it." if used else "."),
            code="too_soon",
            remedy="Choose a later day.",
            zh=f"{dataset.name} 的最后一日最早为 {day}" + ("：仍有人持有授权。" if used else "。"),
            remedy_zh="请选择更晚的日期。",
        )


def _require_nothing_open(tx: Transaction, dataset: Row[Any]) -> None:
    derived = {each.dataset for each in dependents(tx, dataset.name)}
    work = [open_work(tx, name) for name in (dataset.name, *derived)]
    runs, reviews = (sum(counts) for counts in zip(*work, strict=True))
    if runs or reviews:
        raise Conflict(
            f"{dataset.name}, or what was derived from it, is read by {runs} sealed runs that are not over, "
            f"and {reviews} reviews wait.",
            code="work_is_open",
            remedy="Revoke the grants, wait until the runs have ended, decide the reviews. Then erase it.",
            zh=f"{dataset.name} 及其派生数据集还有 {runs} 个未结束的密封运行和 {reviews} 个待审核的申请。",
            remedy_zh="请撤销授权，待运行结束并完成审核后再删除。",
        )


def _needs_two(context: LifecycleContext, tx: Transaction, dataset: Row[Any]) -> bool:
    """By the highest grade of any version. One that cannot be read may be of any grade."""
    numbers = tx.execute(
        select(dataset_versions.c.number).where(dataset_versions.c.dataset == dataset.name)
    ).scalars()
    for number in list(numbers):
        try:
            policy = context.repository.version(tx, dataset.name, number).policy
        except CihuError:
            return True
        if context.repository.opening.needs_second_person(context.gate.grades, policy):
            return True
    return False


def _carry_out(tx: Transaction, dataset: Row[Any], row: Row[Any], officer: Principal) -> Row[Any]:
    subject = f"dataset:{dataset.name}"
    payload: dict[str, object] = {"step": row.id, "reason": row.reason}
    state, events = "done", list[Event]()
    match row.kind:
        case "withdraw":
            _withdraw(tx, dataset, row)
            event = Event("version.withdrawn", officer.id, f"{subject}@{row.number}", payload)
        case "retire":
            if (replaced := _retirement(tx, dataset.name)) is not None:
                tx.execute(
                    update(lifecycle_steps).where(lifecycle_steps.c.id == replaced).values(state="dropped")
                )
                payload["replaces"] = replaced
            tx.execute(
                update(datasets).where(datasets.c.name == dataset.name).values(retires_at=row.takes_effect)
            )
            event = Event(
                "dataset.retired", officer.id, subject, payload | {"at": row.takes_effect.isoformat()}
            )
        case _:
            # from here on nobody reads it; what is stored goes once this transaction stands (erase.py)
            tx.execute(
                update(datasets).where(datasets.c.name == dataset.name).values(erased_at=func.now(), latest=0)
            )
            remove_for_erasure(tx, lock_pull(tx, dataset.name))
            end_pushes_for_erasure(tx, dataset.name)
            close_reviews(tx, dataset.name)
            ended = end_dependents(tx, dataset.name, officer.id)
            because = {"reason": ended.reason}
            events = [
                *(
                    Event("version.withdrawn", officer.id, f"dataset:{name}", because)
                    for name in ended.withdrawn
                ),
                *ended.events,
            ]
            state, event = "erasing", Event("dataset.erasing", officer.id, subject, payload)
    for each in (event, *events):
        name = each.subject.partition(":")[2].partition("@")[0]
        used = users_of(tx, name) if each.kind in TOLD_TO_USERS else ()
        append(tx, each, to=used, about=f"dataset:{name}")
    done = {"done_at": func.now()} if state == "done" else {}
    return tx.execute(
        update(lifecycle_steps)
        .where(lifecycle_steps.c.id == row.id)
        .values(state=state, **done)
        .returning(lifecycle_steps)
    ).one()


TOLD_TO_USERS = ("version.withdrawn", "dataset.retired", "dataset.erasing")


def _withdraw(tx: Transaction, dataset: Row[Any], row: Row[Any]) -> None:
    """The newest version that is left is in use from now on."""
    of = dataset_versions.c.dataset == dataset.name
    tx.execute(
        update(dataset_versions)
        .where(of, dataset_versions.c.number == row.number)
        .values(withdrawn_at=func.now(), withdrawn_because=row.reason)
    )
    use_newest(tx, dataset.name)
    suspend_for_withdrawal(tx, lock_pull(tx, dataset.name), row.number, row.reason)
    suspend_pushes_for_withdrawal(tx, dataset.name, row.number, row.reason)


def _lock_arrivals(tx: Transaction, dataset: str, made: Iterable[str]) -> None:
    """What is pulled and pushed, and the reviews of what is made of it, before the log, as those hold it who
    set it."""
    lock_pull(tx, dataset)
    lock_pushes(tx, dataset)
    lock_reviews(tx, (dataset, *made))


def _retirement(tx: Transaction, dataset: str) -> int | None:
    """The step by which the dataset retires, if one does."""
    done = select(lifecycle_steps.c.id).where(
        lifecycle_steps.c.dataset == dataset,
        lifecycle_steps.c.kind == "retire",
        lifecycle_steps.c.state == "done",
    )
    newest = done.order_by(lifecycle_steps.c.done_at.desc(), lifecycle_steps.c.id.desc()).limit(1)
    return tx.execute(newest).scalar_one_or_none()


def _require_own(context: LifecycleContext, officer: Principal, name: str) -> None:
    """Before the lock that a publishing holds: nobody else learns how long one takes."""
    with context.database.transaction() as tx:
        dataset = seen_row(tx, context.gate, officer, name)
    context.require_officer(officer, dataset.name, dataset.department)


def _held(tx: Transaction, name: str) -> Row[Any]:
    """The dataset, held until the transaction ends."""
    return tx.execute(
        select(datasets).where(datasets.c.name == dataset_row(tx, name).name).with_for_update()
    ).one()


def _held_for(tx: Transaction, name: str, kind: StepKind) -> Row[Any]:
    """The dataset, held for a step of this kind: what ends with an erased dataset is held before it is."""
    if kind != "erase":
        return _held(tx, name)
    dataset = dataset_row(tx, name)
    known = lock_dependents(tx, dataset.name)
    held = _held(tx, name)
    if not known.issuperset(made_of(tx, dataset.name)):
        raise Conflict(
            f"Something was derived from {dataset.name} at this moment.",
            code="derived_meanwhile",
            remedy="Do it again.",
            zh=f"此刻有数据集由 {dataset.name} 派生。",
            remedy_zh="请重试。",
        )
    return held


def _step(tx: Transaction, dataset: Row[Any], id: int) -> Row[Any]:
    row = tx.execute(
        select(lifecycle_steps).where(lifecycle_steps.c.id == id, lifecycle_steps.c.dataset == dataset.name)
    ).first()
    if row is None:
        raise NotFound(
            f"{dataset.name} has no step {id}.",
            remedy=f"List them: cihu lifecycle {dataset.name}.",
            zh=f"{dataset.name} 没有操作 {id}。",
            remedy_zh=f"可查看：cihu lifecycle {dataset.name}。",
        )
    return row


CLOSED = {"done": "已完成", "erasing": "正在删除数据", "dropped": "已取消"}


def _closed(row: Row[Any]) -> Conflict:
    return Conflict(
        f"Step {row.id} is {row.state}.",
        code="step_closed",
        remedy="Propose a new one if there is something left to end.",
        zh=f"操作 {row.id} {CLOSED[row.state]}。",
        remedy_zh="如仍需终止，请重新提出。",
    )
