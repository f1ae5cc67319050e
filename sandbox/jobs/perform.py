"""Performs one piece of work in a fresh seal: its program and its rows are laid out, it runs, and everything
is removed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sandbox.errors import CihuError, Unavailable
from sandbox.jobs import run_folder
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.context import RunContext
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.outbox import Collected
from sandbox.jobs.predictions import fault_of
from sandbox.jobs.predictor import OUTPUT
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import Ending, SealedRun
from sandbox.seals import chosen_sealer, interpreter


@dataclass(frozen=True)
class GivenRows:
    """An input as the program finds it."""

    dataset: str
    parquet: bytes
    rows: int


@dataclass(frozen=True)
class FedPeople:
    """`feed`: rows as `cihu.people` reads them. `rows`: how many. `seconds`: how long each person may take,
    whatever the others took. `slot`: the seconds from one person's begin to the next."""

    feed: bytes
    rows: int
    seconds: float
    slot: float


def perform(
    context: RunContext,
    *,
    name: str,
    program: Program,
    interface: Interface | None = None,
    module: str | None = None,
    inputs: Iterable[GivenRows],
    limit_seconds: int,
    seconds: Callable[[], float],
    cancelled: Cancellation,
    people: FedPeople | None = None,
    models: Callable[[], Mapping[str, Mapping[str, bytes]]] = dict,
) -> Ending:
    """`seconds` says, once everything lies in its place, how long it may run. `module` of the client's is
    started instead of the program's entry, and given it. `people`: a predictor is called on them one by one,
    and there are no `inputs`. `models`: files by model. Whatever fails is an `Ending` too."""
    try:
        place = run_folder.make(context.folder, name)
    except OSError as error:
        return not_started(error)
    fed = False
    try:
        place.write_program(program.files)
        place.write_models(models())
        rows = 0
        for given in inputs:
            place.write_input(given.dataset, given.parquet)
            rows = given.rows
        seal = run_seal(
            run=name,
            entry=program.entry,
            python=context.python,
            interpreter=interpreter(context.python),
            folder=place,
            memory_bytes=context.memory_bytes,
            limit_seconds=limit_seconds,
            interface=interface,
            module=module,
            person_seconds=None if people is None else people.seconds,
            person_slot=0.0 if people is None else people.slot,
        )
        run = SealedRun(chosen_sealer(context.sealer), seal, place)
        fed = people is not None
        ending = run.run(seconds(), cancelled, b"" if people is None else people.feed)
        if interface is None or ending.how == "cancelled":
            return ending
        left = ending.outbox.files.get(OUTPUT)
        fault = fault_of(left, interface, people.rows if people else rows, may_be_missing=people is not None)
        return replace(ending, predictions=fault or "valid")
    except Exception as error:  # noqa: BLE001  # of any kind: it is reported in quarantine, as what a program does is
        ending = not_started(error)
        # rows were there: it counts as a run, whatever failed
        return replace(ending, how="interrupted") if fed else ending
    finally:
        place.remove()


def not_started(error: Exception) -> Ending:
    """Words of a `CihuError` are our own; those of another could quote a value, so only its name is said."""
    why = type(error).__name__
    if isinstance(error, Unavailable):
        why = f"{error.message} ({error.internal})" if error.internal else error.message
    elif isinstance(error, CihuError):
        why = error.code
    return Ending("not_started", None, 0.0, f"The run did not start: {why}\n".encode(), Collected())


def why_not_started(ending: Ending) -> str:
    """One line, as it stands in quarantine and in the vault's log."""
    return ending.said.decode("utf-8", "replace").strip()
