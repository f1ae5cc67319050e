"""A real vault process with a small city's people behind it, asked over HTTP as they would ask it."""

import json
import secrets
import shutil
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, select, text

from described_api import held_against
from held_versions import open_held
from sandbox.audit import Log, Signer
from sandbox.audit.cosignatures import WitnessKey
from sandbox.audit.tables import entries
from sandbox.budgets import Account, Level, Statement, statement
from sandbox.database import Database
from sandbox.free_ports import free_port
from sandbox.grants import Grant, load_grant
from sandbox.identity import KERNEL, VAULT, TokenIssuer, create_account, create_team, join_team
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import POLICY, Story, open_story, rows_csv
from workspace import CHECKOUT, plain_environment, running

SECONDS = 120
WITNESS = "audit.example/witness"
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)  # of the witness that the log knows
# made once: every client would read the machine's certificates anew
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Asker:
    """One person with a token, over one of the vault's doors."""

    client: httpx.Client
    token: str

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.client.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **more)

    def ask(self, sql: str, **more: Any) -> httpx.Response:
        return self.send("POST", "/v1/ask", json={"sql": sql, **more})

    def answer(self, sql: str, **more: Any) -> dict[str, Any]:
        """The answer to a question that must be answered."""
        told = self.ask(sql, **more)
        assert told.status_code == 200, told.text
        return dict(told.json())

    def refusal(self, sql: str, **more: Any) -> tuple[int, str]:
        """Status and code of a question that must not be answered."""
        told = self.ask(sql, **more)
        assert told.status_code >= 400, told.text
        return told.status_code, str(told.json()["code"])


