"""Issues short-lived JWTs that say who somebody is, signed with a key that rotates."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import InvalidInput
from sandbox.identity.audiences import LONGEST_SECONDS, rule_for
from sandbox.identity.key_folder import KeyFolder
from sandbox.identity.names import check_id
from sandbox.identity.signing_keys import live_keys, publish_key, retire_key, thumbprint

REGISTERED = frozenset({"iss", "sub", "aud", "exp", "iat", "nbf", "jti"})
GRACE_SECONDS = 60  # a retired key verifies this much longer than any token it signed: clocks differ
FRESH_SECONDS = 3.0  # how long another process's rotation may go unseen


class Signing(NamedTuple):
    kid: str
    key: Ed25519PrivateKey
    read_at: float


class TokenIssuer:
    """Issues the tokens of `name` ("portal", "vault"). Private keys in `folder`, public ones in the database.

    Makes its first key when it has none. Several processes may share a folder. Raises `Unavailable`.
    """

    def __init__(
        self, name: str, folder: Path, database: Database, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = check_id(name, what="issuer")
        self._keys = KeyFolder(folder)
        self._database = database
        self._clock = clock
        self._signing = self._read()

    def issue(
        self,
        subject: str,
        *,
        audience: str,
        lifetime_seconds: int,
        issuer_url: str | None = None,
        typ: str = "JWT",
        **claims: object,
    ) -> str:
        """A token that says `subject`, for one audience. Raises `InvalidInput` for what no token may say.

        `issuer_url` stands as `iss` where a standard wants an address (an OpenID id_token); our own audiences
        want the issuer's name, and refuse such a token. `typ` is the header's.
        """
        rule = rule_for(audience)
        if rule.issuer not in (None, self.name) or (rule.issuer and issuer_url):
            raise InvalidInput(f"{self.name} does not issue tokens for {audience}.")
        if not 0 < lifetime_seconds <= rule.longest_seconds:
            raise InvalidInput(f"A token for {audience} lives 1 to {rule.longest_seconds} seconds.")
        if taken := sorted(REGISTERED & claims.keys()):
            raise InvalidInput(f"The claim {taken[0]!r} is the issuer's own.")
        if self._clock() - self._signing.read_at >= FRESH_SECONDS:
            self._signing = self._read()
        now = int(time.time())
        body = {
            **claims,
            "iss": issuer_url or self.name,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "exp": now + lifetime_seconds,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(
            body,
            self._signing.key,
            algorithm="EdDSA",
            headers={"kid": self._signing.kid, "typ": typ},
        )

    def rotate(self, *, at_once: bool = False, by: str | None = None) -> str:
        """Sign with a new key from now on; gives its kid. The old ones verify until their tokens are out.

        `at_once` is for a key that leaked: nothing that it signed is good any more.
        """
        with self._database.transaction() as tx:
            self._lock(tx)
            old = [
                key.kid for key in live_keys(tx) if key.issuer == self.name and (at_once or not key.retired)
            ]
            signing = self._make(tx, by or self.name)
            now: datetime = tx.execute(select(func.now())).scalar_one()
            until = now + timedelta(seconds=0 if at_once else LONGEST_SECONDS + GRACE_SECONDS)
            for kid in old:
                retire_key(tx, kid=kid, issuer=self.name, verifies_until=until, by=by or self.name)
        self._signing = signing
        for kid in old:
            self._keys.forget(kid)
        return signing.kid

    def _read(self) -> Signing:
        """The newest key that is not retired and whose private half is here; a new one if there is none."""
        with self._database.transaction() as tx:
            found = self._find(tx)
            if found is None:
                self._lock(tx)  # of several processes that start together, one makes the key
                found = self._find(tx) or self._make(tx, self.name)
        return found

    def _find(self, tx: Transaction) -> Signing | None:
        read_at = self._clock()
        for public in live_keys(tx):
            if public.issuer == self.name and not public.retired:
                private = self._keys.find(public.kid)
                if private is not None:
                    return Signing(public.kid, private, read_at)
        return None

    def _make(self, tx: Transaction, by: str) -> Signing:
        key = Ed25519PrivateKey.generate()
        # the private half first: a published key that nobody holds would be worse than a file nobody uses
        self._keys.write(thumbprint(key.public_key()), key)
        return Signing(publish_key(tx, issuer=self.name, key=key.public_key(), by=by), key, self._clock())

    def _lock(self, tx: Transaction) -> None:
        lock_name(tx, f"identity.signing_keys {self.name}")
