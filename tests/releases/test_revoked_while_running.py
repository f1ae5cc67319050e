"""A grant that is revoked stops a question that runs:
nothing is released after the revocation's entry in the log.

The revocation is tried before every single statement that the vault sends to Postgres, by another connection
at the same time: so between any two steps, and inside each. Where it has to wait, because the vault holds the
grant's row, the vault goes on.
"""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import event, select, text

from sandbox.audit.tables import entries
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.grants import Grant, revoke
from sandbox.identity import set_roles
from sandbox.policy import Refused
from sandbox.releases import ask
from sandbox.releases.prepare import Prepared, confirm, prepare
from sandbox.releases.purchase.select_partitions import find_keys
from sandbox.releases.tables import questions
from sandbox.standalone.postgres import Postgres
from sandbox.synthesis.buy_stand_in import buy_stand_in
from story import POLICY, PROCESSES, Story, rows_csv

EPSILON = Fraction(1, 200)
MOST_STEPS = 200
SECONDS = 60
POLICY_TO_BUY = POLICY.replace(
    "note: {role: attribute, type: text}", "note: {role: attribute, type: number}"
).replace('dataset_epsilon: "8"', 'dataset_epsilon: "100"')


class Revocation:
    """Revokes a grant before the `step`-th statement from now on, and waits until it has,
    or waits for the vault."""

    def __init__(self, story: Story, other: Database, grant: Grant, step: int) -> None:
        self.story, self.other, self.grant, self.left = story, other, grant, step
        self.thread = threading.Thread(target=self.revoke)

    def revoke(self) -> None:
        revoke(
            self.other,
            gate=self.story.gate,
            officer=self.story.principal("lin"),
            grant_id=self.grant.id,
            reason="to try it",
        )

    def count(self, *_: object) -> None:
        if threading.current_thread() is self.thread or self.thread.ident:
            return
        self.left -= 1
        if self.left == 0:
            self.thread.start()
            self.settled()

    def settled(self) -> None:
        deadline = time.monotonic() + SECONDS
        while self.thread.is_alive() and time.monotonic() < deadline:
            with self.other.engine.connect() as look:
                waiting = look.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                        "AND wait_event_type = 'Lock' AND query LIKE '%grants%FOR UPDATE%'"
                    )
                )
            if waiting:
                return
            self.thread.join(0.002)  # another connection works: asking is the only event

    @contextmanager
    def during(self) -> Iterator[None]:
        event.listen(self.story.database.engine, "before_cursor_execute", self.count)
        try:
            yield
        finally:
            event.remove(self.story.database.engine, "before_cursor_execute", self.count)
            if self.thread.ident:
                self.thread.join(SECONDS)
                assert not self.thread.is_alive()


@pytest.fixture
def other(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(database=database_name))
    yield opened
    opened.close()


@pytest.fixture
def city(story: Story) -> Story:
    story.publish(re.sub(rb",n(\d),", rb",\1,", rows_csv()), POLICY_TO_BUY)
    return story


def kinds(city: Story) -> list[str]:
    with city.database.transaction() as tx:
        return [
            entry.split('"kind":"')[1].split('"')[0]
            for entry in tx.scalars(select(entries.c.entry).order_by(entries.c.index))
        ]


