"""Passkeys (WebAuthn Level 3): registering one, logging in with one, and the challenges of both.

A challenge is made without being stored: it carries its end and a signature, bound to the browser that
it is for. What is stored is that it was used. User verification is required, so a passkey is two factors
by itself.
"""

import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from sandbox.identity.login import Login, Source, remember_device
from sandbox.identity.model import Principal
from sandbox.identity.names import check_display_name
from sandbox.identity.principals import hold_account, load_principal
from sandbox.identity.second_factors import (
    drop_unneeded_recovery_codes,
    factors_of,
    log_factor,
    renew_recovery_codes,
)
from sandbox.identity.secret_box import SecretBox
from sandbox.identity.tables import passkeys, used_challenges

CHALLENGE_SECONDS = 300
NONCE, MOMENT = 16, 8  # bytes
MOST_PASSKEYS = 20
MOST_CHARACTERS = 20_000  # of what a browser sends
METHODS = ("pop", "user", "mfa")  # RFC 8176: a key's possession, a user who was verified
REGISTER, LOG_IN = "register", "log in"
FAULTS = (WebAuthnException, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class RelyingParty:
    """Whom passkeys are for: the portal at its public address (WebAuthn, section 5.1.2)."""

    origin: str
    name: str
    box: SecretBox

    @property
    def id(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def can(self) -> bool:
        """An IP address can be no relying party: a domain is needed."""
        return not self.id.replace(".", "").isdigit() and ":" not in self.id


@dataclass(frozen=True)
class Passkey:
    """A registered passkey, as its owner sees it. `id` names it."""

    id: str
    display_name: str
    synchronised: bool
    created_at: datetime
    last_used_at: datetime | None


def challenge(party: RelyingParty, *, purpose: str, holder: str) -> bytes:
    """80 bytes for one ceremony of one browser, good for five minutes. `holder` is the browser's own
    secret."""
    head = os.urandom(NONCE) + int(time.time() + CHALLENGE_SECONDS).to_bytes(MOMENT)
    return head + signed(party, head, purpose, holder)


def signed(party: RelyingParty, head: bytes, purpose: str, holder: str) -> bytes:
    return party.box.sign(head + hashlib.sha256(f"{purpose} {holder}".encode()).digest())


def use_challenge(tx: Transaction, party: RelyingParty, sent: bytes, *, purpose: str, holder: str) -> None:
    """Use up a challenge of ours. Raises `InvalidInput` for another's, an old one, and a used one."""
    head, mark = sent[: NONCE + MOMENT], sent[NONCE + MOMENT :]
    ends = int.from_bytes(head[NONCE:])
    good = hmac.compare_digest(mark, signed(party, head, purpose, holder)) and time.time() < ends
    # an hour later: the database's clock may be ahead of ours
    tx.execute(delete(used_challenges).where(used_challenges.c.expires_at < func.now() - timedelta(hours=1)))
    if good:
        first = tx.execute(
            upsert(used_challenges)
            .values(
                challenge_hash=hashlib.sha256(sent).digest(), expires_at=datetime.fromtimestamp(ends, UTC)
            )
            .on_conflict_do_nothing()
            .returning(used_challenges.c.challenge_hash)
        ).first()
        good = first is not None
    if not good:
        raise InvalidInput(
            "The page is too old for a passkey, or was used already.",
            code="old_challenge",
            remedy="Load the page again.",
            zh="页面已过期或已使用过，无法使用通行密钥。",
            remedy_zh="请刷新页面。",
        )


def registration_options(tx: Transaction, party: RelyingParty, principal: Principal, *, holder: str) -> str:
    """The JSON for `navigator.credentials.create`."""
    known = tx.scalars(select(passkeys.c.credential_id).where(passkeys.c.account == principal.id)).all()
    return options_to_json(
        generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_id=principal.id.encode(),
            user_name=principal.id,
            user_display_name=principal.display_name,
            challenge=challenge(party, purpose=REGISTER, holder=holder),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
    )


def login_options(party: RelyingParty, *, holder: str) -> str:
    """The JSON for `navigator.credentials.get`: of no account in particular, so it tells of none."""
    return options_to_json(
        generate_authentication_options(
            rp_id=party.id,
            challenge=challenge(party, purpose=LOG_IN, holder=holder),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def sent_challenge(credential: str) -> tuple[dict[str, Any], bytes]:
    """What the browser's authenticator gave, and the challenge that it answers. Raises `InvalidInput`."""
    try:
        if len(credential) > MOST_CHARACTERS:
            raise ValueError("too long")
        given = json.loads(credential)
        client = json.loads(base64url_to_bytes(given["response"]["clientDataJSON"]))
        return given, base64url_to_bytes(client["challenge"])
    except (*FAULTS, RecursionError, AttributeError) as fault:
        raise bad_passkey(fault) from None


def register_passkey(
    tx: Transaction,
    party: RelyingParty,
    principal: Principal,
    *,
    credential: str,
    display_name: str,
    holder: str,
) -> list[str]:
    """Add a passkey to the account; gives recovery codes if it is the first factor.
    Raises `InvalidInput`, `Conflict`."""
    given, answered = sent_challenge(credential)
    name = check_display_name(display_name, what="passkey")
    use_challenge(tx, party, answered, purpose=REGISTER, holder=holder)
    try:
        verified = verify_registration_response(
            credential=given,
            expected_challenge=answered,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (*FAULTS, AttributeError) as fault:
        raise bad_passkey(fault) from None
    hold_account(tx, principal.id)
    before = factors_of(tx, principal.id)
    taken = tx.scalar(select(passkeys.c.account).where(passkeys.c.credential_id == verified.credential_id))
    if taken or before.passkeys >= MOST_PASSKEYS:
        raise Conflict(
            "This passkey is registered already, or there are too many.",
            code="passkey_exists",
            remedy="Use another, or remove one.",
            zh="该通行密钥已登记，或数量已达上限。",
            remedy_zh="请更换，或先移除一个。",
        )
    tx.execute(
        insert(passkeys).values(
            credential_id=verified.credential_id,
            account=principal.id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            display_name=name,
            synchronised=verified.credential_backed_up,
        )
    )
    log_factor(tx, "account.factor_added", principal.id, "passkey", by=principal.id)
    return [] if before.any else renew_recovery_codes(tx, principal.id)


def log_in_with_passkey(
    tx: Transaction, party: RelyingParty, *, credential: str, holder: str, source: Source
) -> Login:
    """The login of the passkey's account. Nothing is counted: a key cannot be guessed.
    Raises `NotAuthenticated`, in the same words for an unknown key, a disabled account and a bad
    signature."""
    given, answered = sent_challenge(credential)
    use_challenge(tx, party, answered, purpose=LOG_IN, holder=holder)
    try:
        credential_id = base64url_to_bytes(str(given["id"]))
        row = tx.execute(
            select(passkeys).where(passkeys.c.credential_id == credential_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise ValueError("unknown")
        verified = verify_authentication_response(
            credential=given,
            expected_challenge=answered,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
        principal = load_principal(tx, row.account)
    except (*FAULTS, AttributeError, NotAuthenticated) as fault:
        raise NotAuthenticated(
            "This passkey opens no account here.",
            code="wrong_passkey",
            remedy="Use another passkey, or log in with your password.",
            zh="该通行密钥无法登录。",
            remedy_zh="请使用其他通行密钥，或用密码登录。",
            internal=f"{type(fault).__name__}: {fault}",
        ) from None
    tx.execute(
        update(passkeys)
        .where(passkeys.c.credential_id == row.credential_id)
        .values(sign_count=verified.new_sign_count, last_used_at=func.now())
    )
    remember_device(tx, principal.id, source)
    return Login(principal, METHODS)


def list_passkeys(tx: Transaction, account_id: str) -> list[Passkey]:
    """The oldest first."""
    rows = tx.execute(
        select(passkeys).where(passkeys.c.account == account_id).order_by(passkeys.c.created_at)
    )
    return [
        Passkey(row.credential_id.hex(), row.display_name, row.synchronised, row.created_at, row.last_used_at)
        for row in rows
    ]


def remove_passkey(tx: Transaction, account_id: str, *, id: str, by: str) -> None:
    """Raises `NotFound`, the same for another's passkey and for none."""
    hold_account(tx, account_id)
    try:
        named = bytes.fromhex(id)
    except ValueError:
        named = b""
    gone = tx.execute(
        delete(passkeys).where(passkeys.c.credential_id == named, passkeys.c.account == account_id)
    )
    if gone.rowcount != 1:
        raise NotFound(
            "You have no such passkey.",
            remedy="Load the list again.",
            zh="没有这一通行密钥。",
            remedy_zh="请刷新列表。",
        )
    log_factor(tx, "account.factor_removed", account_id, "passkey", by=by)
    drop_unneeded_recovery_codes(tx, account_id)


def bad_passkey(fault: Exception) -> InvalidInput:
    return InvalidInput(
        "What the browser sent is no passkey for this city.",
        code="bad_passkey",
        remedy="Load the page again and use this city's address.",
        zh="浏览器发送的内容不是本站的通行密钥。",
        remedy_zh="请刷新页面，并使用本站地址访问。",
        internal=f"{type(fault).__name__}: {fault}",
    )
