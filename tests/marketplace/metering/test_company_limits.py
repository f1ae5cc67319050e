"""The limits of a whole company hold over all its licences and over any number of portals."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from locks_before_log import locks_after_log
from marketplace.company_limits.find import company_use
from marketplace.company_limits.set_limits import set_limits
from marketplace.customers.enter_company import enter_company
from marketplace.customers.find import ending_lock
from marketplace.customers.limits import NO_LIMITS, CompanyLimits
from marketplace.customers.record import CompanyRecord
from marketplace.delivery.answer_call import Delivery, draft_of
from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.delivery.endpoints import limit_headers, retry_after
from marketplace.keys.sandbox_keys import make_sandbox_key
from marketplace.metering.places import Places
from marketplace.metering.verdicts import Committed
from marketplace.products.model import Terms
from sandbox.database import lock_name
from sandbox.errors import Forbidden, InvalidInput
from sandbox.identity import Principal, load_principal
from selling import Market, Sold, run, send, totals_of

TERMS = Terms(price_fen=5, purpose="x", calls_per_month=10_000, calls_per_second=10_000)


def person(market: Market, name: str) -> Principal:
    with market.database.transaction() as tx:
        return load_principal(tx, name)


def limit(market: Market, **limits: int) -> None:
    organisation = market.chen.organisation
    set_limits(
        market.database, gate=market.gate, principal=person(market, "he"), organisation=organisation,
        by="operator", limits=CompanyLimits(**limits), reason="a test",
    )  # fmt: skip


@pytest.fixture
def licences(market: Market):  # type: ignore[no-untyped-def]
    """Two licences of one company with a record, without limits again after the test."""
    record = CompanyRecord(name="x", credit_code="91350100M000100Y43")
    enter_company(market.database, gate=market.gate, principal=market.chen, record=record)
    market.execute("DELETE FROM market.months")
    market.execute("DELETE FROM market.usage_lines")
    yield [market.sell(TERMS), market.sell(TERMS)]
    limit(market)


async def at_once(deliveries: list[Delivery], sold: list[Sold], calls: int) -> Counter[str]:
    async def one(number: int) -> str:
        outcome = await answered(deliveries[number % len(deliveries)], sold[number // 2 % len(sold)].call())
        return "answered" if isinstance(outcome, Delivered) else str(outcome.error.code)

    return Counter(await asyncio.gather(*map(one, range(calls))))


async def answered(delivery: Delivery, call: Call) -> Delivered | NotDelivered:
    """As the endpoint does it."""
    try:
        outcome = await send(delivery, call)
        assert not isinstance(outcome, str)
        return outcome
    finally:
        await delivery.leave(call)


def billed(market: Market, sold: list[Sold]) -> int:
    with market.database.transaction() as tx:
        return sum(totals_of(tx, each.licence)[1] for each in sold)


def test_a_companys_calls_of_a_month_are_exact_over_portals_and_licences(
    market: Market, licences: list[Sold]
) -> None:
    limit(market, calls_per_month=25)

    async def main() -> tuple[Counter[str], Any]:
        async with market.delivering() as one, market.delivering() as two, market.delivering() as three:
            found = await at_once([one, two, three], licences, 60)
            refused = await answered(one, licences[0].call())
            assert isinstance(refused, NotDelivered)
            return found, refused

    found, refused = run(main())
    assert found == {"answered": 25, "USAGE_EXCEEDED": 35} and billed(market, licences) == 25
    assert "company" in refused.error.message and refused.error.words("zh")[0].startswith("贵单位")
    assert int(retry_after(refused.error, refused.limits)["Retry-After"]) > 0
    assert '"company-month";q=25' in limit_headers(refused.limits)["RateLimit-Policy"]


def test_a_companys_bytes_and_pace_count_over_licences(market: Market, licences: list[Sold]) -> None:
    async def calls(many: int) -> Counter[str]:
        async with market.delivering() as one, market.delivering() as two:
            return await at_once([one, two], licences, many)

    limit(market, bytes_per_month=100)
    found = run(calls(20))
    with market.database.transaction() as tx:
        use = company_use(tx, gate=market.gate, principal=market.chen, organisation=market.chen.organisation)
    each = use.bytes // found["answered"]
    assert use.bytes == each * found["answered"] and use.bytes <= 100 < use.bytes + each
    limit(market, calls_per_second=1)
    first, *others = [run(calls(1)), run(calls(1))]
    assert first == {"answered": 1}
    # the next one is a second later; a slow machine may be there already
    assert others[0] in ({"RATE_LIMITED": 1}, {"answered": 1})
    market.execute("UPDATE market.company_paces SET next_at = clock_timestamp() + interval '1 hour'")
    assert run(calls(2)) == {"RATE_LIMITED": 2}


def test_no_more_calls_of_a_company_are_answered_at_once_than_its_limit(
    market: Market, licences: list[Sold]
) -> None:
    limit(market, concurrent_calls=3)
    organisation = market.chen.organisation

    async def main() -> None:
        async with market.delivering() as one, market.delivering() as two:
            held = [await one.metering.places.enter(organisation, 3) for _ in range(2)]
            other = await two.metering.places.enter(organisation, 3)
            assert held == [True, True] and other
            refused = await answered(two, licences[0].call())
            assert isinstance(refused, NotDelivered) and refused.error.code == "RATE_LIMITED"
            assert retry_after(refused.error, refused.limits) == {"Retry-After": "1"}
            await one.metering.places.leave(organisation)
            for _ in range(4):  # an answer's place is free for whoever calls next, at any portal
                for delivery in (two, one):
                    assert isinstance(await answered(delivery, licences[1].call()), Delivered)
            # a portal that died holds nothing
            dead = one.metering.places
            assert dead.running is not None
            dead.running.cancel()
            dead.forget_connection()
            for _ in range(12_000):
                if await two.metering.places.enter(organisation, 3):
                    break
                await asyncio.sleep(0.01)
            assert two.metering.places.held[organisation] == 2

    run(main())


def test_places_survive_a_lost_connection(market: Market, licences: list[Sold]) -> None:
    limit(market, concurrent_calls=2)
    organisation = market.chen.organisation

    async def main() -> None:
        async with market.delivering() as one:
            address = one.metering.committer.url
            first, second = Places(address), Places(address)
            assert await first.enter(organisation, 2)
            first.forget_connection()
            assert await first.enter(organisation, 2)  # says both again
            assert not await second.enter(organisation, 2)
            await first.stop()
            await second.stop()

    run(main())


def test_a_process_that_connects_again_takes_its_former_places_away(
    market: Market, licences: list[Sold]
) -> None:
    """Also while Postgres holds its former connection for alive; and what is held stays counted when the
    limit is lowered."""
    limit(market, concurrent_calls=2)
    organisation = market.chen.organisation

    def written() -> int:
        return int(market.execute("SELECT sum(places) FROM market.company_places")[0][0] or 0)

    async def main() -> None:
        async with market.delivering() as one:
            first, second = Places(one.metering.committer.url), Places(one.metering.committer.url)
            assert await first.enter(organisation, 2)
            lost, first.connection = first.connection, None
            assert lost is not None
            first.former.append(first.session)
            assert await first.enter(organisation, 2) and written() == 2
            limit(market, concurrent_calls=1)
            assert not await first.enter(organisation, 2) and written() == 2
            take, failed = first.take, asyncio.Event()

            async def failing(_: object) -> None:
                first.take = take  # type: ignore[method-assign]
                failed.set()
                raise ValueError("not a lost connection")

            first.take = failing  # type: ignore[method-assign,assignment]
            first.leave(organisation)
            await first.leave(organisation)
            assert failed.is_set()
            for _ in range(2000):  # said again without anybody asking
                if written() == 0:
                    break
                await asyncio.sleep(0.01)
            assert await second.enter(organisation, 2)
            lost.terminate()
            await first.stop()
            await second.stop()

    run(main())


def test_an_order_takes_no_lock_after_its_entry_of_the_log(market: Market, licences: list[Sold]) -> None:
    """Whoever sets limits holds the company's licences and limits, and waits for the log."""
    limit(market, calls_per_month=10)
    with locks_after_log(market.database) as late:
        market.sell(TERMS)
    assert late == []


