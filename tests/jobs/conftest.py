"""A vault with places for sealed runs: a process of its own, because a run's seal dies with it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from asked_vault import AskedVault, asked_vault
from sandbox.jobs import run_folder
from sandbox.jobs.run_folder import RunFolder
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server


@pytest.fixture(scope="session")
def asked(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One with so many places that the tests' runs need not wait for each other;
    each keeps its place for its limit."""
    with (
        asked_vault(postgres, template, s3) as made,
        made.start({"CIHU_RUN_PLACES": "24", "CIHU_RUN_MEMORY_MIB": "1536"}),
    ):
        yield made


@pytest.fixture
def place() -> Iterator[RunFolder]:
    """A run's folder, of no run."""
    runs = Path(tempfile.mkdtemp(prefix="cr"))
    yield run_folder.make(runs, "run")
    shutil.rmtree(runs, ignore_errors=True)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """Of an empty outbox in `tmp_path`."""
    opened = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield opened
    os.close(opened)
