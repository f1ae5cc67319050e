"""Callers who hang up, repeat and crowd: nobody gets an answer for nothing, pays for what was refused, or
pushes the others out."""

import asyncio
import dataclasses
import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from marketplace.delivery.call import Delivered, NotDelivered
from marketplace.delivery.endpoints import PaidRoute
from marketplace.invoices.periodic import InvoiceJob
from marketplace.metering import group_committer, lookup_limit, service
from marketplace.metering.confirmations import Confirmations
from marketplace.metering.group_committer import multirange
from marketplace.metering.model import Outcome, Reason
from marketplace.offers.document import LicenceTerms, OfferDocument
from marketplace.offers.price import Price, Tier, Trial, Unit, Usage
from marketplace.products.model import Terms
from sandbox import chores
from sandbox.errors import Unavailable
from sandbox.http.connection_limits import GONE
from sandbox.network import network_of
from selling import Answering, Market, Sold, run, send


def terms(**changes: Any) -> Terms:
    return Terms(**{"price_fen": 5, "purpose": "x", "calls_per_second": 1000, **changes})


def priced(market: Market, price: Price, *, query: bool = False) -> Sold:
    """A licence that froze this price."""
    sold = market.sell(terms(), query=query)
    document = OfferDocument(price=price, terms=LicenceTerms(purpose="x", calls_per_second=1000))
    market.execute(
        "UPDATE market.licences SET document = CAST(:document AS jsonb) WHERE id = :id",
        document=json.dumps(document.model_dump(mode="json")),
        id=sold.licence,
    )
    return sold


def usage(unit: Unit, fen: int, included: int = 0) -> Usage:
    return Usage(unit=unit, included=included, tiers=(Tier(fen=fen),))


def query_call(sold: Sold, name: str = "") -> Any:
    return dataclasses.replace(sold.call(name), given={})


async def hang_up(delivery: Any, call: Any) -> Any:
    """Call, and be gone when the answer comes, as the endpoint finds it."""
    outcome = await delivery.answer_call(call)
    if isinstance(outcome, Delivered):
        await delivery.not_sent(outcome)
    return outcome


def codes(outcomes: list[Any]) -> Counter[str]:
    return Counter(each.error.code if isinstance(each, NotDelivered) else "answered" for each in outcomes)


def test_a_retry_that_is_answered_is_paid_although_the_first_caller_hung_up(market: Market) -> None:
    """Two sockets with one Idempotency-Key, of which the first is closed: of rows and of a query."""
    rows, query = market.sell(terms(price_fen=500)), market.sell(terms(price_fen=500), query=True)

    async def main() -> int:
        answered = 0
        async with market.delivering() as delivery:
            for n in range(12):
                for call in (rows.call(f"key:{n}"), query_call(query, f"key:{n}")):
                    pair = await asyncio.gather(hang_up(delivery, call), send(delivery, call))
                    answered += isinstance(pair[1], Delivered)
        return answered

    assert run(main()) == 24
    assert market.totals(rows)[1:] == market.totals(query)[1:] == (12, 12 * 500)


def test_an_answered_query_is_paid_by_whoever_hangs_up_on_it(market: Market) -> None:
    """It spent the seller's privacy loss. It counts for the quota, and can be had again with its key."""
    sold = market.sell(terms(calls_per_month=3), query=True)

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            left = [await hang_up(delivery, query_call(sold, f"key:{n}")) for n in range(4)]
            return [*left, await send(delivery, query_call(sold, "key:0"))]

    *left, again = run(main())
    assert codes(left) == {"answered": 3, "USAGE_EXCEEDED": 1}
    assert again.committed.replayed and again.result["rows"] == [[7]]
    assert market.totals(sold)[1:] == (3, 15)


def test_a_refused_burst_costs_its_neighbours_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_committer, "MOST_TRIES", 3)
    fast, neighbour = market.sell(terms(calls_per_second=50)), market.sell(terms())

    async def main() -> tuple[list[Any], list[Any], Any]:
        async with market.delivering() as delivery:
            await send(delivery, fast.call())
            market.execute(
                "UPDATE market.months SET version = version + 1, "
                "next_at = clock_timestamp() + interval '1 hour' WHERE licence = :licence",
                licence=fast.licence,
            )
            refused = asyncio.gather(*(send(delivery, fast.call()) for _ in range(40)))
            found = await asyncio.gather(*(send(delivery, neighbour.call()) for _ in range(40)))
            return await refused, found, delivery.metering.committer

    refused, found, committer = run(main())
    assert codes(refused) == {"RATE_LIMITED": 40}
    assert codes(found) == {"answered": 40}
    assert market.totals(neighbour)[1:] == (40, 200)
    assert committer.confirmations.settled and not committer.doubtful


