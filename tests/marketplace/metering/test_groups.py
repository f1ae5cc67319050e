"""Calls committed in groups: quota, price, pace and revocation are exact over several processes' worth of
metering, a bad line fails nobody else's, and nothing is written twice."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from marketplace.delivery.call import Delivered, NotDelivered
from marketplace.keys.revoke_key import revoke_key
from marketplace.metering import group_committer
from marketplace.metering.model import Reason
from marketplace.products.model import Terms
from selling import Flaky, Market, run, send


def terms(**changes: Any) -> Terms:
    return Terms(**{"price_fen": 5, "purpose": "x", "calls_per_second": 1000, **changes})


def codes(outcomes: list[Any]) -> Counter[str]:
    return Counter(
        outcome.error.code if isinstance(outcome, NotDelivered) else "answered" for outcome in outcomes
    )


def test_a_quota_and_a_cap_are_kept_to_the_last_call_over_two_processes(market: Market) -> None:
    sold = market.sell(terms(calls_per_month=40, cap_fen=93, free_calls=3))
    second = market.another_key(sold)

    async def main() -> list[Any]:
        async with market.delivering() as one, market.delivering() as other:
            return await asyncio.gather(
                *(send((one, other)[n % 2], (sold, second)[n % 3 % 2].call()) for n in range(90))
            )

    outcomes = run(main())
    assert codes(outcomes) == {"answered": 40, "USAGE_EXCEEDED": 50}
    assert market.totals(sold) == (40, 40, 93)
    charged = [each.committed.charge for each in outcomes if isinstance(each, Delivered)]
    assert sum(charge.amount_fen for charge in charged) == 93
    assert Counter(charge.reason for charge in charged)[Reason.FREE_QUOTA] == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_random_month_is_charged_to_the_last_fen(market: Market, seed: int) -> None:
    """Random terms, samples, retries and failures, over two processes: what was handed out is the bill."""
    chance = random.Random(seed)
    fee, cap = chance.choice([0, 30]), chance.choice([None, 30, 500])
    sold = market.sell(
        terms(
            price_fen=chance.choice([0, 1, 7, 199]),
            monthly_fee_fen=fee,
            free_calls=chance.choice([0, 3]),
            cap_fen=cap,
            calls_per_month=chance.choice([10, 40, 1000]),
        )
    )
    store = Flaky(chance.choice([0.0, 0.3]), chance)

    async def main() -> list[Any]:
        async with market.delivering(store) as one, market.delivering(store) as other:

            async def once(n: int) -> Any:
                await asyncio.sleep(chance.random() / 50)
                sample = n % 11 == 0
                name = "" if sample or n % 3 == 0 else f"key:{seed}:{n // 2}"
                return await send((one, other)[n % 2], sold.call(name, sample=sample))

            return await asyncio.gather(*(once(n) for n in range(80)))

    outcomes = [each for each in run(main()) if isinstance(each, Delivered)]
    paid = {each.committed.usage: each.committed.charge for each in outcomes if not each.draft.sample}
    _, calls, fen = market.totals(sold)
    assert calls == len(paid), "each usage that was handed out is one call"
    assert fen == sum(charge.amount_fen for charge in paid.values()) + (fee if paid else 0)
    assert cap is None or fen <= cap


def test_a_pace_is_kept_over_two_processes(market: Market) -> None:
    sold = market.sell(terms(calls_per_second=3))

    async def main() -> list[Any]:
        async with market.delivering() as one, market.delivering() as other:
            return await asyncio.gather(*(send((one, other)[n % 2], sold.call()) for n in range(30)))

    found = codes(run(main()))
    span = market.execute(
        "SELECT extract(epoch FROM max(at) - min(at)) FROM market.usage_lines WHERE licence = :licence",
        licence=sold.licence,
    )[0][0]
    assert 1 <= found["answered"] <= 3 * (float(span) + 1)
    assert found["answered"] + found["RATE_LIMITED"] == 30


def test_a_revoked_key_is_answered_nothing_after_its_revocation(market: Market) -> None:
    """The revocation is a commit among the calls' commits: what began after it is refused, and no line is
    later, though neither process had heard of it."""
    sold = market.sell(terms(calls_per_month=10**6))
    late: list[Any] = []
    returned: list[Any] = []

    async def main() -> None:
        async with market.delivering() as one, market.delivering() as other:
            for each in (one, other):
                await each.metering.listener.stop()  # deaf: only the commit can know
                each.metering.cache.open()
            revoked = asyncio.Event()

            async def calls(delivery: Any) -> None:
                for _ in range(12_000):
                    before = revoked.is_set()
                    outcome = await send(delivery, sold.call())
                    if before:
                        late.append(outcome)
                    if len(late) > 5:
                        return

            async def revoke() -> None:
                await asyncio.sleep(0.05)
                await asyncio.to_thread(
                    revoke_key, market.database, gate=market.gate, principal=market.chen, key_id=sold.key_id
                )
                returned.extend(market.execute("SELECT clock_timestamp()")[0])
                revoked.set()

            await asyncio.gather(calls(one), calls(one), calls(other), revoke())

    run(main())
    assert late and codes(late) == {"DISABLED": len(late)}
    # `at` of a line is when its call came; its group's is when it was decided, under the licence's lock
    after = market.execute(
        "SELECT count(*) FROM market.usage_groups JOIN market.usage_lines AS line "
        "ON line.group_id = usage_groups.id WHERE line.key = :key AND usage_groups.at > :returned",
        key=sold.key_id,
        returned=returned[0],
    )
    assert after == [(0,)]
    market.totals(sold)


def test_a_bad_line_fails_nobody_else_in_its_group(market: Market) -> None:
    good, revoked = market.sell(terms()), market.sell(terms())

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            await delivery.metering.listener.stop()
            delivery.metering.cache.open()
            for sold in (good, revoked):
                await send(delivery, sold.call())
            market.execute("UPDATE market.keys SET status = 'revoked' WHERE id = :id", id=revoked.key_id)
            return await asyncio.gather(*(send(delivery, (good, revoked)[n % 2].call()) for n in range(20)))

    assert codes(run(main())) == {"answered": 10, "DISABLED": 10}
    assert market.totals(good)[1] == 11 and market.totals(revoked)[1] == 1


def test_a_licence_that_somebody_holds_delays_its_own_calls_alone(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_committer, "LOCK_TIMEOUT", "200ms")
    free, held = market.sell(terms()), market.sell(terms())

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            with market.database.transaction() as tx:
                tx.execute(
                    text("SELECT FROM market.licences WHERE id = :id FOR UPDATE"), {"id": held.licence}
                )
                return await asyncio.gather(*(send(delivery, (free, held)[n % 2].call()) for n in range(4)))

    assert codes(run(main())) == {"answered": 2, "not_metered": 2}
    assert market.totals(free)[1] == 2 and market.totals(held)[1] == 0


def test_one_idempotency_key_is_billed_once_over_two_processes(market: Market) -> None:
    sold = market.sell(terms())

    async def main() -> list[Any]:
        async with market.delivering() as one, market.delivering() as other:
            return await asyncio.gather(
                *(send((one, other)[n % 2], sold.call("key:same")) for n in range(30))
            )

    outcomes = run(main())
    assert codes(outcomes) == {"answered": 30}
    assert Counter(each.committed.replayed for each in outcomes) == {False: 1, True: 29}
    assert len({each.committed.usage for each in outcomes}) == 1
    assert market.totals(sold) == (1, 1, 5)


def test_a_connection_lost_in_a_commit_is_asked_again_and_nothing_is_written_twice(market: Market) -> None:
    """The server's process is ended while it commits; the lines are there once or are written once."""
    sold = market.sell(terms())
    killer = create_engine(market.database.engine.url, isolation_level="AUTOCOMMIT")
    ended = 0

    async def main() -> list[Any]:
        nonlocal ended
        async with market.delivering() as delivery:
            committer = delivery.metering.committer

            async def kill() -> None:
                nonlocal ended
                for _ in range(6):
                    await asyncio.sleep(0.03)
                    with killer.connect() as connection:
                        ended += connection.scalar(
                            text("SELECT pg_terminate_backend(:pid)::int"), {"pid": committer.server_process}
                        )

            async def calls() -> list[Any]:
                found = []
                for _ in range(25):
                    found += await asyncio.gather(*(send(delivery, sold.call()) for _ in range(6)))
                return found

            found, _ = await asyncio.gather(calls(), kill())
            return found

    outcomes = run(main())
    killer.dispose()
    assert ended >= 2
    assert codes(outcomes) == {"answered": 150}
    assert len({each.committed.usage for each in outcomes}) == 150
    assert market.totals(sold) == (150, 150, 750)


