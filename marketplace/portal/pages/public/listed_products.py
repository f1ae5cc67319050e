"""The products that strangers see: on offer, and of a dataset that is listed publicly."""

from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread
from time import monotonic

from marketplace.products.find import brief_products, find_product, listed_products, some_products
from marketplace.products.model import Product, way_of
from marketplace.vault import Vault
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, NotFound
from sandbox.identity.model import PUBLIC
from sandbox.policy import Gate, Resource

MOST_ASKED = 500
BATCH = 100
COUNTED_SECONDS = 300.0


@dataclass(frozen=True)
class Offered:
    """A product on offer that the rules show to strangers; its dataset may be none that they see."""

    id: str
    dataset: str


def public_products(
    database: Database, gate: Gate, vault: Vault, *, dataset: str | None = None
) -> list[Product]:
    """By title."""
    with database.transaction() as tx:
        offered = [product for product in listed_products(tx, dataset=dataset) if shown(gate, product)]
    public = listed_among(vault, {product.dataset for product in offered})
    return [product for product in offered if product.dataset in public]


def some_public_products(
    database: Database, gate: Gate, vault: Vault, *, offset: int = 0, limit: int, newest: bool = False
) -> list[Product]:
    """A part of them, by title, or the newest first: the vault is asked of as many datasets as that needs."""
    with database.transaction() as tx:
        offered = _offered(tx, gate, newest=newest)
    found: list[str] = []
    for at in range(0, len(offered), BATCH):
        batch = offered[at : at + BATCH]
        public = listed_among(vault, {each.dataset for each in batch})
        found += [each.id for each in batch if each.dataset in public]
        if len(found) >= offset + limit:
            break
    with database.transaction() as tx:
        chosen = some_products(tx, found[offset : offset + limit])
    return [product for product in chosen if shown(gate, product)]


def public_ids(database: Database, gate: Gate, vault: Vault) -> list[str]:
    """The ids of all, by title."""
    with database.transaction() as tx:
        offered = _offered(tx, gate)
    public = listed_among(vault, {each.dataset for each in offered})
    return [each.id for each in offered if each.dataset in public]


def _offered(tx: Transaction, gate: Gate, *, newest: bool = False) -> list[Offered]:
    """The rules see department, status, grade and way of a product: each kind is decided once."""
    seen: dict[tuple[str, ...], bool] = {}
    found = []
    for row in brief_products(tx, newest=newest):
        about = {
            "department": row.department,
            "status": row.status,
            "grade": row.grade,
            "way": way_of(row.kind),
        }
        key = tuple(about.values())
        if key not in seen:
            asked = Resource("Product", row.id, about)
            seen[key] = gate.decide(PUBLIC, "see_product_publicly", asked).allowed
        if seen[key]:
            found.append(Offered(row.id, row.dataset))
    return found


def public_product(database: Database, gate: Gate, vault: Vault, name: str) -> Product:
    """Raises `NotFound`, in the same words for one that is not shown and one that is not there."""
    missing = NotFound(
        "There is no such product.",
        code="product_not_found",
        remedy="Look at the products on offer.",
        zh="没有这个产品。",
        remedy_zh="可查看在售的产品。",
    )
    try:
        with database.transaction() as tx:
            product = find_product(tx, name)
    except NotFound:
        raise missing from None
    if not shown(gate, product) or not listed_among(vault, {product.dataset}):
        raise missing
    return product


class ProductCount:
    """How many there are: it is asked of the vault for every product. What is known for five minutes is shown
    once more while it is counted anew, so that a page waits for it only where nothing is known."""

    def __init__(self, database: Database, gate: Gate, vault: Vault) -> None:
        self.database, self.gate, self.vault = database, gate, vault
        self._known: tuple[float, int] | None = None
        self._counting = Lock()

    def count(self) -> int | None:
        """None where it cannot be said at present."""
        known = self._known
        if known is None:
            self._count()
        elif monotonic() - known[0] > COUNTED_SECONDS and self._counting.acquire(blocking=False):
            Thread(target=self._count_anew, daemon=True).start()
        return self._known[1] if self._known else None

    def _count_anew(self) -> None:
        try:
            self._count()
        finally:
            self._counting.release()

    def _count(self) -> None:
        with suppress(CihuError):
            self._known = monotonic(), len(public_ids(self.database, self.gate, self.vault))


def shown(gate: Gate, product: Product) -> bool:
    return gate.decide(PUBLIC, "see_product_publicly", Resource("Product", product.id, product.cedar)).allowed


def listed_among(vault: Vault, datasets: set[str]) -> set[str]:
    """Which of these datasets are listed publicly."""
    asked, listed = sorted(datasets), set()
    for at in range(0, len(asked), MOST_ASKED):
        answer = vault.public("/names", dataset=asked[at : at + MOST_ASKED]).json()
        listed |= {one["name"] for one in answer}
    return listed
