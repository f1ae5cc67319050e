"""A vault that is killed while a batch arrives, or while a push is completed, leaves nothing half; the pusher
goes on, and the push is completed once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from asked_vault import Asker, asked_vault
from pushed_city import HEAD, PushedCity
from sandbox.identity.principals import hold_account
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

ROWS = [f"p{n % 9000},2024,{n % 90}\n" for n in range(30_000)]
BODY = (HEAD + "".join(ROWS)).encode()


@pytest.mark.slow
def test_a_killed_vault_leaves_nothing_half(postgres: Postgres, template: str, s3: S3Server) -> None:
    with asked_vault(postgres, template, s3) as asked:
        city = PushedCity(asked)
        with asked.start() as process:
            city.add_officers()
            dataset = city.people()
            machine = city.machine(city.credential(dataset)["secret"])
            push = city.opened(machine, dataset, name="tonight")
            assert city.sent(machine, push, BODY, "1").status_code == 201
            send_half_and_kill(process, machine, push)
        with asked.start() as process:  # between batch and completion
            assert city.version(dataset) == 1 and city.left_objects() == 1
            assert city.opened(machine, dataset, name="tonight") == push
            assert machine.send("GET", push).json()["batches"] == 1
            assert city.sent(machine, push, BODY, "2").json()["number"] == 2
            assert city.sent(machine, push, BODY, "2").json()["number"] == 2
            complete_and_kill(city, process, machine, push)
        with asked.start():  # between completion and commit
            assert city.version(dataset) == 1 and city.left_objects() == 2
            assert len(asked.story.store.versions(f"{dataset}/")) == 1
            told = city.completed(machine, push, 2).json()
            assert (told["state"], told["rows"]) == ("complete", 60_000)
            assert city.completed(machine, push, 2).json() == told
            assert city.version(dataset) == 2 and city.left_objects() == 0
            assert len(asked.story.store.versions(f"{dataset}/")) == 2


def send_half_and_kill(process: Any, machine: Asker, push: str) -> None:
    sent = threading.Event()
    headers = {"Authorization": f"Bearer {machine.token}", "Idempotency-Key": "2", "Content-Type": "text/csv"}

    def pieces() -> Iterator[bytes]:
        yield BODY[: len(BODY) // 2]
        sent.set()
        process.wait(120)  # until it is dead
        yield BODY[len(BODY) // 2 :]

    def send() -> None:
        with suppress(httpx.HTTPError):
            machine.client.post(f"{push}/batches", content=pieces(), headers=headers)

    thread = threading.Thread(target=send)
    thread.start()
    assert sent.wait(60)
    kill(process)
    thread.join(120)


def complete_and_kill(city: PushedCity, process: Any, machine: Asker, push: str) -> None:
    """The next version's rows are in the bucket, and are not registered: that waits for the officer's
    account, which is held until the vault is dead."""

    def complete() -> None:
        with suppress(httpx.HTTPError):
            city.completed(machine, push, 2)

    thread = threading.Thread(target=complete)
    with city.asked.story.database.transaction() as tx:
        hold_account(tx, "lin")
        thread.start()
        city.await_waiter()
        kill(process)
    thread.join(120)


def kill(process: Any) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(120)
