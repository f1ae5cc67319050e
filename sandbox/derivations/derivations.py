"""Derivations: an officer proposes SQL and the policy of its result; officers of every department whose data
it reads agree, and a second one of their own; anew after each change."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.audit import Event, append
from sandbox.catalog.former_holders import with_maker
from sandbox.catalog.lineage import with_versions
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.publish import decide_publish
from sandbox.catalog.tables import datasets
from sandbox.database import Transaction
from sandbox.derivations.check import check_derivation, figures_hidden
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.dependents import made_of
from sandbox.derivations.inputs import (
    hold_inputs,
    input_documents,
    input_records,
    read_inputs,
    require_none_erased,
)
from sandbox.derivations.schemas import DerivationDocument, NeededDocument
from sandbox.derivations.tables import derivation_agreements, derivations
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal, live_officers
from sandbox.pulls.cron import read_cron

LIVE = ("waiting", "agreed", "published")


def propose(
    context: DerivationContext, officer: Principal, policy_text: str, *, schedule: str | None = None
) -> DerivationDocument:
    """Propose a derived dataset, or change it. Nothing runs before officers agreed to it. `schedule`: when it
    is refreshed and run by itself, a cron expression by the city's clock.
    Raises `InvalidInput`, `Refused`, `NotFound`, `Conflict`."""
    policy = context.drafting.repository.read(policy_text)
    decide_publish(context.drafting.gate, officer, policy)
    if not policy.derive:
        raise InvalidInput(
            "The policy has no `derive`: there is no SQL by which its rows are made.",
            remedy="Write `derive: |` and a SELECT below it.",
            zh="策略没有 derive，即没有派生语句。",
            remedy_zh="请写 derive: | 并在其下写 SELECT。",
        )
    times = None if schedule is None else (schedule, read_cron(schedule).after(datetime.now(UTC)))
    # one change at a time: two that read each other would not see each other
    with context.database.lock("propose-derivation"), context.database.transaction() as tx:
        inputs = _checked(context, tx, officer, policy)
        _set(tx, officer, policy, policy_text, inputs, keep=False, times=times)
        return document(context, tx, required_row(tx, policy.dataset))


def refresh(context: DerivationContext, officer: Principal, dataset: str) -> DerivationDocument:
    """Take the newest version of each dataset that is read. Where their policies are those that were agreed
    to, the agreements stand; else they are needed anew."""
    with context.database.transaction() as tx:
        row = _own(context, tx, officer, dataset, hold=True)
        _require_own_proposal(row, officer)
        read = [each["dataset"] for each in row.inputs]
        newest = {name: _newest(tx, name) for name in read if read.count(name) == 1 and _newest(tx, name) > 0}
        text = _rewritten(context, row.policy, newest)
        if text == row.policy:
            raise Conflict(
                "None of the datasets that it reads has a newer version.",
                code="nothing_newer",
                remedy="Wait for a new version; or change the derivation.",
                zh="所读的数据集都没有更新的版本。",
                remedy_zh="请等待新版本；或更改派生语句。",
            )
        policy = context.drafting.repository.read(text)
        inputs = _checked(context, tx, officer, policy)
        keep = row.state in ("agreed", "published") and _same_policies(row.inputs, inputs)
        times = None if row.cron is None else (row.cron, row.next_due)
        _set(tx, officer, policy, text, inputs, keep=keep, times=times)
        return document(context, tx, required_row(tx, policy.dataset))


def agree(context: DerivationContext, officer: Principal, dataset: str, revision: int) -> DerivationDocument:
    """An officer of a department whose data it reads, or a second one of the deriving department, agrees to
    the SQL and the policy as they read them."""
    with context.database.transaction() as tx:
        row = required_row(tx, dataset, hold=True)
        _require_party(context, row, officer)
        if officer.id in row.makers:
            raise Conflict(
                "You proposed, changed or handed over this derivation, so you cannot be its second person.",
                code="own_derivation",
                remedy="Ask another officer of your department. If none is left, end it, propose it anew.",
                zh="该派生由您提出、更改或移交，您不能作为复核人。",
                remedy_zh="请本部门另一位数据专员复核；如无他人，请终止后重新提出。",
            )
        if row.revision != revision:
            raise Conflict(
                "The derivation was changed since you read it.",
                code="derivation_changed",
                remedy="Read it again, and agree to what it is now.",
                zh="您查看后，该派生已被更改。",
                remedy_zh="请重新查看后再同意。",
            )
        # once it is agreed to, too: in the place of somebody who has left
        open_to = row.state == "waiting" or (row.state == "agreed" and not _all_agreed(tx, row))
        if open_to and officer.id not in _agreed(tx, row).get(officer.organisation, []):
            tx.execute(
                insert(derivation_agreements).values(
                    dataset=row.dataset,
                    revision=revision,
                    officer=officer.id,
                    department=officer.organisation,
                )
            )
            if _all_agreed(tx, row):
                tx.execute(
                    update(derivations).where(derivations.c.dataset == row.dataset).values(state="agreed")
                )
            append(
                tx,
                Event(
                    "derivation.agreed",
                    officer.id,
                    f"dataset:{row.dataset}",
                    {"set_by": row.set_by, "revision": revision, "department": officer.organisation},
                ),
            )
        return document(context, tx, required_row(tx, dataset))


def withdraw_agreement(context: DerivationContext, officer: Principal, dataset: str) -> DerivationDocument:
    """A department whose data it reads, or its own, agrees no more: nothing is derived until its officers
    agree anew. What was published stays. Raises `Conflict` where the department has not agreed."""
    with context.database.transaction() as tx:
        row = required_row(tx, dataset, hold=True)
        _require_party(context, row, officer)
        ended = tx.execute(
            delete(derivation_agreements)
            .where(
                derivation_agreements.c.dataset == row.dataset,
                derivation_agreements.c.department == officer.organisation,
            )
            .returning(derivation_agreements.c.officer)
        ).all()
        if not ended:
            raise Conflict(
                f"No officer of {officer.organisation} has agreed to this derivation.",
                code="not_agreed",
                remedy="Nothing is to be withdrawn: without their consent it does not run.",
                zh=f"{officer.organisation} 没有数据专员同意过该派生。",
                remedy_zh="无需撤回：未经同意不会运行。",
            )
        if row.state == "agreed":
            tx.execute(
                update(derivations).where(derivations.c.dataset == row.dataset).values(state="waiting")
            )
        append(
            tx,
            Event(
                "derivation.agreement_withdrawn",
                officer.id,
                f"dataset:{row.dataset}",
                {"revision": row.revision, "department": officer.organisation},
            ),
        )
        return document(context, tx, required_row(tx, dataset))


def read_derivation_of(context: DerivationContext, officer: Principal, dataset: str) -> DerivationDocument:
    with context.database.transaction() as tx:
        row = required_row(tx, dataset)
        _require_party(context, row, officer)
        return document(context, tx, row)


def list_derivations(context: DerivationContext, officer: Principal) -> list[DerivationDocument]:
    """Those of the officer's department, and those that read its datasets."""
    reads = derivations.c.inputs.contains(
        func.jsonb_build_array(func.jsonb_build_object("department", officer.organisation)).cast(JSONB)
    )
    with context.database.transaction() as tx:
        rows = list(
            tx.execute(
                select(derivations)
                .where(or_(derivations.c.department == officer.organisation, reads))
                .order_by(derivations.c.dataset)
            )
        )
        return [document(context, tx, row) for row in rows]


