"""Invites people into a company by a link: good once, for some days, handed over by whoever invites.

The link's secret is shown once and stored as a hash, as keys are.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from marketplace.customers.find import find_company, no_company, share_ending
from marketplace.customers.model import INVITATION_STATUSES
from marketplace.customers.new_account import NewAccount, open_account
from marketplace.customers.tables import invitations
from marketplace.lifecycle import check_step
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from sandbox.identity import IdentityRules, Principal, load_principal
from sandbox.identity.model import COMPANY_ROLES
from sandbox.identity.scannable_secret import is_well_formed, make_secret
from sandbox.policy import Gate

PREFIX = "chj_"
LONGEST = timedelta(days=30)
MOST_OPEN = 50


@dataclass(frozen=True)
class Issued:
    """A new invitation, and its secret: the only time that it is seen."""

    id: int
    secret: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Issued({self.id})"


def invite(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    roles: Iterable[str],
    note: str = "",
    days: int = 7,
    seed: bytes | None = None,
) -> Issued:
    """Make an invitation into the own company. `seed`: the same form gives the same link.
    Raises `Forbidden`, `NotFound` without a company's record, `InvalidInput`, `Conflict`."""
    granted = company_roles(roles)
    if not timedelta() < timedelta(days=days) <= LONGEST:
        raise InvalidInput(
            "An invitation is not good that long.",
            remedy=f"Choose 1 to {LONGEST.days} days.",
            zh="邀请的有效期超出范围。",
            remedy_zh=f"请选择 1 至 {LONGEST.days} 天。",
        )
    secret = make_secret(PREFIX, seed)
    with database.transaction() as tx:
        share_ending(tx, principal.organisation)
        require_manager(tx, gate=gate, principal=principal)
        again = tx.execute(select(invitations).where(invitations.c.hash == hash_of(secret))).one_or_none()
        if again is not None:
            return Issued(again.id, secret, again.expires_at)
        require_room(tx, principal.organisation)
        row = tx.execute(
            insert(invitations)
            .values(
                organisation=principal.organisation,
                hash=hash_of(secret),
                roles=granted,
                note=note.strip(),
                status="open",
                made_by=principal.id,
                expires_at=func.now() + timedelta(days=days),
            )
            .returning(invitations.c.id, invitations.c.expires_at)
        ).one()
        write(tx, "open", row.id, by=principal.id, organisation=principal.organisation, roles=granted)
    return Issued(row.id, secret, row.expires_at)


def accept(
    database: Database, *, gate: Gate, rules: IdentityRules, secret: str, wanted: NewAccount
) -> Principal:
    """Join the company of an invitation, with a new account. The invitation is used up.
    Raises `NotFound`, `Conflict` if it was used, withdrawn or has expired, or whoever made it may invite
    nobody any more, `InvalidInput`."""
    with database.transaction() as tx:
        organisation = open_invitation(tx, secret).organisation
        share_ending(tx, organisation)
        lock_members(tx, organisation)
        held = open_invitation(tx, secret, lock=True)
        require_inviter(tx, gate=gate, inviter=held.made_by, organisation=held.organisation)
        check_step(INVITATION_STATUSES, thing="invitation", now=held.status, then="accepted")
        principal = open_account(
            tx, wanted, rules=rules, organisation=held.organisation, roles=held.roles, by=held.made_by
        )
        tx.execute(
            update(invitations)
            .where(invitations.c.id == held.id)
            .values(status="accepted", accepted_by=principal.id, accepted_at=func.now())
        )
        accepted = entry(
            "accepted", held.id, by=principal.id, organisation=held.organisation, roles=held.roles
        )
        append(tx, accepted, to=[notices.person(held.made_by)], about=f"company:{held.organisation}")
    return principal


