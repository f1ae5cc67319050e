"""Runs that pause the kernels of their team."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column("kernels_frozen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="vault",
    )