def remove(context: DerivationContext, officer: Principal, dataset: str) -> None:
    """Derive it no more. What was published stays."""
    with context.database.transaction() as tx:
        row = _own(context, tx, officer, dataset, hold=True)
        tx.execute(
            update(derivations)
            .where(derivations.c.dataset == row.dataset)
            .values(state="ended", revision=row.revision + 1)
        )
        append(tx, Event("derivation.removed", officer.id, f"dataset:{row.dataset}", {}))


def needs(tx: Transaction, row: Row[Any]) -> list[NeededDocument]:
    """How many officers of each department must agree, and who did."""
    officers = {row.department: 1}
    for each in row.inputs:
        if each["department"] != row.department:
            officers[each["department"]] = max(officers.get(each["department"], 0), each["officers"])
    agreed = _agreed(tx, row)
    return [
        NeededDocument(department=department, officers=count, agreed=agreed.get(department, []))
        for department, count in officers.items()
    ]


def _all_agreed(tx: Transaction, row: Row[Any]) -> bool:
    return all(len(each["agreed"]) >= each["officers"] for each in needs(tx, row))


def document(context: DerivationContext, tx: Transaction, row: Row[Any]) -> DerivationDocument:
    policy = context.drafting.repository.read_kept(row.policy)
    derivation = DerivationDocument(
        dataset=row.dataset,
        department=row.department,
        state=row.state,
        revision=row.revision,
        set_by=row.set_by,
        set_at=row.set_at,
        policy=row.policy,
        sql=policy.derive,
        sql_sha256=hashlib.sha256(policy.derive.encode()).hexdigest(),
        inputs=input_documents(tx, row),
        needs=needs(tx, row),
        figures="hidden" if _hidden(context, tx, row) else "shown",
    )
    if row.failed_at is not None:
        derivation["failed_at"] = row.failed_at
    if row.cron is not None:
        derivation["schedule"] = row.cron
        if row.state in ("agreed", "published"):
            derivation["next_due"] = row.next_due
    if row.version is not None:
        derivation["version"] = row.version
    return derivation


