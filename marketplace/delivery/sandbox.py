"""Answers a call by a sandbox key: the first stand-in rows, which are invented from the dataset's public
policy. Nothing is metered, stored or logged, and no row that anybody's data has is touched.

It has threads of its own, so that strangers wait for strangers and not a paid call for them.
"""

import asyncio
import io
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

import pyarrow
import pyarrow.parquet

from marketplace.delivery.call import Call
from marketplace.delivery.cursors import bad_cursor
from marketplace.delivery.rows import CURSOR, Page, read_wish, sample
from marketplace.keys.sandbox_keys import SandboxKey, find_sandbox_key
from marketplace.keys.verify_key import Verdict, no_such_key, refusal
from marketplace.metering.pace import take
from marketplace.metering.verdicts import busy
from marketplace.products.find import find_product
from marketplace.products.masking import buyers_key, mask_table
from marketplace.products.model import Product, RowsDefinition
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import CihuError, InvalidInput, NotFound, Unavailable

WHO = "marketplace"  # the account of the marketplace at the vault
WORKERS = 2
MOST_WAITING = 32
A_SECOND = 5
MOST_PACES = 10_000
KEPT_TABLES = 20
KEPT_SECONDS = 600.0


@dataclass(frozen=True)
class SandboxAnswer:
    """The document that is handed out, and its rows for other forms."""

    body: Mapping[str, Any]
    table: pyarrow.Table


class SandboxCalls:
    """Answers calls by sandbox keys in one process."""

    def __init__(self, database: Database, vault: Vault, secret: bytes) -> None:
        """`secret` makes pseudonyms."""
        self.database, self.vault, self.secret = database, vault, secret
        self.workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="sandbox")
        self.waiting = 0
        self.paces: OrderedDict[str, datetime] = OrderedDict()
        self.tables: OrderedDict[str, tuple[float, pyarrow.Table]] = OrderedDict()
        self.lock = Lock()

    async def answer(self, call: Call) -> SandboxAnswer:
        """Raises the refusal."""
        if self.waiting >= MOST_WAITING:
            raise busy()
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.workers, self.answer_now, call)
        finally:
            self.waiting -= 1

    def answer_now(self, call: Call) -> SandboxAnswer:
        with self.database.transaction() as tx:
            key = find_sandbox_key(tx, call.secret)
            if key is None:
                raise no_such_key()
            self.require_good(key)
            product = find_product(tx, call.product)
        definition = rows_of(product)
        if call.sample and call.given:
            raise InvalidInput("A sample has no parameters.", code="bad_parameter")
        if not call.sample:
            # wrong parameters are refused as they would be for money
            read_wish(definition, {name: text for name, text in call.given.items() if name != CURSOR})
        if CURSOR in call.given:
            raise bad_cursor()  # there is one page, and it gave none
        page = self.first_rows(key, product, definition)
        usage = {
            "id": "sandbox",
            "verdict": Verdict.VALID,
            "reason": "SAMPLE",
            "amount_fen": 0,
            "log_index": None,
            "replayed": False,
        }
        terms = {"purpose": product.terms.purpose, "redistribution": product.terms.redistribution}
        document = {"version": "stand-in", **page.document, "cursor": None}
        return SandboxAnswer({"product": product.id, **document, "usage": usage, "terms": terms}, page.table)

    def first_rows(self, key: SandboxKey, product: Product, definition: RowsDefinition) -> Page:
        """The first of the invented rows, masked as the release masks its own."""
        pseudonyms = buyers_key(self.secret, organisation=key.organisation, product=product.id)
        masks = partial(mask_table, masks=definition.masks, key=pseudonyms)
        table = self.stand_in(product, definition)
        try:
            return sample(table, definition, masks)
        except (InvalidInput, pyarrow.ArrowException) as error:
            raise no_rows(error) from None

    def require_good(self, key: SandboxKey) -> None:
        now = datetime.now(UTC)
        if key.revoked_at is not None:
            raise refusal(Verdict.DISABLED, "This sandbox key was revoked.", "Make another.")
        if now >= key.ends_at:
            raise refusal(Verdict.EXPIRED, "This sandbox key has run out.", "Make another.")
        with self.lock:
            pace = take(now=now, next_at=self.paces.get(key.organisation), per_second=A_SECOND)
            self.paces[key.organisation] = pace.next_at
            if len(self.paces) > MOST_PACES:
                self.paces.popitem(last=False)
        if not pace.allowed:
            raise refusal(
                Verdict.RATE_LIMITED,
                "Too many sandbox calls in this second.",
                f"An organisation has {A_SECOND} a second, over all its sandbox keys.",
            )

    def stand_in(self, product: Product, definition: RowsDefinition) -> pyarrow.Table:
        """The invented rows. Raises `Unavailable` where there are none with the product's columns."""
        with self.lock:
            kept = self.tables.get(product.dataset)
        if kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
            try:
                body = self.vault.schema_stand_in(WHO, product.dataset)
                table = pyarrow.parquet.read_table(io.BytesIO(body)).slice(0, 100)
            except (CihuError, pyarrow.ArrowException, OSError) as error:
                raise no_rows(error) from None
            kept = time.monotonic(), table
            with self.lock:
                self.tables[product.dataset] = kept
                if len(self.tables) > KEPT_TABLES:
                    self.tables.popitem(last=False)
        if missing := set(definition.columns) - set(kept[1].column_names):
            raise no_rows(KeyError(min(missing)))
        return kept[1]


def rows_of(product: Product) -> RowsDefinition:
    """Raises `NotFound` for a product that is not on offer, and `Forbidden` for a query."""
    if product.status != "listed":
        raise NotFound(f"There is no product {product.id!r} on offer.")
    if not isinstance(product.definition, RowsDefinition):
        raise only_rows()
    return product.definition


def only_rows() -> CihuError:
    """The refusal of a sandbox key for what is delivered otherwise."""
    return refusal(
        Verdict.FORBIDDEN, "A sandbox key opens products of rows, by a call.", "Order this product."
    )


def no_rows(error: Exception) -> Unavailable:
    return Unavailable(
        "There are no stand-in rows of this product now.",
        code="no_stand_in",
        remedy="Try again later; if it lasts, tell the seller.",
        zh="该产品暂无替代数据。",
        remedy_zh="请稍后再试；如持续出现，请联系提供部门。",
        internal=f"{type(error).__name__}: {getattr(error, 'message', error)}",
    )
