"""Predictors (a run with a declared interface) and hints (the class of a run's end, counted in bits)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column("interface", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        schema="vault",
    )
    op.add_column(
        "runs", sa.Column("hint_bits", sa.Integer(), server_default="0", nullable=False), schema="vault"
    )
    op.add_column("runs", sa.Column("hint", sa.Text(), nullable=True), schema="vault")