def require_runnable(
    context: DerivationContext, tx: Transaction, officer: Principal, dataset: str
) -> Row[Any]:
    """The derivation, held, if this officer may run it now. Raises `NotFound`, `Refused`, `Conflict`."""
    row = _own(context, tx, officer, dataset, hold=True)
    _require_own_proposal(row, officer)
    if row.state == "published":
        raise Conflict(
            "It was derived already.",
            code="derived_already",
            remedy="Once an input has a new version, refresh it: cihu derive-refresh.",
            zh="该数据集已派生。",
            remedy_zh="所读数据集有新版本后，请更新：cihu derive-refresh。",
        )
    if row.state != "agreed" or not _all_agreed(tx, row):
        raise Conflict(
            "Officers have still to agree to this derivation.",
            code="second_person_needed",
            remedy="`cihu derivations` shows of which departments.",
            zh="该派生尚待数据专员同意。",
            remedy_zh="可用 cihu derivations 查看尚待哪些部门。",
        )
    return row


def fail(context: DerivationContext, dataset: str, revision: int) -> None:
    """It failed after rows were read: all must agree anew, so that failing is no way to learn of rows."""
    with context.database.transaction() as tx:
        tx.execute(
            update(derivations)
            .where(derivations.c.dataset == dataset, derivations.c.revision == revision)
            .values(state="waiting", revision=revision + 1, failed_at=datetime.now(UTC))
        )


def _checked(
    context: DerivationContext, tx: Transaction, officer: Principal, policy: DatasetPolicy
) -> list[dict[str, Any]]:
    relation, inputs = read_inputs(context, tx, officer, policy.derive)
    drafting = context.drafting
    check_derivation(
        policy,
        relation,
        inputs,
        gate=drafting.gate,
        lists=drafting.repository.lists,
        hidden=figures_hidden(officer.id, inputs),
    )
    if any(each.dataset == policy.dataset for each in inputs):
        raise InvalidInput(
            "A dataset is not derived from itself.",
            remedy="Give the result a name of its own.",
            zh="数据集不能由自身派生。",
            remedy_zh="请为结果另起名称。",
        )
    _require_no_circle(tx, policy.dataset, inputs)
    return input_records(context, tx, inputs)


def _require_no_circle(tx: Transaction, dataset: str, inputs: Sequence[Version]) -> None:
    """Raises `InvalidInput` where something that it reads was made of it, also at second hand, or would be:
    whose rows end with whose could not be said."""
    of_it = set(made_of(tx, dataset))
    circle = sorted({each.dataset for each in inputs} & of_it)
    if circle:
        raise InvalidInput(
            f"{', '.join(circle)} is derived from {dataset}: two datasets do not read each other.",
            code="derivation_circle",
            remedy="Read what it is made of instead; or give the result a name of its own.",
            zh=f"{'、'.join(circle)} 由 {dataset} 派生：两个数据集不能互相读取。",
            remedy_zh="请改为读取其来源；或为结果另起名称。",
        )


def _set(
    tx: Transaction,
    officer: Principal,
    policy: DatasetPolicy,
    text: str,
    inputs: list[dict[str, Any]],
    *,
    keep: bool,
    times: tuple[str, datetime] | None,
) -> None:
    """`keep`: what was agreed to stands. `times`: the schedule, and when it comes next."""
    cron, next_due = times or (None, None)
    owner = tx.execute(select(datasets.c.department).where(datasets.c.name == policy.dataset)).scalar()
    before = _row(tx, policy.dataset, hold=True)
    if any(
        known not in (None, policy.department) for known in (owner, before.department if before else None)
    ):
        raise Conflict(
            f"{policy.dataset} belongs to another department.",
            remedy="Choose another name.",
            zh=f"{policy.dataset} 属于其他部门。",
            remedy_zh="请换一个名称。",
        )
    revision = before.revision + 1 if before else 1
    values = {
        "department": policy.department,
        "policy": text,
        "inputs": inputs,
        "state": "agreed" if keep else "waiting",
        "revision": revision,
        "set_by": officer.id,
        "makers": with_maker(before.makers if before and before.state != "ended" else (), officer.id),
        "set_at": func.now(),
        "cron": cron,
        "next_due": next_due,
        "failed_at": None,
    }
    if before is None:
        tx.execute(insert(derivations).values(dataset=policy.dataset, **values))
    else:
        tx.execute(update(derivations).where(derivations.c.dataset == policy.dataset).values(**values))
    if keep and before is not None:
        tx.execute(
            update(derivation_agreements)
            .where(
                derivation_agreements.c.dataset == policy.dataset,
                derivation_agreements.c.revision == before.revision,
            )
            .values(revision=revision)
        )
    tx.execute(
        delete(derivation_agreements).where(
            derivation_agreements.c.dataset == policy.dataset, derivation_agreements.c.revision != revision
        )
    )
    hold_inputs(tx, [each["dataset"] for each in inputs])
    require_none_erased(tx, inputs)
    append(
        tx,
        Event(
            "derivation.set",
            officer.id,
            f"dataset:{policy.dataset}",
            {
                "inputs": [f"{each['dataset']}@{each['version']}" for each in inputs],
                "derive_sha256": hashlib.sha256(policy.derive.encode()).hexdigest(),
                "policy_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "revision": revision,
                **({} if cron is None else {"schedule": cron}),
            },
        ),
    )


