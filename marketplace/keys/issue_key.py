"""Issues a key to a company. A buyer makes it; it is given once, here, and is stored as a hash.

A form that is sent twice (a double click) must make one key, and its second answer, which the browser shows,
must give it too. So the form's `seed` makes the key (see `make_key`): sent again, it makes the same key,
which is not stored for that.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import func, insert, select

from marketplace.keys.admits import Scope, read_networks
from marketplace.keys.secret import START_LENGTH, hash_key, make_key
from marketplace.keys.tables import keys
from marketplace.licences.find import find_licence, may_know, no_licence
from marketplace.licences.model import Licence
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers

LABEL_LENGTH = 80
AGAIN = timedelta(minutes=1)
"""How long the same form gives the same key: for a double click, not for a page that was left open."""


@dataclass(frozen=True)
class KeyUse:
    """What a key is for: which scopes, from which networks (none: from everywhere), live or test."""

    scopes: tuple[str, ...] = tuple(Scope)
    networks: tuple[str, ...] = ()
    mode: str = "live"

    @property
    def logged(self) -> dict[str, object]:
        scopes = [str(each) for each in self.scopes]
        return {"scopes": scopes, "networks": len(self.networks), "mode": self.mode}


@dataclass(frozen=True)
class Issued:
    """A new key, and the secret itself: the only time that it is seen."""

    id: int
    licence: int
    start: str
    secret: str

    def __repr__(self) -> str:
        return f"Issued({self.id}, {self.start}…)"  # so that no log line shows it by accident


def issue_key(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    licence_id: int,
    label: str = "",
    use: KeyUse | None = None,
    seed: bytes | None = None,
) -> Issued:
    """Make a key for a live licence. Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`."""
    use = use or KeyUse()
    use = replace(use, networks=read_networks(use.networks))
    with database.transaction() as tx:
        licence = find_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            require_maker(gate, principal, licence)
        if seed and (again := issued_before(tx, seed)):
            return again
        issued = write_key(tx, licence=licence, label=label, by=principal.id, seed=seed, use=use)
        append(
            tx,
            Event(
                kind="key.issued",
                actor=principal.id,
                subject=f"key:{issued.id}",
                payload={"licence": licence.id, "start": issued.start, **use.logged},
            ),
        )
    return issued


def require_maker(gate: Gate, principal: Principal, licence: Licence) -> None:
    gate.require(principal, "make_key", Resource("Licence", str(licence.id), licence.cedar))


def issued_before(tx: Transaction, seed: bytes) -> Issued | None:
    """The key that was just made out of this seed.
    Raises `Conflict` if that was longer ago than a double click."""
    secret = make_key(seed)
    # the same form sent twice at the same time queues here
    lock_name(tx, f"market.keys {hash_key(secret).hex()}")
    row = tx.execute(select(keys).where(keys.c.hash == hash_key(secret))).one_or_none()
    if row is None:
        return None
    if row.status != "live" or row.made_at < tx.execute(select(func.now())).scalar_one() - AGAIN:
        raise Conflict(
            "This form has made its key already.",
            code="form_used",
            remedy="Load the licence's page again: its form makes another.",
            zh="此表单已创建过密钥。",
            remedy_zh="请重新打开许可页面，再创建另一个。",
        )
    return Issued(row.id, row.licence, row.start, secret)


def write_key(
    tx: Transaction, *, licence: Licence, label: str, by: str, seed: bytes | None, use: KeyUse
) -> Issued:
    secret = make_key(seed)
    key_id = int(
        tx.execute(
            insert(keys)
            .values(
                licence=licence.id,
                hash=hash_key(secret),
                start=secret[:START_LENGTH],
                label=label.strip()[:LABEL_LENGTH],
                status="live",
                made_by=by,
                scopes=list(use.scopes),
                networks=list(use.networks),
                mode=use.mode,
            )
            .returning(keys.c.id)
        ).scalar_one()
    )
    return Issued(key_id, licence.id, secret[:START_LENGTH], secret)
