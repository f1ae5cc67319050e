"""What names a person together is not held together, by whatever way it comes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from lock_waiters import await_lock_waiter
from marketplace.licences.end_licence import end_licence
from marketplace.licences.entitlements import Buyers, delivered_product
from marketplace.licences.find import find_licence
from marketplace.offers.price_rules import read_price_rules
from marketplace.orders.combination import check_combination, may_hold
from marketplace.orders.place_order import place_order
from marketplace.products.find import find_product
from marketplace.products.model import Product, RowsDefinition, Terms
from marketplace.products.release import Release, releases_of, write_release
from marketplace.products.release_product import NewRelease, enter
from marketplace.products.tables import products
from marketplace.settings import REPOSITORY
from sandbox.audit import Event, append
from sandbox.errors import Forbidden
from selling import Market

RULES = read_price_rules(REPOSITORY / "policies")
numbers = count(1)


@pytest.fixture(autouse=True)
def nothing_held(market: Market) -> None:
    """The tests of the file share a buyer."""
    market.execute("UPDATE market.licences SET status = 'ended'")
    market.execute("UPDATE market.months SET calls = 0")


def rows(*columns: str) -> RowsDefinition:
    return RowsDefinition(
        object="o", version_id="1", columns=("business", *columns), keys={"business": "text"}
    )


def listed(market: Market, *columns: str) -> str:
    product = Product(
        id=f"held-{next(numbers)}",
        dataset="market.inspections",
        department="market",
        grade="1",
        title_zh="x",
        title_en="x",
        terms=Terms(price_fen=5, purpose="x"),
        definition=rows(*columns),
    )
    with market.database.transaction() as tx:
        row = product.model_dump(mode="json", exclude={"terms", "listed_at"}) | product.terms.model_dump()
        tx.execute(products.insert().values(**row))
    return product.id


def buy(market: Market, product: str) -> int:
    placed = place_order(
        market.database, gate=market.gate, rules=RULES, principal=market.chen, product_id=product
    )
    assert placed.licence is not None
    return placed.licence


def deliver_and_end(market: Market, licence: int, *, calls: int) -> None:
    if calls:
        market.execute(
            "INSERT INTO market.months VALUES (:id, '2026-03', :calls, 0, 0, 0, 0, 0, 0, 0, 0, 1)",
            calls=calls,
            id=licence,
        )
    end_licence(
        market.database, gate=market.gate, rules=RULES, principal=market.chen, licence_id=licence, reason="x"
    )


def test_what_an_ended_licence_delivered_counts_unless_it_may_not_be_kept(market: Market) -> None:
    deliver_and_end(market, buy(market, listed(market, "name")), calls=0)
    phones = listed(market, "phone")
    deliver_and_end(market, buy(market, phones), calls=1)
    with pytest.raises(Forbidden) as refused:
        buy(market, listed(market, "name"))
    assert refused.value.code == "combination_grade" and refused.value.remedy_zh
    market.execute(
        "UPDATE market.licences SET document = jsonb_set(document, '{terms,compute_only}', 'true') "
        "WHERE product = :id",
        id=phones,
    )
    assert buy(market, listed(market, "name"))


def test_a_release_that_would_name_a_persons_rows_together_is_not_for_who_holds_the_rest(
    market: Market,
) -> None:
    named, other = listed(market, "name"), listed(market, "score")
    licence = buy(market, other)
    buy(market, named)
    buyers = Buyers(partial(may_hold, gate=market.gate, rules=RULES))
    with market.database.transaction() as tx:
        now = tx.execute(text("SELECT now()")).scalar_one()
        for number, columns in enumerate((("score",), ("score", "area"), ("score", "phone")), 1):
            changed = {"definition": rows(*columns), "release": number}
            holders = buyers.allowed_holders(tx, find_product(tx, other).model_copy(update=changed))
            release = write_release(
                tx, product=other, number=number, definition=rows(*columns), schema={}, grade="1",
                effect="additive", changes=[], notes="", by="zhou", effective_at=now,
            )  # fmt: skip
            buyers.entitle(tx, other, release.id, holders)
        held = delivered_product(tx, find_licence(tx, licence), now)
        assert held.release == 2
        assert isinstance(held.definition, RowsDefinition) and "phone" not in held.definition.columns


def test_of_two_orders_at_once_that_name_a_person_together_one_is_refused(market: Market) -> None:
    wanted = [listed(market, column) for column in ("name", "phone")]
    together, outcomes = threading.Barrier(2), list[object]()

    def order(product: str) -> None:
        together.wait()
        try:
            outcomes.append(buy(market, product))
        except Forbidden as refused:
            outcomes.append(refused.code)

    threads = [threading.Thread(target=order, args=(product,)) for product in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2 and outcomes.count("combination_grade") == 1


def test_an_order_and_a_release_at_once_both_come_to_an_end(market: Market) -> None:
    """The order holds its organisation before the release asks for it, and then writes to the log."""
    product, other = listed(market, "score"), listed(market, "area")
    buy(market, product)
    buyers = Buyers(partial(may_hold, gate=market.gate, rules=RULES))
    with market.database.transaction() as tx:
        released = find_product(tx, product)
    selling: Any = SimpleNamespace(buyers=buyers)
    with ThreadPoolExecutor(1) as pool:
        with market.database.transaction() as tx:
            wanted = find_product(tx, other)
            check_combination(
                tx, gate=market.gate, rules=RULES, product=wanted, organisation=market.chen.organisation
            )
            made = pool.submit(release_again, market, selling, released)
            await_lock_waiter(tx)
            append(tx, Event(kind="order.placed", actor="chen", subject="order:0", payload={}))
        release = made.result(timeout=120)
    with market.database.transaction() as tx:
        assert [each.id for each in releases_of(tx, product)] == [release.id]
        assert release.log_index is not None


def release_again(market: Market, selling: Any, product: Product) -> Release:
    with market.database.transaction() as tx:
        return enter(
            tx, selling, principal=market.chen, product=product, definition=rows("score"), schema={},
            grade="1", changes=[], new=NewRelease(),
        )  # fmt: skip
