"""Real parts for every test: one embedded Postgres and one S3 server a session, a fresh database a test."""

import sandbox.hub.without_iri_grammar  # noqa: I001  # before a test brings jsonschema

import gc
import itertools
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text

import marketplace.migrate
import sandbox.vault.migrate
from sandbox.database import Database
from memory_folder import memory_folder
from sandbox.standalone.postgres import Postgres
from stories_s3 import StoriesS3
from story import Story, open_story

pytest_plugins = [
    "left_processes",
    "distribution",
    "minutes",
    "city_logs",
    "light_passwords",
    "kept_schemas",
    "one_tls_context",
    # known here, so that one vault and one workspace serve several folders of a session
    "asked_vault",
    "workspace_fixtures",
    "listed_market",
    "city_logins",
]

# the same examples each time, on every machine, however busy it is
settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")

numbers = itertools.count()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported now stays: it is not looked through for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with memory_folder() as home:
        server = Postgres(home, home / "log", durable=False)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def s3() -> Iterator[StoriesS3]:
    """Its `endpoint`, its `vault` and `portal` credentials, and `raw_store()`, `product_store()`."""
    with memory_folder() as home:
        server = StoriesS3(home, home / "log")
        server.start()
        server.stories_store().ensure()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """A database with every table in it, copied for each test."""
    run(postgres, "CREATE DATABASE template_cihu")
    url = postgres.url(database="template_cihu")
    sandbox.vault.migrate.migrate(url)
    marketplace.migrate.migrate(url)
    return "template_cihu"


def run(postgres: Postgres, statement: str) -> None:
    engine = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def copied(template: str) -> str:
    """The database of which a test gets a copy; a folder may have one with more in it."""
    return template


@pytest.fixture
def database_name(postgres: Postgres, copied: str) -> Iterator[str]:
    name = f"test_{next(numbers)}"
    # its files are copied: through the log, as it is otherwise, takes twice as long
    run(postgres, f"CREATE DATABASE {name} TEMPLATE {copied} STRATEGY FILE_COPY")
    yield name
    run(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(postgres: Postgres, database_name: str) -> Iterator[Database]:
    """As the owner: may do everything."""
    opened = Database(postgres.url(database=database_name))
    yield opened
    opened.close()


@pytest.fixture
def story(database: Database, s3: StoriesS3) -> Story:
    """A small city with people in it and nothing published."""
    return open_story(database, s3.stories_store())
