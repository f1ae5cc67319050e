"""A line's receipt leads from its text through group and second to the signed log, and is checked offline."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from marketplace.metering.seal import seal_usage
from marketplace.metering.usage_receipt import find_way, licence_of_line, usage_receipt
from marketplace.products.model import Terms
from sandbox.audit import Log, NotProven, Signer
from sandbox.audit.batch_receipts import verify_batch_receipt
from sandbox.cli.audit import audit_verify
from sandbox.errors import Conflict, NotFound
from selling import Market, run, send


def test_each_line_of_a_second_has_a_receipt_and_the_second_one_entry(
    market: Market, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sold = market.sell(Terms(price_fen=5, monthly_fee_fen=3, purpose="x", calls_per_second=1000))
    log = Log(market.database, Signer(tmp_path))

    def receipt(line: str) -> dict[str, Any]:
        return usage_receipt(
            market.database,
            line=line,
            licence=sold.licence,
            entry=lambda index: log.receipt(index, opening=True),
        )

    async def main() -> list[str]:
        async with market.delivering() as delivery:
            delivery.metering.chores.pop(0).cancel()  # sealed below
            made = await asyncio.gather(*(send(delivery, sold.call()) for _ in range(23)))
            with pytest.raises(Conflict):
                receipt(made[0].committed.usage)  # type: ignore[union-attr]
            return [each.committed.usage for each in made]  # type: ignore[union-attr]

    lines = run(main())
    ids = [
        row.id
        for row in market.execute("SELECT id FROM market.usage_lines WHERE licence = :id", id=sold.licence)
    ]
    assert set(lines) < set(ids) and len(ids) == 24, "the fee has a receipt too"
    entries = {verify_batch_receipt(receipt(id), log.public_key).index for id in ids}
    assert len(entries) == 1
    assert seal_usage(market.database) == 0, "nothing is sealed twice"
    stated = json.loads(receipt(lines[0])["leaf"])
    assert (stated["licence"], stated["amount_fen"], stated["unit"]) == (sold.licence, 5, "call")

    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt(lines[0])))
    audit_verify(file, key=log.public_key)
    assert "usage.sealed" in capsys.readouterr().out

    forged = receipt(lines[0])
    forged["leaf"] = forged["leaf"].replace('"amount_fen": 5', '"amount_fen": 4')
    assert forged != receipt(lines[0])
    for wrong in (
        forged,
        receipt(lines[0]) | {"steps": receipt(lines[1])["steps"][:1]},
        receipt(lines[0]) | {"steps": []},
        receipt(lines[0]) | {"receipt": None},
    ):
        with pytest.raises(NotProven):
            verify_batch_receipt(wrong, log.public_key)
    with pytest.raises(NotFound):
        usage_receipt(market.database, line=lines[0], licence=sold.licence + 1, entry=lambda _: {})
    assert log.verify_whole().verified


def test_a_name_that_is_used_anew_in_a_later_month_names_the_newest_line(market: Market) -> None:
    """An Idempotency-Key is forgotten after some months, and a line's id is made of it."""
    sold = market.sell(Terms(price_fen=5, purpose="x"))
    for month in ("2026-03", "2026-09"):
        market.execute(
            "INSERT INTO market.usage_lines (month, id, licence, product, at, reason, calls, rows, bytes, "
            "quantity, unit, amount_fen, outcome) VALUES (:month, 'twice', :licence, 'x', :at, "
            "'VARIABLE', 1, 0, 0, 1, 'call', 5, 'answered')",
            month=month,
            at=datetime.fromisoformat(f"{month}-02T00:00+00:00"),
            licence=sold.licence,
        )
    with market.database.transaction() as tx:
        assert licence_of_line(tx, "twice") == sold.licence
        with pytest.raises(Conflict, match="entry of its own"):
            find_way(tx, "twice", sold.licence)
