"""A buyer pays for a call if an answer of it, the first or a retry's, was sent, and for no other call, at
whichever step portals die or callers hang up."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from itertools import product
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from marketplace.delivery.call import Delivered, NotDelivered
from marketplace.metering import group_committer
from marketplace.metering.abandoned import credit_abandoned
from marketplace.products.model import Terms
from selling import Market, Sold, run, send

NOW, DAY = timedelta(0), timedelta(days=1)
DIES, LEAVES, ANSWERED = "the portal dies before it sends", "the caller hangs up", "it is answered"


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written beside a test's own groups would use their connection."""
    monkeypatch.setattr(group_committer, "HEARTBEAT_SECONDS", 600.0)


@pytest.fixture
def sold(market: Market) -> Sold:
    return market.sell(Terms(price_fen=5, purpose="x", calls_per_second=1000))


async def die(delivery: Any) -> None:
    """End a process' metering as a kill does: nothing more is written."""
    committer = delivery.metering.committer
    committer.running.cancel()
    with suppress(asyncio.CancelledError):
        await committer.running
    committer.running = None
    committer.forget_connection()


async def take_step(delivery: Any, sold: Sold, name: str, step: str) -> None:
    outcome = await delivery.answer_call(sold.call(name))
    assert isinstance(outcome, Delivered), outcome
    if step == ANSWERED:
        delivery.confirm(outcome)
    elif step == LEAVES:
        await delivery.not_sent(outcome)


def test_a_call_of_which_no_answer_was_sent_is_credited_at_whichever_step_portals_died(
    market: Market, sold: Sold
) -> None:
    """A call and two retries, each at a portal of its own, which ends then."""
    ways = list(product((DIES, LEAVES, ANSWERED), repeat=3))

    async def main() -> None:
        for turn in range(3):
            async with market.delivering() as delivery:
                for number, steps in enumerate(ways):
                    await take_step(delivery, sold, f"key:{number}", steps[turn])
                await delivery.metering.committer.call([])  # what was sent is written
                await die(delivery)

    run(main())
    credit_abandoned(market.database, older_than=NOW, keyed_after=NOW)
    assert market.totals(sold)[1:] == paid(sum(ANSWERED in steps for steps in ways))
    assert standing(market, sold) == {f"key:{n}" for n, steps in enumerate(ways) if ANSWERED in steps}
    assert market.execute("SELECT FROM market.replays") == []
    assert market.execute("SELECT FROM market.workers WHERE swept_at IS NULL") == []


def paid(calls: int) -> tuple[int, int]:
    return calls, 5 * calls


