"""Creates and migrates the tables of the marketplace.

`python -m marketplace.migrate` does it for the database at CIHU_DATABASE_URL (of its owner).
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from sandbox.database.migration import History, owned, upgrade
from sandbox.database.roles import create_roles, create_schemas, grant_rights
from sandbox.errors import CihuError

HISTORY = History(Path(__file__).parent / "migrations" / "versions", ("market",))
TABLES = (
    "marketplace.numbers.tables",
    "marketplace.customers.tables",
    "marketplace.offers.tables",
    "marketplace.products.tables",
    "marketplace.orders.tables",
    "marketplace.licences.tables",
    "marketplace.keys.tables",
    "marketplace.service_accounts.tables",
    "marketplace.metering.tables",
    "marketplace.invoices.tables",
    "marketplace.company_endings.tables",
    "marketplace.portal.tables",
    "marketplace.portal.city_login.tables",
)


def import_tables() -> None:
    """The tables hang themselves on the metadata when they are imported.
    To compare with a database; to migrate it, no."""
    for module in TABLES:
        import_module(module)


def migrate(owner_url: str) -> None:
    """Bring the database at `owner_url` (a role that owns it) to this version;
    safe to repeat, and to do twice at once."""
    with owned(owner_url) as tx:
        create_schemas(tx)
        upgrade(tx, HISTORY)
        create_roles(tx)
        grant_rights(tx)


def main() -> int:
    url = os.environ.get("CIHU_DATABASE_URL", "")
    if not url:
        print(
            "CIHU_DATABASE_URL is not set: give the address of the database for its owner.", file=sys.stderr
        )
        return 1
    try:
        migrate(url)
    except CihuError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
