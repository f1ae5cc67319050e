"""Which tables does the marketplace need, and how does a database get them?

`python -m marketplace.migrate` does it for the database at CIHU_DATABASE_URL (of its owner).
"""

import os
import sys
from importlib import import_module

from sandbox.database import Database, metadata
from sandbox.database.roles import grant_rights
from sandbox.errors import CihuError

TABLES = (
    "marketplace.products.tables",
    "marketplace.orders.tables",
    "marketplace.licences.tables",
    "marketplace.keys.tables",
    "marketplace.metering.tables",
    "marketplace.invoices.tables",
    "marketplace.portal.tables",
)


def migrate(owner_url: str) -> None:
    """Bring the database at `owner_url` to this version, after `sandbox.migrate.migrate`; safe to repeat."""
    for module in TABLES:
        import_module(module)
    database = Database(owner_url, pool_size=1)
    with database.transaction() as tx:
        metadata.create_all(tx, tables=[t for t in metadata.sorted_tables if t.schema == "market"])
        grant_rights(tx)
    database.close()


def main() -> int:
    url = os.environ.get("CIHU_DATABASE_URL", "")
    if not url:
        print("CIHU_DATABASE_URL is not set: give the address of the database for its owner.", file=sys.stderr)
        return 1
    try:
        migrate(url)
    except CihuError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
