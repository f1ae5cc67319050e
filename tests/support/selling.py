"""A market without vault and bucket: products sold straight into the database, and metering over them."""

import asyncio
import io
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pyarrow
import pyarrow.parquet
from sqlalchemy import func, select, text

from marketplace.delivery.answer_call import Delivery
from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.keys.issue_key import issue_key
from marketplace.metering.service import Metering
from marketplace.metering.tables import months, usage_lines
from marketplace.offers.price_rules import read_price_rules
from marketplace.orders.place_order import place_order
from marketplace.products.copies import Copies
from marketplace.products.model import Product, QueryDefinition, RowsDefinition, Terms
from marketplace.products.tables import products
from marketplace.settings import REPOSITORY
from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.policy import Gate

numbers = count(1)


def parquet() -> bytes:
    body = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"year": [2003, 2004], "score": [1, 2]}), body)
    return body.getvalue()


@dataclass
class Flaky:
    """A bucket that fails as often as it is told to; what it gives is a real Parquet object."""

    share: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    body: bytes = field(default_factory=parquet)

    def get(self, name: str, version_id: str) -> bytes:
        if self.chance.random() < self.share:
            raise Unavailable("The bucket is away.")
        return self.body


@dataclass
class Answering:
    """A vault that answers one number, or fails as often as it is told to."""

    share: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(2))

    def ask(self, who: str, *, sql: str, epsilon: str, grant: str) -> dict[str, Any]:
        if self.chance.random() < self.share:
            raise Unavailable("The vault is away.")
        return {"answer_id": "1", "columns": ["n"], "rows": [[7]], "errors": []}

    def answer(self, who: str, stored: str) -> dict[str, Any]:
        return self.ask(who, sql="", epsilon="", grant="")


@dataclass(frozen=True)
class Sold:
    """A product, a licence of it, and a key."""

    product: str
    licence: int
    key: str
    key_id: int

    def call(self, request_id: str = "", *, sample: bool = False, year: str = "2003", key: str = "") -> Call:
        given = {} if sample else {"year": year}
        name = request_id or f"request:{next(numbers)}"
        return Call(secret=key or self.key, product=self.product, given=given, request_id=name, sample=sample)


@dataclass(frozen=True)
class Market:
    """A database with people in it, as its owner and as the portal's role."""

    database: Database
    portal_url: str
    gate: Gate

    @property
    def chen(self) -> Principal:
        with self.database.transaction() as tx:
            return load_principal(tx, "chen")

    def sell(self, terms: Terms, *, query: bool = False) -> Sold:
        number = next(numbers)
        rows = RowsDefinition(object="o", version_id="1", columns=("year", "score"), keys={"year": "integer"})
        product = Product(
            id=f"product-{number}",
            dataset="market.inspections",
            department="market",
            grade="1",
            title_zh="x",
            title_en="x",
            terms=terms,
            definition=rows,
        )
        with self.database.transaction() as tx:
            row = product.model_dump(mode="json", exclude={"terms", "listed_at"}) | terms.model_dump()
            tx.execute(products.insert().values(**row))
        rules = read_price_rules(REPOSITORY / "policies")
        placed = place_order(
            self.database, gate=self.gate, rules=rules, principal=self.chen, product_id=product.id
        )
        assert placed.licence is not None
        if query:
            definition = QueryDefinition(sql="SELECT 1", epsilon="0.1", grant="1")
            with self.database.transaction() as tx:
                tx.execute(
                    products.update()
                    .where(products.c.id == product.id)
                    .values(definition=definition.model_dump(mode="json"))
                )
        return self.another_key(Sold(product.id, placed.licence, "", 0))

    def another_key(self, sold: Sold) -> Sold:
        issued = issue_key(self.database, gate=self.gate, principal=self.chen, licence_id=sold.licence)
        return Sold(sold.product, sold.licence, issued.secret, issued.id)

    @asynccontextmanager
    async def delivering(
        self, store: object | None = None, vault: object | None = None, **more: Any
    ) -> AsyncIterator[Delivery]:
        """One portal process' worth of metering, running."""
        more = {"abandoned_after": timedelta(minutes=15)} | more
        metering = Metering(self.portal_url, **more)
        copies = Copies(store or Flaky(), kept_bytes=0)  # type: ignore[arg-type]
        delivery = Delivery(metering, grades=self.gate.grades, copies=copies, vault=vault or Answering())  # type: ignore[arg-type]
        await metering.start()
        while metering.committer.running is None or not metering.cache.kept:  # noqa: ASYNC110  # two tasks' own
            await asyncio.sleep(0.005)
        try:
            yield delivery
        finally:
            await metering.stop()

    def totals(self, sold: Sold) -> tuple[int, int, int]:
        """Lines, calls and fen of a licence; its month rows say the same."""
        with self.database.transaction() as tx:
            return totals_of(tx, sold.licence)

    def execute(self, statement: str, **values: object) -> list[Any]:
        with self.database.transaction() as tx:
            result = tx.execute(text(statement), values)
            return list(result) if result.returns_rows else []


def totals_of(tx: Any, licence: int) -> tuple[int, int, int]:
    lines, calls, fen = tx.execute(
        select(
            func.count(),
            func.coalesce(func.sum(usage_lines.c.calls), 0),
            func.coalesce(func.sum(usage_lines.c.amount_fen), 0),
        ).where(usage_lines.c.licence == licence)
    ).one()
    summed = tx.execute(
        select(
            func.coalesce(func.sum(months.c.calls), 0),
            func.coalesce(func.sum(months.c.charged_fen + months.c.one_off_fen), 0),
        ).where(months.c.licence == licence)
    ).one()
    assert (int(calls), int(fen)) == tuple(map(int, summed)), "the lines are the running sum"
    return int(lines), int(calls), int(fen)


async def send(delivery: Delivery, call: Call) -> Delivered | NotDelivered:
    """Answer a call and confirm that it was sent, as the endpoint does."""
    outcome = await delivery.answer_call(call)
    if isinstance(outcome, Delivered):
        delivery.confirm(outcome)
    return outcome


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)
