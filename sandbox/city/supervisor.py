"""How do all the parts of a city start, stay up, and end together?

    checks -> Postgres, S3 -> tables, roles, people -> vault, portal, hub
    (each ends before those it stands on; one that ends by itself ends the city)

Start a city from a thread that lives as long as it: its parts end when that thread does.
"""

import json
import os
import secrets
import select
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import text

from sandbox import migrate
from sandbox.city import process_tree
from sandbox.city.checks import CHECKS, Check, lock_home
from sandbox.city.ground import Addresses, Ground
from sandbox.city.part import Part, RunningPart, last_line
from sandbox.city.people import add_people
from sandbox.city.ports import LOOPBACK, claimed_port
from sandbox.city.postgres import Postgres
from sandbox.city.s3 import S3Server
from sandbox.city.secret_files import secret
from sandbox.city.services import services
from sandbox.city.settings import PORTS, CitySettings
from sandbox.database import Database
from sandbox.database.roles import PORTAL, VAULT, create_roles
from sandbox.errors import Unavailable

LEFTOVER_SECONDS = 5.0
ROLES = ("postgres", VAULT, PORTAL)


class Running(Protocol):
    """What the supervisor holds of each part."""

    log: Path
    process: subprocess.Popen[bytes] | None

    def stop(self) -> None: ...


