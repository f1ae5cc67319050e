"""Write the API descriptions: docs/openapi/vault.json, kernel.json (the vault's socket) and portal.json.

`make openapi`, after an operation was changed. To be put together the services want a database and a store,
so both are started for these seconds.
"""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from marketplace.app import create_app
from marketplace.migrate import migrate as migrate_market
from marketplace.settings import Settings as PortalSettings
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from sandbox.vault.app import create_vault
from sandbox.vault.migrate import migrate as migrate_vault
from sandbox.vault.settings import Settings as VaultSettings

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "openapi"


def specifications(home: Path, database_url: str, store: S3Server) -> dict[str, dict[str, Any]]:
    """The description of each service, as it makes it of its own routes."""
    keys: dict[str, Any] = {
        "s3_access_key": store.vault.access_key,
        "s3_secret_key": SecretStr(store.vault.secret_key),
        "s3_endpoint": store.endpoint,
    }
    vault = create_vault(VaultSettings(home=home, database_url=SecretStr(database_url), **keys))
    portal = create_app(PortalSettings(home=home, database_url=database_url, **keys))
    described = {
        "vault": description_of(vault.app),
        "kernel": description_of(vault.kernel_app),
        "portal": description_of(portal),
    }
    vault.context.engine.close()
    return described


def description_of(app: Any) -> dict[str, Any]:
    """The description of an application inside its middleware."""
    while not hasattr(app, "openapi"):
        app = app.app
    document: dict[str, Any] = app.openapi()
    return document


def as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="cihu-", dir="/tmp") as name, ExitStack() as closing:
        home = Path(name)
        postgres = Postgres(home / "postgres", home / "postgres.log", durable=False)
        store = S3Server(home / "s3", home / "s3.log")
        for server in (postgres, store):
            server.home.mkdir(parents=True)
            closing.callback(server.stop)
            server.start()
        database = postgres.url(database="postgres")
        migrate_vault(database)
        migrate_market(database)
        FOLDER.mkdir(exist_ok=True)
        for service, document in specifications(home, database, store).items():
            (FOLDER / f"{service}.json").write_text(as_text(document), "utf-8")


if __name__ == "__main__":
    main()
