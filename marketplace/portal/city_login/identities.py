"""Which account an identity of a provider opens: by issuer and `sub` alone, never by a name or an e-mail.

An identity is connected once: by whoever is logged in to the account, by the link of an invitation, or, where
the provider's settings say so, by whom an open invitation waits for. What disabled the account ends the
connection, too.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Exists, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.portal.city_login.providers import CityProvider, unknown_provider
from marketplace.portal.city_login.refusals import CityLoginRefused, untrusted
from marketplace.portal.city_login.tables import city_identities
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from sandbox.identity import Principal, create_account, load_principal
from sandbox.identity.invitations import open_invitation, take_open_invitation, use_invitation
from sandbox.identity.names import check_display_name, is_id
from sandbox.identity.principals import hold_account
from sandbox.identity.second_factors import factors_of
from sandbox.identity.tables import passkeys, passwords, token_revocations

DISABLED = "account disabled"  # the reason that `disable_accounts` gives
CREATED = "c-"
CREATED_LETTERS = 16


@dataclass(frozen=True)
class CityPerson:
    """Somebody whom a provider vouches for, just now. `person` and `organisation`: the claims of these names
    in the provider's settings, or "". `sid`: the session there, or ""."""

    provider: CityProvider
    subject: str
    sid: str
    proved_at: datetime
    issued_at: datetime
    second_factor: bool
    person: str = ""
    organisation: str = ""
    display_name: str = ""


@dataclass(frozen=True)
class Connection:
    """An identity that opens an account, without its `sub`."""

    issuer: str
    connected_at: datetime
    last_used_at: datetime | None


def account_of(tx: Transaction, who: CityPerson) -> Principal | None:
    """The live account that the identity opens, or None. Raises `CityLoginRefused` where the provider now
    calls another person by this `sub`."""
    row = tx.execute(
        select(city_identities).where(
            city_identities.c.issuer == who.provider.issuer, city_identities.c.subject == who.subject
        )
    ).one_or_none()
    if row is None:
        return None
    hold_account(tx, row.account)
    if ended(tx, row.account, row.connected_at):
        return None
    if who.provider.person_claim and row.person and row.person != who.person:
        raise CityLoginRefused("city_person_changed", account=row.account)
    try:
        principal = load_principal(tx, row.account)
    except NotAuthenticated:
        return None
    tx.execute(
        update(city_identities)
        .where(city_identities.c.issuer == row.issuer, city_identities.c.subject == row.subject)
        .values(last_used_at=func.now())
    )
    return principal


def ended(tx: Transaction, account: str, since: datetime) -> bool:
    """Whether the account was disabled after the connection was made."""
    return bool(tx.scalar(select(_disabled_since(account, since))))


def _disabled_since(account: str | ColumnElement[str], since: datetime | ColumnElement[datetime]) -> Exists:
    row = token_revocations.c
    return exists().where(row.account == account, row.reason == DISABLED, row.revoked_at >= since)


def connect(tx: Transaction, who: CityPerson, *, account: str, by: str) -> None:
    """From now on the identity opens the account. Raises `CityLoginRefused` if it opens another, or the
    account has another of the same provider."""
    hold_account(tx, account)
    issuer = who.provider.issuer
    at_issuer = city_identities.c.issuer == issuer
    for row in tx.execute(
        select(city_identities).where(
            at_issuer, (city_identities.c.subject == who.subject) | (city_identities.c.account == account)
        )
    ).all():
        if not ended(tx, row.account, row.connected_at):
            if row.subject == who.subject and row.account == account:
                return
            raise CityLoginRefused("city_already_connected")
        tx.execute(delete(city_identities).where(at_issuer, city_identities.c.subject == row.subject))
    made = tx.execute(
        upsert(city_identities)
        .values(issuer=issuer, subject=who.subject, account=account, person=who.person)
        .on_conflict_do_nothing()
        .returning(city_identities.c.account)
    ).first()
    if made is None:
        raise CityLoginRefused("city_already_connected")
    append(
        tx,
        Event(
            kind="account.identity_connected",
            actor=by,
            subject=f"account:{account}",
            payload={"provider": who.provider.id, "issuer": issuer},
        ),
        to=[notices.person(account)],
    )


def accept(tx: Transaction, who: CityPerson, *, link_secret: str) -> Principal:
    """Connect the account that an invitation made, and use the link up: no password is needed.
    Raises `NotFound`, `CityLoginRefused`."""
    opened = open_invitation(tx, link_secret)
    if opened.kind != "invitation":  # a link for a lost password is for a password
        raise CityLoginRefused("city_login_expired", "the link is for a new password")
    connect(tx, who, account=opened.account, by=opened.account)
    use_invitation(tx, link_secret=link_secret)
    return load_principal(tx, opened.account)


