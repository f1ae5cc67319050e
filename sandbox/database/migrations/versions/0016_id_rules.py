"""The rule by which a version's ids were normalised. What was published before was kept as it was written."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("dataset_versions", sa.Column("id_rule", sa.Text(), server_default="exact", nullable=False), schema="vault")
