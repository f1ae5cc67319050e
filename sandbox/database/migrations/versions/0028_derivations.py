"""Datasets that are derived from others: their SQL, who agreed to it, and of what a version was made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("dataset_versions", sa.Column("lineage", JSONB()), schema="vault")
    op.create_table(
        "derivations",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("inputs", JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("makers", JSONB(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("cron", sa.Text()),
        sa.Column("next_due", sa.DateTime(timezone=True)),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer()),
        sa.CheckConstraint(
            "state IN ('waiting', 'agreed', 'published', 'ended')", name=op.f("ck_derivations_state")
        ),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_derivations")),
        schema="vault",
    )
    op.create_table(
        "derivation_agreements",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.ForeignKeyConstraint(
            ["dataset"],
            ["vault.derivations.dataset"],
            name=op.f("fk_derivation_agreements_dataset_derivations"),
        ),
        sa.PrimaryKeyConstraint("dataset", "revision", "officer", name=op.f("pk_derivation_agreements")),
        schema="vault",
    )
