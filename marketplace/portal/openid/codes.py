"""Issues login codes: sixty seconds, one use, stored hashed.
If a code is used twice, its tokens are revoked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from authlib.oidc.core import AuthorizationCodeMixin
from sqlalchemy import exists, func, insert, select, update

from marketplace.portal.openid.request import HubLogin, ProviderRequest
from marketplace.portal.sessions import hash_secret
from marketplace.portal.tables import authorization_codes, issued_tokens
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.identity import revoke_token

LIFE = timedelta(seconds=60)


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was just used, as authlib asks about it."""

    code_hash: bytes
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    account: str
    session_hash: bytes
    authenticated_at: datetime
    methods: tuple[str, ...]
    proved_at: datetime | None
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int((self.proved_at or self.authenticated_at).timestamp())


def save_code(request: ProviderRequest, code: str) -> None:
    """Remember a code that goes to the browser now."""
    login: HubLogin = request.user
    asked = request.payload.data
    now = request.tx.execute(select(func.now())).scalar_one()
    request.tx.execute(
        insert(authorization_codes).values(
            code_hash=hash_secret(code),
            client_id=request.client.client_id,
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            nonce=asked.get("nonce"),
            challenge=asked["code_challenge"],
            account=login.principal.id,
            session_hash=login.session_hash,
            authenticated_at=login.since,
            methods=" ".join(login.methods),
            proved_at=login.proved_at,
            expires_at=now + LIFE,
        )
    )


def use_code(tx: Transaction, *, code: str, client_id: str) -> Code | None:
    """Use up a code, in one statement: of two at the same time only one gets it. None if it is not good."""
    codes = authorization_codes
    row = tx.execute(
        update(codes)
        .where(
            codes.c.code_hash == hash_secret(code),
            codes.c.client_id == client_id,
            codes.c.used_at.is_(None),
            codes.c.expires_at > func.clock_timestamp(),
        )
        .values(used_at=func.clock_timestamp())
        .returning(*codes.c)
    ).one_or_none()
    if row is None:
        suspect_reuse(tx, code=code, client_id=client_id)
        return None
    return Code(
        row.code_hash,
        row.redirect_uri,
        row.scope,
        row.nonce,
        row.challenge,
        row.account,
        row.session_hash,
        row.authenticated_at,
        tuple(row.methods.split()),
        row.proved_at,
    )


def suspect_reuse(tx: Transaction, *, code: str, client_id: str) -> None:
    """RFC 6749 §4.1.2: a code that comes twice was stolen by somebody; revoke the tokens that it gave."""
    codes = authorization_codes
    reused = tx.execute(
        update(codes)
        .where(
            codes.c.code_hash == hash_secret(code),
            codes.c.client_id == client_id,
            codes.c.used_at.is_not(None),
        )
        .values(reused_at=func.clock_timestamp())
        .returning(codes.c.account, codes.c.code_hash)
    ).one_or_none()
    if reused is None:
        return
    tokens = tx.scalars(
        select(issued_tokens.c.token_id).where(issued_tokens.c.code_hash == reused.code_hash)
    ).all()
    for token_id in tokens:
        revoke_token(tx, account=reused.account, token_id=token_id, reason="login code presented twice")
    append(
        tx,
        Event(
            kind="code.reused",
            actor=client_id,
            subject=f"account:{reused.account}",
            payload={"tokens": sorted(tokens)},
        ),
    )


def nonce_seen(tx: Transaction, *, client_id: str, nonce: str) -> bool:
    codes = authorization_codes
    return bool(
        tx.execute(select(exists().where(codes.c.client_id == client_id, codes.c.nonce == nonce))).scalar()
    )
