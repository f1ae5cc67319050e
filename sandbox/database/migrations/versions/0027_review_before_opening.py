"""A version opens after a review, and what was published before is open; officers hand over what they
answer for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("dataset_versions", sa.Column("opened_at", sa.DateTime(timezone=True)), schema="vault")
    op.execute("UPDATE vault.dataset_versions SET opened_at = published_at")
    op.create_table(
        "opening_reviews",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("columns", JSONB()),
        sa.Column("reasons", JSONB(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("needs_second_person", sa.Boolean(), nullable=False),
        sa.Column("items", JSONB(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("urgent", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("makers", JSONB(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overdue_at", sa.DateTime(timezone=True)),
        sa.Column("second_person", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.CheckConstraint("kind IN ('version', 'open_copy')", name=op.f("ck_opening_reviews_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'opened', 'refused', 'superseded')", name=op.f("ck_opening_reviews_state")
        ),
        sa.CheckConstraint(
            "second_person IS NULL OR second_person <> asked_by", name=op.f("ck_opening_reviews_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_opening_reviews_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_reviews")),
        schema="vault",
    )
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=False),
        sa.Column("handed_by", sa.Text(), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("holdings", JSONB(), nullable=False),
        sa.CheckConstraint("account <> successor", name=op.f("ck_handovers_two_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
        schema="vault",
    )
    op.create_index(op.f("ix_vault_handovers_account"), "handovers", ["account"], schema="vault")
    op.create_index(op.f("ix_vault_opening_reviews_dataset"), "opening_reviews", ["dataset"], schema="vault")