def join(tx: Transaction, who: CityPerson) -> Principal | None:
    """The account that an open invitation made for this person, if the settings let them take it: its id is
    what the provider calls them, nothing logs in to it yet, and its organisation is theirs."""
    provider, account = who.provider, who.person.lower()
    if not (provider.join_invited and provider.person_claim and is_id(account)):
        return None
    hold_account(tx, account)
    if has_way_in(tx, account):
        return None
    try:
        principal = load_principal(tx, account)
    except NotAuthenticated:
        return None
    if provider.organisation_claim and of_ours(who) != principal.organisation:
        return None
    if principal.kind != "person" or not take_open_invitation(tx, account_id=account):
        return None
    connect(tx, who, account=account, by=account)
    return principal


def of_ours(who: CityPerson) -> str:
    """Our id of the person's organisation."""
    return who.provider.organisations.get(who.organisation, who.organisation)


def has_way_in(tx: Transaction, account: str) -> bool:
    """Whether anything logs in to the account: a password, a passkey, an identity."""
    return any(
        tx.scalar(select(exists().where(table.c.account == account)))
        for table in (passwords, passkeys, city_identities)
    )


def create(tx: Transaction, who: CityPerson) -> Principal | None:
    """A new account for somebody whom nobody knows yet: in the one organisation of the settings, without a
    role or a team, whatever the provider says. None where the settings make none, and for whom an account
    was disabled: they do not come back as somebody new."""
    provider = who.provider
    if not provider.create_in or is_known(tx, who):
        return None
    digest = hashlib.sha256(f"{provider.issuer}\0{who.subject}".encode()).hexdigest()
    account = CREATED + digest[:CREATED_LETTERS]
    try:
        name = check_display_name(who.display_name, what="account")
    except InvalidInput:
        name = account
    try:
        principal = create_account(
            tx, account_id=account, display_name=name, organisation=provider.create_in, by=account
        )
    except Conflict:  # it was disabled or disconnected: that stays so
        return None
    except NotFound:
        raise untrusted(f"its setting `create` names no organisation: {provider.create_in!r}") from None
    connect(tx, who, account=account, by=account)
    return principal


def is_known(tx: Transaction, who: CityPerson) -> bool:
    of_person = exists().where(
        city_identities.c.issuer == who.provider.issuer, city_identities.c.subject == who.subject
    )
    return bool(tx.scalar(select(of_person)))


def connections(tx: Transaction, account: str) -> list[Connection]:
    """The identities that open an account."""
    rows = tx.execute(
        select(city_identities)
        .where(city_identities.c.account == account)
        .order_by(city_identities.c.connected_at)
    ).all()
    return [
        Connection(row.issuer, row.connected_at, row.last_used_at)
        for row in rows
        if not ended(tx, account, row.connected_at)
    ]


def connected_accounts(tx: Transaction) -> dict[str, set[str]]:
    """The issuers of each account that has a living connection."""
    rows = tx.execute(
        select(city_identities.c.account, city_identities.c.issuer).where(
            ~_disabled_since(city_identities.c.account, city_identities.c.connected_at)
        )
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.account, set()).add(row.issuer)
    return found


def disconnect(tx: Transaction, *, account: str, issuer: str, by: str) -> None:
    """The identity opens the account no more. Raises `NotFound`, and `Conflict` for one's own last way in."""
    hold_account(tx, account)
    if by == account and not other_way_in(tx, account, issuer):
        raise Conflict(
            "This is the only way to log in to this account.",
            code="last_way_in",
            remedy="Add a passkey, or ask whoever looks after accounts for a password, then disconnect it.",
            zh="这是登录该账号的唯一方式。",
            remedy_zh="请先添加通行密钥，或请账号管理人员设置密码，再解除绑定。",
        )
    gone = tx.execute(
        delete(city_identities).where(
            city_identities.c.account == account, city_identities.c.issuer == issuer
        )
    )
    if gone.rowcount != 1:
        raise NotFound(
            "This account has no identity of that provider.",
            remedy="Load the page again.",
            zh="该账号未绑定该平台的身份。",
            remedy_zh="请刷新页面。",
        )
    append(
        tx,
        Event(
            kind="account.identity_disconnected",
            actor=by,
            subject=f"account:{account}",
            payload={"issuer": issuer},
        ),
    )


def other_way_in(tx: Transaction, account: str, issuer: str) -> bool:
    return (
        bool(tx.scalar(select(exists().where(passwords.c.account == account))))
        or factors_of(tx, account).passkeys > 0
        or any(each.issuer != issuer for each in connections(tx, account))
    )


def issuer_named(providers: Iterable[CityProvider], id: str) -> str:
    """The issuer of a provider of the settings. Raises `NotFound`."""
    for each in providers:
        if each.id == id:
            return each.issuer
    raise unknown_provider()
