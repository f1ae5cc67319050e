"""Locks that many threads ask for at once: nobody who waits keeps what the holder needs, and what is our load
is answered as such."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.database import Database, connection
from sandbox.errors import CihuError, Conflict, Unavailable
from sandbox.standalone.postgres import Postgres

MANY = 24
"""More threads than a service keeps connections for locks."""


@pytest.fixture
def locks(postgres: Postgres) -> Iterator[Database]:
    made = Database(postgres.url(database="postgres"))
    yield made
    made.close()


def test_threads_that_each_hold_a_lock_can_all_take_another(locks: Database) -> None:
    """Publishing does so: the lock of a push, and that of its dataset."""
    all_hold = threading.Barrier(MANY)
    inside: list[int] = []

    def both(number: int) -> None:
        with locks.lock(f"outer:{number}"):
            all_hold.wait(60)
            with locks.lock("inner"):
                inside.append(number)
                assert inside[-1] == number

    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(both, range(MANY), timeout=60))
    assert sorted(inside) == list(range(MANY))


def test_threads_that_wait_leave_other_locks_free(locks: Database) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        begun = threading.Barrier(MANY + 1)

        def wait_for_it() -> None:
            begun.wait(60)
            with locks.lock("busy"):
                pass

        with locks.lock("busy"):
            waiting = [pool.submit(wait_for_it) for _ in range(MANY)]
            begun.wait(60)
            threads = [threading.Thread(target=lambda: done.append(_taken(locks, "other"))) for _ in range(3)]
            done: list[bool] = []
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            assert done == [True] * 3
        for each in waiting:
            each.result(60)


def _taken(locks: Database, name: str) -> bool:
    with locks.lock(name):
        return True


def test_of_many_that_try_one_is_at_work_and_the_others_are_told(locks: Database, postgres: Postgres) -> None:
    def attempt(_number: int) -> str:
        try:
            with locks.try_lock("push:1"):
                all_tried.wait(60)
                return "done"
        except CihuError as error:
            all_tried.wait(60)
            return error.code

    all_tried = threading.Barrier(MANY)
    with ThreadPoolExecutor(MANY) as pool:
        told = sorted(pool.map(attempt, range(MANY), timeout=60))
    assert told == ["at_work"] * (MANY - 1) + ["done"]
    other = Database(postgres.url(database="postgres"))  # of another process
    with other.try_lock("push:1"), pytest.raises(Conflict), locks.try_lock("push:1"):
        pass
    other.close()
    with locks.try_lock("push:1"):
        pass


def test_too_many_that_wait_and_too_few_connections_are_our_load(
    locks: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locks.lock("dataset"), ThreadPoolExecutor(2) as pool:
        pool.submit(_refused, locks, "dataset").result(60)
    monkeypatch.setattr(connection, "LOCK_CONNECTIONS", 1)
    monkeypatch.setattr(connection, "MORE_LOCK_CONNECTIONS", 0)
    monkeypatch.setattr(connection, "LOCK_CONNECTION_SECONDS", 0.01)
    narrow = Database(postgres.url(database="postgres"))
    with narrow.lock("first"), ThreadPoolExecutor(1) as pool:
        pool.submit(_refused, narrow, "second").result(60)
    narrow.close()


def _refused(locks: Database, name: str) -> None:
    """A thread waits for it already, if it is "dataset"."""
    if name == "dataset":
        for _ in range(2):
            threading.Thread(target=_taken, args=(locks, name), daemon=True).start()
        while locks._local_locks._queues[name].threads < 3:  # an event that the test waits for
            pass
    with pytest.raises(Unavailable), locks.lock(name, waiting=1):
        pass
