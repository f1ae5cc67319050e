"""A call learns of maintenance from memory, as long as the listener hears of it; else from the database."""

import asyncio
from collections.abc import Callable

from sqlalchemy import make_url

from maintenance import under_maintenance
from marketplace.delivery.maintenance_watch import MaintenanceWatch
from marketplace.metering.licence_cache import LicenceCache
from marketplace.metering.listener import Listener
from selling import Market


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # the listener is a task of its own
        await asyncio.sleep(0.01)


def test_maintenance_is_read_once_for_all_calls_until_the_listener_hears_of_a_change(market: Market) -> None:
    async def main() -> None:
        address = (
            make_url(market.portal_url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        cache = LicenceCache(market.database)
        listener = Listener(address, cache)
        watch = listener.telling(MaintenanceWatch(market.database))
        listener.start()
        await until(lambda: watch.listening)
        assert await watch.refusal() is None
        kept = watch.kept
        assert kept is not None
        assert [await watch.refusal() for _ in range(3)] == [None] * 3
        assert watch.kept is kept
        with under_maintenance(market.database):
            await until(lambda: watch.kept is not kept)
            assert (await watch.refusal()) is not None
            begun = watch.kept
        await until(lambda: watch.kept is not begun)
        assert await watch.refusal() is None
        await listener.stop()
        assert watch.kept is None, "what is not heard of is not remembered"
        with under_maintenance(market.database):
            assert await watch.refusal() is not None
            watch.close()
        assert await watch.refusal() is None
        cache.shutdown()

    asyncio.run(main())
