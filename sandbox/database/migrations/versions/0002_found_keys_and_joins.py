"""The values of keys that were found by a threshold; what is charged for a join of private datasets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "questions",
        sa.Column("joined_grants", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        schema="vault",
    )
    op.alter_column("budget_reservations", "population", nullable=True, schema="vault")
    op.drop_constraint(op.f("pk_budget_reservations"), "budget_reservations", schema="vault")
    op.create_primary_key(
        op.f("pk_budget_reservations"), "budget_reservations", ["id", "dataset"], schema="vault"
    )
    op.create_table(
        "found_keys",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("picorho", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", "picorho", name=op.f("pk_found_keys")),
        schema="vault",
    )
