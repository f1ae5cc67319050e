"""How I log in, for programs: password, one-time codes, recovery codes, passkeys; and what is held about
me."""

from datetime import datetime
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import select
from typing_extensions import TypedDict

from marketplace.portal.authentication import Authenticator
from marketplace.portal.city_login.identities import connections, disconnect, issuer_named
from marketplace.portal.city_login.tables import city_identities
from marketplace.portal.tables import issued_tokens, sessions
from marketplace.vault import Vault
from sandbox.api_schema import Words, answers
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, metadata
from sandbox.database.account_columns import held_counts, held_rows
from sandbox.errors import Forbidden, Unavailable
from sandbox.identity import Principal, change_own_password
from sandbox.identity.passkeys import Passkey, list_passkeys, remove_passkey
from sandbox.identity.people_list import held_of
from sandbox.identity.second_factors import (
    confirm_totp,
    drop_unneeded_recovery_codes,
    factors_of,
    offer_totp,
    remove_totp,
    renew_own_recovery_codes,
    totp_address,
)
from sandbox.notices.tables import mail_addresses, mail_switches
from sandbox.plain_text import ExactText, PlainText

CITY = "Cihu"
SHOWN = {
    "market.city_sessions.account": ("expires_at", "issuer", "subject"),
    "market.invitations.made_by": ("made_at", "organisation", "roles", "note", "status"),
    "market.invitations.accepted_by": ("accepted_at", "organisation", "roles"),
    "market.orders.buyer": ("placed_at", "product", "use", "note", "status"),
    "market.taken_on.account": ("taken_at", "kind", "id", "note"),
    "notices.notices.actor": ("at", "event", "about"),
    "notices.outbox.account": ("made_at", "address", "form", "state"),
    "notices.read_marks.account": ("read_at", "notice"),
}
"""By the column that names the person: what is given of each of their rows, ordered by the first."""

DEEDS = (
    "identity.invitations.invited_by",
    "market.companies.decided_by",
    "market.companies.entered_by",
    "market.company_endings.noticed_by",
    "market.company_limits.set_by",
    "market.credit_notes.made_by",
    "market.keys.made_by",
    "market.licences.ended_by",
    "market.licences.notice_by",
    "market.offers.made_by",
    "market.order_steps.by",
    "market.orders.decided_by",
    "market.payment_changes.decided_by",
    "market.payment_changes.proposed_by",
    "market.payments.entered_by",
    "market.products.listed_by",
    "market.products.withdrawn_by",
    "market.releases.released_by",
    "market.sandbox_keys.made_by",
    "market.service_accounts.made_by",
    "market.statements.uploaded_by",
    "market.taken_on.handed_by",
    "operations.announcements.made_by",
    "operations.announcements.withdrawn_by",
    "operations.backups.recorded_by",
    "operations.maintenance.ended_by",
    "operations.maintenance.set_by",
)
"""Columns that name who did something for a company or an office."""

IN_PARTS_OF_THEIR_OWN = {
    "identity.account_roles.account": "roles",
    "identity.invitations.account": "invitations",
    "identity.known_devices.account": "known_devices",
    "identity.passkeys.account": "passkeys",
    "identity.passwords.account": "password",
    "identity.recovery_codes.account": "recovery_codes",
    "identity.team_members.account": "teams",
    "identity.token_revocations.account": "logins_ended",
    "identity.totp_factors.account": "one_time_codes",
    "market.city_identities.account": "identities",
    "market.issued_tokens.account": "workspace_tokens",
    "market.sessions.account": "sessions",
    "notices.mail_addresses.account": "mails",
    "notices.mail_switches.account": "mails",
}
"""Columns whose rows the export has under a name: of `HeldAboutMe`, or of its `identity`."""

NOT_HELD = {
    "identity.login_attempts.account": "what was typed as a name at a login, by anybody; gone within a day",
    "identity.login_uses.login": "the id of a session or token, of which the list of sessions tells",
    "identity.password_history.account": "hashes of earlier passwords: secrets, and nothing else",
    "market.authorization_codes.account": "secrets of a log-in that is under way, for a minute",
    "market.city_identities.person": "the name that an identity provider gave, shown with `identities`",
    "market.company_limits.account": "the kind of limit of a company",
    "market.issued_tokens.audience": "the service for which a token is",
    "market.payments.account": "a bank account",
    "notices.notices.audience": "roles and persons: what a person was told stands in their inbox",
    "operations.announcements.audience": "roles to whom something is announced",
}
"""Columns that are named like those of accounts and are not given, and why."""


