"""Creates and reads organisations: departments, companies, universities. Everybody belongs to exactly one."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.identity.names import check_display_name, check_id
from sandbox.identity.tables import organisations


def create_organisation(
    tx: Transaction, *, organisation_id: str, display_name: str, by: str, unverified: bool = False
) -> None:
    """Enter an organisation; `unverified`: it registered itself. Raises `InvalidInput`, `Conflict`."""
    check_id(organisation_id, what="organisation")
    made = tx.execute(
        insert(organisations)
        .values(
            id=organisation_id,
            display_name=check_display_name(display_name, what="organisation"),
            unverified=unverified,
        )
        .on_conflict_do_nothing()
        .returning(organisations.c.id)
    ).first()
    if made is None:
        raise Conflict(f"There is already an organisation {organisation_id!r}.")
    append(tx, Event(kind="organisation.created", actor=by, subject=f"organisation:{organisation_id}"))


def mark_unverified(tx: Transaction, organisation_id: str, *, unverified: bool) -> None:
    """Whether its people see of data what strangers see; read at each of their requests."""
    tx.execute(
        update(organisations).where(organisations.c.id == organisation_id).values(unverified=unverified)
    )


def require_organisation(tx: Transaction, organisation_id: str) -> str:
    """The display name of an organisation. Raises `NotFound`."""
    name: str | None = tx.scalar(
        select(organisations.c.display_name).where(organisations.c.id == organisation_id)
    )
    if name is None:
        raise NotFound(f"There is no organisation {organisation_id!r}.", remedy="Create it first.")
    return name
