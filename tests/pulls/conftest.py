"""Real sources: Postgres through a port, MariaDB where it is installed, SQLite, the S3 server, HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from asked_vault import asked_vault
from mariadb_server import MariaDB, is_installed
from object_server import ObjectServer, object_server
from pulled_city import SECRET, PulledCity
from relay import Relay
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from source_fixtures import owner, postgres_port

__all__ = ["owner", "postgres_port"]


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    if not is_installed():
        pytest.skip("mariadb-server is not installed")
    server = MariaDB(tmp_path_factory.mktemp("m"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ObjectServer]:
    with object_server(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def city(
    postgres: Postgres, template: str, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PulledCity]:
    """Its sources: an SQLite file, a Postgres that a test may cut, and some that are not there."""
    folder = tmp_path_factory.mktemp("sources")
    with asked_vault(postgres, template, s3) as asked, Relay(postgres.home / ".s.PGSQL.5432") as relay:
        made = PulledCity(asked, folder=folder, relay=relay, postgres=postgres)
        made.sources(
            {
                "file": {"kind": "sqlite", "department": "health", "path": str(folder / "clinic.db")},
                "clinic": made.postgres_source(seconds=60),
                "slow": made.postgres_source(seconds=2),
                "nobody": made.postgres_source(user="nobody"),
                "gone": {"kind": "https", "department": "health", "host": "127.0.0.1", "port": 1},
                "other": {"kind": "sqlite", "department": "transport", "path": "/nowhere.db"},
            }
        )
        with asked.start({"CIHU_PULLER_SECRET": SECRET}):
            made.add_officer("sun")
            yield made
