"""What was not delivered costs nothing: held calls that fail, fees of empty months, and what a dead portal
left."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from marketplace.delivery.call import Delivered, NotDelivered
from marketplace.metering.abandoned import credit_abandoned, unconfirmed
from marketplace.metering.confirmations import Confirmations
from marketplace.metering.partitions import keep_partitions
from marketplace.products.model import Terms
from sandbox.database import Database
from selling import Answering, Flaky, Market, Sold, run, send

NOW, DAY = timedelta(0), timedelta(days=1)


@pytest.fixture
def sold(market: Market) -> Sold:
    return market.sell(Terms(price_fen=5, monthly_fee_fen=100, purpose="x", calls_per_second=1000))


def lines(market: Market, sold: Sold) -> Counter[tuple[str, str, int]]:
    rows = market.execute(
        "SELECT reason, outcome, amount_fen FROM market.usage_lines WHERE licence = :id", id=sold.licence
    )
    return Counter((row.reason, row.outcome, row.amount_fen) for row in rows)


def test_a_failed_call_of_rows_leaves_no_line_and_no_fee(market: Market, sold: Sold) -> None:
    async def main() -> Any:
        async with market.delivering(Flaky(1.0)) as delivery:
            return await send(delivery, sold.call())

    outcome = run(main())
    assert isinstance(outcome, NotDelivered) and outcome.error.code == "not_delivered"
    assert market.totals(sold) == (0, 0, 0)


def test_a_failed_query_is_credited_with_the_fee_that_came_with_it(market: Market) -> None:
    sold = market.sell(Terms(price_fen=5, monthly_fee_fen=100, purpose="x"), query=True)

    async def main() -> list[Any]:
        broken, whole = Answering(1.0), Answering()
        async with market.delivering(vault=broken) as one, market.delivering(vault=whole) as other:
            failed = await send(one, no_parameters(sold, "key:a"))
            fine = await send(other, no_parameters(sold, "key:a"))
            again = await send(one, no_parameters(sold, "key:a"))
            return [failed, fine, again]

    failed, fine, again = run(main())
    assert failed.error.code == "not_delivered" and "costs nothing" in failed.error.message
    assert isinstance(fine, Delivered) and not fine.committed.replayed and fine.committed.attempt == 2
    assert "delivered before" in again.error.message, "a retry that fails takes nothing back"
    assert market.totals(sold) == (6, 1, 105)
    assert lines(market, sold)["FIXED", "credit", -100] == 1


def no_parameters(sold: Sold, name: str) -> Any:
    call = sold.call(name)
    return type(call)(call.secret, call.product, {}, name)


def test_calls_that_fail_and_succeed_at_once_are_billed_as_handed_out(market: Market) -> None:
    sold = market.sell(Terms(price_fen=5, purpose="x", calls_per_second=1000), query=True)
    chance = random.Random(3)

    async def main() -> list[Any]:
        vault = Answering(0.5, chance)
        async with market.delivering(vault=vault) as one, market.delivering(vault=vault) as other:
            return await asyncio.gather(
                *(send((one, other)[n % 2], no_parameters(sold, f"key:{n // 6}")) for n in range(60))
            )

    outcomes = run(main())
    handed_out = {n // 6 for n, outcome in enumerate(outcomes) if isinstance(outcome, Delivered)}
    assert market.totals(sold)[1:] == (len(handed_out), 5 * len(handed_out))


def test_what_a_dead_portal_left_unsent_is_credited_and_what_it_confirmed_stays(
    market: Market, sold: Sold
) -> None:
    async def main() -> None:
        async with market.delivering() as delivery:
            await send(delivery, sold.call())
            for name in ("", "key:kept", "key:retried"):
                assert isinstance(await delivery.answer_call(sold.call(name)), Delivered)
            await send(delivery, sold.call())  # beyond the mark, and confirmed
            await delivery.metering.committer.call([])
            await die(delivery)

    run(main())
    assert market.totals(sold)[1:] == (5, 125)

    async def retry() -> Delivered:
        async with market.delivering() as delivery:
            return await send(delivery, sold.call("key:retried"))  # type: ignore[return-value]

    assert run(retry()).committed.replayed
    assert credit_abandoned(market.database, older_than=NOW, keyed_after=DAY) == 1
    assert market.totals(sold)[1:] == (4, 120)
    assert credit_abandoned(market.database, older_than=NOW, keyed_after=NOW) == 1, "but not the retried one"
    assert market.totals(sold)[1:] == (3, 115)
    assert lines(market, sold)["UNCONFIRMED", "credit", -5] == 2
    assert credit_abandoned(market.database, older_than=NOW, keyed_after=NOW) == 0


def test_a_sample_that_a_dead_portal_left_is_not_looked_at_for_ever(market: Market, sold: Sold) -> None:
    async def main() -> None:
        async with market.delivering() as delivery:
            assert isinstance(await delivery.answer_call(sold.call(sample=True)), Delivered)
            assert isinstance(await delivery.answer_call(sold.call()), Delivered)
            await die(delivery)

    run(main())
    left = unconfirmed(market.database, older_than=NOW, keyed_after=NOW, but_not=0)
    assert len(left) == 1, "a day's sample is never credited, nor is a fee"
    assert credit_abandoned(market.database, older_than=NOW, keyed_after=NOW) == 1
    assert market.totals(sold)[1:] == (0, 0)


async def die(delivery: Any) -> None:
    """End a process' metering as a kill does: nothing more is written."""
    committer = delivery.metering.committer
    committer.running.cancel()
    with suppress(asyncio.CancelledError):
        await committer.running
    committer.running = None
    committer.forget_connection()


