"""Says which releases a licence may have, and which it delivers now."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.licences.model import Licence
from marketplace.licences.tables import entitlements, licences
from marketplace.offers.price import Unit
from marketplace.products.find import find_product
from marketplace.products.model import Product
from marketplace.products.release import Release, in_effect, release_of
from marketplace.products.tables import releases
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction

HELD = ("live", "suspended")


@dataclass(frozen=True)
class Buyers:
    """What products ask of licences (`marketplace.products.selling.Buyers`). `may_hold` says whether an
    organisation may have a product beside what it holds: orders know, and stand above."""

    may_hold: Callable[[Transaction, Product, str], bool]

    def in_use(self, tx: Transaction, product_id: str) -> bool:
        held = select(licences.c.id).where(licences.c.product == product_id, licences.c.status.in_(HELD))
        return tx.execute(held.limit(1)).first() is not None

    def pay_by_the_byte(self, tx: Transaction, product_id: str) -> bool:
        by_the_byte = licences.c.document.contains({"price": {"usage": [{"unit": Unit.BYTE}]}})
        paying = select(licences.c.id).where(
            licences.c.product == product_id, licences.c.status.in_(HELD), by_the_byte
        )
        return tx.execute(paying.limit(1)).first() is not None

    def allowed_holders(self, tx: Transaction, released: Product) -> list[str]:
        """A holder who may not have the release beside what it holds stays with the releases of before."""
        holders = tx.scalars(select(licences.c.organisation).where(held_of(released.id)).distinct()).all()
        # in one order: each is locked
        return [each for each in sorted(holders) if self.may_hold(tx, released, each)]

    def give_notice(
        self, tx: Transaction, product_id: str, *, ends_at: datetime, by: str, now: datetime, reason: str
    ) -> int:
        longer = (held_of(product_id), licences.c.ends_at > ends_at)
        # in one order: each is held
        held = tx.scalars(
            select(licences.c.id).where(*longer).order_by(licences.c.id).with_for_update()
        ).all()
        holders = dict(
            tx.execute(select(licences.c.id, licences.c.organisation).where(licences.c.id.in_(held))).all()
        )
        given = {"ends_at": ends_at, "notice_by": by, "notice_at": now, "notice_reason": reason}
        tx.execute(update(licences).where(licences.c.id.in_(held)).values(given))
        for licence in held:
            payload = {"reason": reason, "ends_at": ends_at.isoformat()}
            event = Event("licence.notice_given", by, f"licence:{licence}", payload)
            append(tx, event, to=[notices.developers(holders[licence])])
        return len(held)

    def entitle(self, tx: Transaction, product_id: str, release: int, holders: Sequence[str]) -> None:
        held = select(licences.c.id, literal(release), func.now()).where(
            held_of(product_id), licences.c.organisation.in_(holders)
        )
        tx.execute(insert(entitlements).from_select(["licence", "release", "since"], held))


def held_of(product_id: str) -> ColumnElement[bool]:
    """Licences of a product that are not over."""
    return (licences.c.product == product_id) & licences.c.status.in_(HELD)


def entitle_licence(tx: Transaction, licence_id: int, product_id: str) -> None:
    """A new licence may have the release in effect, and what is announced."""
    now = tx.execute(select(func.now())).scalar_one()
    found = [release_of(row) for row in tx.execute(select(releases).where(releases.c.product == product_id))]
    current = in_effect(found, now)
    entitled = [each for each in found if each == current or each.status_at(now) == "announced"]
    for each in entitled:
        tx.execute(upsert(entitlements).values(licence=licence_id, release=each.id).on_conflict_do_nothing())


def entitled_releases(tx: Transaction, licence_id: int) -> list[Release]:
    """The newest first."""
    wanted = (
        select(releases)
        .join(entitlements, entitlements.c.release == releases.c.id)
        .where(entitlements.c.licence == licence_id)
        .order_by(releases.c.number.desc())
    )
    return [release_of(row) for row in tx.execute(wanted)]


def delivered(entitled: Iterable[Release], pin: int | None, now: datetime) -> Release | None:
    """The release that a licence delivers: the pinned one, else the newest in effect that it may have."""
    found = list(entitled)
    if pin is not None:
        return next((each for each in found if each.id == pin), None)
    return in_effect(found, now)


def delivered_product(tx: Transaction, licence: Licence, now: datetime) -> Product:
    """The product as the licence delivers it at this time: definition (object, version, columns, keys, or the
    question), grade and number of the release. This is what metering and delivery ask."""
    product = find_product(tx, licence.product)
    release = delivered(entitled_releases(tx, licence.id), licence.pin, now)
    if release is None:
        return product
    return product.model_copy(
        update={"definition": release.definition, "grade": release.grade, "release": release.number}
    )


def held_products(tx: Transaction, licence: Licence, now: datetime) -> list[Product]:
    """The product in each release that the licence delivered or can be pinned to, or that it will have."""
    product = find_product(tx, licence.product)
    entitled = [each for each in entitled_releases(tx, licence.id) if each.status_at(now) != "dropped"]
    return [
        product.model_copy(
            update={"definition": each.definition, "grade": each.grade, "release": each.number}
        )
        for each in entitled
    ] or [product]
