"""A key that is revoked in the middle of a part ends the part."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from marketplace.delivery.call import Call
from marketplace.delivery.files.answer_files import PIECE_BYTES, FileDelivery, ListedFiles, OpenedFile
from marketplace.delivery.files.file_store import FileStore
from marketplace.products.model import FilesDefinition, Terms
from marketplace.products.tables import products
from selling import Flaky, Market, Sold, run


def large() -> bytes:
    """A copy whose file has several pieces."""
    chance = random.Random(3)
    table = pyarrow.table({"year": [chance.getrandbits(60) for _ in range(4 * PIECE_BYTES // 8)]})
    body = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, body)
    return bytes(body.getvalue())


def sold_files(market: Market) -> Sold:
    sold = market.sell(Terms(price_fen=5, purpose="x", calls_per_second=1000))
    definition = FilesDefinition(object="o", version_id="1", columns=("year",), formats=("parquet",))
    with market.database.transaction() as tx:
        change = products.update().where(products.c.id == sold.product)
        tx.execute(change.values(definition=definition.model_dump(mode="json")))
    return sold


def test_a_revocation_ends_the_part_that_is_sent(market: Market, tmp_path: Path) -> None:
    sold = sold_files(market)

    async def main() -> None:
        async with market.delivering(Flaky(body=large())) as delivery:
            files = FileDelivery(delivery, FileStore(tmp_path, most_bytes=10**9), link_life=timedelta(days=1))
            call = Call(secret=sold.key, product=sold.product, given={}, request_id="request:1")
            listed = await files.list_files(call)
            assert isinstance(listed, ListedFiles)
            [of] = listed.document["manifest"]["files"]
            assert of["bytes"] > 3 * PIECE_BYTES
            link = of["href"].rsplit("/", 1)[1]
            opened = await files.open_file(call, link, range=None, if_range=None)
            assert isinstance(opened, OpenedFile)
            got = 0
            pieces = files.pieces(call, opened)
            async for piece in pieces:
                if not got:
                    delivery.confirm(opened.delivered)
                    await revoke(market, sold, delivery)
                got += len(piece)
            assert got == PIECE_BYTES  # what was sent before it, and nothing of what follows
            again = await files.open_file(call, link, range=f"bytes={got}-", if_range=None)
            assert not isinstance(again, OpenedFile)
        assert market.totals(sold) == (1, 1, 5)

    run(main())


async def revoke(market: Market, sold: Sold, delivery: Any) -> None:
    """Revoke the key, and wait until memory was told."""
    before = delivery.metering.cache.changes
    market.execute("UPDATE market.keys SET status = 'revoked' WHERE id = :id", id=sold.key_id)
    while delivery.metering.cache.changes == before:  # noqa: ASYNC110  # the listener's own task
        await asyncio.sleep(0.005)