def test_what_was_credited_is_billed_once_when_it_is_called_again(market: Market, sold: Sold) -> None:
    async def main(*, deadly: bool) -> Any:
        async with market.delivering() as delivery:
            outcome = await delivery.answer_call(sold.call("key:a"))
            if deadly:
                await delivery.metering.committer.call([])
                await die(delivery)
            else:
                delivery.confirm(outcome)
            return outcome

    run(main(deadly=True))
    assert credit_abandoned(market.database, older_than=NOW, keyed_after=NOW) == 1
    assert market.totals(sold) == (4, 0, 0), "the fee went with the only call"
    assert run(main(deadly=False)).committed.attempt == 2
    assert market.totals(sold)[1:] == (1, 105)


def test_a_retry_in_doubt_takes_nothing_back_of_the_call_that_was_answered(
    market: Market, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that a retry would have written has the id of the line that the first call wrote."""
    waits = text("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = :pid")

    async def main() -> Any:
        async with market.delivering() as first, market.delivering() as second:
            assert isinstance(await send(first, sold.call("key:a")), Delivered)
            committer = second.metering.committer
            monkeypatch.setattr("marketplace.metering.group_committer.DEADLINE_SECONDS", 0.0)
            with market.database.transaction() as held, market.database.transaction() as other:
                held.execute(
                    text("SELECT FROM market.licences WHERE id = :id FOR UPDATE"), {"id": sold.licence}
                )
                asked = asyncio.create_task(second.answer_call(sold.call("key:a")))
                pid = {"pid": committer.server_process}
                while not other.execute(waits, pid).scalar():  # noqa: ASYNC110  # a process of the server
                    await asyncio.sleep(0.01)
                other.execute(text("SELECT pg_terminate_backend(:pid)"), pid)
                outcome = await asked
            monkeypatch.undo()
            while committer.doubtful:  # noqa: ASYNC110  # a task of its own looks at them
                await asyncio.sleep(0.01)
            return outcome

    outcome = run(main())
    assert isinstance(outcome, NotDelivered) and outcome.error.code == "not_metered"
    assert market.totals(sold)[1:] == (1, 105)


def test_a_caller_who_hung_up_pays_nothing(market: Market, sold: Sold) -> None:
    async def main() -> Any:
        async with market.delivering() as delivery:
            outcome = await delivery.answer_call(sold.call())
            assert isinstance(outcome, Delivered)
            await delivery.not_sent(outcome)
            return delivery.metering.committer.confirmations

    confirmations = run(main())
    assert confirmations.settled
    assert market.totals(sold)[1:] == (0, 0)


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(0, 30))
def test_the_mark_and_what_is_beyond_it_are_what_was_confirmed(order: list[int], issued: int) -> None:
    counted = Confirmations()
    numbers = [counted.issue() for _ in range(issued)]
    confirmed = {numbers[n] for n in order if n < issued}
    for number in confirmed:
        counted.confirm(number)
    beyond = [number for low, end in counted.ahead for number in range(low, end)]
    assert set(range(1, counted.upto + 1)) | set(beyond) == confirmed
    assert len(counted.ahead) <= len(counted.waiting), "as long as there are open calls, not as lines"
    assert counted.settled == (len(confirmed) == issued)
    assert counted.upto + 1 not in confirmed


def test_partitions_are_made_ahead_and_old_ones_dropped(market: Market) -> None:
    def partitions() -> set[str]:
        found = market.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'market_partitions'")
        return {row.tablename for row in found}

    ahead = partitions()
    assert len(ahead) == 2 + 2 * 3
    market.execute(
        "CREATE TABLE market_partitions.usage_lines_2001_01 "
        "PARTITION OF market.usage_lines FOR VALUES IN ('2001-01')"
    )
    market.execute(
        "CREATE TABLE market_partitions.requests_2001_01 PARTITION OF market.requests "
        "FOR VALUES FROM ('2001-01-01 00:00:00+00') TO ('2001-02-01 00:00:00+00')"
    )
    portal = Database(market.portal_url, pool_size=1)
    keep_partitions(portal)
    portal.close()
    assert partitions() == ahead