@dataclass
class AskedVault:
    """The vault's process, its home and database; `start` it again as often as it is killed."""

    home: Path
    url: str
    story: Story
    environment: Mapping[str, str]
    issuers: dict[str, TokenIssuer] = field(default_factory=dict, repr=False)

    @property
    def log_file(self) -> Path:
        return self.home / "vault.log"

    @contextmanager
    def start(self, more: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The process, until the block ends; it may have died before."""
        environment = {**self.environment, **(more or {})}
        if more and "PYTHONPATH" in more:
            environment["PYTHONPATH"] = f"{more['PYTHONPATH']}:{self.environment['PYTHONPATH']}"
        with running(
            [sys.executable, "-m", "sandbox.vault.app"], environment, self.log_file, f"{self.url}/healthz"
        ) as process:
            yield process

    def token(self, person: str, audience: str = VAULT, seconds: int = 600) -> str:
        issuer = self._issuer("vault" if audience == KERNEL else "portal")
        ends = {"session_ends": 4_000_000_000} if audience == KERNEL else {}
        return issuer.issue(person, audience=audience, lifetime_seconds=seconds, **ends)

    def _issuer(self, name: str) -> TokenIssuer:
        """Kept: it looks for a rotated key by itself, and otherwise reads the database for each token."""
        if name not in self.issuers:
            self.issuers[name] = TokenIssuer(name, self.home / "keys" / name, self.story.database)
        return self.issuers[name]

    def person(self, name: str, audience: str = VAULT) -> Asker:
        client = httpx.Client(
            base_url=self.url,
            timeout=SECONDS,
            trust_env=False,
            verify=NO_TLS,
            event_hooks=held_against("vault"),
        )
        return Asker(client, self.token(name, audience))

    def kernel(self, name: str, audience: str = KERNEL) -> Asker:
        """Over the kernels' socket."""
        transport = httpx.HTTPTransport(uds=str(self.home / "run" / "vault" / "vault.sock"), verify=NO_TLS)
        client = httpx.Client(
            base_url="http://vault",
            transport=transport,
            timeout=SECONDS,
            trust_env=False,
            event_hooks=held_against("kernel"),
        )
        return Asker(client, self.token(name, audience))

    def publish(self, policy: str, rows: bytes) -> httpx.Response:
        """As lin, over HTTP; what is held before it opens, lin and tang open."""
        told = self.person("lin").send(
            "POST", "/v1/datasets", data={"policy": policy}, files={"file": ("rows.csv", rows)}
        )
        if told.status_code == 201:
            self.open_held(told.json())
        return told

    def open_held(self, published: Mapping[str, Any], publisher: str = "lin") -> None:
        def send(person: str, method: str, path: str, **more: Any) -> Any:
            told = self.person(person).send(method, path, **more)
            assert told.status_code == 200, told.text
            return told.json()

        open_held(published, send, publisher=publisher, second="tang")

    def dataset(
        self, *, rows: bytes | None = None, policy: str = POLICY, epsilon: str = "4"
    ) -> tuple[str, Grant]:
        """A dataset of its own for a test, published over HTTP, and the grant of wang's team on it."""
        name = f"clinic.d{secrets.token_hex(4)}"
        made = self.publish(policy.replace("clinic.visits", name), rows_csv() if rows is None else rows)
        assert made.status_code == 201, made.text
        return name, self.grant(name, epsilon=epsilon)

    def grant(self, dataset: str, *, person: str = "wang", team: str = "lake", epsilon: str = "4") -> Grant:
        """Requested and approved over HTTP."""
        asked = self.person(person).send(
            "POST",
            "/v1/requests",
            json={
                "dataset": dataset,
                "team": team,
                "epsilon": epsilon,
                "purpose": "to try what can be got out of it",
                "until": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
            },
        )
        assert asked.status_code == 201, asked.text
        made = self.person("lin").send("POST", f"/v1/requests/{asked.json()['id']}/approve", json={})
        assert made.status_code == 200, made.text
        with self.story.database.transaction() as tx:
            return load_grant(tx, made.json()["id"])

    def account(self, account: Account) -> Statement:
        with self.story.database.transaction() as tx:
            return statement(tx, account)

    def spent(self, grant: Grant) -> dict[str, int]:
        """What each level has lost, in picorho."""
        accounts = (
            grant.account,
            Account(Level.DATASET, grant.dataset),
            Account(Level.POPULATION, "residents"),
        )
        return {account.level.value: self.account(account).spent.picorho for account in accounts}

    def lost(self, grant: Grant, before: dict[str, int]) -> dict[str, int]:
        return {level: now - before[level] for level, now in self.spent(grant).items()}

    def log(self) -> Log:
        return Log(self.story.database, Signer(self.home / "keys" / "log"))

    def kinds(self) -> list[str]:
        with self.story.database.transaction() as tx:
            return [
                json.loads(entry)["kind"]
                for entry in tx.scalars(select(entries.c.entry).order_by(entries.c.index))
            ]


def _policies(home: Path) -> Path:
    """The city's, but for a population budget that promises a grant to each of a hundred tests."""
    policies = home / "policies"
    shutil.copytree(CHECKOUT / "policies", policies)
    (policies / "populations.yaml").write_text(
        'residents: {epsilon: "900", delta: "1e-3"}\nbusinesses: {epsilon: "900", delta: "1e-3"}\n'
    )
    key = WitnessKey(WITNESS, WITNESS_KEY.public_key().public_bytes_raw())
    (policies / "witnesses.policy").write_text(f"witness audit-office {key}\nquorum audit-office\n")
    (policies / "sources.yaml").write_text(
        "sources:\n  clinic: {kind: postgres, department: health, host: 127.0.0.1, port: 1, "
        "database: clinic, user: cihu_reader}\n"
    )
    return policies


@contextmanager
def asked_vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """A vault that is not started yet, on a database of its own.
    wang and song are the team lake, qin is the team river, li is of no team."""
    home = Path(tempfile.mkdtemp(prefix="cv", dir="/tmp"))  # sockets need short paths
    name = f"asked_{home.name.lower()}"
    owner = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    with owner.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE {template}'))
    database = Database(postgres.url(database=name))
    port = free_port()
    environment = plain_environment(home) | {
        "CIHU_BIND": f"127.0.0.1:{port}",
        "CIHU_DATABASE_URL": postgres.url(user="cihu_vault", database=name),
        "CIHU_S3_ENDPOINT": s3.endpoint,
        "CIHU_S3_ACCESS_KEY": s3.vault.access_key,
        "CIHU_S3_SECRET_KEY": s3.vault.secret_key,
        "CIHU_RAW_BUCKET": s3.raw_bucket,
        "CIHU_PRODUCT_BUCKET": s3.product_bucket,
        "CIHU_POLICIES": str(_policies(home)),
        "CIHU_PULLER_SECRET": secrets.token_hex(32),
    }
    try:
        story = open_story(database, s3.raw_store())
        with database.transaction() as tx:
            create_team(tx, team_id="river", display_name="river", by="system")
            for account, team in (("song", "lake"), ("qin", "river")):
                create_account(
                    tx,
                    account_id=account,
                    display_name=account,
                    organisation="hbpu",
                    roles=["analyst"],
                    by="system",
                )
                join_team(tx, team_id=team, account_id=account, by="system")
        yield AskedVault(home, f"http://127.0.0.1:{port}", story, environment)
    finally:
        database.close()
        with owner.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        owner.dispose()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def asked(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One that runs, for tests that bring datasets and grants of their own.
    They share the population's budget."""
    with asked_vault(postgres, template, s3) as made, made.start():
        yield made


@pytest.fixture
def mortal_vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One that is not started yet, for a test that ends it, or needs its own number of places."""
    with asked_vault(postgres, template, s3) as made:
        yield made
