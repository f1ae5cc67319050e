"""Privacy accounts of licences of free SQL."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "licences",
        sa.Column(
            "privacy_grant",
            sa.String(),
            nullable=True,
            comment="the vault's grant whose account is the licence's; NULL: none, or not opened yet",
        ),
        schema="market",
    )