def standing(market: Market, sold: Sold) -> set[str]:
    """The requests of which a line stands."""
    rows = market.execute(
        "SELECT line.request_id FROM market.usage_lines AS line WHERE line.licence = :licence AND calls = 1 "
        "AND NOT EXISTS (SELECT FROM market.usage_lines AS credit "
        "WHERE credit.month = line.month AND credit.compensates = line.id)",
        licence=sold.licence,
    )
    assert len(rows) == len({row.request_id for row in rows}), "one line of each request at most"
    return {row.request_id for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_calls_in_any_order_over_portals_that_die_are_paid_if_one_was_answered(
    market: Market, sold: Sold, seed: int
) -> None:
    """Calls overlap: an answer may be sent, given up or lost long after it was committed, while others of the
    same request come and go, and dead portals are looked after meanwhile."""
    chance, answered = random.Random(seed), set[str]()

    async def main() -> None:
        async with AsyncExitStack() as stack:
            portals = [await stack.enter_async_context(market.delivering()) for _ in range(4)]
            alive = list(range(4))
            open_calls: list[tuple[int, str, Delivered]] = []
            for _ in range(150):
                deed = chance.random()
                if deed < 0.5 or not open_calls:
                    at, name = chance.choice(alive), f"key:{seed}:{chance.randrange(12)}"
                    outcome = await portals[at].answer_call(sold.call(name))
                    assert isinstance(outcome, Delivered), outcome
                    open_calls.append((at, name, outcome))
                elif deed < 0.95:
                    at, name, outcome = open_calls.pop(chance.randrange(len(open_calls)))
                    if chance.random() < 0.3:
                        portals[at].confirm(outcome)
                        await portals[at].metering.committer.call([])
                        answered.add(name)
                    else:
                        await portals[at].not_sent(outcome)
                elif len(alive) > 1:
                    at = alive.pop(chance.randrange(len(alive)))
                    await die(portals[at])
                    open_calls = [each for each in open_calls if each[0] != at]
                    portals[at].metering.committer.doubtful.clear()
            for at in alive:
                await die(portals[at])
                portals[at].metering.committer.doubtful.clear()

    run(main())
    credit_abandoned(market.database, older_than=NOW, keyed_after=NOW)
    assert standing(market, sold) == answered
    assert market.totals(sold)[1:] == paid(len(answered))


def test_a_retry_that_may_be_answered_keeps_its_line_while_its_portal_lives(
    market: Market, sold: Sold
) -> None:
    """Neither the first caller, who hung up, nor whoever sweeps after a dead portal takes back what a retry
    is about to be handed; and what it was not handed is taken back then."""

    async def main() -> None:
        async with market.delivering() as first, market.delivering() as second, market.delivering() as third:
            one = await first.answer_call(sold.call("key:a"))
            two = await second.answer_call(sold.call("key:a"))
            await first.not_sent(one)
            assert market.totals(sold)[1:] == paid(1)
            three = await third.answer_call(sold.call("key:a"))
            await third.not_sent(three)  # of three who share a key, the last one leaves
            await third.metering.committer.call([])
            await first.metering.credit_doubtful()
            assert market.totals(sold)[1:] == paid(1)
            await die(first)
            await second.metering.committer.call([])
            assert credit_abandoned(market.database, older_than=DAY, keyed_after=NOW) == 0
            second.confirm(two)
            await second.metering.committer.call([])
            assert (await send(third, sold.call("key:a"))).committed.replayed  # type: ignore[union-attr]
            four, five = [await second.answer_call(sold.call("key:b")) for _ in range(2)]
            await second.not_sent(four)
            assert market.totals(sold)[1:] == paid(2)
            await second.not_sent(five)
            await second.metering.committer.call([])
            while second.metering.committer.doubtful:  # noqa: ASYNC110  # a task of its own looks at them
                await asyncio.sleep(0.01)
            assert market.totals(sold)[1:] == paid(1)

    run(main())
    assert credit_abandoned(market.database, older_than=NOW, keyed_after=NOW) == 0
    assert standing(market, sold) == {"key:a"}


def test_a_line_that_the_server_writes_after_it_was_given_up_is_credited(
    market: Market, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal lost its connection, and the server still carries out what it was sent."""
    waits = text("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = :pid")
    there = "SELECT FROM pg_stat_activity WHERE pid = :pid"
    monkeypatch.setattr(group_committer, "LOCK_TIMEOUT", "600s")

    async def main() -> Any:
        async with market.delivering() as delivery:
            committer = delivery.metering.committer
            assert isinstance(await send(delivery, sold.call()), Delivered)
            monkeypatch.setattr(group_committer, "DEADLINE_SECONDS", 0.0)
            with market.database.transaction() as held, market.database.transaction() as other:
                held.execute(
                    text("SELECT FROM market.licences WHERE id = :id FOR UPDATE"), {"id": sold.licence}
                )
                asked = asyncio.create_task(delivery.answer_call(sold.call()))
                pid = {"pid": committer.server_process}
                while not other.execute(waits, pid).scalar():  # noqa: ASYNC110  # a process of the server
                    await asyncio.sleep(0.01)
                assert isinstance(committer.connection, asyncpg.Connection)
                committer.connection.terminate()
                outcome = await asked
                assert committer.doubtful, "whether it is written is not known"
                await delivery.metering.credit_doubtful()
            while market.execute(there, **pid):  # noqa: ASYNC110  # a look is a transaction
                await asyncio.sleep(0.01)
            assert market.totals(sold)[1:] == paid(2), "it was written after all"
            monkeypatch.undo()
            committer.arrived.set()
            while committer.doubtful:  # noqa: ASYNC110  # a task of its own looks at them
                await asyncio.sleep(0.01)
            return outcome

    outcome = run(main())
    assert isinstance(outcome, NotDelivered) and outcome.error.code == "not_metered"
    assert market.totals(sold)[1:] == paid(1)
