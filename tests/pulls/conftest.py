"""Real sources: Postgres through a port, MariaDB where it is installed, SQLite, the S3 server, HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mariadb_server import MariaDB, is_installed
from object_server import ObjectServer, object_server
from relay import Relay
from sandbox.standalone.postgres import Postgres


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


@pytest.fixture(scope="session")
def postgres_socket(postgres: Postgres) -> Path:
    return postgres.home / ".s.PGSQL.5432"


@pytest.fixture
def postgres_port(postgres_socket: Path) -> Iterator[Relay]:
    with Relay(postgres_socket) as relay:
        yield relay


@pytest.fixture
def owner(postgres: Postgres, database_name: str) -> Iterator[psycopg.Connection]:
    """The owner of a department's database of its own."""
    url = postgres.url(database=database_name).replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
