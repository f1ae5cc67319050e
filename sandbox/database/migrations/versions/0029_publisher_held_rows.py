"""Whether whoever published a version had all its rows as a file: exact figures are shown to nobody else.

Of the versions that there are, those that a pull or a push made, or that were derived, had no such file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column(
        "dataset_versions",
        sa.Column("publisher_held_rows", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema="vault",
    )
    op.execute(
        """
        UPDATE vault.dataset_versions AS v SET publisher_held_rows = true
        WHERE v.lineage IS NULL AND v.file_sha256 IS NOT NULL
          AND NOT EXISTS (
            SELECT 1 FROM vault.pushes AS p WHERE p.dataset = v.dataset AND p.version = v.number
          )
          AND NOT EXISTS (
            SELECT 1 FROM vault.pull_attempts AS a JOIN vault.pulls AS p ON p.id = a.pull
            WHERE p.dataset = v.dataset AND a.version = v.number
          )
        """
    )
