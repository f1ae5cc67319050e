"""Commits calls in groups: one commit in flight, and what comes meanwhile is the next group.

Nobody's call is answered before its group is durable. A call that the database refuses gets its refusal and
its neighbours are written. A call that was priced from an older sum is priced again: the second time in a
transaction that holds the licences, so that nothing can change its sum any more. If the connection breaks
during a commit, the same lines are asked for by their ids before anything is said.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from marketplace.metering.confirmations import Confirmations
from marketplace.metering.licence_cache import LicenceCache
from marketplace.metering.line import Draft, MonthState, PricedLine, price_line, state_of
from marketplace.metering.model import Charge, Reason
from marketplace.metering.shared_months import MONTHS_SO_FAR
from marketplace.metering.verdicts import Committed, RefusedByCommit, busy, refused
from sandbox.errors import CihuError, Unavailable

METER = "SELECT market.meter($1::json, $2, $3, $4, $5::text::int8multirange, $6::json)"
MOST_WAITING = 500
CROWDED = MOST_WAITING // 2
"""From so many on, a licence has no more than its share of the queue."""
SHARE = 100
MOST_IN_GROUP = 200
DEADLINE_SECONDS = 10.0
CONNECT_SECONDS = 3.0
RETRY_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0
MOST_TRIES = 20
LOCK_TIMEOUT = "3s"
LONGEST_WAIT = 0.5
"""In seconds: a call that waited longer for its group counts as come then. Else those that came later, at a
faster portal, would leave it no room in the pace."""

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended in the middle of an exchange
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncio.TimeoutError,
)
"""The connection broke, or the server ends: whether a commit was made is not known."""

log = logging.getLogger("cihu.portal")
Outcome = Committed | RefusedByCommit


@dataclass(eq=False)
class Waiting:
    """A call that waits for its group."""

    draft: Draft
    answer: "asyncio.Future[Outcome]"
    tries: int = 0
    line: PricedLine | None = None
    follows: bool = False
    """an earlier call with the same request is written: this one writes nothing"""

    @property
    def alone(self) -> tuple[int, str]:
        """What must be written once only in a group."""
        return self.licence, self.draft.request_id

    @property
    def licence(self) -> int:
        return self.draft.licence.id

    @property
    def shared(self) -> tuple[str, str]:
        """Whose use counts together (`shared_months.py`)."""
        return self.draft.licence.organisation, self.draft.licence.product


@dataclass(frozen=True)
class Doubtful:
    """A line that may have been written, whose call was answered with a refusal or not at all: it is to be
    credited if it is there."""

    draft: Draft
    month: str
    usage: str
    only_held: bool = False
    reason: Reason | None = Reason.UNCONFIRMED
    own: bool = False
    """only the line of this draft's number: one with the same id may be an earlier call's"""
    connects: int = 0
    """of a line that may be being written still: the number of that connection to the database"""


class GroupCommitter:
    """The one that writes lines in a process. `url` is an address of Postgres as libpq writes it."""

    def __init__(self, url: str, cache: LicenceCache) -> None:
        self.url, self.cache = url, cache
        self.connection: asyncpg.Connection[Any] | None = None
        self.server_process = 0
        self.server_began: datetime | None = None
        self.connects = 0  # connections so far; when one is made, the server process of the former is ended
        self.worker = 0
        self.confirmations = Confirmations()
        self.resent: list[tuple[int, str, int]] = []  # retries whose answers were sent
        self.queue: deque[Waiting] = deque()
        self.known: set[tuple[int, str]] = set()  # requests that the last groups wrote, or found written
        self.doubtful: list[Doubtful] = []
        self.arrived = asyncio.Event()
        self.wrote_at = 0.0  # when the last group was begun, on the clock of the event loop
        self.stopping = False
        self.running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect as a new worker. Raises `Unavailable`."""
        await self.reconnect(asyncio.get_running_loop().time() + CONNECT_SECONDS)
        connection = self.connected()
        self.worker = await connection.fetchval(
            "INSERT INTO market.workers (confirmed, ahead) VALUES (0, '{}') RETURNING id"
        )
        self.running = asyncio.create_task(self.run())
        asyncio.get_running_loop().call_later(HEARTBEAT_SECONDS, self.beat)

    async def stop(self) -> None:
        """Write what waits, and what was confirmed last."""
        if self.running is None:
            return
        self.stopping = True
        self.arrived.set()
        await self.running
        self.running = None
        with contextlib.suppress(*LOST, CihuError):
            await self.reconnect(asyncio.get_running_loop().time() + CONNECT_SECONDS)
            await self.call([])
            if self.confirmations.settled:
                await self.connected().execute(
                    "UPDATE market.workers SET swept_at = now() WHERE id = $1", self.worker
                )
        if self.connection is not None:
            with contextlib.suppress(*LOST):
                await self.connection.close(timeout=CONNECT_SECONDS)

    async def submit(self, draft: Draft) -> Outcome:
        """Write the call's line; gives the verdict once it is durable.
        Raises `Unavailable` at no cost: too many wait, or the database is away."""
        if self.is_full_for(draft.licence.id) or self.running is None or self.stopping:
            raise busy()
        loop = asyncio.get_running_loop()
        waiting = Waiting(draft.changed(sequence=self.confirmations.issue(loop.time())), loop.create_future())
        self.queue.append(waiting)
        self.arrived.set()
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            answer = waiting.answer
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self.abandon(waiting, answer.result())  # the verdict came too late
            raise

    def is_full_for(self, licence: int) -> bool:
        """Whether too many wait: in all, or of the licence where there is little room."""
        if len(self.queue) < CROWDED:
            return False
        own = sum(waiting.draft.licence.id == licence for waiting in self.queue)
        return len(self.queue) >= MOST_WAITING or own >= SHARE

    def abandon(self, waiting: Waiting, outcome: Outcome) -> None:
        """Nobody will send what the call was answered with."""
        if isinstance(outcome, Committed) and not outcome.replayed:
            self.doubtful.append(Doubtful(waiting.draft, outcome.month, outcome.usage))
        else:
            self.confirmations.confirm(waiting.draft.sequence)

    def confirm(self, draft: Draft, committed: Committed) -> None:
        """The answer was sent. Written with the next group."""
        self.confirmations.confirm(committed.sequence)
        if committed.replayed:
            self.resent.append((draft.licence.id, draft.request_id, committed.sequence))

    async def run(self) -> None:
        while self.queue or not self.stopping:
            await self.arrived.wait()
            self.arrived.clear()
            self.wrote_at = asyncio.get_running_loop().time()
            group = self.next_group()
            try:
                await self.commit(group)
            except Exception as error:  # whatever it is, the next group is written
                log.exception("a group of usage lines was not written")
                self.give_up(group, error, in_doubt=True)
            if self.queue:
                self.arrived.set()

    def beat(self) -> None:
        """A second after the last group one is written without calls: that the process lives, and what was
        confirmed. A time limit of each wait would be a task more for each group."""
        if self.running is None or self.running.done():
            return
        loop = asyncio.get_running_loop()
        left = self.wrote_at + HEARTBEAT_SECONDS - loop.time()
        if left <= 0:
            self.arrived.set()
        loop.call_later(left if left > 0 else HEARTBEAT_SECONDS, self.beat)

    def next_group(self) -> list[Waiting]:
        """Those that wait. A request is in it once, unless it was written before: then all who repeat it are
        answered together. Of licences that are priced from each other's use, one is in it."""
        known, self.known = self.known, set()
        group: list[Waiting] = []
        later: list[Waiting] = []
        seen: set[tuple[int, str]] = set()
        chosen: dict[tuple[str, str], int] = {}
        while self.queue and len(group) < MOST_IN_GROUP:
            waiting = self.queue.popleft()
            licence = waiting.licence
            if waiting.answer.cancelled():
                self.confirmations.confirm(waiting.draft.sequence)
            elif waiting.draft.sample:
                group.append(waiting)
            elif waiting.alone in known:
                waiting.follows = True
                group.append(waiting)
            elif waiting.alone in seen or chosen.setdefault(waiting.shared, licence) != licence:
                later.append(waiting)
            else:
                waiting.follows = False
                seen.add(waiting.alone)
                group.append(waiting)
        self.queue.extendleft(reversed(later))
        return group

    async def commit(self, group: list[Waiting]) -> None:
        """Write a group, however often it takes until the deadline."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        in_doubt = False
        while True:
            try:
                await self.reconnect(deadline)
                if in_doubt:
                    group = await self.without_written(group)
                    in_doubt = False
                if any(waiting.tries for waiting in group):
                    await self.commit_holding(group)
                else:
                    await self.commit_once(group)
            except LOST as error:
                self.forget_connection()
                in_doubt = True
                if asyncio.get_running_loop().time() >= deadline:
                    self.give_up(group, error, in_doubt=True)
                    return
                await asyncio.sleep(RETRY_SECONDS)
            except CihuError as error:  # not reached before the deadline
                self.give_up(group, error, in_doubt=in_doubt)
                return
            except asyncpg.UniqueViolationError as error:
                if in_time(deadline):
                    in_doubt = True  # some of it was written before the connection broke
                    continue
                await self.commit_apart(group, error)
                return
            except asyncpg.PostgresError as error:
                await self.commit_apart(group, error)
                return
            else:
                return

    async def commit_apart(self, group: list[Waiting], error: asyncpg.PostgresError) -> None:
        """A group that the database refused as a whole, in parts: one bad licence, or one that somebody
        holds, is split off, and the others are written together."""
        licences = sorted({waiting.draft.licence.id for waiting in group})
        held = isinstance(error, asyncpg.LockNotAvailableError)
        if len(group) <= 1 or (held and len(licences) == 1):
            log.warning("usage lines were refused by the database: %s", error.sqlstate)
            self.give_up(group, error, in_doubt=False)
            return
        if len(licences) == 1:
            parts = halves(group)
        else:
            first = await self.free_among(licences) if held else set()
            if not 0 < len(first) < len(licences):
                first = set(licences[: len(licences) // 2])
            parts = [
                [waiting for waiting in group if (waiting.draft.licence.id in first) is chosen]
                for chosen in (True, False)
            ]
        for part in parts:
            await self.commit(part)

    async def free_among(self, licences: Sequence[int]) -> set[int]:
        """Those of the licences that nobody holds now."""
        rows = await self.connected().fetch(
            "SELECT id FROM market.licences WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED", licences
        )
        return {row["id"] for row in rows}

    async def commit_once(self, group: Sequence[Waiting]) -> None:
        """Price from memory, and let the database check that."""
        self.price(group, {})
        self.read_verdicts(group, await self.call([self.record(n, one) for n, one in enumerate(group)]))

    async def commit_holding(self, group: Sequence[Waiting]) -> None:
        """Hold the licences, read their months, price from these, and write: nothing can be stale."""
        connection = self.connected()
        now = datetime.now(UTC)
        asked = sorted({(one.draft.licence.id, one.draft.month_at(now)) for one in group})
        licences, wanted = [licence for licence, _ in asked], [month for _, month in asked]
        async with connection.transaction():
            await connection.execute("SELECT market.lock_licences($1)", licences)
            rows = await connection.fetch(READ_MONTHS, licences, wanted)
            self.price(group, {(row["licence"], row["month"]): state_of_row(row) for row in rows})
            verdicts = await self.call([self.record(n, one) for n, one in enumerate(group)])
        self.read_verdicts(group, verdicts)

    def price(self, group: Sequence[Waiting], states: dict[tuple[int, str], MonthState]) -> None:
        """Price the lines one after the other, those of a licence each from the month after the one before
        it. What is not in `states` is taken from memory."""
        now, loop_now = datetime.now(UTC), asyncio.get_running_loop().time()
        for waiting in group:
            draft = waiting.draft
            if loop_now - draft.came > LONGEST_WAIT:
                draft = waiting.draft = draft.changed(came=loop_now - LONGEST_WAIT)
            at = draft.licence.id, draft.month_at(now)
            state = states.get(at) or self.cache.states.get(draft.licence.id)
            waiting.line = price_line(draft, state, now=now, loop_now=loop_now)
            if not waiting.follows:
                states[at] = waiting.line.after

    def record(self, n: int, waiting: Waiting) -> dict[str, Any]:
        assert waiting.line is not None
        return {"n": n, **waiting.line.record}

    async def call(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """`market.meter`, with what was confirmed meanwhile."""
        resent, self.resent = self.resent, []
        asked = orjson.dumps(
            [{"licence": licence, "request_id": id, "sequence": number} for licence, id, number in resent]
        )
        try:
            found = await self.connected().fetchval(
                METER,
                orjson.dumps(records).decode(),
                sorted({record["licence"] for record in records} | {licence for licence, _, _ in resent}),
                self.worker,
                self.confirmations.upto,
                multirange(self.confirmations.ahead),
                asked.decode(),
            )
        except BaseException:
            self.resent = resent + self.resent
            raise
        answer: dict[str, Any] = orjson.loads(found)
        return answer

    def read_verdicts(self, group: Sequence[Waiting], answer: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        calls: dict[int, int] = {}
        for sums in answer["sums"] or ():
            licence = sums["licence"]
            known = self.cache.states.get(licence)
            state = state_of(sums, one_off=bool(known and known.one_off))
            calls[licence] = state.calls
            self.cache.learn(licence, state, debt_seconds=float(sums["debt"] or 0), now=now)
        for each in answer["companies"]:
            self.cache.learn_company(each, now=now)
        again: list[Waiting] = []
        for found in answer["verdicts"]:
            waiting, verdict, detail = group[found["n"]], found["verdict"], found["detail"]
            if verdict not in {"STALE", "AGAIN"}:
                self.answer(waiting, verdict, detail, calls.get(waiting.draft.licence.id, 0))
                if verdict in {"GOOD", "REPLAY"} and waiting.draft.keyed:
                    self.known.add(waiting.alone)
            elif waiting.tries >= MOST_TRIES:
                self.give_up([waiting], busy(), in_doubt=False)  # it alone: the others are written
            else:
                self.try_again(waiting, verdict, detail)
                again.append(waiting)
        # what was credited is written anew, once
        self.known -= {waiting.alone for waiting in again}
        self.queue.extendleft(reversed(again))

    def try_again(self, waiting: Waiting, verdict: str, detail: dict[str, Any]) -> None:
        """Prepare the call to be priced anew."""
        waiting.tries += 1
        if verdict == "AGAIN":
            waiting.draft = replace(waiting.draft, attempt=detail["attempt"] + 1)
            return
        waiting.draft = replace(waiting.draft, month=detail["month"])
        state = self.cache.states.get(waiting.draft.licence.id)
        if state is not None:
            self.cache.states[waiting.draft.licence.id] = replace(state, one_off=detail["one_off"])

    def answer(self, waiting: Waiting, verdict: str, detail: dict[str, Any] | None, calls: int) -> None:
        draft, line = waiting.draft, waiting.line
        assert line is not None
        outcome: Outcome
        if verdict == "GOOD":
            outcome = Committed(line.id, line.after.month, line.charge, draft.attempt, draft.sequence, calls)
        elif verdict == "REPLAY" and detail is not None:
            outcome = Committed(
                detail["usage"],
                detail["month"],
                Charge(Reason(detail["reason"]), detail["amount_fen"]),
                detail["attempt"],
                draft.sequence,
                calls,
                replayed=True,
                reference=detail["reference"],
            )
        else:
            outcome = refused(verdict, detail)
            self.confirmations.confirm(draft.sequence)  # nothing was written
        if waiting.answer.cancelled():
            self.abandon(waiting, outcome)
        elif not waiting.answer.done():
            waiting.answer.set_result(outcome)

    def give_up(self, group: Sequence[Waiting], error: BaseException, *, in_doubt: bool) -> None:
        """Answer that nothing was written. If that is not known, the lines are credited once they can be
        found: that is asked after the connection is made anew, when nothing can write them any more."""
        if in_doubt:
            self.forget_connection()
        refusal = error if isinstance(error, CihuError) else away(error)
        for waiting in group:
            gone = waiting.answer.cancelled()  # nobody waits; what was written is credited all the same
            if waiting.answer.done() and not gone:
                continue
            if in_doubt and waiting.line is not None:
                line = waiting.line
                self.doubtful.append(
                    Doubtful(waiting.draft, line.after.month, line.id, own=True, connects=self.connects)
                )
            else:
                self.confirmations.confirm(waiting.draft.sequence)
            if not gone:
                waiting.answer.set_exception(refusal)
            self.cache.states.pop(waiting.draft.licence.id, None)

    async def without_written(self, group: Sequence[Waiting]) -> list[Waiting]:
        """Ask for the lines by their ids: those that are there are answered, the others are left to be
        written."""
        asked = [waiting.line for waiting in group if waiting.line is not None]
        rows = await self.connected().fetch(
            OWN_LINES, [line.id for line in asked], sorted({line.after.month for line in asked}), self.worker
        )
        # a line with the same id may be an earlier call's: only the one with our number is ours
        written = {(row["id"], row["sequence"]) for row in rows}
        left: list[Waiting] = []
        for waiting in group:
            self.cache.states.pop(waiting.draft.licence.id, None)
            line = waiting.line
            if line is None or waiting.draft.sample or (line.id, waiting.draft.sequence) not in written:
                left.append(waiting)
            else:
                self.answer(waiting, "GOOD", None, line.after.calls)
        return left

    async def reconnect(self, deadline: float) -> None:
        """Connect if there is no connection. The server process of a lost one is ended first, so that
        what it was doing is done or will never be. Raises `Unavailable` at the deadline."""
        while self.connection is None or self.connection.is_closed():
            try:
                self.connection = await asyncpg.connect(
                    self.url,
                    timeout=CONNECT_SECONDS,
                    command_timeout=DEADLINE_SECONDS,
                    server_settings={"lock_timeout": LOCK_TIMEOUT, "application_name": "cihu-metering"},
                )
                former = self.server_process, self.server_began
                if await self.connection.fetchval(END_PROCESS, *former) is False:
                    raise TimeoutError  # it may have ended just now, or still be at work
                own = await self.connection.fetchrow(OWN_PROCESS)
                assert own is not None
                self.server_process, self.server_began = own["pid"], own["backend_start"]
                self.connects += 1
            except LOST as error:
                self.forget_connection()
                if asyncio.get_running_loop().time() >= deadline:
                    raise away(error) from error
                await asyncio.sleep(RETRY_SECONDS)
            except asyncpg.PostgresError as error:
                self.forget_connection()
                raise away(error) from error

    def forget_connection(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
        self.connection = None

    def connected(self) -> "asyncpg.Connection[Any]":
        assert self.connection is not None
        return self.connection


END_PROCESS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2
"""
OWN_PROCESS = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
OWN_LINES = """
SELECT line.id, line.sequence
FROM market.usage_lines AS line JOIN market.usage_groups AS own ON own.id = line.group_id
WHERE line.id = ANY($1) AND line.month = ANY($2) AND own.worker = $3
"""
USED = ("used_calls", "used_successful", "used_rows", "used_bytes", "used_epsilon_millionths")
READ_MONTHS = MONTHS_SO_FAR.format(licences="$1::integer[]", months="$2::text[]")


def state_of_row(row: Any) -> MonthState:
    sums = {**dict(row), "used": [row[name] for name in USED], "one_off_fen": 0}
    return state_of(sums, one_off=row["one_off"])


def multirange(ranges: Sequence[tuple[int, int]]) -> str:
    """Ranges as Postgres reads them, each from its first number to before its end."""
    return "{" + ",".join(f"[{low},{high})" for low, high in ranges) + "}"


def halves(group: Sequence[Waiting]) -> list[list[Waiting]]:
    middle = len(group) // 2
    return [list(group[:middle]), list(group[middle:])]


def in_time(deadline: float) -> bool:
    return asyncio.get_running_loop().time() < deadline


def away(error: BaseException) -> Unavailable:
    return Unavailable(
        "The call cannot be metered now, so it is not answered. It costs nothing.",
        code="not_metered",
        remedy="Try again in a minute.",
        zh="目前无法计量，因此不予应答。本次调用不收费。",
        remedy_zh="请一分钟后重试。",
        internal=type(error).__name__,
    )
