"""Finds products: rows of the table as values, with the release and the offer that count now."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.offers.document import OfferDocument
from marketplace.offers.tables import offers
from marketplace.products.model import Product, Terms, terms_of_document
from marketplace.products.tables import products, releases
from sandbox.database import Transaction
from sandbox.errors import NotFound

TERMS = tuple(Terms.model_fields)
STORED = tuple(name for name in Product.model_fields if name not in ("terms", "release", "offer"))

RELEASED = (
    select(
        releases.c.product,
        releases.c.number.label("release_number"),
        releases.c.definition.label("release_definition"),
        releases.c.grade.label("release_grade"),
    )
    .where(releases.c.dropped_at.is_(None), releases.c.effective_at <= func.now())
    .ext(distinct_on(releases.c.product))
    .order_by(releases.c.product, releases.c.number.desc())
    .subquery("released")
)
OFFERED = (
    select(offers.c.product, offers.c.document.label("offer_document"))
    .where(
        offers.c.organisation.is_(None),
        offers.c.starts_at <= func.now(),
        or_(offers.c.ends_at.is_(None), offers.c.ends_at > func.now()),
    )
    .ext(distinct_on(offers.c.product))
    .order_by(offers.c.product, offers.c.starts_at.desc(), offers.c.id.desc())
    .subquery("offered")
)


def find_product(tx: Transaction, product_id: str) -> Product:
    """Raises `NotFound`."""
    row = (
        tx.execute(wanted_products().where(products.c.id == product_id)).one_or_none()
        if "\0" not in product_id
        else None
    )
    if row is None:
        raise NotFound(
            f"There is no product {product_id[:70]!r}.",
            remedy="GET /api/v1/products lists them.",
            zh=f"没有产品“{product_id[:70]}”。",
            remedy_zh="请在产品列表中查找。",
        )
    return product_of(row)


# the table of licences stands above products
HOLDERS = text(
    "SELECT DISTINCT organisation FROM market.licences "
    "WHERE product = :product AND status IN ('live', 'suspended') ORDER BY organisation"
)


def holders_of(tx: Transaction, product_id: str) -> Sequence[str]:
    """The organisations that have a licence of the product which is not over."""
    return tx.scalars(HOLDERS, {"product": product_id}).all()


def model_products(tx: Transaction, model: str) -> list[Product]:
    """The products on offer that sell calls of a model, whatever its version."""
    definition = products.c.definition
    of_model = (definition["kind"].astext == "model", definition["model"].astext == model)
    wanted = wanted_products().where(products.c.status == "listed", *of_model).order_by(products.c.id)
    return [product_of(row) for row in tx.execute(wanted)]


def listed_products(tx: Transaction, *, dataset: str | None = None) -> list[Product]:
    """The products on offer, by title."""
    wanted = (
        wanted_products().where(products.c.status == "listed").order_by(products.c.title_zh, products.c.id)
    )
    if dataset is not None:
        wanted = wanted.where(products.c.dataset == dataset)
    return [product_of(row) for row in tx.execute(wanted)]


def brief_products(tx: Transaction, *, newest: bool = False) -> list[Row[Any]]:
    """Of each product on offer what the gate wants to know: id, dataset, department, status, grade, kind. By
    title, or the newest first."""
    kind = func.coalesce(RELEASED.c.release_definition["kind"].astext, products.c.definition["kind"].astext)
    columns = (
        products.c.id,
        products.c.dataset,
        products.c.department,
        products.c.status,
        func.coalesce(RELEASED.c.release_grade, products.c.grade).label("grade"),
        kind.label("kind"),
    )
    wanted: Select[Any] = select(*columns).outerjoin(RELEASED, RELEASED.c.product == products.c.id)
    first = products.c.listed_at.desc() if newest else products.c.title_zh
    return list(tx.execute(wanted.where(products.c.status == "listed").order_by(first, products.c.id)))


def some_products(tx: Transaction, ids: Sequence[str]) -> list[Product]:
    """The products with these ids, in this order; those that are there."""
    found = {row.id: product_of(row) for row in tx.execute(wanted_products().where(products.c.id.in_(ids)))}
    return [found[id] for id in ids if id in found]


def product_titles(tx: Transaction, ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """The titles of these products in both languages, by id."""
    wanted = select(products.c.id, products.c.title_zh, products.c.title_en)
    found = tx.execute(wanted.where(products.c.id.in_(sorted(set(ids)))))
    return {row.id: {"title_zh": row.title_zh, "title_en": row.title_en} for row in found}


def listed_ids(tx: Transaction, *, offset: int, limit: int) -> Sequence[str]:
    """The ids of a part of what `listed_products` gives."""
    wanted = select(products.c.id).where(products.c.status == "listed")
    ordered = wanted.order_by(products.c.title_zh, products.c.id)
    return tx.scalars(ordered.offset(offset).limit(limit)).all()


def department_products(
    tx: Transaction, department: str, *, offset: int = 0, limit: int | None = None
) -> list[Product]:
    """Everything that a department ever put on offer, newest first; or a part of it."""
    wanted = wanted_products().where(products.c.department == department)
    ordered = wanted.order_by(products.c.listed_at.desc(), products.c.id).offset(offset).limit(limit)
    return [product_of(row) for row in tx.execute(ordered)]


def wanted_products() -> Select[Any]:
    return (
        select(
            products,
            RELEASED.c.release_number,
            RELEASED.c.release_definition,
            RELEASED.c.release_grade,
            OFFERED.c.offer_document,
        )
        .outerjoin(RELEASED, RELEASED.c.product == products.c.id)
        .outerjoin(OFFERED, OFFERED.c.product == products.c.id)
    )


def product_of(row: Row[Any]) -> Product:
    fields = {name: row._mapping[name] for name in STORED}
    if row.release_number is not None:
        fields |= {
            "definition": row.release_definition,
            "grade": row.release_grade,
            "release": row.release_number,
        }
    offer = OfferDocument.model_validate(row.offer_document) if row.offer_document else None
    return Product(terms=terms_of_document(offer) if offer else terms_of(row), offer=offer, **fields)


def terms_of(row: Row[Any]) -> Terms:
    return Terms(**{name: row._mapping[name] for name in TERMS})
