"""A small city in which two teams declare queries; and a vault in a process of its own."""

from collections.abc import Iterator

import pytest

from asked_vault import AskedVault, asked_vault
from declared_tables import declaring
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

__all__ = ["declaring"]


@pytest.fixture(scope="session")
def asked(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One that runs, with places for runs."""
    with asked_vault(postgres, template, s3) as made, made.start({"CIHU_RUN_PLACES": "8"}):
        yield made
