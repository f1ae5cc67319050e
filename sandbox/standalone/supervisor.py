"""Starts all the parts of a city, keeps them up, and ends them together.

    checks -> Postgres, S3 -> tables, roles, people -> vault, portal, hub
    (each ends before those it stands on; one that ends by itself is started again, and the rest goes on)

Start a city from a thread that lives as long as it: its parts end when that thread does.
"""

import json
import logging
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NoReturn

from sqlalchemy import text

from sandbox.database import Database
from sandbox.database.roles import COURIER, PORTAL, VAULT, create_roles
from sandbox.errors import Unavailable
from sandbox.free_ports import LOOPBACK, name_of_loopback
from sandbox.http.log_lines import LineFormatter
from sandbox.standalone import process_tree
from sandbox.standalone.checks import CHECKS, Check, lock_home
from sandbox.standalone.city_config import Addresses, CityConfig
from sandbox.standalone.end_request import EndRequest
from sandbox.standalone.log_files import KEPT, MOST_BYTES, rotate
from sandbox.standalone.managed_service import ManagedService, RunningService
from sandbox.standalone.people import add_people
from sandbox.standalone.ports import claimed_port
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from sandbox.standalone.secret_files import secret
from sandbox.standalone.services import services
from sandbox.standalone.settings import PORTS, CitySettings
from sandbox.standalone.system_errors import of_the_system
from sandbox.standalone.tended import Running, Tended
from sandbox.vault import migrate

LEFTOVER_SECONDS = 5.0
LOOK_SECONDS = 10.0  # logs are looked at so often, if nothing happens
ASK_AGAIN_SECONDS = 0.2  # whether a part that was started again answers
log = logging.getLogger("cihu.city")
ROLES = ("postgres", VAULT, PORTAL, COURIER)


