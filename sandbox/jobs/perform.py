"""Performs one piece of work in a fresh seal: its program and its rows are laid out, it runs, and everything
is removed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sandbox.errors import Unavailable
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
) -> Ending:
    """`seconds` says, once everything lies in its place, how long it may run. `module` of the client's is
    started instead of the program's entry, and given it. Whatever fails is an `Ending` too."""
    try:
        place = run_folder.make(context.folder, name)
    except OSError as error:
        return not_started(error)
    try:
        place.write_program(program.files)
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
        )
        ending = SealedRun(chosen_sealer(context.sealer), seal, place).run(seconds(), cancelled)
        if interface is None or ending.how == "cancelled":
            return ending
        return replace(
            ending, predictions=fault_of(ending.outbox.files.get(OUTPUT), interface, rows) or "valid"
        )
    except Exception as error:  # noqa: BLE001  # of any kind: it is reported in quarantine, as what a program does is
        return not_started(error)
    finally:
        place.remove()


def not_started(error: Exception) -> Ending:
    why = error.internal or error.message if isinstance(error, Unavailable) else type(error).__name__
    return Ending("not_started", None, 0.0, f"The run did not start: {why}\n".encode(), Collected())
