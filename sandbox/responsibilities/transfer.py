"""Hands over what an officer answers for, in one act.

The officer does it as they leave, or an operator as their account is closed. Nobody else does: whoever takes
a draft sees the rows of its file. Without a name the deputy of the responsibility list takes over.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, cast, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.automatic_versions import needs_second_officer
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.former_holders import with_maker
from sandbox.catalog.opening import WAITING
from sandbox.catalog.tables import handovers, opening_reviews, taken_on
from sandbox.database import Database, Transaction
from sandbox.derivations.tables import derivations
from sandbox.drafts.files import give_file
from sandbox.drafts.tables import draft_files, drafts
from sandbox.errors import CihuError, Conflict, InvalidInput, NotFound
from sandbox.identity import Principal, live_officers, load_principal
from sandbox.identity.tables import accounts
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.policy import Gate, Resource
from sandbox.pulls.hindrances import lock_pull
from sandbox.pulls.tables import pulls
from sandbox.pushes.pushes import GOING
from sandbox.pushes.tables import push_credentials, pushes
from sandbox.responsibilities.holdings import holdings_of
from sandbox.responsibilities.schemas import HandOverDocument, HoldingDocument, ResponsibilitiesDocument
from sandbox.reviews.reassign_reviewer import free_seats

SHORTEST_REASON = 5
CONFIRM_AGAIN = {
    "en": "Whoever answered for this credential handed it over. Confirm it, and it may be used again.",
    "zh": "该凭据的原负责人已移交。请确认后继续使用。",
}


@dataclass(frozen=True)
class HandOverContext:
    """What the operations on responsibilities work with."""

    database: Database
    repository: DatasetRepository
    gate: Gate


def responsibilities(context: HandOverContext, asker: Principal, account: str) -> ResponsibilitiesDocument:
    """What the account answers for: for itself, officers of its department, and operators."""
    with context.database.transaction() as tx:
        leaving = _account(context, tx, asker, account, colleagues=True)
        document = ResponsibilitiesDocument(
            account=leaving.id,
            department=leaving.organisation,
            holdings=holdings_of(tx, context.repository.lists, leaving.id, leaving.organisation),
            colleagues=_colleagues(tx, leaving),
        )
        if (deputy := _deputy(context, document)) is not None:
            document["successor"] = deputy
        return document


def transfer(
    context: HandOverContext, asker: Principal, account: str, *, to: str | None, reason: str
) -> HandOverDocument:
    """Hand everything over to `to`, or to the deputy. Raises `InvalidInput`, `NotFound`, `Conflict`."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInput(
            f"The reason must have at least {SHORTEST_REASON} characters: it is logged.",
            remedy="Say why.",
            zh=f"原因至少 {SHORTEST_REASON} 个字符，会记入日志。",
            remedy_zh="请说明原因。",
        )
    known = responsibilities(context, asker, account)
    successor = to or known.get("successor")
    if successor is None:
        raise _nobody(known)
    if successor not in known["colleagues"]:
        raise InvalidInput(
            f"{successor} is not another active officer of {known['department']}.",
            code="no_colleague",
            remedy=f"Name one of: {', '.join(known['colleagues']) or 'none: the operator must add one'}.",
            zh=f"{successor} 不是 {known['department']} 的其他在职数据专员。",
            remedy_zh=f"可选：{'、'.join(known['colleagues']) or '无，请运营人员增设数据专员'}。",
        )
    with context.database.transaction() as tx:
        leaving = _account(context, tx, asker, account)
        taking = load_principal(tx, successor, hold=True)
        held = holdings_of(tx, context.repository.lists, leaving.id, leaving.organisation)
        handed = [holding for holding in held if not holding["shared"]]
        _move(context, tx, leaving.id, taking, handed, by=asker.id)
        row = tx.execute(
            insert(handovers)
            .values(
                department=leaving.organisation,
                account=leaving.id,
                successor=taking.id,
                handed_by=asker.id,
                reason=reason.strip(),
                holdings=handed,
            )
            .returning(handovers)
        ).one()
        append(
            tx,
            Event(
                "responsibility.handed_over",
                asker.id,
                f"account:{leaving.id}",
                {
                    "to": taking.id,
                    "reason": reason.strip(),
                    "holdings": [f"{holding['kind']} {holding['subject']}" for holding in handed],
                },
            ),
            to=[notices.person(taking.id)],
            about=f"responsibility:{row.id}",
        )
        return _document(row)