def withdraw(database: Database, *, gate: Gate, principal: Principal, invitation: int) -> None:
    """Take an invitation back. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        require_manager(tx, gate=gate, principal=principal)
        mine = select(invitations).where(
            invitations.c.id == invitation, invitations.c.organisation == principal.organisation
        )
        held = tx.execute(mine.with_for_update()).one_or_none() if 0 < invitation < 2**31 else None
        if held is None:
            raise no_invitation()
        check_step(INVITATION_STATUSES, thing="invitation", now=held.status, then="withdrawn")
        tx.execute(update(invitations).where(invitations.c.id == held.id).values(status="withdrawn"))
        write(tx, "withdrawn", held.id, by=principal.id, organisation=held.organisation, roles=held.roles)


def withdraw_of(tx: Transaction, inviter: str, *, by: str) -> None:
    """Take back every open invitation of somebody who may invite nobody any more."""
    taken = (
        update(invitations)
        .where(invitations.c.made_by == inviter, invitations.c.status == "open")
        .values(status="withdrawn")
        .returning(invitations.c.id, invitations.c.organisation, invitations.c.roles)
    )
    for row in tx.execute(taken).all():
        write(tx, "withdrawn", row.id, by=by, organisation=row.organisation, roles=row.roles)


def invitations_of(tx: Transaction, organisation: str) -> list[dict[str, Any]]:
    """Newest first, at most a hundred, without what opens them."""
    columns = [column for column in invitations.c if column.name not in ("hash", "organisation")]
    wanted = select(*columns).where(invitations.c.organisation == organisation)
    newest = wanted.order_by(invitations.c.made_at.desc(), invitations.c.id).limit(100)
    return [dict(row._mapping) for row in tx.execute(newest)]


def open_invitation(tx: Transaction, secret: str, *, lock: bool = False) -> Any:
    """The row of a secret. Raises `NotFound`; `Conflict` once it is no longer good."""
    wanted = select(invitations).where(invitations.c.hash == hash_of(secret))
    found = is_well_formed(PREFIX, secret)
    held = tx.execute(wanted.with_for_update() if lock else wanted).one_or_none() if found else None
    if held is None:
        raise no_invitation()
    now = tx.execute(select(func.clock_timestamp())).scalar_one()
    if held.status != "open" or held.expires_at <= now:
        raise invitation_over()
    return held


def require_inviter(tx: Transaction, *, gate: Gate, inviter: str, organisation: str) -> None:
    """Raises `Conflict` unless whoever made the invitation is a live account of the company that may still
    manage its members: an invitation does not outlive the rights that it was made with."""
    try:
        principal = load_principal(tx, inviter, hold=True)
    except NotAuthenticated:
        raise invitation_over() from None
    company = find_company(tx, organisation)
    if company is None or not gate.decide(principal, "manage_members", company.resource).allowed:
        raise invitation_over()


def invitation_over() -> Conflict:
    return Conflict(
        "This invitation is no longer good.",
        code="invitation_over",
        remedy="Ask whoever invited you, or an owner of the company, for another.",
        zh="该邀请已失效。",
        remedy_zh="请向邀请人或企业负责人索取新的邀请。",
    )


def lock_members(tx: Transaction, organisation: str) -> None:
    """Changes of a company's members queue here until the transaction ends."""
    lock_name(tx, f"market.members {organisation}")


def require_room(tx: Transaction, organisation: str) -> None:
    """Raises `Conflict` where too many invitations are open."""
    still_open = select(func.count()).where(
        invitations.c.organisation == organisation,
        invitations.c.status == "open",
        invitations.c.expires_at > func.now(),
    )
    if tx.execute(still_open).scalar_one() >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} invitations are open.",
            code="too_many_invitations",
            remedy="Withdraw those that nobody needs.",
            zh=f"已有 {MOST_OPEN} 个未使用的邀请。",
            remedy_zh="请撤回不再需要的邀请。",
        )


def require_manager(tx: Transaction, *, gate: Gate, principal: Principal) -> None:
    """Raises `Forbidden`, and `NotFound` where the organisation has entered no company."""
    company = find_company(tx, principal.organisation)
    if company is None:
        raise no_company(principal.organisation)
    gate.require(principal, "manage_members", company.resource)


def company_roles(roles: Iterable[str]) -> list[str]:
    """Raises `InvalidInput` for none, or one that no company gives."""
    granted = sorted(set(roles), key=lambda role: (role not in COMPANY_ROLES, role))
    if not granted or any(role not in COMPANY_ROLES for role in granted):
        raise InvalidInput(
            "These are not roles of a company.",
            code="bad_roles",
            remedy=f"Use some of: {', '.join(COMPANY_ROLES)}.",
            zh="这些不是企业内的角色。",
            remedy_zh=f"请从以下角色中选择：{'、'.join(COMPANY_ROLES)}。",
        )
    return granted


def no_invitation() -> NotFound:
    return NotFound(
        "There is no such invitation.",
        remedy="Check that the link was copied whole.",
        zh="没有此邀请。",
        remedy_zh="请核对链接是否完整。",
    )


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def write(tx: Transaction, status: str, id: int, *, by: str, organisation: str, roles: list[str]) -> None:
    append(tx, entry(status, id, by=by, organisation=organisation, roles=roles))


def entry(status: str, id: int, *, by: str, organisation: str, roles: list[str]) -> Event:
    return Event(
        kind=INVITATION_STATUSES[status].event,
        actor=by,
        subject=f"invitation:{id}",
        payload={"organisation": organisation, "roles": roles},
    )
