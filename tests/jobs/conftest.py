"""A vault with places for sealed runs: a process of its own, because a run's seal dies with it."""

from collections.abc import Iterator

import pytest

from asked_vault import AskedVault, asked, asked_vault
from sandbox.city.postgres import Postgres
from sandbox.city.s3 import S3Server

__all__ = ["asked"]


@pytest.fixture
def mortal_vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One that is not started yet, for a test that ends it, or needs its own number of places."""
    with asked_vault(postgres, template, s3) as made:
        yield made
