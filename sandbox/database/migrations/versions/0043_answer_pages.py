"""Saved pages of private answers; with what a question was asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.add_column("questions", sa.Column("epsilon", sa.Text(), nullable=True), schema="vault")
    op.add_column("questions", sa.Column("error", sa.Float(), nullable=True), schema="vault")
    op.create_table(
        "answer_pages",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(removed_by IS NULL) = (removed_at IS NULL)", name=op.f("ck_answer_pages_removed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_pages")),
        schema="vault",
    )
    op.create_index(op.f("ix_vault_answer_pages_team"), "answer_pages", ["team"], schema="vault")
    op.create_table(
        "answer_page_states",
        sa.Column("page", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("questions", postgresql.JSONB(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("picorho", sa.Numeric(40, 0), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("change IN ('saved', 'refreshed')", name=op.f("ck_answer_page_states_change")),
        sa.ForeignKeyConstraint(
            ["page"], ["vault.answer_pages.id"], name=op.f("fk_answer_page_states_page_answer_pages")
        ),
        sa.PrimaryKeyConstraint("page", "number", name=op.f("pk_answer_page_states")),
        schema="vault",
    )
