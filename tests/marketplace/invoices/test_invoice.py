"""A bill is the sum of its lines: random prices, caps, quotas, samples, retries and failures,
some at the same time."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update

from marketplace.delivery.answer_call import Delivered, Delivery
from marketplace.invoices.preview import preview
from marketplace.invoices.preview_invoice import preview_invoice
from marketplace.keys.issue_key import issue_key
from marketplace.metering.admit_call import Call
from marketplace.metering.model import Reason, UsageLine
from marketplace.metering.months import month_of
from marketplace.metering.tables import months, usage_lines
from marketplace.orders.place_order import place_order
from marketplace.products.copies import Copies
from marketplace.products.model import Product, RowsDefinition, Terms
from marketplace.products.tables import products
from sandbox.database import Database
from sandbox.errors import Conflict, Unavailable
from sandbox.identity import load_principal
from sandbox.policy import Gate

MONTH = month_of(datetime.now(UTC), "Asia/Shanghai")


@given(
    st.lists(st.tuples(st.sampled_from(Reason), st.integers(-(10**9), 10**9), st.sampled_from([-1, 0, 1])))
)
def test_a_preview_is_the_sum_of_its_lines(drawn: list[tuple[Reason, int, int]]) -> None:
    lines = [
        UsageLine(
            str(number),
            1,
            MONTH,
            datetime.now(UTC),
            reason,
            calls,
            amount,
            "x" if calls < 0 else None,
            1,
            None,
        )
        for number, (reason, amount, calls) in enumerate(drawn)
    ]
    shown = preview(
        licence=1, organisation="o", product="p", month=MONTH, time_zone="Asia/Shanghai", lines=lines
    )
    assert shown.total_fen == sum(amount for _, amount, _ in drawn)
    assert sum(item.lines for item in shown.items) == shown.lines == len(lines)


class Flaky:
    """A bucket that fails as often as it is told to; what it gives is a real Parquet object."""

    def __init__(self, body: bytes, chance: random.Random) -> None:
        self.body, self.chance, self.share = body, chance, 0.0

    def get(self, name: str, version_id: str) -> bytes:
        if self.chance.random() < self.share:
            raise Unavailable("The bucket is away.")
        return self.body


def parquet() -> bytes:
    import io

    import pyarrow
    import pyarrow.parquet

    body = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"year": [2003, 2004], "score": [1, 2]}), body)
    return body.getvalue()


@pytest.fixture
def market(people: None, database: Database, portal_settings):
    """A product of any terms, ordered and with a key, without the vault: only the bill is looked at."""
    gate = Gate(portal_settings.policies)

    def sell(terms: Terms, number: int, chance: random.Random) -> SimpleNamespace:
        product = Product(
            id=f"product-{number}",
            dataset="market.inspections",
            department="market",
            grade="1",
            title_zh="x",
            title_en="x",
            terms=terms,
            definition=RowsDefinition(
                object="o", version_id=str(number), columns=("year", "score"), keys={"year": "integer"}
            ),
        )
        with database.transaction() as tx:
            tx.execute(
                products.insert().values(
                    **product.model_dump(mode="json", exclude={"terms", "listed_at"}), **terms.model_dump()
                )
            )
            chen = load_principal(tx, "chen")
        placed = place_order(database, gate=gate, principal=chen, product_id=product.id)
        assert placed.licence is not None
        key = issue_key(database, gate=gate, principal=chen, licence_id=placed.licence).secret
        store = Flaky(parquet(), chance)
        # nothing kept, so that every call goes to the store
        delivery = Delivery(database, grades=gate.grades, copies=Copies(store, kept_bytes=0), vault=None)  # type: ignore[arg-type]
        return SimpleNamespace(
            product=product.id,
            licence=placed.licence,
            key=key,
            store=store,
            delivery=delivery,
            gate=gate,
            chen=chen,
        )

    return sell


@pytest.mark.parametrize("seed", range(6))
def test_a_random_month_is_billed_to_the_last_fen(market, database: Database, seed: int) -> None:
    chance = random.Random(seed)
    terms = Terms(
        price_fen=chance.choice([0, 1, 7, 199]),
        monthly_fee_fen=chance.choice([0, 0, 30]),
        purpose="x",
        free_calls=chance.choice([0, 3]),
        cap_fen=chance.choice([None, 30, 500]),
        calls_per_month=chance.choice([10, 40, 1000]),
        calls_per_second=1000,
    )
    sold = market(terms, seed, chance)
    sold.store.share = chance.choice([0.0, 0.3])

    def one(number: int) -> object:
        sold.delivery.copies.kept.clear()
        sample = number % 11 == 0
        return sold.delivery.answer_call(
            Call(
                secret=sold.key,
                product=sold.product,
                given={} if sample else {"year": "2003"},
                sample=sample,
                request_id=f"key:{number // 2}" if number % 3 and not sample else f"request:{seed}:{number}",
            )
        )

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(80)))
    bill = preview_invoice(
        database, gate=sold.gate, principal=sold.chen, licence_id=sold.licence, month=MONTH
    )
    with database.transaction() as tx:
        assert (
            bill.total_fen
            == tx.execute(select(func.coalesce(func.sum(usage_lines.c.amount_fen), 0))).scalar_one()
        )
        so_far = tx.execute(select(months)).one()
    handed_out = {
        outcome.admission.usage: outcome.admission.charge
        for outcome in outcomes
        if isinstance(outcome, Delivered)
    }
    assert bill.calls == len(handed_out), "each usage that was handed out is one call"
    counted = [charge for charge in handed_out.values() if charge.reason is not Reason.SAMPLE]
    assert so_far.calls == len(counted) <= terms.calls_per_month
    assert so_far.free_calls <= terms.free_calls
    fee = terms.monthly_fee_fen if so_far.fee_charged else 0
    assert bill.total_fen == sum(charge.amount_fen for charge in counted) + fee
    assert terms.cap_fen is None or bill.total_fen <= terms.cap_fen


def test_a_bill_whose_sum_was_tampered_with_is_not_shown(market, database: Database) -> None:
    sold = market(Terms(price_fen=5, purpose="x"), 1, random.Random(1))
    sold.delivery.answer_call(
        Call(secret=sold.key, product=sold.product, given={"year": "2003"}, request_id="request:1")
    )
    with database.transaction() as tx:
        tx.execute(update(usage_lines).values(amount_fen=4))
    with pytest.raises(Conflict):
        preview_invoice(database, gate=sold.gate, principal=sold.chen, licence_id=sold.licence, month=MONTH)


def test_every_charge_is_in_the_log(market, database: Database) -> None:
    sold = market(Terms(price_fen=5, purpose="x", monthly_fee_fen=3), 1, random.Random(1))
    for number in range(3):
        sold.delivery.answer_call(
            Call(
                secret=sold.key, product=sold.product, given={"year": "2003"}, request_id=f"request:{number}"
            )
        )
    with database.transaction() as tx:
        logged = tx.execute(
            text(
                "SELECT sum(((content::jsonb)->'payload'->>'amount_fen')::int + "
                "((content::jsonb)->'payload'->>'fee_fen')::int) "
                "FROM log.openings JOIN log.entries USING (index) WHERE entry LIKE '%call.metered%'"
            )
        ).scalar_one()
        assert logged == tx.execute(select(func.sum(usage_lines.c.amount_fen))).scalar_one() == 18
