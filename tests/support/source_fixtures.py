"""A department's Postgres, for tests of several folders."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from relay import Relay
from sandbox.standalone.postgres import Postgres


@pytest.fixture
def postgres_port(postgres: Postgres) -> Iterator[Relay]:
    """The test server at a port of the loopback."""
    with Relay(postgres.home / ".s.PGSQL.5432") as relay:
        yield relay


@pytest.fixture
def owner(postgres: Postgres, database_name: str) -> Iterator[psycopg.Connection[Any]]:
    """The owner of a department's database of its own."""
    url = postgres.url(database=database_name).replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
