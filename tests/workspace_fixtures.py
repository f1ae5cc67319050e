"""Fixtures on top of `workspace.py`, for the conftest of each folder that needs a kernel."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from health_rows import HEALTH_POLICY, health_csv
from sandbox.city.postgres import Postgres
from sandbox.city.s3 import S3Server
from sandbox.database import Database
from story import open_story
from workspace import Kernel, VaultProcess, WorkspaceProcess, vault_process, workspace_process


@pytest.fixture(scope="session")
def short_home() -> Iterator[Path]:
    """A home with a path that is short enough for a socket's address."""
    home = Path(tempfile.mkdtemp(prefix="ch"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def vault(postgres: Postgres, template: str, s3: S3Server, short_home: Path) -> Iterator[VaultProcess]:
    """A vault with two datasets of made-up rows; wang's team has a grant on each."""
    name = f"workspace_{short_home.name.lower()}"
    owner = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE {template}'))
    owner.dispose()
    database = Database(postgres.url(database=name))
    story = open_story(database, s3.raw_store())
    story.publish()
    story.publish(health_csv(), HEALTH_POLICY)
    story.grant()
    story.grant(dataset="health.visits")
    with vault_process(short_home, story, postgres.url(user="cihu_vault", database=name), s3) as running:
        yield running
    database.close()


@pytest.fixture(scope="session")
def workspace(vault: VaultProcess) -> Iterator[WorkspaceProcess]:
    with workspace_process(vault, "wang") as running:
        yield running


@pytest.fixture
def kernel(workspace: WorkspaceProcess) -> Iterator[Kernel]:
    """A fresh sealed kernel of wang's."""
    with workspace.kernel() as started:
        yield started


@pytest.fixture(scope="module")
def one_kernel(workspace: WorkspaceProcess) -> Iterator[Kernel]:
    """A sealed kernel that the tests of a module share."""
    with workspace.kernel() as started:
        yield started
