"""Which models of the library a sealed run reads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("models", JSONB(), nullable=False, server_default=sa.text("'[]'")), schema="vault"
    )