class PasskeyDocument(TypedDict):
    """A passkey of mine. `synchronised`: its maker keeps it in several devices."""

    id: str
    name: str
    synchronised: bool
    created_at: datetime
    last_used_at: datetime | None


class IdentityDocument(TypedDict):
    """An identity of an identity provider that opens my account."""

    issuer: str
    connected_at: datetime
    last_used_at: datetime | None


class Security(TypedDict):
    one_time_codes_since: datetime | None
    recovery_codes_left: int
    passkeys: list[PasskeyDocument]
    identities: list[IdentityDocument]


class OfferedCodes(TypedDict):
    """The secret for an authenticator app; `address` is the same as a QR code has it."""

    secret: str
    address: str


class RecoveryCodes(TypedDict):
    """Each is good once. They are shown here and never again."""

    recovery_codes: list[str]


class HeldAboutMe(TypedDict):
    """What the portal and the vault hold about an account, without secrets. The log is public, and its
    entries are opened to who did them. `rows` and `acts_in_the_market`: by table and column."""

    identity: dict[str, Any]
    identities: list[dict[str, str]]
    sessions: list[dict[str, str]]
    workspace_tokens: list[dict[str, str]]
    acts_in_the_market: dict[str, int]
    mails: list[dict[str, str]]
    rows: dict[str, list[dict[str, Any]]]
    vault: NotRequired[dict[str, Any]]
    incomplete: NotRequired[Words]


class NewPassword(BaseModel):
    password: Annotated[ExactText, Field(max_length=1024)]
    new_password: Annotated[ExactText, Field(max_length=1024)]


class TypedCode(BaseModel):
    code: Annotated[PlainText, Field(max_length=40)]


def shown(passkey: Passkey) -> PasskeyDocument:
    return {
        "id": passkey.id,
        "name": passkey.display_name,
        "synchronised": passkey.synchronised,
        "created_at": passkey.created_at,
        "last_used_at": passkey.last_used_at,
    }


def export(database: Database, vault: Vault, account: str) -> HeldAboutMe:
    """All that is held about an account; that it was read is an entry of the log. While the vault cannot be
    reached its part is missing, and `incomplete` says so."""
    with database.transaction() as tx:
        held = _held_by_portal(tx, account)
    try:
        held["vault"] = vault.get(account, "/v1/me/held")
    except Unavailable:
        held["incomplete"] = {
            "en": "The vault cannot be reached: what it holds is missing here. Export again later.",
            "zh": "暂时无法连接保险库，缺少其保存的部分。请稍后重新导出。",
        }
    except Forbidden as refused:  # the company is not verified yet
        held["incomplete"] = {
            "en": f"What the vault holds is missing here. {refused}",
            "zh": f"缺少保险库保存的部分。{refused.zh}",
        }
    return held


def _held_by_portal(tx: Transaction, account: str) -> HeldAboutMe:

    def rows(table: Any, *names: str) -> list[dict[str, str]]:
        found = tx.execute(select(*(table.c[name] for name in names)).where(table.c.account == account))
        return [
            {name: str(value) for name, value in row._mapping.items() if value is not None} for row in found
        ]

    held: HeldAboutMe = {
        "identity": held_of(tx, account),
        "identities": rows(city_identities, "issuer", "subject", "person", "connected_at", "last_used_at"),
        "sessions": rows(
            sessions, "way", "opened_at", "seen_at", "expires_at", "address", "agent", "methods"
        ),
        "workspace_tokens": rows(issued_tokens, "issued_at", "expires_at"),
        "acts_in_the_market": held_counts(tx, metadata, DEEDS, account),
        "mails": [],
        "rows": held_rows(tx, metadata, SHOWN, account),
    }
    held["mails"] = [
        *rows(mail_addresses, "address", "language", "daily", "verified_at"),
        *rows(mail_switches, "kind"),
    ]
    append(tx, Event(kind="account.exported", actor=account, subject=f"account:{account}"))
    return held


