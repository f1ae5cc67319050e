"""Which tables does the governed side need, and how does a database get them?"""

from importlib import import_module

from sandbox.database import Database, metadata
from sandbox.database.roles import create_roles, create_schemas, grant_rights

SCHEMAS = ("log", "identity", "vault")
TABLES = (
    "sandbox.audit.tables",
    "sandbox.identity.tables",
    "sandbox.catalog.tables",
    "sandbox.grants.tables",
    "sandbox.budgets.tables",
    "sandbox.releases.tables",
)


def migrate(owner_url: str) -> None:
    """Bring the database at `owner_url` (a role that owns it) to this version; safe to repeat."""
    for module in TABLES:
        import_module(module)
    database = Database(owner_url, pool_size=1)
    with database.transaction() as tx:
        create_schemas(tx)
        metadata.create_all(tx, tables=[t for t in metadata.sorted_tables if t.schema in SCHEMAS])
        create_roles(tx)
        grant_rights(tx)
    database.close()