def test_a_sandbox_key_is_made_before_the_end_of_its_company_or_not(
    market: Market, licences: list[Sold]
) -> None:
    organisation = market.chen.organisation
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    ended = text("UPDATE market.companies SET ended_at = now() WHERE organisation = :organisation")
    with ThreadPoolExecutor(1) as pool:
        with market.database.transaction() as tx:
            lock_name(tx, ending_lock(organisation))
            making = pool.submit(make_sandbox_key, market.database, gate=market.gate, principal=market.chen)
            while not market.execute(waiting)[0][0]:
                assert not making.done()
            tx.execute(ended, {"organisation": organisation})
        with pytest.raises(Forbidden) as refused:
            making.result()
    market.execute("UPDATE market.companies SET ended_at = NULL")
    assert refused.value.code == "company_ended"


def test_a_call_that_waited_long_is_not_refused_for_those_that_came_after_it(market: Market) -> None:
    sold = market.sell(Terms(price_fen=5, purpose="x", calls_per_second=1000))

    async def main() -> None:
        async with market.delivering() as slow, market.delivering() as fast:
            call = sold.call()
            opened = await slow.find_opened(call)
            came = asyncio.get_running_loop().time() - 3
            assert isinstance(await send(fast, sold.call()), Delivered)
            draft = draft_of(call, opened, came)
            assert isinstance(await slow.metering.committer.submit(draft), Committed)

    run(main())


def test_owners_only_lower_what_the_operator_set(market: Market, licences: list[Sold]) -> None:
    organisation = market.chen.organisation

    def lower(**limits: int) -> None:
        set_limits(
            market.database, gate=market.gate, principal=owner, organisation=organisation, by="owner",
            limits=CompanyLimits(**limits),
        )  # fmt: skip

    owner = person(market, "chen")
    if "owner" not in owner.roles:
        with pytest.raises(Forbidden):
            lower(calls_per_month=1)
        owner = Principal(**{**owner.__dict__, "roles": owner.roles | {"owner"}})
    limit(market, calls_per_month=10)
    with pytest.raises(InvalidInput) as refused:
        lower(calls_per_month=11)
    assert refused.value.code == "limit_too_high"
    lower(calls_per_month=4, concurrent_calls=9)
    with market.database.transaction() as tx:
        use = company_use(tx, gate=market.gate, principal=owner, organisation=organisation)
    assert use.in_effect == CompanyLimits(calls_per_month=4, concurrent_calls=9)
    for name in ("chen", "zhou"):
        with pytest.raises(Forbidden):
            set_limits(
                market.database, gate=market.gate, principal=person(market, name), organisation=organisation,
                by="operator", limits=NO_LIMITS,
            )  # fmt: skip
    lower()
    # a licence that is issued later counts, too
    third = market.sell(TERMS)

    async def main() -> Counter[str]:
        async with market.delivering() as one:
            return await at_once([one], [*licences, third], 14)

    assert run(main()) == {"answered": 10, "USAGE_EXCEEDED": 4}
