"""Defines a release of a product: exactly what is delivered, since when, and what it changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select, update

from marketplace.products.compatibility import Schema, schema_hash
from marketplace.products.model import Definition
from marketplace.products.tables import releases
from sandbox.audit import Event, append
from sandbox.catalog.compare import Effect
from sandbox.database import Transaction, lock_name
from sandbox.errors import NotFound
from sandbox.notices import developers, tell

DEFINITION: TypeAdapter[Definition] = TypeAdapter(Definition)


@dataclass(frozen=True)
class Release:
    """`effect` says what it means for a program that called the one before: first, compatible, additive or
    breaking. A breaking one takes effect at its announced time."""

    id: int
    product: str
    number: int
    definition: Definition
    schema: Schema
    schema_hash: str
    grade: str
    effect: str
    changes: list[dict[str, str]]
    notes: str
    released_by: str
    released_at: datetime
    effective_at: datetime
    dropped_at: datetime | None
    log_index: int | None

    def status_at(self, now: datetime) -> str:
        if self.dropped_at is not None:
            return "dropped"
        return "announced" if now < self.effective_at else "released"


def in_effect(found: Iterable[Release], now: datetime) -> Release | None:
    """The newest that buyers get who pinned nothing."""
    released = [each for each in found if each.status_at(now) == "released"]
    return max(released, key=lambda each: each.number, default=None)


def releases_of(tx: Transaction, product_id: str) -> list[Release]:
    """The newest first, with those that were dropped."""
    wanted = select(releases).where(releases.c.product == product_id)
    return [release_of(row) for row in tx.execute(wanted.order_by(releases.c.number.desc()))]


def find_release(tx: Transaction, product_id: str, number: int) -> Release:
    """Raises `NotFound`."""
    found = next((each for each in releases_of(tx, product_id) if each.number == number), None)
    if found is None:
        raise NotFound(
            f"The product {product_id[:70]!r} has no release {number}.",
            remedy="GET /api/v1/products/{product}/releases lists them.",
            zh=f"产品“{product_id[:70]}”没有第 {number} 号版次。",
            remedy_zh="GET /api/v1/products/{product}/releases 列出全部版次。",
        )
    return found


def release_of(row: Row[Any]) -> Release:
    fields = {name: row._mapping[name] for name in Release.__dataclass_fields__}
    return Release(**fields | {"definition": DEFINITION.validate_python(row.definition)})


def write_release(
    tx: Transaction,
    *,
    product: str,
    number: int,
    definition: Definition,
    schema: Schema,
    grade: str,
    effect: str,
    changes: list[dict[str, str]],
    notes: str,
    by: str,
    effective_at: datetime,
    entitle: Callable[[int], None] | None = None,
    holders: Iterable[str] = (),
) -> Release:
    """The row, what `entitle` writes for it, and its entry in the log. The entry comes last: whoever writes
    one holds the log for everybody. `holders`: the organisations that are told."""
    row = {
        "product": product,
        "number": number,
        "definition": definition.model_dump(mode="json"),
        "schema": schema,
        "schema_hash": schema_hash(definition, schema),
        "grade": grade,
        "effect": str(effect),
        "changes": changes,
        "notes": notes,
        "released_by": by,
        "effective_at": effective_at,
    }
    release = release_of(tx.execute(insert(releases).values(**row).returning(*releases.c)).one())
    if entitle is not None:
        entitle(release.id)
    index = append(
        tx,
        Event(
            kind="product.released",
            actor=by,
            subject=f"product:{product}",
            payload={
                "release": number,
                "definition": row["definition"],
                "schema_hash": release.schema_hash,
                "grade": grade,
                "effect": str(effect),
                "changes": [f"{each['kind']} {each['column']}".strip() for each in changes],
                "effective_at": effective_at.isoformat(),
            },
        ),
    )
    told = "product.breaking_release" if effect == Effect.BREAKING else "product.released"
    tell(
        tx,
        id=f"log:{index}",
        event=told,
        about=f"product:{product}",
        actor=by,
        to=[developers(each) for each in holders],
    )
    tx.execute(update(releases).where(releases.c.id == release.id).values(log_index=index))
    return replace(release, log_index=index)


def lock_releases(tx: Transaction, product_id: str, *, shared: bool = False) -> None:
    """Releases of a product follow one another. `shared`: whoever gets a licence of it waits for a release,
    and a release for them, so that each holder is seen by one of both. Taken before any lock of a holder."""
    lock_name(tx, f"market.releases {product_id}", shared=shared)