class City:
    """One city in the folder `home`. `parts` makes its services from the ground they stand on; `report` is told each step."""

    def __init__(self, home: Path, settings: CitySettings, *, parts: Callable[[Ground], tuple[Part, ...]] = services,
                 checks: tuple[Check, ...] = CHECKS, report: Callable[[str], None] = lambda _: None) -> None:
        self.home, self.settings = home.resolve(), settings
        self.parts, self.checks, self.report = parts, checks, report
        self.running: dict[str, Running] = {}
        self.ground: Ground | None = None
        self._lock: int | None = None

    def start(self) -> Ground:
        """Start every part, in order; return when all of them answer. If one does not, what was started is stopped."""
        try:
            for check in self.checks:
                check(self.home, self.settings)
            for name in ("logs", "run", "keys"):
                (self.home / name).mkdir(parents=True, exist_ok=True)
            self._lock = lock_home(self.home)
            end_leftovers(self.home)
            self.ground = self._lay_ground()
            self._start_services(self.ground)
        except BaseException:  # a signal too: whatever happens, nothing is left behind
            self.stop()
            raise
        self._write_card(ready=True)
        return self.ground

    def stop(self) -> None:
        """Stop all that was started, last first. Safe to repeat."""
        for name in reversed(tuple(self.running)):
            self.report(f"stopping {name}")
            self.running[name].stop()
            del self.running[name]  # only now: a stop that was interrupted can be repeated
        if self._lock is not None:
            end_leftovers(self.home)
            os.close(self._lock)
            self._lock = None

    def wait(self) -> None:
        """Return never, but raise `Unavailable` when a part ends by itself, naming it and its log. A signal interrupts."""
        handles = {os.pidfd_open(running.process.pid): name for name, running in self.running.items() if running.process}
        try:
            ended = select.select(list(handles), [], [])[0]
        finally:
            for handle in handles:
                os.close(handle)
        name = handles[ended[0]]
        log = self.running[name].log
        raise Unavailable(f"The {name} ended by itself. {last_line(log)}".strip(), code="part_ended", mend=f"See {log}.")

    def _lay_ground(self) -> Ground:
        """Postgres and S3, the tables, the roles, the people."""
        mark = {process_tree.MARK: secrets.token_hex(16)}
        ports = {part: claimed_port(self.settings.port(part), part=part, setting=setting) for part, setting in PORTS.items()}
        write_json(self.home / "city.json", {"mark": mark[process_tree.MARK]})  # before the first process has it
        keys = self.home / "keys" / "city"
        passwords = {role: secret(keys / f"database-{role}") for role in ROLES}
        environment = mark | {"PATH": path(), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1",
                              "HOME": str(self.home / "run")}

        s3 = S3Server(self.home / "s3", self._log("s3"), port=ports["s3"], environment=mark)
        postgres = Postgres(self.home / "postgres", self._log("postgres"), passwords=passwords, environment=environment)
        self.report("starting Postgres and the S3 server")
        self.running["s3"] = s3  # known before it starts: an interrupted start must stop it
        s3.launch()
        self.running = {"postgres": postgres} | self.running
        postgres.start()
        self.report("preparing the database")
        self._prepare(postgres, passwords, environment)
        s3.await_ready()
        return Ground(
            home=self.home, settings=self.settings, environment=environment,
            addresses=Addresses(s3=s3.endpoint, **{part: f"http://{LOOPBACK}:{ports[part]}" for part in PORTS if part != "s3"}),
            vault_database=postgres.url(user=VAULT), portal_database=postgres.url(user=PORTAL),
            vault_store=s3.vault, portal_store=s3.portal, raw_bucket=s3.raw_bucket, product_bucket=s3.product_bucket,
            quarantine_bucket=s3.quarantine_bucket, released_bucket=s3.released_bucket,
            hub_client_secret=secret(keys / "hub-client"), hub_crypt_key=secret(keys / "hub-crypt"))

    def _prepare(self, postgres: Postgres, passwords: dict[str, str], environment: dict[str, str]) -> None:
        make_database(postgres)
        owner = postgres.url()
        migrate.migrate(owner)
        market = subprocess.run([sys.executable, "-m", "marketplace.migrate"], capture_output=True, text=True, check=False,
                                env=environment | {"CIHU_DATABASE_URL": owner}, cwd=self.home)
        if market.returncode:
            raise Unavailable(f"The marketplace's tables could not be made. {market.stderr.strip()[-400:]}",
                              mend="Report this: it is a fault of ours.")
        database = Database(owner, pool_size=1)
        try:
            with database.transaction() as tx:
                create_roles(tx, passwords=passwords)
                add_people(tx, password=self.settings.password)
        finally:
            database.close()

    def _start_services(self, ground: Ground) -> None:
        """All at once, since each waits for little but itself; then asked in their order."""
        started = [RunningPart(part, self.home / "run", self._log(part.name)) for part in self.parts(ground)]
        for one in started:
            self.report(f"starting {one.part.name}")
            self.running[one.part.name] = one
            one.launch()
        self._write_card(ready=False)
        for one in started:
            one.await_ready()

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _write_card(self, *, ready: bool) -> None:
        """city.json: where everything is. For people and programs of this machine; it holds no secret."""
        assert self.ground is not None
        addresses = self.ground.addresses
        write_json(self.home / "city.json", {
            "ready": ready, "supervisor": os.getpid(), "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "mark": self.ground.environment[process_tree.MARK],
            "addresses": {"portal": addresses.portal, "hub": addresses.hub, "vault": addresses.vault, "s3": addresses.s3},
            "parts": {name: {"pid": running.process.pid, "log": str(running.log)}
                      for name, running in self.running.items() if running.process},
        })


def end_leftovers(home: Path) -> None:
    """End what the city of this home left behind, if it was killed; forget it then. Only for who holds the home's lock."""
    card = home / "city.json"
    try:
        mark = json.loads(card.read_text())["mark"]
    except (OSError, ValueError, KeyError):
        return
    process_tree.end(process_tree.marked(str(mark)), patience_seconds=LEFTOVER_SECONDS)
    card.unlink(missing_ok=True)


def make_database(postgres: Postgres) -> None:
    maintenance = Database(postgres.url(database="postgres"), pool_size=1)
    try:
        with maintenance.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.execute(text("SELECT 1 FROM pg_database WHERE datname = 'cihu'")).first():
                connection.execute(text("CREATE DATABASE cihu"))
    finally:
        maintenance.close()


def path() -> str:
    """Our own programs first, then the system's."""
    return os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"])


def write_json(file: Path, value: object) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(value, indent=1))
    draft.replace(file)
