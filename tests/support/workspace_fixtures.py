"""Fixtures on top of `workspace.py`: one vault, workspace and hub of a session."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from health_rows import HEALTH_POLICY, health_csv
from sandbox.database import Database
from sandbox.identity import create_account, join_team
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import open_story
from workspace import (
    HubProcess,
    Kernel,
    VaultProcess,
    WorkspaceProcess,
    hub_process,
    vault_process,
    workspace_process,
)

PASSWORD = "a-password-for-tests"


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
    with database.transaction() as tx:
        create_account(
            tx,
            account_id="song",
            display_name="宋 Song",
            organisation="hbpu",
            roles=["analyst"],
            password=PASSWORD,
            by="system",
        )
        join_team(tx, team_id="lake", account_id="song", by="system")
        create_account(
            tx,
            account_id="chen",
            display_name="陈 Chen",
            organisation="hbpu",
            roles=["buyer"],
            password=PASSWORD,
            by="system",
        )
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


@pytest.fixture(scope="session")
def hub(vault: VaultProcess, s3: S3Server) -> Iterator[HubProcess]:
    portal_database = vault.database_url.replace("cihu_vault@", "cihu_portal@")
    with hub_process(vault, portal_database, s3) as started:
        yield started
