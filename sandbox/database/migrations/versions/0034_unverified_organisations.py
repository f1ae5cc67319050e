"""Organisations that registered themselves and were not verified."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column(
        "organisations",
        sa.Column(
            "unverified",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="registered by itself",
        ),
        schema="identity",
    )
