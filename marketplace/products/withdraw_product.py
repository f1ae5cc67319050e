"""Withdraws a product from the market, with a reason. Licences already sold go on to their date."""

from sqlalchemy import func, select, update

from marketplace.lifecycle import check_step
from marketplace.products.find import product_of
from marketplace.products.model import PRODUCT_STATUSES
from marketplace.products.tables import products
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


def withdraw_product(
    database: Database, *, gate: Gate, principal: Principal, product_id: str, reason: str
) -> None:
    """Take a product off the market.
    Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput` without a reason."""
    if not reason.strip():
        raise InvalidInput("A product is not withdrawn without a reason.", remedy="Say why.")
    with database.transaction() as tx:
        row = tx.execute(
            select(products).where(products.c.id == product_id).with_for_update(key_share=True)
        ).one_or_none()
        if row is None:
            raise NotFound(f"There is no product {product_id[:70]!r}.")
        product = product_of(row)
        gate.require(
            principal,
            "withdraw_product",
            Resource(
                "Product",
                product.id,
                {"department": product.department, "grade": product.grade, "way": product.way},
            ),
        )
        step = check_step(PRODUCT_STATUSES, thing="product", now=product.status, then="withdrawn")
        tx.execute(
            update(products)
            .where(products.c.id == product_id)
            .values(
                status="withdrawn",
                withdrawn_by=principal.id,
                withdrawn_at=func.now(),
                withdrawn_reason=reason.strip(),
            )
        )
        append(
            tx,
            Event(
                kind=step.event,
                actor=principal.id,
                subject=f"product:{product.id}",
                payload={"reason": reason.strip()},
            ),
        )