def test_a_call_that_is_stale_for_ever_is_refused_alone(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, neighbour = market.sell(terms()), market.sell(terms())

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            for sold in (stale, neighbour):
                await send(delivery, sold.call())
            monkeypatch.setattr(group_committer, "MOST_TRIES", 0)
            market.execute(
                "UPDATE market.months SET version = version + 1 WHERE licence = :licence",
                licence=stale.licence,
            )
            return await asyncio.gather(*(send(delivery, sold.call()) for sold in (stale, neighbour)))

    assert codes(run(main())) == {"busy": 1, "answered": 1}
    assert market.totals(stale)[1] == 1 and market.totals(neighbour)[1] == 2


def test_a_one_off_fee_is_due_whatever_memory_believes(market: Market) -> None:
    """The first call is dropped at a month's end: its fee is credited, and due with the next call."""
    sold = priced(market, Price(usage=(usage(Unit.CALL, 5),), one_off_fen=1000))

    async def main() -> None:
        async with market.delivering() as delivery:
            await hang_up(delivery, sold.call())
            states = delivery.metering.cache.states
            assert states[sold.licence].one_off, "memory believes that it was charged"
            states[sold.licence] = dataclasses.replace(states[sold.licence], month="2001-01")
            for table in ("usage_lines", "months"):
                market.execute(
                    f"UPDATE market.{table} SET month = '2001-01' WHERE licence = :id", id=sold.licence
                )
            for _ in range(3):
                await send(delivery, sold.call())

    run(main())
    assert market.totals(sold)[1:] == (3, 1015)


def test_a_credit_takes_back_all_that_the_call_added(market: Market) -> None:
    price = Price(usage=(usage(Unit.CALL, 3), usage(Unit.EPSILON, 100)))
    sold = priced(market, price, query=True)

    async def main() -> None:
        async with market.delivering(vault=Answering(1.0)) as delivery:
            assert isinstance(await send(delivery, query_call(sold)), NotDelivered)

    run(main())
    left = market.execute(
        "SELECT used_calls, used_successful, used_epsilon_millionths, charged_fen FROM market.months "
        "WHERE licence = :licence",
        licence=sold.licence,
    )
    assert [tuple(row) for row in left] == [(0, 0, 0, 0)]


def test_a_sample_that_was_not_sent_takes_nothing_off_the_month(market: Market) -> None:
    sold = priced(market, Price(usage=(usage(Unit.SUCCESSFUL_CALL, 700),)))

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            await hang_up(delivery, sold.call(sample=True))
            return [await send(delivery, sold.call()) for _ in range(2)]

    assert [each.committed.charge.amount_fen for each in run(main())] == [700, 700]


def test_a_query_without_a_row_is_no_success(market: Market) -> None:
    class Empty(Answering):
        def ask(self, who: str, *, sql: str, epsilon: str, grant: str) -> dict[str, Any]:
            return {**super().ask(who, sql=sql, epsilon=epsilon, grant=grant), "rows": []}

    sold = priced(market, Price(usage=(usage(Unit.SUCCESSFUL_CALL, 700),)), query=True)

    async def main() -> list[Any]:
        async with market.delivering(vault=Empty()) as delivery:
            return [await send(delivery, query_call(sold, name)) for name in ("", "key:a", "key:a")]

    found = run(main())
    assert codes(found) == {"answered": 3}
    assert [each.committed.charge.amount_fen for each in found] == [0, 0, 0]
    assert [each.committed.replayed for each in found] == [False, False, True]
    assert market.totals(sold)[1:] == (2, 0)


def test_an_answered_query_that_is_metered_anew_is_held_to_no_pace_again(market: Market) -> None:
    class Empty(Answering):
        def ask(self, who: str, *, sql: str, epsilon: str, grant: str) -> dict[str, Any]:
            return {**super().ask(who, sql=sql, epsilon=epsilon, grant=grant), "rows": []}

    sold = priced(market, Price(usage=(usage(Unit.SUCCESSFUL_CALL, 700),)), query=True)
    market.execute(
        "UPDATE market.licences SET calls_per_second = 1, calls_per_month = 1 WHERE id = :id RETURNING id",
        id=sold.licence,
    )

    async def main() -> list[Any]:
        async with market.delivering(vault=Empty()) as delivery:
            return [await send(delivery, query_call(sold)) for _ in range(2)]

    first, second = run(main())
    assert codes([first]) == {"answered": 1}, "its privacy loss is spent"
    assert codes([second]) != {"answered": 1}, "another call is another call"


def test_without_a_free_call_a_later_one_is_free(market: Market) -> None:
    """Whichever call is credited, the month costs what the others cost."""
    sold = priced(market, Price(usage=(usage(Unit.CALL, 500, included=1),)))

    async def main() -> None:
        async with market.delivering() as delivery:
            first = await delivery.answer_call(sold.call())
            await send(delivery, sold.call())
            await delivery.not_sent(first)

    run(main())
    assert market.totals(sold)[1:] == (1, 0)


def test_a_month_of_which_only_free_calls_stand_has_no_fee(market: Market) -> None:
    price = Price(usage=(usage(Unit.CALL, 5),), monthly_fee_fen=100, trial=Trial(days=3))
    sold = priced(market, price)

    def began(delivery: Any, days: int) -> None:
        market.execute(
            "UPDATE market.licences SET starts_at = now() - make_interval(days => :days) WHERE id = :id",
            days=days,
            id=sold.licence,
        )
        delivery.metering.cache.close()
        delivery.metering.cache.open()

    async def main() -> None:
        async with market.delivering() as delivery:
            began(delivery, 9)
            paid = await delivery.answer_call(sold.call())
            began(delivery, 1)
            free = await send(delivery, sold.call())
            assert isinstance(free, Delivered) and free.committed.charge.reason is Reason.TRIAL
            await delivery.not_sent(paid)

    run(main())
    assert market.totals(sold)[1:] == (1, 0)


def test_what_cannot_be_credited_now_is_credited_later(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away for the credit of a failed query, and for the settlement of an answered one."""
    sold = market.sell(terms(), query=True)

    async def main() -> Any:
        async with market.delivering(vault=Answering(1.0)) as one, market.delivering() as other:
            for delivery in (one, other):
                await delivery.metering.listener.stop()
                delivery.metering.cache.open()
                await delivery.metering.cache.find(sold.key)
                portal = delivery.metering.database
                whole, portal.transaction = portal.transaction, refuse  # type: ignore[method-assign]
                assert isinstance(await send(delivery, query_call(sold)), NotDelivered)
                assert delivery.metering.committer.doubtful
                portal.transaction = whole  # type: ignore[method-assign]
                await delivery.metering.credit_doubtful()
                assert not delivery.metering.committer.doubtful
                assert delivery.metering.committer.confirmations.settled

    def refuse() -> Any:
        raise OSError("the database is away")

    run(main())
    assert market.totals(sold)[1:] == (0, 0)


def test_what_a_living_portal_leaves_open_is_credited_as_a_dead_ones(market: Market) -> None:
    sold = market.sell(terms())

    async def main() -> None:
        async with market.delivering(abandoned_after=timedelta(0)) as delivery:
            assert isinstance(await delivery.answer_call(sold.call()), Delivered)
            await delivery.metering.credit_overdue()
            assert delivery.metering.committer.confirmations.settled

    run(main())
    assert market.totals(sold)[1:] == (0, 0)


def test_what_is_written_with_a_group_is_as_long_as_there_are_open_calls() -> None:
    counted = Confirmations()
    numbers = [counted.issue() for _ in range(5000)]
    for number in numbers[1:]:
        if number != 2500:
            counted.confirm(number)
    assert counted.upto == 0
    assert multirange(counted.ahead) == "{[2,2500),[2501,5001)}"


def test_a_licence_takes_its_share_of_the_queue_and_no_more(market: Market) -> None:
    """Identical calls and samples are answered together; beyond its share a licence waits alone."""
    crowd, neighbour = market.sell(terms(calls_per_month=10**6, calls_per_second=10000)), market.sell(terms())

    async def main() -> tuple[list[Any], list[Any]]:
        async with market.delivering() as delivery:
            await send(delivery, crowd.call())
            await send(delivery, neighbour.call())
            calls = [asyncio.create_task(send(delivery, crowd.call("key:same"))) for _ in range(500)]
            calls += [asyncio.create_task(send(delivery, crowd.call(sample=True))) for _ in range(100)]
            others = [asyncio.create_task(send(delivery, neighbour.call())) for _ in range(50)]
            return await asyncio.gather(*calls), await asyncio.gather(*others)

    crowded, others = run(main())
    assert codes(others) == {"answered": 50}
    assert codes(crowded)["busy"] >= 100
    assert set(codes(crowded)) == {"answered", "busy"}
    assert len({each.committed.usage for each in crowded if isinstance(each, Delivered)}) <= 2


def test_a_line_of_an_earlier_call_is_not_taken_for_ones_own(market: Market) -> None:
    """After a lost connection lines are asked for by their ids, and a key may have been used before."""
    sold = market.sell(terms())

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            first = await send(delivery, sold.call("key:a"))
            other = await send(delivery, sold.call("key:a", year="2004"))
            waiting = group_committer.Waiting(
                dataclasses.replace(first.draft, sequence=99), asyncio.get_running_loop().create_future()
            )
            delivery.metering.committer.price([waiting], {})
            return [
                other,
                await delivery.metering.committer.without_written([waiting]),
                waiting.answer.done(),
            ]

    other, left, answered = run(main())
    assert other.error.code == "idempotency_conflict"
    assert len(left) == 1 and not answered


def test_a_licence_that_the_database_refuses_leaves_the_others_in_one_group(market: Market) -> None:
    """Such as one with a time zone that Postgres does not know."""
    bad, good = market.sell(terms()), [market.sell(terms()) for _ in range(3)]

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            await delivery.metering.listener.stop()
            delivery.metering.cache.open()
            for sold in (bad, *good):
                await send(delivery, sold.call())
            market.execute(
                "UPDATE market.licences SET time_zone = 'right/UTC/x' WHERE id = :id", id=bad.licence
            )
            commit, sizes = delivery.metering.committer.commit_once, []

            async def counted(group: Any) -> None:
                sizes.append(len(group))
                await commit(group)

            delivery.metering.committer.commit_once = counted  # type: ignore[method-assign]
            found = await asyncio.gather(*(send(delivery, sold.call()) for sold in good * 8))
            found += await asyncio.gather(*(send(delivery, sold.call()) for sold in (bad, *good * 8)))
            return [*found, sizes]

    *found, sizes = run(main())
    assert codes(found) == {"answered": 48, "not_metered": 1}
    assert len(sizes) < 12, "not line by line"


def test_a_samples_line_is_of_its_month(market: Market) -> None:
    """The city's day may lie in two of the buyer's months."""
    sold = market.sell(terms())

    async def main() -> Any:
        async with market.delivering() as delivery:
            return await send(delivery, sold.call(sample=True))

    draft = run(main()).draft
    assert draft.outcome is Outcome.SAMPLE
    now = market.execute("SELECT now()")[0][0]
    months = {dataclasses.replace(draft, month=month).id_at(now) for month in ("2026-03", "2026-04")}
    assert len(months) == 2


class Failing:
    """A deed that fails in every way, each several times, and then succeeds."""

    ways: tuple[type[Exception], ...] = (ZeroDivisionError, asyncpg.PostgresError, OSError, Unavailable)

    def __init__(self) -> None:
        self.turns, self.succeeded = 0, threading.Event()

    def run(self) -> None:
        self.turns += 1
        if self.turns <= 2 * len(self.ways):
            raise self.ways[self.turns % len(self.ways)]("x")
        self.succeeded.set()

    async def run_on_loop(self) -> None:
        self.run()

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.succeeded.wait, 120)
        assert self.turns > 2 * len(self.ways)


def test_a_chore_that_fails_comes_again_and_again(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of metering, each turn or a part of it, and that of invoices."""
    monkeypatch.setattr(service, "SEAL_SECONDS", 0.001)
    sealing, crediting, invoicing = Failing(), Failing(), Failing()

    async def main() -> None:
        job = InvoiceJob(market.database, None, seconds=0.001)  # type: ignore[arg-type]
        job.run = invoicing.run  # type: ignore[method-assign]
        job.start()
        async with market.delivering() as delivery:
            delivery.metering.credit_doubtful = crediting.run_on_loop  # type: ignore[method-assign]
            await crediting.wait()
            delivery.metering.seal = sealing.run  # type: ignore[method-assign]
            await sealing.wait()
        await invoicing.wait()
        await job.stop()

    run(main())


def test_the_committer_connects_however_often_the_database_refuses(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a database that is being restored, or does not know the role yet."""
    refusals = iter(
        [
            asyncpg.InvalidCatalogNameError,
            asyncpg.InvalidPasswordError,
            OSError,
            asyncpg.CannotConnectNowError,
        ]
    )
    connect, tries = asyncpg.connect, 0

    async def refused(*given: Any, **more: Any) -> Any:
        nonlocal tries
        tries += more.get("server_settings") is not None
        if more.get("server_settings") and (error := next(refusals, None)):
            raise error("x")
        return await connect(*given, **more)

    monkeypatch.setattr(asyncpg, "connect", refused)
    monkeypatch.setattr(chores, "FIRST_WAIT", 0.001)
    sold = market.sell(terms())

    async def main() -> Any:
        async with market.delivering() as delivery:
            return await send(delivery, sold.call())

    assert isinstance(run(main()), Delivered) and tries == 5


def test_a_flood_of_invented_keys_from_a_network_of_its_own_delays_no_known_key(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All addresses of an IPv6 network are one; what opened something before waits for no stranger."""
    monkeypatch.setattr(lookup_limit, "MOST_FOR_A_NETWORK", 5)
    monkeypatch.setattr(lookup_limit, "MOST_IN_ALL", 8)
    sold = market.sell(terms())

    async def main() -> tuple[list[Any], list[Any]]:
        async with market.delivering() as delivery:
            cache = delivery.metering.cache
            known = sold.key
            assert await cache.find(known, "2001:db8::1")
            cache.drop("licence", str(sold.licence))  # it is read again, as after each change
            flood = [
                asyncio.create_task(cache.find(f"chk_{n}", f"2001:db8:0:{n // 20}::{n:x}")) for n in range(40)
            ]
            renewals = await asyncio.gather(*(cache.find(known, "2001:db8::1") for _ in range(30)))
            assert len(cache.strangers.running) <= 8
            answers = await asyncio.gather(*flood, return_exceptions=True)
            assert not cache.strangers.running
            return answers, renewals

    answers, renewals = run(main())
    assert Counter(getattr(each, "code", "unknown") for each in answers) == {"unknown": 8, "busy": 32}
    assert all(renewals)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("testclient", "elsewhere"),
        ("", "elsewhere"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("leaves", [True, False])
def test_whoever_leaves_before_the_answer_is_with_the_connection_pays_nothing(
    market: Market, *, leaves: bool
) -> None:
    """The caller may leave while `send` waits for room: then it returns, and nothing was written."""
    sold = market.sell(terms())
    gone = False

    async def nothing() -> Any:
        raise AssertionError("a GET has no body")

    async def give(_: Any) -> None:
        nonlocal gone
        gone = leaves

    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": f"/api/v1/call/{sold.product}",
        "path_params": {"product": sold.product},
        "query_string": b"year=2003",
        "headers": [(b"x-api-key", sold.key.encode())],
        "extensions": {GONE: lambda: gone},
    }

    async def main() -> None:
        async with market.delivering() as delivery:
            await PaidRoute(delivery, sample=False)(scope, nothing, give)
            assert delivery.metering.committer.confirmations.settled

    run(main())
    assert market.totals(sold)[1:] == ((0, 0) if leaves else (1, 5))


def test_a_flood_of_invented_keys_waits_for_itself(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_limit, "MOST_FOR_A_NETWORK", 5)
    sold = market.sell(terms())

    async def main() -> tuple[list[Any], Any, Any]:
        async with market.delivering() as delivery:
            cache = delivery.metering.cache
            flood = [asyncio.create_task(cache.find(f"chk_{n}", "192.0.2.1")) for n in range(40)]
            buyers = await send(delivery, sold.call())
            return await asyncio.gather(*flood, return_exceptions=True), buyers, cache.strangers.running

    flood, buyers, finding = run(main())
    assert Counter(getattr(each, "code", "unknown") for each in flood) == {"unknown": 5, "busy": 35}
    assert isinstance(buyers, Delivered) and not finding


def test_an_invented_key_is_looked_up_once(market: Market) -> None:
    sold = market.sell(terms())

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            cache = delivery.metering.cache
            assert await cache.find("chk_invented") is None
            cache.read = None  # type: ignore[method-assign,assignment]
            assert await cache.find("chk_invented") is None
            cache.drop("licence", str(sold.licence))
            return list(cache.misses)

    assert run(main()) == [], "what changes is looked up anew"
