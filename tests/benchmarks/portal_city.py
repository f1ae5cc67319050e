"""A portal and a vault as processes of their own, on one Postgres and one S3 server, with the people of the
demo city; and how they are asked over HTTP, as the people would ask."""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

import forked_services
import marketplace.migrate
import sandbox.vault.migrate
from held_versions import open_held
from sandbox.database import Database
from sandbox.free_ports import free_port
from sandbox.identity import PORTAL, VAULT, TokenIssuer
from sandbox.standalone.people import add_people
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from workspace import CHECKOUT, plain_environment, running

PASSWORD = "a long enough password"
SECONDS = 120
MODULES = {"vault": "sandbox.vault.app", "portal": "marketplace.app"}


@dataclass(frozen=True)
class PortalCity:
    """Both services, and their database as its owner."""

    portal_url: str
    vault_url: str
    database: Database
    issuer: TokenIssuer
    home: Path
    services: Mapping[str, Mapping[str, str]]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Both services, until the block ends."""
        urls = {"vault": self.vault_url, "portal": self.portal_url}
        with ExitStack() as stack:
            for name, module in MODULES.items():
                command, log = [sys.executable, "-m", module], self.home / f"{name}.log"
                environment = dict(self.services[name])
                stack.enter_context(running(command, environment, log, f"{urls[name]}/healthz"))
            yield

    def send(self, who: str, method: str, path: str, **more: Any) -> Any:
        """What an operation answers with: the vault's where the path begins with `/v1`, else the portal's."""
        ours = path.startswith("/v1")
        token = self.issuer.issue(who, audience=VAULT if ours else PORTAL, lifetime_seconds=900)
        address = f"{self.vault_url}{path}" if ours else f"{self.portal_url}/api/v1{path}"
        answer = httpx.request(
            method, address, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS, **more
        )
        if not answer.is_success:
            raise SystemExit(f"{method} {path} as {who}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def publish(self, officer: str, policy: str, rows: bytes, *, second: str) -> None:
        """Published, and opened by the publisher and a second officer."""
        made = self.send(
            officer, "POST", "/v1/datasets", data={"policy": policy}, files={"file": ("rows.csv", rows)}
        )
        open_held(made, self.send, publisher=officer, second=second)


@contextmanager
def portal_city() -> Iterator[PortalCity]:
    """Its services are not started yet; all is removed after the block."""
    with ExitStack() as stack:
        stack.callback(forked_services.end)
        home = Path(tempfile.mkdtemp(prefix="cb", dir="/tmp"))  # sockets need short paths
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        postgres = Postgres(home / "pg", home / "pg.log", durable=False)
        postgres.start()
        stack.callback(postgres.stop)
        s3 = S3Server(home / "s3", home / "s3.log")
        s3.start()
        stack.callback(s3.stop)
        sandbox.vault.migrate.migrate(postgres.url(database="postgres"))
        marketplace.migrate.migrate(postgres.url(database="postgres"))
        owner = Database(postgres.url(database="postgres"), pool_size=2)
        stack.callback(owner.close)
        with owner.transaction() as tx:
            add_people(tx, password=PASSWORD)
        ports = {"vault": free_port(), "portal": free_port(), "hub": free_port()}
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        policies = home / "policies"
        shutil.copytree(CHECKOUT / "policies", policies)
        (policies / "populations.yaml").write_text('residents: {epsilon: "900", delta: "1e-3"}\n')
        common = plain_environment(home) | {
            "CIHU_S3_ENDPOINT": s3.endpoint,
            "CIHU_PRODUCT_BUCKET": s3.product_bucket,
            "CIHU_POLICIES": str(policies),
            "CIHU_PORTAL_URL": urls["portal"],
            "CIHU_VAULT_URL": urls["vault"],
            "CIHU_HUB_URL": urls["hub"],
        }
        own = {
            "vault": {
                "CIHU_DATABASE_URL": postgres.url(user="cihu_vault", database="postgres"),
                "CIHU_S3_ACCESS_KEY": s3.vault.access_key,
                "CIHU_S3_SECRET_KEY": s3.vault.secret_key,
                "CIHU_RAW_BUCKET": s3.raw_bucket,
                "CIHU_PULLER_SECRET": secrets.token_hex(32),
            },
            "portal": {
                "CIHU_DATABASE_URL": postgres.url(user="cihu_portal", database="postgres"),
                "CIHU_S3_ACCESS_KEY": s3.portal.access_key,
                "CIHU_S3_SECRET_KEY": s3.portal.secret_key,
            },
        }
        issuer = TokenIssuer("portal", home / "keys" / "portal", owner)
        services = {name: common | own[name] | {"CIHU_BIND": f"127.0.0.1:{ports[name]}"} for name in own}
        yield PortalCity(urls["portal"], urls["vault"], owner, issuer, home, services)


def analyse(database: Database) -> None:
    """What Postgres itself does some time after many rows came."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
