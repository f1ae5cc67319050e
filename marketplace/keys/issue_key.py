"""How does a company get a key? A buyer makes it; it is given once, here, and is stored as a hash."""

from dataclasses import dataclass

from sqlalchemy import insert

from marketplace.keys.secret import START_LENGTH, hash_key, make_key
from marketplace.keys.tables import keys
from marketplace.licences.find import find_licence
from marketplace.licences.model import Licence
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

LABEL_LENGTH = 80


@dataclass(frozen=True)
class Issued:
    """A new key, and the secret itself: the only time that it is seen."""

    id: int
    licence: int
    start: str
    secret: str

    def __repr__(self) -> str:
        return f"Issued({self.id}, {self.start}…)"  # so that no log line shows it by accident


def issue_key(database: Database, *, gate: Gate, principal: Principal, licence_id: int, label: str = "") -> Issued:
    """Make a key for a live licence. Raises `Forbidden`, `NotFound`."""
    with database.transaction() as tx:
        licence = find_licence(tx, licence_id)
        require_maker(gate, principal, licence)
        issued = write_key(tx, licence=licence, label=label, by=principal.id)
        append(tx, Event(kind="key.issued", actor=principal.id, subject=f"key:{issued.id}",
                         payload={"licence": licence.id, "start": issued.start}))
    return issued


def require_maker(gate: Gate, principal: Principal, licence: Licence) -> None:
    gate.require(principal, "make_key", Resource("Licence", str(licence.id), licence.cedar))


def write_key(tx: Transaction, *, licence: Licence, label: str, by: str) -> Issued:
    secret = make_key()
    key_id = int(tx.execute(insert(keys).values(
        licence=licence.id, hash=hash_key(secret), start=secret[:START_LENGTH], label=label.strip()[:LABEL_LENGTH],
        status="live", made_by=by).returning(keys.c.id)).scalar_one())
    return Issued(key_id, licence.id, secret[:START_LENGTH], secret)
