"""Finds licences: rows of the table as values. Locking a licence orders everything that happens under it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, exists, false, func, or_, select, text

from marketplace.licences.model import Licence
from marketplace.licences.tables import licences
from marketplace.offers.document import OfferDocument
from marketplace.products.find import terms_of
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def find_licence(tx: Transaction, licence_id: int) -> Licence:
    """Raises `NotFound`."""
    return one(tx, select(licences).where(licences.c.id == licence_id), licence_id)


def lock_licence(tx: Transaction, licence_id: int) -> Licence:
    """The licence, held until the transaction ends. Raises `NotFound`."""
    # not the whole row lock: making a key refers to the licence and need not wait for its calls
    return one(
        tx, select(licences).where(licences.c.id == licence_id).with_for_update(key_share=True), licence_id
    )


def lock_siblings(tx: Transaction, *, product: str, organisation: str) -> list[int]:
    """An organisation's licences for a product, held in the order of their numbers until the transaction
    ends."""
    siblings = select(licences.c.id).where(
        licences.c.product == product, licences.c.organisation == organisation
    )
    return list(tx.scalars(siblings.order_by(licences.c.id).with_for_update(key_share=True)))


def one(tx: Transaction, wanted: Select[Any], licence_id: int) -> Licence:
    row = tx.execute(wanted).one_or_none() if 0 < licence_id < 2**31 else None
    if row is None:
        raise no_licence(licence_id)
    return licence_of(row)


def no_licence(licence_id: int) -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound(f"There is no licence {licence_id}.", zh=f"没有许可 {licence_id}。")


def may_know(principal: Principal, licence: Licence) -> bool:
    """Whether a refusal may tell that the licence is there."""
    return is_party(principal, organisation=licence.organisation, department=licence.department)


def is_party(principal: Principal, *, organisation: str, department: str) -> bool:
    """Whoever buys, whoever sells, and those whose office it is to know of all: a refusal tells them why.
    An officer of another department is none of them."""
    return principal.organisation in {organisation, department} or bool(
        principal.roles & {"operator", "auditor"}
    )


def see_licence(tx: Transaction, *, gate: Gate, principal: Principal, licence_id: int) -> Licence:
    """The licence, if this person may see it and its bill. Raises `NotFound`, `Forbidden`."""
    licence = find_licence(tx, licence_id)
    with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
        gate.require(principal, "view_bill", Resource("Licence", str(licence.id), licence.cedar))
    return licence


def licences_for(
    tx: Transaction, principal: Principal, *, offset: int = 0, limit: int | None = None
) -> list[Licence]:
    """Those that this person may see, the newest first: of the own organisation, sold by the own department;
    operators, auditors all."""
    wanted = select(licences).order_by(licences.c.issued_at.desc(), licences.c.id)
    if not principal.roles & {"operator", "auditor"}:
        sold = licences.c.department == principal.organisation if "officer" in principal.roles else false()
        wanted = wanted.where(or_(licences.c.organisation == principal.organisation, sold))
    return [licence_of(row) for row in tx.execute(wanted.offset(offset).limit(limit))]


# the table of months stands above licences
DELIVERED = text(
    "EXISTS (SELECT FROM market.months AS used WHERE used.licence = market.licences.id AND used.calls > 0)"
)


def held_licences(tx: Transaction, organisation: str) -> list[Licence]:
    """Those of an organisation whose rows it holds or can get: live or suspended, or over after it delivered
    what may be kept."""
    compute_only = licences.c.document["terms"]["compute_only"].as_boolean()
    wanted = select(licences).where(
        licences.c.organisation == organisation,
        or_(
            licences.c.status.in_(("live", "suspended")),
            and_(compute_only.is_not(True), DELIVERED),
        ),
    )
    return [licence_of(row) for row in tx.execute(wanted)]


def licence_of_order(tx: Transaction, order_id: int) -> Licence | None:
    row = tx.execute(select(licences).where(licences.c.order == order_id)).one_or_none()
    return licence_of(row) if row else None


def has_live(
    tx: Transaction,
    *,
    product: str,
    organisation: str,
    starts_at: datetime,
    ends_at: datetime,
    apart_from_order: int | None = None,
) -> bool:
    """Whether the organisation has a licence for the product that is live or suspended at any time of a
    span, days of grace among it; apart from that of one order."""
    return bool(
        tx.execute(
            select(
                exists().where(
                    licences.c.product == product,
                    licences.c.organisation == organisation,
                    licences.c.status.in_(("live", "suspended")),
                    licences.c.order != (apart_from_order or 0),
                    licences.c.starts_at < ends_at,
                    licences.c.ends_at + func.make_interval(0, 0, 0, licences.c.grace_days) > starts_at,
                )
            )
        ).scalar()
    )


def licence_of(row: Row[Any]) -> Licence:
    return Licence(
        row.id,
        row.order,
        row.product,
        row.department,
        row.organisation,
        row.time_zone,
        row.starts_at,
        row.ends_at,
        terms_of(row),
        row.status,
        row.issued_at,
        row.ended_reason,
        OfferDocument.model_validate(row.document) if row.document else None,
        row.offer_hash,
        row.pin,
        row.notice_by,
        row.notice_at,
        row.notice_reason,
        row.privacy_grant,
    )
