"""A small city whose officers review, on a real Postgres and a real S3 server;
and a vault in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from asked_vault import AskedVault, asked_vault
from reviewed_runs import Reviewing, reviewing
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import Story


@pytest.fixture
def city(story: Story, s3: S3Server, tmp_path: Path) -> Reviewing:
    return reviewing(story, s3, tmp_path)


@pytest.fixture(scope="session")
def asked(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One that runs, with places for sealed runs."""
    with (
        asked_vault(postgres, template, s3) as made,
        made.start({"CIHU_RUN_PLACES": "8", "CIHU_RUN_MEMORY_MIB": "1536"}),
    ):
        yield made
