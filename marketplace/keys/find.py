"""Finds the keys of a licence. Never the keys themselves: what people need to tell them apart."""

from typing import Any

from sqlalchemy import Row, select

from marketplace.keys.model import Key
from marketplace.keys.tables import keys
from sandbox.database import Transaction
from sandbox.errors import NotFound


def keys_of(tx: Transaction, licence_id: int) -> list[Key]:
    """Newest first."""
    wanted = select(keys).where(keys.c.licence == licence_id).order_by(keys.c.made_at.desc(), keys.c.id)
    return [key_of(row) for row in tx.execute(wanted)]


def find_key(tx: Transaction, key_id: int) -> Key:
    """Raises `NotFound`."""
    row = tx.execute(select(keys).where(keys.c.id == key_id)).one_or_none() if 0 < key_id < 2**31 else None
    if row is None:
        raise no_key(key_id)
    return key_of(row)


def lock_key(tx: Transaction, key_id: int) -> Key:
    """The key, held until the transaction ends. Raises `NotFound`."""
    wanted = select(keys).where(keys.c.id == key_id).with_for_update(key_share=True)
    row = tx.execute(wanted).one_or_none() if 0 < key_id < 2**31 else None
    if row is None:
        raise no_key(key_id)
    return key_of(row)


def no_key(key_id: int) -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound(f"There is no key {key_id}.", zh=f"没有密钥 {key_id}。")


def key_of(row: Row[Any]) -> Key:
    fields = {name: row._mapping[name] for name in Key.__dataclass_fields__}
    return Key(**fields | {"scopes": tuple(row.scopes), "networks": tuple(row.networks)})