class City:
    """One city in the folder `home`.
    `parts` makes its services from the city's configuration. `report` gets each step. `furnish` is called
    when all answer, and before the city is reported as ready. Who sets `asked` can ask it to end, at any time
    (`go_on`)."""

    service = RunningService

    def __init__(
        self,
        home: Path,
        settings: CitySettings,
        *,
        parts: Callable[[CityConfig], tuple[ManagedService, ...]] = services,
        checks: tuple[Check, ...] = CHECKS,
        report: Callable[[str], None] = lambda _: None,
        furnish: Callable[[], None] = lambda: None,
    ) -> None:
        self.home, self.settings = home.resolve(), settings
        self.parts, self.checks, self.report, self.furnish = parts, checks, report, furnish
        self.running: dict[str, Running] = {}
        self.ground: CityConfig | None = None
        self.asked: EndRequest | None = None
        self._tended: dict[str, Tended] = {}
        self._started_at = datetime.now(UTC)
        self._lock: int | None = None
        self._log_file: logging.Handler | None = None

    def start(self) -> CityConfig:
        """Start every part, in order; return when all of them answer.
        If one does not, or somebody asks us to end, what was started is stopped."""
        try:
            for check in self.checks:
                self.go_on()
                check(self.home, self.settings)
            for name in ("logs", "run", "keys"):
                (self.home / name).mkdir(parents=True, exist_ok=True)
            self._lock = lock_home(self.home)
            self._open_log()
            end_leftovers(self.home)
            self.ground = self._lay_ground()
            self._start_services(self.ground)
            self.furnish()
        except BaseException:  # `Stopped` too: whatever happens, no process is left
            self.stop()
            raise
        self._tended = {name: Tended(name, running, self._sweep) for name, running in self.running.items()}
        self._write_card(ready=True)
        log.info("the city is ready")
        return self.ground

    def stop(self) -> None:
        """Stop all that was started, last first. Safe to repeat."""
        self._tended = {}
        for name in reversed(tuple(self.running)):
            self.report(f"stopping {name}")
            self.running[name].stop()
            del self.running[name]  # only now: a stop that failed can be repeated
        if self._lock is not None:
            end_leftovers(self.home)
            os.close(self._lock)
            self._lock = None
        if self._log_file is not None:
            log.removeHandler(self._log_file)
            self._log_file.close()
            self._log_file = None

    def go_on(self) -> None:
        """Raises `Stopped` if somebody has asked us to end.
        Who furnishes a city calls it between two deeds."""
        if self.asked is not None:
            self.asked.check()

    def wait(self) -> NoReturn:
        """Stay, and start again whatever ends by itself. Raises `Stopped` when somebody asks us to end."""
        while True:
            self.go_on()
            self.tend(LOOK_SECONDS)

    def tend(self, seconds: float) -> None:
        """Wait until a part ends, something is due or we are asked to end, for so long at most, and do it:
        say what ended and by what, start it again when its time has come, say when it answers. To be called
        again and again, on the thread that started the city."""
        changed = False
        for one in self._ended(min(seconds, self._soonest())):
            assert one.running.process is not None
            self._tell(one.note_end(one.running.process.wait()), logging.ERROR)
            changed = True
        for one in self._tended.values():
            if one.state == "waiting" and one.again_at <= time.monotonic():
                self._tell(one.start_again() or f"The {one.name} is started again.", logging.WARNING)
                changed = True
            elif one.has_started():
                self._tell(f"The {one.name} answers again.", logging.WARNING)
                changed = True
            rotate(one.running.log)
        if changed:
            try:
                self._write_card(ready=all(one.state == "ready" for one in self._tended.values()))
            except OSError as error:  # a full disk is no reason to end what runs
                self._tell(f"city.json cannot be written: {of_the_system(error)}", logging.ERROR)

    def _soonest(self) -> float:
        """Seconds until something is due that no process tells."""
        now = time.monotonic()
        waits = [one.again_at - now for one in self._tended.values() if one.state == "waiting"]
        waits += [ASK_AGAIN_SECONDS for one in self._tended.values() if one.state == "starting"]
        return max(0.0, min(waits, default=LOOK_SECONDS))

    def _ended(self, seconds: float) -> list[Tended]:
        """The parts whose process ends within this number of seconds, or before we are asked to end."""
        waiting, handles, ended = select.poll(), {}, []
        if self.asked is not None:
            waiting.register(self.asked, select.POLLIN)
        try:
            for one in self._tended.values():
                if one.state == "waiting" or one.running.process is None:
                    continue
                if one.running.process.poll() is not None:
                    ended.append(one)
                    continue
                handle = os.pidfd_open(one.running.process.pid)
                handles[handle] = one
                waiting.register(handle, select.POLLIN)
            found = waiting.poll(0 if ended else seconds * 1000)
            return ended + [handles[handle] for handle, _ in found if handle in handles]
        finally:
            for handle in handles:
                os.close(handle)

    def _sweep(self, part: str) -> None:
        """End the processes that a dead part has left: its successor needs the same ports."""
        assert self.ground is not None
        process_tree.end(
            process_tree.marked(self.ground.environment[process_tree.MARK], part),
            patience_seconds=LEFTOVER_SECONDS,
        )
        process_tree.collect_orphans(
            but=[running.process.pid for running in self.running.values() if running.process]
        )

    def _tell(self, words: str, level: int) -> None:
        self.report(words)
        log.log(level, "%s", words)

    def _open_log(self) -> None:
        """logs/city.log: what this supervisor does, in the form of every service's log."""
        self._log_file = RotatingFileHandler(
            self.home / "logs" / "city.log",
            maxBytes=MOST_BYTES,
            backupCount=KEPT,
            encoding="utf-8",
            delay=True,
        )
        self._log_file.setFormatter(LineFormatter("city"))
        log.addHandler(self._log_file)
        log.setLevel(logging.INFO)
        log.propagate = False
        logging.raiseExceptions = False  # nor is a log that cannot be written

    def _lay_ground(self) -> CityConfig:
        """Postgres and S3, the tables, the roles, the people."""
        mark = {process_tree.MARK: secrets.token_hex(16)}
        ports = {
            part: claimed_port(self.settings.port(part), part=part, setting=setting)
            for part, setting in PORTS.items()
        }
        # before the first process has it
        write_json(self.home / "city.json", {"mark": mark[process_tree.MARK]})
        keys = self.home / "keys" / "city"
        passwords = {role: secret(keys / f"database-{role}") for role in ROLES}
        environment = mark | {
            "PATH": path(),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",
            "HOME": str(self.home / "run"),
        }

        s3 = S3Server(
            self.home / "s3", self._log("s3"), port=ports["s3"], environment=mark | {process_tree.PART: "s3"}
        )
        postgres = Postgres(
            self.home / "postgres",
            self._log("postgres"),
            passwords=passwords,
            environment=environment | {process_tree.PART: "postgres"},
        )
        self.report("starting Postgres and the S3 server")
        self.running["s3"] = s3  # known before it starts: an interrupted start must stop it
        s3.launch()
        self.running = {"postgres": postgres} | self.running
        postgres.start(self.go_on)
        self.report("preparing the database")
        self._prepare(postgres, passwords, environment)
        s3.await_ready(self.go_on)
        return CityConfig(
            home=self.home,
            settings=self.settings,
            environment=environment,
            addresses=Addresses(
                s3=s3.endpoint,
                vault=f"http://{LOOPBACK}:{ports['vault']}",
                **{part: f"http://{name_of_loopback()}:{ports[part]}" for part in ("portal", "hub")},
            ),
            vault_database=postgres.url(user=VAULT),
            portal_database=postgres.url(user=PORTAL),
            courier_database=postgres.url(user=COURIER),
            vault_store=s3.vault,
            portal_store=s3.portal,
            raw_bucket=s3.raw_bucket,
            product_bucket=s3.product_bucket,
            quarantine_bucket=s3.quarantine_bucket,
            released_bucket=s3.released_bucket,
            hub_client_secret=secret(keys / "hub-client"),
            hub_crypt_key=secret(keys / "hub-crypt"),
            puller_secret=secret(keys / "puller"),
        )

    def _prepare(self, postgres: Postgres, passwords: dict[str, str], environment: dict[str, str]) -> None:
        make_database(postgres)
        owner = postgres.url()
        migrate.migrate(owner)
        self.go_on()
        market = subprocess.run(
            [sys.executable, "-m", "marketplace.migrate"],
            capture_output=True,
            text=True,
            check=False,
            env=environment | {"CIHU_DATABASE_URL": owner},
            cwd=self.home,
        )
        if market.returncode:
            raise Unavailable(
                f"The marketplace's tables could not be made. {market.stderr.strip()[-400:]}",
                remedy="Report this: it is a fault of ours.",
            )
        self.go_on()
        database = Database(owner, pool_size=1)
        try:
            with database.transaction() as tx:
                create_roles(tx, passwords=passwords)
                add_people(tx, password=self.settings.password)
        finally:
            database.close()

    def _start_services(self, ground: CityConfig) -> None:
        """All at once, since each waits for little but itself; then asked in their order."""
        started = [self.service(part, self.home / "run", self._log(part.name)) for part in self.parts(ground)]
        for one in started:
            self.report(f"starting {one.part.name}")
            self.running[one.part.name] = one
            one.launch()
            self.go_on()
        self._write_card(ready=False)
        for one in started:
            one.await_ready(self.go_on)

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _write_card(self, *, ready: bool) -> None:
        """city.json: where everything is. For people and programs of this machine; it holds no secret."""
        assert self.ground is not None
        addresses = self.ground.addresses
        write_json(
            self.home / "city.json",
            {
                "ready": ready,
                "supervisor": os.getpid(),
                "started_at": self._started_at.isoformat(timespec="seconds"),
                "mark": self.ground.environment[process_tree.MARK],
                "addresses": {
                    "portal": addresses.portal,
                    "hub": addresses.hub,
                    "vault": addresses.vault,
                    "s3": addresses.s3,
                },
                "parts": {
                    name: self._tended[name].as_json()
                    if name in self._tended
                    else {
                        "state": "starting",
                        "pid": running.process.pid if running.process else None,
                        "log": str(running.log),
                        "restarts": 0,
                        "last_end": None,
                    }
                    for name, running in self.running.items()
                },
            },
        )


def end_leftovers(home: Path) -> None:
    """End the processes that the city of this home left, if it was killed, and forget them.
    Only for the holder of the home's lock."""
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
    return os.pathsep.join(
        [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    )


def write_json(file: Path, value: object) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(value, indent=1))
    draft.replace(file)
