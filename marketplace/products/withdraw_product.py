"""Withdraws a product from the market, with a reason. Licences already sold go on to their date."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import func, select, update

from marketplace.lifecycle import check_step
from marketplace.products.find import find_product, holders_of
from marketplace.products.model import PRODUCT_STATUSES
from marketplace.products.tables import products
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


def withdraw_product(
    database: Database, *, gate: Gate, principal: Principal, product_id: str, reason: str
) -> None:
    """Take a product off the market.
    Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput` without a reason."""
    with database.transaction() as tx:
        withdraw_in(tx, gate=gate, principal=principal, product_id=product_id, reason=reason.strip())


def withdraw_in(
    tx: Transaction,
    *,
    gate: Gate,
    principal: Principal,
    product_id: str,
    reason: str,
    action: str = "withdraw_product",
    last_day: date | None = None,
    before_log: Callable[[], None] = lambda: None,
) -> None:
    """The same, in a transaction. `last_day`: of its licences, where it is retired. `before_log` takes the
    locks that come before the log's, once it is decided."""
    if not reason:
        raise InvalidInput(
            "A product is not withdrawn without a reason.",
            remedy="Say why.",
            zh="下架产品须说明理由。",
            remedy_zh="请写明理由。",
        )
    found = find_product(tx, product_id)
    tx.execute(select(products.c.id).where(products.c.id == found.id).with_for_update(key_share=True))
    product = find_product(tx, product_id)  # as it is now that we hold it
    about = {"department": product.department, "grade": product.grade, "way": product.way}
    gate.require(principal, action, Resource("Product", product.id, about))
    step = check_step(PRODUCT_STATUSES, thing="product", now=product.status, then="withdrawn")
    tx.execute(
        update(products)
        .where(products.c.id == product_id)
        .values(
            status="withdrawn", withdrawn_by=principal.id, withdrawn_at=func.now(), withdrawn_reason=reason
        )
    )
    before_log()
    payload = {"reason": reason} | ({} if last_day is None else {"last_day": last_day.isoformat()})
    event = Event(kind=step.event, actor=principal.id, subject=f"product:{product.id}", payload=payload)
    append(tx, event, to=[notices.developers(each) for each in holders_of(tx, product.id)])
