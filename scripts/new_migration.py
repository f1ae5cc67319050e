"""Writes a migration, from what the tables declare and the migrations so far do not.

    python scripts/new_migration.py {sandbox,marketplace} "what changes"

Needs no running city. Read what it writes: alembic does not see checks, policies, renames.
"""

import sys
import tempfile
from pathlib import Path

import marketplace.migrate
import sandbox.vault.migrate
from sandbox.database.migration import owned, revise, upgrade
from sandbox.database.roles import create_schemas
from sandbox.standalone.postgres import Postgres

SIDES = {"sandbox": sandbox.vault.migrate, "marketplace": marketplace.migrate}


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in SIDES:
        print(__doc__)
        return 2
    side = SIDES[sys.argv[1]]
    side.import_tables()
    number = f"{len(list(side.HISTORY.folder.glob('*.py'))) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder), Path(folder) / "log", durable=False)
        server.start()
        try:
            with owned(server.url(database="postgres")) as tx:
                create_schemas(tx)
                if number != "0001":
                    upgrade(tx, side.HISTORY)
                revise(tx, side.HISTORY, number=number, message=sys.argv[2])
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
