"""A grant keeps which training certificate its dataset's policy asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    op.add_column(
        "grants",
        sa.Column("certificate", sa.Text(), server_default="", nullable=False),
        schema="vault",
    )
