"""Opens a licence of a company to one of its service accounts: by a key row of its own, made when it first
calls. No text opens that row: its hash is of no key."""

import hashlib

from sqlalchemy import Row, case, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.keys.find import key_of
from marketplace.keys.model import Key
from marketplace.keys.tables import keys
from marketplace.licences.tables import licences
from marketplace.service_accounts.tables import service_accounts
from sandbox.database import Transaction

LABEL_LENGTH = 80


def open_licence(tx: Transaction, *, client_id: str, product: str) -> Key | None:
    """The key of the account for its company's licence of the product: of those, the one that is live, or
    the newest. None without a licence, or if the account is not live."""
    # held: a revocation comes before the key, and there is none, or after, and finds it
    account = tx.execute(
        select(service_accounts)
        .where(service_accounts.c.id == client_id, service_accounts.c.status == "live")
        .with_for_update(read=True)
    ).one_or_none()
    if account is None:
        return None
    licence = tx.execute(
        select(licences.c.id)
        .where(licences.c.organisation == account.organisation, licences.c.product == product)
        .order_by(case((licences.c.status == "live", 0), else_=1), licences.c.issued_at.desc())
        .limit(1)
    ).scalar()
    return None if licence is None else key_for(tx, account, int(licence))


def key_for(tx: Transaction, account: Row[tuple[object, ...]], licence: int) -> Key:
    hash = hashlib.sha256(f"service account {account.id} licence {licence}".encode()).digest()
    tx.execute(
        insert(keys)
        .values(
            licence=licence,
            hash=hash,
            start=account.id[:12],
            label=account.label[:LABEL_LENGTH],
            status="live",
            made_by=account.made_by,
            scopes=account.scopes,
            networks=account.networks,
            mode=account.mode,
            service_account=account.id,
        )
        .on_conflict_do_nothing(index_elements=[keys.c.hash])
    )
    return key_of(tx.execute(select(keys).where(keys.c.hash == hash)).one())
