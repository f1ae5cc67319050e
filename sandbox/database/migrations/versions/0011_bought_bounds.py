"""Bounds that no policy has, bought once for a version."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "bought_bounds",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("picorho", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("low", sa.Text(), nullable=True),
        sa.Column("high", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(low IS NULL) = (high IS NULL)", name=op.f("ck_bought_bounds_both")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_bought_bounds")),
        schema="vault",
    )