def _move(
    context: HandOverContext,
    tx: Transaction,
    leaving: str,
    taking: Principal,
    handed: list[HoldingDocument],
    *,
    by: str,
) -> None:
    """All files go, those without a draft, too: somebody must be able to remove them.
    Derivations, pulls, pushes and reviews are held in the order in which whoever erases a dataset holds them,
    and before the log."""
    _take_derivations(tx, leaving, taking)
    for name in [holding["subject"] for holding in handed if holding["kind"] == "pull"]:
        _take_pull(context, tx, name, taking)
    _take_pushes(tx, leaving, taking)
    files = select(draft_files.c.id).where(
        draft_files.c.uploaded_by == leaving, draft_files.c.state == "stored"
    )
    for file in list(tx.execute(files).scalars()):
        give_file(tx, file, taking)
        # whoever agreed did so to another's draft, and may be the one who has it now
        tx.execute(update(drafts).where(drafts.c.file == file).values(second_person=None))
    of_review = (opening_reviews.c.asked_by == leaving, opening_reviews.c.state == WAITING)
    for row in list(tx.execute(select(opening_reviews).where(*of_review).with_for_update())):
        _take_review(tx, row, taking)
    tx.execute(
        update(lifecycle_steps)
        .where(lifecycle_steps.c.proposed_by == leaving, lifecycle_steps.c.state == "proposed")
        .values(proposed_by=taking.id)
    )
    # what they had taken on; where the successor may not do it, it is nobody's (oversight/taken_on.py)
    tx.execute(
        update(taken_on)
        .where(taken_on.c.account == leaving)
        .values(account=taking.id, handed_by=leaving, note="", late_told_at=None, all_told_at=None)
    )
    free_seats(tx, leaving, by=by)


def _take_pull(context: HandOverContext, tx: Transaction, dataset: str, taking: Principal) -> None:
    """The successor answers for the pull. Of data about people a second officer agrees anew, because whoever
    agreed did so to another's."""
    row = lock_pull(tx, dataset)
    if row is None:
        return
    try:
        people = needs_second_officer(context.repository.last(tx, dataset).policy)
    except CihuError:
        people = True
    waits = {"state": "waiting"} if people and row.state == "active" else {}
    tx.execute(
        update(pulls)
        .where(pulls.c.id == row.id)
        .values(
            set_by=taking.id,
            makers=with_maker(row.makers, taking.id),
            second_person=None,
            revision=row.revision + 1,
            **waits,
        )
    )


def _take_pushes(tx: Transaction, leaving: str, taking: Principal) -> None:
    """Credentials rest until an officer confirms them: whoever answers for them must have looked at them."""
    tx.execute(
        update(push_credentials)
        .where(push_credentials.c.issued_by == leaving, push_credentials.c.state != "revoked")
        .values(
            issued_by=taking.id,
            makers=_and_maker(push_credentials.c.makers, taking),
            second_person=None,
            revision=push_credentials.c.revision + 1,
            state="suspended",
            suspended=CONFIRM_AGAIN,
        )
    )
    tx.execute(
        update(pushes).where(pushes.c.officer == leaving, pushes.c.state.in_(GOING)).values(officer=taking.id)
    )


