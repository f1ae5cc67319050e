"""Calls portals that are killed meanwhile, and compares what was answered with what was billed.

Keyed callers repeat a call with its Idempotency-Key until it is answered; the others ask once.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from marketplace.metering.abandoned import credit_abandoned
from sandbox.free_ports import free_port
from selling import Market, Sold
from workspace import running

SECONDS = 60


@dataclass
class Portals:
    """Portal processes on one database, each at its address; one that is killed is started again."""

    variables: dict[str, str]
    folder: Path
    addresses: list[str] = field(default_factory=list)
    stacks: list[ExitStack] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    given_up: threading.Event = field(default_factory=threading.Event)
    """the soak failed: no caller waits for an answer any more"""

    def start(self) -> None:
        port = free_port()
        self.addresses.append(f"http://127.0.0.1:{port}")
        self.stacks.append(ExitStack())
        self.pids.append(0)
        self.run(len(self.addresses) - 1)

    def run(self, number: int) -> None:
        address = self.addresses[number]
        variables = self.variables | {
            "CIHU_BIND": address.removeprefix("http://"),
            "CIHU_PORTAL_URL": address,
        }
        command = [sys.executable, "-m", "marketplace.app"]
        log = self.folder / f"portal-{number}.log"
        process = self.stacks[number].enter_context(running(command, variables, log, f"{address}/healthz"))
        self.pids[number] = process.pid

    def kill(self, number: int) -> None:
        os.kill(self.pids[number], signal.SIGKILL)
        self.stacks[number].close()  # waits for its end
        self.stacks[number] = ExitStack()

    def stop(self) -> None:
        for stack in self.stacks:
            stack.close()


@contextmanager
def portals(variables: dict[str, str], folder: Path, *, many: int) -> Iterator[Portals]:
    started = Portals(variables, folder)
    try:
        for _ in range(many):
            started.start()
        yield started
    finally:
        started.stop()


@dataclass
class Answered:
    """The ids of the usage lines that answers named, and how many calls were not answered."""

    usages: set[str] = field(default_factory=set)
    lost: int = 0


def call_until_done(
    portals: Portals, sold: Sold, count: int, *, keyed: bool, named: str, parameters: dict[str, str]
) -> Answered:
    """One caller's calls, one after the other."""
    answered, chance = Answered(), random.Random(named)
    clients = [
        httpx.Client(base_url=address, timeout=SECONDS, trust_env=False) for address in portals.addresses
    ]
    for number in range(count):
        headers = {"Authorization": f"Bearer {sold.key}"}
        if keyed:
            headers["Idempotency-Key"] = f"{named}-{number}"
        while not portals.given_up.is_set():
            try:
                answer = chance.choice(clients).get(
                    f"/api/v1/call/{sold.product}", params=parameters, headers=headers
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                answered.usages.add(answer.json()["usage"]["id"])
                break
            assert answer is None or answer.status_code == 503, answer.text
            if not keyed:
                answered.lost += 1
                break
    for client in clients:
        client.close()
    return answered


@dataclass(frozen=True)
class Result:
    """What a soak came to. `lost_by_seller`: calls that were answered and credited, because their portal died
    before it had written that they were sent."""

    answered: int
    billed: int
    fen: int
    unsent_billed: int
    lost_by_seller: int


def soak(
    market: Market,
    portals: Portals,
    sold: dict[bool, Sold],
    *,
    calls: int,
    kills: int,
    callers: int = 4,
    parameters: dict[str, str],
    tell: Callable[[str], None] = lambda _: None,
) -> dict[bool, Result]:
    """Keyed and other callers make `calls` calls together while portals are killed; the results by keyed."""
    each = calls // (2 * callers)
    with ThreadPoolExecutor(2 * callers) as pool:
        futures = {
            keyed: [
                pool.submit(
                    call_until_done,
                    portals,
                    sold[keyed],
                    each,
                    keyed=keyed,
                    named=f"{keyed}-{number}",
                    parameters=parameters,
                )
                for number in range(callers)
            ]
            for keyed in (True, False)
        }
        # a portal ends with the thread that started it, so it is this one that kills and starts them
        try:
            callers_done = [future for found in futures.values() for future in found]
            for number in range(kills):
                await_share(market, calls * (number + 1) // (kills + 2), callers_done)
                victim = number % len(portals.addresses)
                portals.kill(victim)
                portals.run(victim)
                tell(f"kill {number + 1} of {kills}")
            answers = {keyed: [future.result() for future in found] for keyed, found in futures.items()}
        except BaseException:
            portals.given_up.set()
            raise
    portals.stop()
    credit_abandoned(market.database, older_than=timedelta(0), keyed_after=timedelta(days=1))
    return {keyed: compared(market, sold[keyed], answers[keyed]) for keyed in (True, False)}


def await_share(market: Market, share: int, callers: Sequence["Future[Answered]"]) -> None:
    """Wait until so many calls are metered, or no caller calls any more. The share is the moment of a kill:
    none depends on how fast the machine is. Raises what a caller failed with."""
    while metered(market) < share:
        done, calling = wait(callers, timeout=0.02, return_when=FIRST_EXCEPTION)
        for caller in done:
            caller.result()
        if not calling:
            return


def metered(market: Market) -> int:
    return int(market.execute("SELECT coalesce(sum(calls), 0) FROM market.months")[0][0])


def compared(market: Market, sold: Sold, answers: list[Answered]) -> Result:
    usages = set().union(*(each.usages for each in answers))
    rows = market.execute(
        "SELECT id, amount_fen FROM market.usage_lines AS line WHERE licence = :licence AND calls = 1 "
        "AND NOT EXISTS (SELECT FROM market.usage_lines AS credit "
        "WHERE credit.compensates = line.id AND credit.month = line.month)",
        licence=sold.licence,
    )
    billed = {row.id for row in rows}
    _, calls, fen = market.totals(sold)
    assert (calls, fen) == (len(billed), sum(row.amount_fen for row in rows))
    return Result(len(usages), len(billed), fen, len(billed - usages), len(usages - billed))
