"""The seal of a kernel: a pure function from a person's kernel to what it sees."""

from pathlib import Path

from sandbox.hub.run_folder import INSIDE, INSIDE_SOCKETS
from sandbox.seals import Bind, Limits, Seal, without_psutil

HOME = "/home/analyst"
TEMPORARY = "/tmp"  # noqa: S108  # the seal's own, in memory
VAULT = "/run/cihu"  # holds vault.sock, the kernel's only way out
# as many threads as a small table needs; a library that takes one per processor would use up the processes
THREADS = "4"
START = Path(__file__).with_name("kernel_start.py").read_text()


def seal_name(person: str, kernel: str = "") -> str:
    """No two kernels share a name, so none shares a host user and what is counted for it."""
    return f"kernel {kernel} of {person}" if kernel else f"kernel of {person}"


def kernel_seal(
    *,
    person: str,
    python: Path,
    interpreter: tuple[Bind, ...],
    inbox: Path,
    sockets: Path,
    vault_folder: Path,
    kernel: str = "",
    session_name: str = "",
    language: str = "",
    limits: Limits | None = None,
) -> Seal:
    """The seal of the kernel `kernel` of `person`: the interpreter, its inbox, its sockets,
    the vault's socket, nothing else.

    `language`: that of the person's tables and errors, "zh" or "en"; whatever the client takes if empty.
    """
    environment = {
        "HOME": HOME,
        "USER": "analyst",
        "LOGNAME": "analyst",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "TMPDIR": TEMPORARY,
        "MPLCONFIGDIR": f"{TEMPORARY}/matplotlib",
        "IPYTHONDIR": f"{TEMPORARY}/ipython",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": THREADS,
        "OMP_NUM_THREADS": THREADS,
        "CIHU_SOCKET": f"{VAULT}/vault.sock",
        "CIHU_TOKEN_FILE": f"{INSIDE}/token",
    }
    if language:
        environment["CIHU_LANGUAGE"] = language
    if session_name:
        environment["JPY_SESSION_NAME"] = session_name
    return Seal(
        command=(str(python), "-c", START, f"{INSIDE}/begin", "-f", f"{INSIDE}/connection.json"),
        readable=interpreter,
        own=(Bind(str(inbox), INSIDE),),
        doors=(Bind(str(vault_folder), VAULT),),
        writable=(Bind(str(sockets), INSIDE_SOCKETS),),
        environment=tuple(environment.items()),
        limits=limits or Limits(),
        folder=HOME,
        texts=without_psutil(python),
        name=seal_name(person, kernel),
    )