def _take_derivations(tx: Transaction, leaving: str, taking: Principal) -> None:
    """Everybody agrees anew before the next run: they agreed to what another officer may see of it."""
    tx.execute(
        update(derivations)
        .where(derivations.c.set_by == leaving, derivations.c.state != "ended")
        .values(
            set_by=taking.id,
            makers=_and_maker(derivations.c.makers, taking),
            state="waiting",
            revision=derivations.c.revision + 1,
        )
    )


def _take_review(tx: Transaction, row: Row[Any], taking: Principal) -> None:
    """Nobody is both: what the successor agreed to as the second person does not count any more, and what is
    asked of the publisher is asked anew, of the successor. A second person's no stands."""
    kept = {
        item: answer
        for item, answer in row.answers.items()
        if answer["by"] != row.asked_by and (answer["by"] != taking.id or not answer["yes"])
    }
    second = None if row.second_person == taking.id else row.second_person
    tx.execute(
        update(opening_reviews)
        .where(opening_reviews.c.id == row.id)
        .values(
            asked_by=taking.id,
            makers=with_maker(row.makers, taking.id),
            second_person=second,
            answers=kept,
        )
    )


def _and_maker(makers: ColumnElement[Any], taking: Principal) -> ColumnElement[Any]:
    """The makers of each row that is handed over, and the successor."""
    return makers.op("||")(cast([taking.id], JSONB))


def _account(
    context: HandOverContext, tx: Transaction, asker: Principal, account: str, *, colleagues: bool = False
) -> Row[Any]:
    """The account, live or disabled. Raises `NotFound`, also for whoever may not know of it."""
    row = (
        tx.execute(select(accounts).where(accounts.c.id == account)).first()
        if account.isprintable()
        else None
    )
    operator = context.gate.decide(asker, "manage_account", Resource("Account", account)).allowed
    if row is not None and (operator or row.id == asker.id):
        return row
    if row is not None and row.organisation == asker.organisation and "officer" in asker.roles:
        if colleagues:
            return row
        raise Conflict(
            f"{account} hands over themself, or an operator does.",
            code="not_yours_to_hand_over",
            remedy="Whoever takes a draft sees its rows: ask them, or the operator.",
            zh=f"须由 {account} 本人或运营人员移交。",
            remedy_zh="接手草稿者可看到其数据，请联系本人或运营人员。",
        )
    shown = account if account.isprintable() else ascii(account)
    raise NotFound(
        f"There is no account {shown} whose responsibilities you may see.",
        code="account_not_found",
        remedy="Name yourself or a colleague of your department.",
        zh=f"没有可查看其职责的账号 {shown}。",
        remedy_zh="请填写本人或本部门同事的账号。",
    )


def _colleagues(tx: Transaction, leaving: Row[Any]) -> list[str]:
    return [officer for officer in live_officers(tx, leaving.organisation) if officer != leaving.id]


def _deputy(context: HandOverContext, known: ResponsibilitiesDocument) -> str | None:
    deputies = context.repository.lists.deputies_of(known["account"])
    return next((deputy for deputy in deputies if deputy in known["colleagues"]), None)


def _nobody(known: ResponsibilitiesDocument) -> Conflict:
    count = len(known["holdings"])
    return Conflict(
        f"Nobody is named, and the lists have no deputy of {known['account']}: {count} things would hang.",
        code="no_successor",
        remedy=f"Name one of: {', '.join(known['colleagues']) or 'none: add an officer first'}.",
        zh=f"未指定接手人，责任清单中也没有 {known['account']} 的代理人：{count} 项将无人负责。",
        remedy_zh=f"可选：{'、'.join(known['colleagues']) or '无，请先增设数据专员'}。",
    )


def _document(row: Row[Any]) -> HandOverDocument:
    return HandOverDocument(
        id=row.id,
        account=row.account,
        successor=row.successor,
        handed_by=row.handed_by,
        handed_at=row.handed_at,
        reason=row.reason,
        holdings=row.holdings,
    )
