"""Creates and migrates the tables of the governed side.

`python -m sandbox.vault.migrate` does it for the database at CIHU_DATABASE_URL (of its owner). Where the
services log in with passwords, their own addresses beside it (CIHU_VAULT_DATABASE_URL,
CIHU_PORTAL_DATABASE_URL, CIHU_COURIER_DATABASE_URL) say which ones.
"""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from sandbox.audit.writers import write_kinds
from sandbox.database.migration import History, owned, upgrade
from sandbox.database.roles import COURIER, PORTAL, VAULT, create_roles, create_schemas, grant_rights
from sandbox.errors import CihuError, InvalidInput

HISTORY = History(
    Path(__file__).parents[1] / "database" / "migrations" / "versions",
    ("log", "identity", "notices", "operations", "vault"),
)
TABLES = (
    "sandbox.audit.tables",
    "sandbox.notices.tables",
    "sandbox.identity.tables",
    "sandbox.operations.tables",
    "sandbox.training.tables",
    "sandbox.catalog.tables",
    "sandbox.drafts.tables",
    "sandbox.pulls.tables",
    "sandbox.derivations.tables",
    "sandbox.pushes.tables",
    "sandbox.grants.tables",
    "sandbox.budgets.tables",
    "sandbox.releases.tables",
    "sandbox.answer_pages.tables",
    "sandbox.jobs.tables",
    "sandbox.splits.tables",
    "sandbox.competitions.entries.tables",
    "sandbox.declared.tables",
    "sandbox.reviews.tables",
    "sandbox.lifecycle.tables",
    "sandbox.demands.tables",
    "sandbox.public.tables",
    "sandbox.competitions.tables",
    "sandbox.models.tables",
    "sandbox.oversight.tables",
)
SERVICES = {
    "CIHU_VAULT_DATABASE_URL": VAULT,
    "CIHU_PORTAL_DATABASE_URL": PORTAL,
    "CIHU_COURIER_DATABASE_URL": COURIER,
}


def import_tables() -> None:
    """The tables hang themselves on the metadata when they are imported.
    To compare with a database; to migrate it, no."""
    for module in TABLES:
        import_module(module)


def migrate(owner_url: str, *, passwords: dict[str, str] | None = None) -> None:
    """Bring the database at `owner_url` (a role that owns it) to this version;
    safe to repeat, and to do twice at once."""
    with owned(owner_url) as tx:
        create_schemas(tx)
        upgrade(tx, HISTORY)
        write_kinds(tx)
        create_roles(tx, passwords=passwords)
        grant_rights(tx)


def service_passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """The passwords of the services' roles, as their own addresses say them.
    Raises `InvalidInput` for another's address."""
    passwords = {}
    for variable, role in SERVICES.items():
        if not environment.get(variable):
            continue
        try:
            url = make_url(environment[variable])
        except ArgumentError:
            raise InvalidInput(
                f"{variable} is not the address of a database.",
                remedy=f"Write postgresql+psycopg://{role}:PASSWORD@HOST/DATABASE.",
            ) from None
        if url.username != role:
            raise InvalidInput(
                f"{variable} is not an address for the role {role}.", remedy=f"Let it begin with {role}."
            )
        if url.password:
            passwords[role] = str(url.password)
    return passwords


def main() -> int:
    url = os.environ.get("CIHU_DATABASE_URL", "")
    if not url:
        print(
            "CIHU_DATABASE_URL is not set: give the address of the database for its owner.", file=sys.stderr
        )
        return 1
    try:
        migrate(url, passwords=service_passwords(os.environ))
    except CihuError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
