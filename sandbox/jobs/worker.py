"""Carries the runs out: slots in the vault's process, each a thread that takes one run after another.

A slot is kept until the end of its run is disclosed: if it were free as soon as the program ends, the next
run's start would reveal that. Nothing is queued here: the table of runs is the queue, so a vault that dies
forgets none.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sandbox.errors import CihuError, Unavailable
from sandbox.jobs import run_folder
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.claim import Claimed, claim
from sandbox.jobs.context import RunContext
from sandbox.jobs.count import Keep, count
from sandbox.jobs.disclosure_time import COLLECTING_SECONDS, next_moment
from sandbox.jobs.finish import finish, finish_interrupted, interrupted_runs
from sandbox.jobs.hints import hint_of
from sandbox.jobs.inputs import given_rows
from sandbox.jobs.kernel_pauses import KernelPauses
from sandbox.jobs.model import Hint, Run, RunKind
from sandbox.jobs.perform import GivenRows, not_started, perform, why_not_started
from sandbox.jobs.quarantine import files_of, folder, put_files
from sandbox.jobs.recipes.measure import with_recipes
from sandbox.jobs.sealed_run import Ending
from sandbox.seals import check_seal, chosen_sealer

LOOK_SECONDS = 15.0  # a slot looks for itself, in case nobody has notified it
LOST_SECONDS = 5.0  # a run whose moment is longer over, and that nobody carries out, is lost
AGAIN_SECONDS = 2.0  # after a part of the city failed
STOP_SECONDS = 15.0
log = logging.getLogger("cihu.runs")


class Worker:
    """`start` it once, `wake` it when something was queued, tell it what was `cancelled`, `stop` it."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.pauses = KernelPauses(context.database)
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._times = 0  # that something changed
        self._stopping, self._beginning = False, True
        self._bells: dict[UUID, Cancellation] = {}
        self._sealable, self._adopting = threading.Lock(), threading.Lock()
        self._sealed_here = False
        self._at_death: run_folder.RemoverAtDeath | None = None

    def require_seal(self) -> None:
        """Raise `Unavailable` where a run could not be sealed: it is then not even queued."""
        with self._sealable:
            if not self._sealed_here:
                check_seal(self.context.python, chosen_sealer(self.context.sealer))
                self._sealed_here = True

    def start(self) -> None:
        """Recover in the background, then open the places.
        Raises `Unavailable` if the private folder cannot be used."""
        run_folder.empty(self.context.folder)
        self._at_death = run_folder.RemoverAtDeath(self.context.folder)
        self._spawn("runs", self._begin)

    def require_places(self) -> None:
        """Raise `Unavailable` when what carries the runs out has ended:
        each place lives as long as the vault does."""
        if not self._threads or sum(thread.is_alive() for thread in self._threads) < (
            1 if self._beginning else self.context.places
        ):
            raise Unavailable(
                "The places of sealed runs are not open.", remedy="Start the vault again, and report this."
            )

    def wake(self) -> None:
        with self._changed:
            self._times += 1
            self._changed.notify_all()

    def cancelled(self, id: UUID) -> None:
        with self._changed:
            if cancellation := self._bells.get(id):
                cancellation.ring()
        self.wake()

    def stop(self) -> None:
        """End every run and wait for the slots.
        What ran is disclosed as interrupted, at its moment, when the vault runs again."""
        self._stopping = True
        with self._changed:
            for cancellation in self._bells.values():
                cancellation.ring()
        self.wake()
        for thread in tuple(self._threads):
            thread.join(STOP_SECONDS)
        run_folder.empty(self.context.folder)
        if self._at_death:
            self._at_death.close()

    def _spawn(self, name: str, work: object) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _begin(self) -> None:
        left: list[Run] = []
        while not self._stopping:
            try:
                left = interrupted_runs(self.context.database)
                break
            except CihuError as error:
                log.warning("the runs of the vault's last life cannot be read yet: %s", error.code)
                self._pause(AGAIN_SECONDS)
        if left:
            log.warning(
                "%s runs had started when the vault ended: each keeps its place until its "
                "moment, and is told as interrupted then",
                len(left),
            )
        with suppress(CihuError):  # a submission says why not
            self.require_seal()
        for number in range(max(self.context.places, len(left))):
            held = left[number] if number < len(left) else None
            self._spawn(f"run place {number}", partial(self._serve, held, stays=number < self.context.places))
        self._beginning = False

    def _serve(self, held: Run | None, *, stays: bool) -> None:
        """A place, which an interrupted run may hold until its moment:
        were it free before, the next run's start would tell."""
        if held is not None:
            self._tell_interrupted(held)
            self.wake()
        if stays:
            self._place()

    def _tell_interrupted(self, run: Run) -> None:
        cancellation, due = Cancellation(), run.told_at
        assert due is not None, "what has started has a moment"
        with self._changed:
            self._bells[run.id] = cancellation
        try:
            while not self._stopping:
                try:
                    due = next_moment(due, datetime.now(UTC))
                    cancellation.wait_until(due)
                    if not self._stopping:
                        finish_interrupted(self.context, run.id)
                except Exception as error:  # noqa: BLE001  # a place lives on, whatever failed
                    log.warning("run %s cannot be told as interrupted yet: %s", run.id, type(error).__name__)
                    self._pause(AGAIN_SECONDS)
                else:
                    return
        finally:
            with self._changed:
                if self._bells.get(run.id) is cancellation:  # else another place has begun it again
                    del self._bells[run.id]
            cancellation.close()

    def _pause(self, seconds: float, *, unless: int | None = None) -> None:
        """Until something changes; at once if it has since the count was `unless`."""
        with self._changed:
            seen = self._times if unless is None else unless
            self._changed.wait_for(lambda: self._stopping or self._times != seen, seconds)

    def _place(self) -> None:
        while not self._stopping:
            seen = self._times
            try:
                claimed = claim(self.context)
            except Exception as error:  # noqa: BLE001  # a place lives on, whatever failed; it could quote a value
                log.error("no run could be claimed: %s", type(error).__name__)  # noqa: TRY400
                self._pause(AGAIN_SECONDS)
                continue
            if claimed is None:
                self._adopt_lost()
                self._pause(LOOK_SECONDS, unless=seen)
            else:
                self._carry_out(claimed)
                self.wake()  # its place, and its team's part of them, are free

    def _adopt_lost(self) -> None:
        """Tell as interrupted what runs by the table and is carried out by nobody, once its moment is over.

        A claim whose commit was answered by a broken connection leaves such a run: it is committed, and the
        place that made it does not know.
        """
        if not self._adopting.acquire(blocking=False):
            return
        try:
            for run in interrupted_runs(self.context.database):
                with self._changed:
                    held = run.id in self._bells
                if not held and seconds_to_told(run) < -LOST_SECONDS:
                    log.warning("run %s is carried out by nobody: it is told as interrupted", run.id)
                    finish_interrupted(self.context, run.id)
                    self.wake()
        except Exception as error:  # noqa: BLE001  # a place lives on, whatever failed
            log.warning("lost runs cannot be looked for: %s", type(error).__name__)
        finally:
            self._adopting.release()

    def _carry_out(self, claimed: Claimed) -> None:
        """From the claim to the moment of disclosure.
        Whatever fails in between, the run is finished; the state does not show how."""
        run, cancellation = claimed.run, Cancellation()
        with self._changed:
            self._bells[run.id] = cancellation
        try:
            ending, keep = self._perform(claimed, cancellation)
            if ending.how == "not_started":
                log.warning("run %s: %s", run.id, why_not_started(ending))
            self._tell(run, cancellation, files_of(ending), hint_of(ending), keep)
        finally:
            with self._changed:
                del self._bells[run.id]
            cancellation.close()

    def _perform(self, claimed: Claimed, cancellation: Cancellation) -> tuple[Ending, Keep | None]:
        """How it ended, and what is to be kept of it beside its files."""
        if claimed.run.kind is RunKind.TABLE:
            try:
                return count(self.context, claimed, seconds_left(claimed.run))
            except Exception as error:  # noqa: BLE001  # of any kind: it is reported in quarantine
                return not_started(error), None
        return self._run_sealed(claimed, cancellation), None

    def _run_sealed(self, claimed: Claimed, cancellation: Cancellation) -> Ending:
        run, columns = claimed.run, claimed.run.interface.columns if claimed.run.interface else None
        try:
            self.require_seal()
            self._freeze(run)
        except Exception as error:  # noqa: BLE001  # of any kind: it is reported in quarantine
            return not_started(error)

        def given() -> Iterator[GivenRows]:
            return (given_rows(self.context.raw, version, columns) for version in claimed.versions)

        def program() -> Ending:
            return perform(
                self.context,
                name=str(run.id),
                program=run.program,
                interface=run.interface,
                inputs=given(),
                models=lambda: self._models(run),
                limit_seconds=run.limit_seconds,
                cancelled=cancellation,
                seconds=lambda: seconds_left(run),
            )

        return with_recipes(
            self.context,
            run,
            claimed.versions,
            given,
            seconds=lambda: seconds_left(run),
            cancelled=cancellation,
            program=program,
        )

    def _models(self, run: Run) -> dict[str, Mapping[str, bytes]]:
        """The files of each model that it reads. Raises `Unavailable`."""
        library = self.context.library
        return {one.folder: library.files(one) for one in run.models} if library is not None else {}

    def _freeze(self, run: Run) -> None:
        """Once for a run, before any of its seals: what is paused stays so until the run's end is told, and
        no kernel starts meanwhile. Its time is its own: what the seals take is not taken from it.
        Raises `Unavailable` if not all kernels are paused in time."""
        if run.kernels_frozen:
            self.pauses.await_frozen(run, seconds_to_told(run) - run.limit_seconds - COLLECTING_SECONDS)

    def _tell(
        self,
        run: Run,
        cancellation: Cancellation,
        files: dict[str, bytes],
        hint: Hint,
        keep: Keep | None = None,
    ) -> None:
        """Store the files, wait for the moment, finish; or throw them away if the run was cancelled.
        A part of the city that fails is asked again until it answers: what a run left is not lost, and its
        end is not told early."""
        due, stored = run.told_at, None
        assert due is not None, "what runs has a moment"
        while not self._stopping:
            try:
                stored = stored or put_files(self.context.quarantine, run.id, files)
                due = next_moment(due, datetime.now(UTC))
                cancellation.wait_until(due)
                if not self._stopping and not finish(self.context.database, run.id, stored, keep, hint):
                    self.context.quarantine.clear(folder(run.id))
            except Exception as error:  # noqa: BLE001  # a place lives on, whatever failed; its words could quote a value
                log.warning("run %s cannot be finished yet: %s", run.id, type(error).__name__)
                self._pause(AGAIN_SECONDS)
            else:
                return


def seconds_left(run: Run) -> float:
    """How long a seal of the run may run from now on."""
    return min(run.limit_seconds, max(0.0, seconds_to_told(run) - COLLECTING_SECONDS))


def seconds_to_told(run: Run) -> float:
    assert run.told_at is not None, "what runs has a moment"
    return (run.told_at - datetime.now(UTC)).total_seconds()
