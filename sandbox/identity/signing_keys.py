"""Stores the public keys that verify tokens now.
Rows are only added: a key begins with one and ends with another."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Select, func, insert, or_, select

from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.identity.tables import signing_key_retirements, signing_keys


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies. `retired`: it signs no more, and verifies only until its tokens are out."""

    kid: str
    issuer: str
    key: Ed25519PublicKey
    retired: bool


def live_keys(tx: Transaction) -> list[PublicKey]:
    """Every key that verifies now, newest first."""
    return [
        PublicKey(
            row.kid,
            row.issuer,
            Ed25519PublicKey.from_public_bytes(decode(row.public_key)),
            row.verifies_until is not None,
        )
        for row in tx.execute(select_live())
    ]


def select_live() -> Select[tuple[str, str, str, datetime | None]]:
    # the earliest end counts: a retirement cannot be taken back by adding a later one
    ends = (
        select(
            signing_key_retirements.c.kid, func.min(signing_key_retirements.c.verifies_until).label("until")
        )
        .group_by(signing_key_retirements.c.kid)
        .subquery()
    )
    return (
        select(
            signing_keys.c.kid,
            signing_keys.c.issuer,
            signing_keys.c.public_key,
            ends.c.until.label("verifies_until"),
        )
        .outerjoin(ends, ends.c.kid == signing_keys.c.kid)
        .where(or_(ends.c.until.is_(None), ends.c.until > func.now()))
        .order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid)
    )


def publish_key(tx: Transaction, *, issuer: str, key: Ed25519PublicKey, by: str) -> str:
    """Let a new key verify tokens of an issuer; gives its kid."""
    kid = thumbprint(key)
    tx.execute(insert(signing_keys).values(kid=kid, issuer=issuer, public_key=encode(raw(key))))
    append(
        tx,
        Event(kind="signing_key.created", actor=by, subject=f"signing-key:{kid}", payload={"issuer": issuer}),
    )
    return kid


def retire_key(tx: Transaction, *, kid: str, issuer: str, verifies_until: datetime, by: str) -> None:
    """Give a key its end."""
    tx.execute(insert(signing_key_retirements).values(kid=kid, issuer=issuer, verifies_until=verifies_until))
    append(
        tx,
        Event(
            kind="signing_key.retired",
            actor=by,
            subject=f"signing-key:{kid}",
            payload={"issuer": issuer, "verifies_until": verifies_until.isoformat()},
        ),
    )


def jwks(tx: Transaction, issuer: str) -> dict[str, list[dict[str, str]]]:
    """The JSON Web Key Set of an issuer (RFC 7517): all keys that verify its tokens now, newest first."""
    return {
        "keys": [
            {**jwk(found.key), "kid": found.kid, "use": "sig", "alg": "EdDSA"}
            for found in live_keys(tx)
            if found.issuer == issuer
        ]
    }


def jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The members of RFC 8037 that RFC 7638 wants in a thumbprint, in its order."""
    return {"crv": "Ed25519", "kty": "OKP", "x": encode(raw(key))}


def thumbprint(key: Ed25519PublicKey) -> str:
    """The kid: RFC 7638, SHA-256."""
    return encode(hashlib.sha256(json.dumps(jwk(key), separators=(",", ":")).encode()).digest())


def raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
