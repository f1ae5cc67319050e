"""Declared queries: runs of another kind, and which units stand behind the numbers of their tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("kind", sa.Text(), server_default="program", nullable=False), schema="vault"
    )
    op.create_check_constraint(op.f("ck_runs_kind"), "runs", "kind IN ('program', 'table')", schema="vault")
    op.create_table(
        "declared_tables",
        sa.Column("run", sa.UUID(), nullable=False),
        sa.Column("population", sa.Text(), nullable=False),
        sa.Column("unit_kind", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("keys", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("measures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=False),
        sa.Column("behind", sa.LargeBinary(), nullable=False),
        sa.Column("release_number", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_to", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["vault.runs.id"], name=op.f("fk_declared_tables_run_runs")),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_declared_tables")),
        sa.UniqueConstraint("release_number", name=op.f("uq_declared_tables_release_number")),
        schema="vault",
    )
    op.create_index(
        "ix_declared_tables_population",
        "declared_tables",
        ["population", "unit_kind"],
        unique=False,
        schema="vault",
    )