def revoked_at_every_step(
    city: Story,
    other: Database,
    deed: Callable[[Any], Any],
    ready: Callable[[int], Any] = lambda step: step,
    *,
    epsilon: str = "0.5",
) -> set[str]:
    """What happened in the steps; fails at the first in which something left after the revocation."""
    happened = set()
    for step in range(1, MOST_STEPS):
        grant, before = city.grant(epsilon=epsilon), len(kinds(city))
        revocation, given = Revocation(city, other, grant, step), ready(step)
        refusal: CihuError | None = None
        with revocation.during():
            try:
                deed(given)
            except CihuError as refused:
                refusal = refused
        if not revocation.thread.ident:  # there are no more steps
            revoke(
                city.database,
                gate=city.gate,
                officer=city.principal("lin"),
                grant_id=grant.id,
                reason="it has done its job",
            )
            return happened
        new = kinds(city)[before:]
        after = new[new.index("grant.revoked") :]
        assert not [kind for kind in after if kind.endswith(".released")], f"step {step}: {new}"
        if refusal is not None:
            assert refusal.code == "grant_not_live", f"step {step}: {refusal.code} {refusal.internal} {new}"
            assert "no longer live" in refusal.message
        if "query.asked" in new and "query.released" not in new:
            assert "query.failed" in after, new
            assert refusal and "stays spent" in refusal.message
            with city.database.transaction() as tx:
                last = tx.execute(select(questions).order_by(questions.c.asked_at.desc()).limit(1)).one()
            assert last.status == "failed" and last.picorho > 0 and last.answer is None
            happened.add("stopped")
        elif "query.released" in new:
            assert refusal is None
            happened.add("left before")
        else:
            happened.add("never asked")
    raise AssertionError("there is no end of steps")


def question(step: int) -> str:
    return (
        "SELECT district, COUNT(*) AS n FROM clinic.visits "
        f"WHERE visits < 9 AND cost > {step} GROUP BY district"
    )


def test_a_bought_answer(city: Story, other: Database) -> None:
    wang = city.principal("wang")

    def deed(step: int) -> None:
        ask(city.context, principal=wang, sql=question(step), epsilon=EPSILON)

    happened = revoked_at_every_step(city, other, deed)
    assert happened == {"never asked", "stopped", "left before"}


def test_the_trial_finds_an_answer_that_is_not_decided_on_again(
    city: Story, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang, decided = city.principal("wang"), []

    def once(*given: Any) -> None:
        decided.append(given)
        if len(decided) % 2:
            confirm(*given)

    monkeypatch.setattr(sys.modules[ask.__module__], "confirm", once)

    def deed(step: int) -> None:
        decided.clear()
        ask(city.context, principal=wang, sql=question(step), epsilon=EPSILON)

    with pytest.raises(AssertionError, match=r"query\.released"):
        revoked_at_every_step(city, other, deed)


def test_a_stored_answer(city: Story, other: Database) -> None:
    wang, grant = city.principal("wang"), city.grant(epsilon="0.5")
    ask(city.context, principal=wang, sql=question(1), epsilon=EPSILON)
    revoke(
        city.database,
        gate=city.gate,
        officer=city.principal("lin"),
        grant_id=grant.id,
        reason="the next has one of its own",
    )
    happened = revoked_at_every_step(
        city, other, lambda _: ask(city.context, principal=wang, sql=question(1), epsilon=EPSILON)
    )
    assert happened == {"never asked", "left before"}


def test_what_is_bought_before_a_question(city: Story, other: Database) -> None:
    """Values of keys; bounds of columns are bought by the same deed."""
    wang = city.principal("wang")

    def ready(step: int) -> Prepared:
        more = EPSILON * Fraction(100 + step, 100)  # what was found for less is bought anew
        return prepare(
            city.context,
            principal=wang,
            sql="SELECT day, COUNT(*) AS n FROM clinic.visits GROUP BY day",
            epsilon=more,
        )

    # whose share of the delta is enough for all steps
    happened = revoked_at_every_step(
        city, other, lambda prepared: find_keys(city.context, wang, prepared), ready, epsilon="2"
    )
    assert "stopped" in happened


def test_stand_in_rows_of_an_officer_who_may_not_any_more(city: Story) -> None:
    """Decided again when they are made: here the officer's role ends while they are computed."""
    lin = city.principal("lin")
    engine = city.context.engine

    class Ending(type(engine)):  # type: ignore[misc]
        def totals(self, *given: Any, **more: Any) -> Any:
            with city.database.transaction() as tx:
                set_roles(tx, account_id="lin", roles=[], by="he")
            return engine.totals(*given, **more)

    context = type(city.context)(city.database, city.repository, city.gate, Ending(city.store, PROCESSES))
    with pytest.raises(Refused):
        buy_stand_in(context, officer=lin, dataset="clinic.visits", epsilon=Fraction(1))
    assert "stand_in.failed" in kinds(city) and "stand_in.released" not in kinds(city)
