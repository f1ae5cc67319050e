"""A whole city for tests, on free ports, of which a service can be stopped,
killed or started with something changed in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from altered import altered
from city_logs import homes
from forked_services import ForkedProcess, forkable
from sandbox.client.session import ClientSession, ServiceUrls, places
from sandbox.database import Database
from sandbox.standalone.managed_service import ManagedService, RunningService
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.services import services
from sandbox.standalone.settings import ANY_PORTS
from sandbox.standalone.supervisor import City

CHECKOUT = Path(__file__).parents[2]
PASSWORD = ANY_PORTS.password
CIHU = Path(sys.executable).with_name("cihu")


def cihu(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own that knows a city only by its arguments."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CIHU_")}
    return subprocess.run(
        [str(CIHU), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        stdin=subprocess.DEVNULL,
        env=kept | {"CIHU_PASSWORD": PASSWORD} | environment,
    )


class ForkedService(RunningService):
    """Started as quickly as it can be (`forked_services.py`)."""

    def _process(self, environment: Mapping[str, str], log: BinaryIO) -> subprocess.Popen[bytes]:
        command, ending = self.part.command, self.part.ending
        if not forkable(command, environment):
            return super()._process(environment, log)
        return ForkedProcess(command, environment, self.folder, log.fileno(), ending)


class ForkedCity(City):
    service = ForkedService


@dataclass
class LiveCity:
    city: City
    changed: set[str] = field(default_factory=set)

    @property
    def home(self) -> Path:
        return self.city.home

    @property
    def where(self) -> ServiceUrls:
        return places(self.home, {})

    @property
    def postgres(self) -> Postgres:
        server = self.city.running["postgres"]
        assert isinstance(server, Postgres)
        return server

    def database(self) -> Database:
        """As the owner: may see everything."""
        return Database(self.postgres.url(), pool_size=2)

    def visitor(self, account: str, record: list[httpx.Response] | None = None) -> ClientSession:
        """Somebody who is logged in; every answer that they get from now on is put into `record`."""
        somebody = ClientSession(self.where, account, PASSWORD)
        if record is not None:
            listen(somebody._client, record)
        return somebody

    def part(self, name: str) -> RunningService:
        running = self.city.running[name]
        assert isinstance(running, RunningService)
        return running

    def restart(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a service anew, with these variables beside its own.
        Raises `Unavailable` if it does not come up."""
        assert self.city.ground is not None
        plain: ManagedService = next(part for part in services(self.city.ground) if part.name == name)
        part = replace(plain, environment={**plain.environment, **(environment or {})})
        old = self.part(name)
        old.stop()
        self.city._sweep(name)  # as the supervisor does: processes that it left hold its ports
        new = self.city.service(part, old.folder, old.log)
        self.city.running[name] = new
        (self.changed.add if environment else self.changed.discard)(name)
        new.launch()
        new.await_ready()

    def change(self, name: str, changes: Mapping[str, str], **environment: str) -> None:
        """Start a service with `changes` in it (see `altered`), and all others as they are made."""
        for other in self.changed - {name}:
            self.restart(other)
        self.restart(name, altered(self.home / "altered" / name, changes) | environment)

    def restore(self) -> None:
        for name in tuple(self.changed):
            self.restart(name)

    def kill(self, name: str) -> None:
        """SIGKILL to a service's own process; the processes that it leaves are swept when it is started
        again."""
        process = self.part(name).process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait(120)


def listen(client: httpx.Client, record: list[httpx.Response]) -> None:
    def keep(answer: httpx.Response) -> None:
        answer.read()
        record.append(answer)

    client.event_hooks["response"].append(keep)


def document(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document that a command printed."""
    said = json.loads(ended.stdout)
    assert isinstance(said, dict)
    return said


@contextmanager
def live_city(*, forked: bool = True) -> Iterator[LiveCity]:
    """`forked` services show the environment of their server in /proc."""
    # sockets need short paths, so not below pytest's own folder
    home = Path(tempfile.mkdtemp(prefix="cihu-", dir="/tmp"))
    city = (ForkedCity if forked else City)(home, ANY_PORTS)
    homes.append(home)
    try:
        city.start()
        yield LiveCity(city)
    finally:
        city.stop()
        homes.remove(home)
        shutil.rmtree(home, ignore_errors=True)