def router(*, database: Database, vault: Vault, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/me", tags=["login"])
    Caller = Annotated[Principal, Depends(authenticator.caller)]
    Recent = Annotated[Principal, Depends(authenticator.recent_caller)]

    @routes.get(
        "/security", operation_id="get_my_security", summary="How I log in", responses=answers(Security)
    )
    def security(me: Caller) -> Security:
        with database.transaction() as tx:
            factors = factors_of(tx, me.id)
            return {
                "one_time_codes_since": factors.totp_since,
                "recovery_codes_left": factors.recovery_codes,
                "passkeys": [shown(each) for each in list_passkeys(tx, me.id)],
                "identities": [
                    {
                        "issuer": each.issuer,
                        "connected_at": each.connected_at,
                        "last_used_at": each.last_used_at,
                    }
                    for each in connections(tx, me.id)
                ],
            }

    @routes.post(
        "/password",
        status_code=204,
        operation_id="change_my_password",
        summary="Change my password, and log out everywhere",
        responses=answers(None, 401, 403, 429, status=204),
    )
    def password(request: Request, me: Caller, new: NewPassword) -> None:
        change_own_password(
            database,
            account_id=me.id,
            password=new.password,
            new_password=new.new_password,
            source=authenticator.source(request),
            rules=authenticator.rules,
        )

    @routes.post(
        "/one-time-codes",
        operation_id="offer_one_time_codes",
        summary="Begin to use one-time codes",
        responses=answers(OfferedCodes, 403, 409),
    )
    def offer(me: Recent) -> OfferedCodes:
        """They count after `confirm_one_time_codes`."""
        with database.transaction() as tx:
            secret = offer_totp(tx, authenticator.box, me.id)
        return {"secret": secret, "address": totp_address(secret, account_id=me.id, city=CITY)}

    @routes.post(
        "/one-time-codes/confirm",
        operation_id="confirm_one_time_codes",
        summary="Type a code, so that they count; gives recovery codes",
        responses=answers(RecoveryCodes, 403, 404),
    )
    def confirm(me: Recent, typed: TypedCode) -> RecoveryCodes:
        with database.transaction() as tx:
            return {"recovery_codes": confirm_totp(tx, authenticator.box, me.id, typed.code)}

    @routes.delete(
        "/one-time-codes",
        status_code=204,
        operation_id="remove_one_time_codes",
        summary="Use one-time codes no more",
        responses=answers(None, 403, 404, status=204),
    )
    def remove(me: Recent) -> None:
        with database.transaction() as tx:
            remove_totp(tx, me.id, by=me.id)
            drop_unneeded_recovery_codes(tx, me.id)

    @routes.post(
        "/recovery-codes",
        operation_id="renew_recovery_codes",
        summary="New recovery codes; the old ones are good no more",
        responses=answers(RecoveryCodes, 403, 409),
    )
    def renew(me: Recent) -> RecoveryCodes:
        with database.transaction() as tx:
            return {"recovery_codes": renew_own_recovery_codes(tx, me.id)}

    @routes.delete(
        "/passkeys/{id}",
        status_code=204,
        operation_id="remove_passkey",
        summary="Remove a passkey of mine",
        responses=answers(None, 403, 404, status=204),
    )
    def remove_one(me: Recent, id: str) -> None:
        with database.transaction() as tx:
            remove_passkey(tx, me.id, id=id, by=me.id)

    @routes.delete(
        "/identities/{provider}",
        status_code=204,
        operation_id="disconnect_my_identity",
        summary="Log in with an identity provider no more",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def disconnect_one(me: Recent, provider: str) -> None:
        """A page connects one: that needs a browser."""
        with database.transaction() as tx:
            issuer = issuer_named(authenticator.city_providers, provider)
            disconnect(tx, account=me.id, issuer=issuer, by=me.id)

    @routes.get(
        "/export",
        operation_id="export_my_data",
        summary="What is held about me",
        responses=answers(HeldAboutMe),
    )
    def held(me: Caller) -> HeldAboutMe:
        """By the portal and by the vault."""
        return export(database, vault, me.id)

    return routes
