"""Finds products: rows of the table as values."""

from typing import Any

from sqlalchemy import Row, select

from marketplace.products.model import Product, Terms
from marketplace.products.tables import products
from sandbox.database import Transaction
from sandbox.errors import NotFound

TERMS = tuple(Terms.model_fields)


def find_product(tx: Transaction, product_id: str) -> Product:
    """Raises `NotFound`."""
    row = (
        tx.execute(select(products).where(products.c.id == product_id)).one_or_none()
        if "\0" not in product_id
        else None
    )
    if row is None:
        raise NotFound(f"There is no product {product_id[:70]!r}.", remedy="GET /api/v1/products lists them.")
    return product_of(row)


def listed_products(tx: Transaction, *, dataset: str | None = None) -> list[Product]:
    """The products on offer, by title."""
    wanted = select(products).where(products.c.status == "listed").order_by(products.c.title_zh)
    if dataset is not None:
        wanted = wanted.where(products.c.dataset == dataset)
    return [product_of(row) for row in tx.execute(wanted)]


def department_products(tx: Transaction, department: str) -> list[Product]:
    """Everything that a department ever put on offer, newest first."""
    wanted = select(products).where(products.c.department == department).order_by(products.c.listed_at.desc())
    return [product_of(row) for row in tx.execute(wanted)]


def product_of(row: Row[Any]) -> Product:
    fields = row._mapping
    return Product(
        terms=terms_of(row), **{name: fields[name] for name in Product.model_fields if name != "terms"}
    )


def terms_of(row: Row[Any]) -> Terms:
    return Terms(**{name: row._mapping[name] for name in TERMS})
