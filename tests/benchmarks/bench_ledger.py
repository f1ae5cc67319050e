"""How many reservations a second does one dataset bear, and what do ledger and log add to an answer?
On a durable Postgres.

Usage: python -m benchmarks.bench_ledger [--reservations 2000] [--threads 8] [--answers 100]
"""

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from statistics import median
from typing import Any
from uuid import uuid4

from benchmarks.ground import small_city
from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, open_account, reserve, statement
from sandbox.privacy import ZERO, PrivacyLoss
from sandbox.releases.ask import _release, _reserve
from sandbox.releases.noise import add_noise
from sandbox.releases.prepare import Released, charge, prepare
from story import Story

LOSS = PrivacyLoss(1000)
ACCOUNTS = (
    Account(Level.GRANT, "lake/bench"),
    Account(Level.DATASET, "bench"),
    Account(Level.POPULATION, "bench"),
)


def reservations_a_second(story: Story, *, count: int, threads: int, logged: bool) -> dict[str, Any]:
    """Each in a transaction of its own, on the same three accounts,
    which tell afterwards whether one was lost or doubled."""
    with story.database.transaction() as tx:
        for account in ACCOUNTS:
            open_account(tx, account, PrivacyLoss(10**15))
    before = [_spent(story, account) for account in ACCOUNTS]

    def one(_: int) -> None:
        id = uuid4()
        with story.database.transaction() as tx:
            reserve(tx, id=id, grant="lake/bench", dataset="bench", population="bench", loss=LOSS)
            if logged:
                append(
                    tx,
                    Event(
                        "query.asked",
                        "wang",
                        f"question:{id}",
                        {"dataset": "bench@1", "picorho": LOSS.picorho},
                    ),
                )

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))
    seconds = time.perf_counter() - started
    lost = [_spent(story, account) - was for account, was in zip(ACCOUNTS, before, strict=True)]
    return {
        "a_second": round(count / seconds),
        "lost_or_double": [loss // LOSS.picorho - count for loss in lost],
    }


def _spent(story: Story, account: Account) -> int:
    with story.database.transaction() as tx:
        return statement(tx, account).spent.picorho


def added_to_an_answer(story: Story, *, answers: int) -> float:
    """Milliseconds of steps 5 and 7 of the gate (reserve and log;
    store, settle and log), the median over different questions."""
    story.publish()
    story.grant()
    wang, times = story.principal("wang"), []
    for number in range(answers):
        prepared = prepare(
            story.context,
            principal=wang,
            epsilon=Fraction(1, 100),
            grant_id=None,
            sql=(
                f"SELECT district, COUNT(*) AS n FROM clinic.visits WHERE visits > {number} GROUP BY district"
            ),
        )
        exact = story.context.engine.totals(prepared.plan, seconds=60, computing_seconds=60)
        noisy = {
            share.total.name: Released(share.loss.picorho, share.scale, add_noise(share, exact[share.total]))
            for share in prepared.price.shares
        }
        started = time.perf_counter()
        id = _reserve(story.context, wang, prepared, charge(prepared, {}))
        _release(story.context, wang, id, prepared, {}, noisy, ZERO, stored=False)
        times.append(1000 * (time.perf_counter() - started))
    return median(times)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reservations", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--answers", type=int, default=100)
    said = parser.parse_args(argv)
    with small_city() as (story, _, _):
        told: dict[str, Any] = {
            "reservations": reservations_a_second(
                story, count=said.reservations, threads=said.threads, logged=False
            ),
            "reservations_with_log": reservations_a_second(
                story, count=said.reservations, threads=said.threads, logged=True
            ),
            "ledger_and_log_ms_an_answer": round(added_to_an_answer(story, answers=said.answers), 1),
        }
    print(
        f"{said.threads} threads on one dataset, {said.reservations} reservations, each "
        "a transaction of its own"
    )
    for name, value in told.items():
        print(f"{name:32} {value}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
