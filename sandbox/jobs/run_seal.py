"""The seal of a run: a pure function from a run to what it sees, which is the interpreter, its program, its
inputs, and one outbox in memory.

No socket is bound in, and no network is there, so it can send nothing to anybody. The outbox is all that it
may leave.
"""

import json
from base64 import b64encode
from pathlib import Path

from sandbox.jobs.model import Interface
from sandbox.jobs.predictor import as_document
from sandbox.jobs.run_folder import RunFolder
from sandbox.seals import Bind, Limits, Seal, without_psutil
from sandbox.seals.one_person import person_filter

HOME = "/home/analyst"
TEMPORARY = "/tmp"  # noqa: S108  # the seal's own, in memory
PROGRAM, INPUTS, OUTBOX, BEGINNING = "/program", "/data", "/outbox", "/run/beginning"
MODELS = "/models"
MIB = 1024 * 1024
OUTBOX_BYTES = 128 * MIB  # all of it: it is memory
THREADS = 4
PERSON_SHARE = 8
"""An eighth of the seal's memory is what one person's prediction may add to what was loaded."""
READY = b"."
# says that everything is in its place, waits until it may begin, and becomes the program
START = f'printf {READY.decode()} && read -r _ < "$1" && shift && exec "$@"'


def run_seal(
    *,
    run: str,
    entry: str,
    python: Path,
    interpreter: tuple[Bind, ...],
    folder: RunFolder,
    memory_bytes: int,
    limit_seconds: int,
    interface: Interface | None = None,
    module: str | None = None,
    person_seconds: float | None = None,
    person_slot: float = 0.0,
) -> Seal:
    """The seal of the run called `run`; `folder` holds what it reads.
    A predictor (`interface`) is called by the client's own `cihu.predicting`, as in its trial;
    with a `module`, it is that which is started. `person_seconds`: the predictor is called once a person,
    by `cihu.people`, and may take so long for each. `person_slot`: seconds
    from one person's begin to the next."""
    environment = {
        "HOME": HOME,
        "USER": "analyst",
        "LOGNAME": "analyst",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "TMPDIR": TEMPORARY,
        "MPLCONFIGDIR": f"{TEMPORARY}/matplotlib",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": str(THREADS),
        "OMP_NUM_THREADS": str(THREADS),
        "CIHU_INPUTS": INPUTS,
        "CIHU_MODELS": MODELS,
        "CIHU_OUTBOX": OUTBOX,
    }
    caller: tuple[str, ...] = () if module is None else ("-m", module)
    if interface is not None:
        environment["CIHU_INTERFACE"] = json.dumps(as_document(interface), ensure_ascii=False)
        caller = ("-m", "cihu.predicting" if person_seconds is None else "cihu.people")
    if person_seconds is not None:
        environment |= {
            "CIHU_FEED": f"{BEGINNING}/begin",
            "CIHU_PERSON_SECONDS": repr(person_seconds),
            "CIHU_PERSON_SLOT": repr(person_slot),
            "CIHU_PERSON_MEMORY": str(memory_bytes // PERSON_SHARE),
            "CIHU_SEAL_MEMORY": str(memory_bytes),
            "CIHU_PERSON_FILTER": b64encode(person_filter()).decode(),
            # children may make no threads
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
    return Seal(
        command=(
            "/bin/sh",
            "-c",
            START,
            "run",
            f"{BEGINNING}/begin",
            str(python),
            *caller,
            f"{PROGRAM}/{entry}",
        ),
        readable=interpreter,
        own=(
            Bind(str(folder.program), PROGRAM),
            Bind(str(folder.inputs), INPUTS),
            Bind(str(folder.models), MODELS),
            Bind(str(folder.beginning), BEGINNING),
        ),
        environment=tuple(environment.items()),
        scratch=((OUTBOX, OUTBOX_BYTES),),
        texts=without_psutil(python),
        network=False,
        limits=Limits(
            memory_bytes=2 * memory_bytes,
            tree_bytes=memory_bytes,
            processes=64,
            cpu_seconds=THREADS * limit_seconds,
        ),
        folder=HOME,
        name=f"run {run}",
        narrowing=person_seconds is not None,
    )