def test_above_five_hundred_that_wait_a_call_is_refused_at_no_cost(market: Market) -> None:
    sold = market.sell(terms(calls_per_month=10**6))

    async def main() -> list[Any]:
        async with market.delivering() as delivery, AsyncExitStack() as held:
            await send(delivery, sold.call())
            tx = market.database.engine.connect()
            held.callback(tx.close)
            tx.execute(text("SELECT FROM market.licences WHERE id = :id FOR UPDATE"), {"id": sold.licence})
            calls = [asyncio.create_task(send(delivery, sold.call())) for _ in range(900)]
            done, _ = await asyncio.wait(calls, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            assert done and codes([each.result() for each in done]) == {"busy": len(done)}
            tx.rollback()
            return list(await asyncio.gather(*calls))

    found = codes(run(main()))
    assert found["busy"] >= 100 and found["busy"] + found["answered"] == 900
    assert market.totals(sold)[1] == found["answered"] + 1


def test_what_is_allowed_again_is_answered_at_once_whatever_memory_has_heard(market: Market) -> None:
    """A key that was switched off and on, and a licence that was suspended and resumed."""
    sold = market.sell(terms())

    async def main() -> list[Any]:
        outcomes = []
        async with market.delivering() as delivery:
            await delivery.metering.listener.stop()  # deaf
            delivery.metering.cache.open()
            for statement in (
                "UPDATE market.keys SET status = 'revoked' WHERE licence = :licence",
                "UPDATE market.keys SET status = 'live' WHERE licence = :licence",
                "UPDATE market.licences SET status = 'suspended' WHERE id = :licence",
                "UPDATE market.licences SET status = 'live' WHERE id = :licence",
            ):
                market.execute(statement, licence=sold.licence)
                outcomes.append(await send(delivery, sold.call()))
        return outcomes

    assert [codes([each]) for each in run(main())] == [{"DISABLED": 1}, {"answered": 1}] * 2
    assert market.totals(sold)[1] == 2


def test_a_lost_listener_closes_the_memory(market: Market) -> None:
    sold = market.sell(terms())

    async def main() -> None:
        async with market.delivering() as delivery:
            cache = delivery.metering.cache
            await send(delivery, sold.call())
            assert cache.by_hash
            market.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1' "
                "AND usename = 'cihu_portal' AND datname = current_database()"
            )
            for _ in range(12_000):
                if not cache.kept:
                    break
                await asyncio.sleep(0.005)
            assert not cache.kept and not cache.by_hash
            assert codes([await send(delivery, sold.call())]) == {"answered": 1}
            assert not cache.by_hash, "each call reads"

    run(main())


