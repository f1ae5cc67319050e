"""Which tables does the marketplace need, and how does a database get them?"""

from importlib import import_module

from sandbox.database import Database, metadata
from sandbox.database.roles import grant_rights

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