def _rewritten(context: DerivationContext, text: str, newest: dict[str, int]) -> str:
    """The policy with other versions in its SQL, and nothing else changed."""
    before = context.drafting.repository.read_kept(text).derive
    changed = with_versions(text, newest)
    if context.drafting.repository.read(changed).derive != with_versions(before, newest):
        raise Conflict(
            "The versions cannot be replaced in the policy's text.",
            remedy="Write the new versions into the SQL, and propose it again.",
            zh="无法在策略文本中替换版本号。",
            remedy_zh="请在语句中写明新版本，重新提出。",
        )
    return changed


def _same_policies(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> bool:
    kept = ("dataset", "department", "policy_sha256", "officers")
    return [[each[name] for name in kept] for each in before] == [
        [each[name] for name in kept] for each in now
    ]


def _newest(tx: Transaction, dataset: str) -> int:
    return int(tx.execute(select(datasets.c.latest).where(datasets.c.name == dataset)).scalar_one())


def _agreed(tx: Transaction, row: Row[Any]) -> dict[str, list[str]]:
    """By department. Who has left it, or is no officer any more, does not count."""
    agreed: dict[str, list[str]] = {}
    of = derivation_agreements.c.dataset == row.dataset, derivation_agreements.c.revision == row.revision
    given = select(derivation_agreements).where(*of).order_by(derivation_agreements.c.agreed_at)
    for each in tx.execute(given).all():
        if each.officer in live_officers(tx, each.department):
            agreed.setdefault(each.department, []).append(each.officer)
    return agreed


def second_officer(tx: Transaction, row: Row[Any]) -> str | None:
    """Who of its own department agreed to it: none of its makers."""
    return next((each for each in _agreed(tx, row).get(row.department, []) if each not in row.makers), None)


def _hidden(context: DerivationContext, tx: Transaction, row: Row[Any]) -> bool:
    read = [context.drafting.repository.version(tx, each["dataset"], each["version"]) for each in row.inputs]
    return figures_hidden(row.set_by, read)


def _row(tx: Transaction, dataset: str, *, hold: bool = False) -> Row[Any] | None:
    chosen = select(derivations).where(derivations.c.dataset == dataset.lower())
    return tx.execute(chosen.with_for_update() if hold else chosen).first()


def required_row(tx: Transaction, dataset: str, *, hold: bool = False) -> Row[Any]:
    row = _row(tx, dataset, hold=hold) if dataset.isprintable() else None
    if row is None:
        raise _no_derivation()
    return row


def _no_derivation() -> NotFound:
    return NotFound(
        "There is no such derivation that you may see.",
        code="no_derivation",
        remedy="List those that there are: cihu derivations.",
        zh="没有您可查看的该派生。",
        remedy_zh="可用 cihu derivations 查看。",
    )


def _require_party(context: DerivationContext, row: Row[Any], officer: Principal) -> None:
    """Nobody else learns of it. Raises `NotFound`."""
    context.drafting.require_officer(officer)
    if officer.organisation not in {row.department, *(each["department"] for each in row.inputs)}:
        raise _no_derivation()


def _own(
    context: DerivationContext, tx: Transaction, officer: Principal, dataset: str, *, hold: bool = False
) -> Row[Any]:
    row = required_row(tx, dataset, hold=hold)
    _require_party(context, row, officer)
    if row.department != officer.organisation:
        raise Conflict(
            "It is another department's derivation.",
            code="not_own_derivation",
            remedy="You can agree to it, or leave it.",
            zh="这是其他部门的派生。",
            remedy_zh="您可以同意或不予同意。",
        )
    return row


def _require_own_proposal(row: Row[Any], officer: Principal) -> None:
    """Whoever proposed it answers for it: what they may learn of the result was looked at for them."""
    if row.set_by != officer.id:
        raise Conflict(
            f"{row.set_by} proposed this derivation, and answers for it.",
            code="not_own_proposal",
            remedy="Let them do it; or propose it again yourself, and have it agreed to.",
            zh=f"该派生由 {row.set_by} 提出并负责。",
            remedy_zh="请由其操作；或由您重新提出并取得同意。",
        )