def test_what_changes_is_heard_within_a_second(market: Market) -> None:
    sold = market.sell(terms())

    async def main() -> str:
        async with market.delivering() as delivery:
            await send(delivery, sold.call())
            market.execute("UPDATE market.products SET grade = '2' WHERE id = :id", id=sold.product)
            for _ in range(12_000):
                if not delivery.metering.cache.by_hash:
                    break
                await asyncio.sleep(0.005)
            outcome = await send(delivery, sold.call())
            assert isinstance(outcome, NotDelivered)
            return outcome.error.code

    assert run(main()) == "FORBIDDEN"


def test_the_last_use_of_a_key_is_written_down_and_is_no_change_of_the_key(market: Market) -> None:
    sold = market.sell(terms())

    async def main() -> None:
        async with market.delivering() as delivery:
            await send(delivery, replace(sold.call(), address="203.0.113.77"))
            delivery.metering.write_last_use()
            assert not delivery.metering.cache.called_from
            assert not delivery.metering.cache.used and delivery.metering.cache.by_hash

    run(main())
    used = market.execute("SELECT last_used_at FROM market.keys WHERE id = :id", id=sold.key_id)[0][0]
    assert used is not None
    assert market.execute("SELECT key, network FROM market.key_networks") == [(sold.key_id, "203.0.113.0/24")]


def test_samples_are_one_line_a_day_and_no_call(market: Market) -> None:
    sold = market.sell(terms(monthly_fee_fen=100))

    async def main() -> list[Any]:
        async with market.delivering() as delivery:
            return await asyncio.gather(*(send(delivery, sold.call(sample=True)) for _ in range(20)))

    assert codes(run(main())) == {"answered": 20}
    assert market.totals(sold) == (1, 0, 0)
