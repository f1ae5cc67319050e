"""Reviews of what sealed runs left: requests, findings, votes, and the files that were released."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("run", sa.UUID(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'consolidating', 'decided', 'withdrawn')", name=op.f("ck_reviews_state")
        ),
        sa.CheckConstraint("outcome IN ('released', 'returned', 'refused')", name=op.f("ck_reviews_outcome")),
        sa.CheckConstraint("(state = 'decided') = (outcome IS NOT NULL)", name=op.f("ck_reviews_decided")),
        sa.ForeignKeyConstraint(["run"], ["vault.runs.id"], name=op.f("fk_reviews_run_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("run", "round", name=op.f("uq_reviews_run_round")),
        schema="vault",
    )
    op.create_index(
        "ix_reviews_one_waits",
        "reviews",
        ["run"],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("state IN ('open', 'consolidating')"),
    )
    op.create_index("ix_reviews_state_due_at", "reviews", ["state", "due_at"], unique=False, schema="vault")
    op.create_table(
        "review_files",
        sa.Column("review", sa.UUID(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("statbarn", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("controls", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("findings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["review"], ["vault.reviews.id"], name=op.f("fk_review_files_review_reviews")
        ),
        sa.PrimaryKeyConstraint("review", "path", name=op.f("pk_review_files")),
        schema="vault",
    )
    op.create_table(
        "review_votes",
        sa.Column("review", sa.UUID(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("vote", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("reasons", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("round IN ('blind', 'final')", name=op.f("ck_review_votes_round")),
        sa.CheckConstraint("vote IN ('approve', 'change', 'refuse')", name=op.f("ck_review_votes_vote")),
        sa.ForeignKeyConstraint(
            ["review"], ["vault.reviews.id"], name=op.f("fk_review_votes_review_reviews")
        ),
        sa.PrimaryKeyConstraint("review", "reviewer", "path", "round", name=op.f("pk_review_votes")),
        schema="vault",
    )
    op.create_table(
        "released_files",
        sa.Column("run", sa.UUID(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("review", sa.UUID(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review"], ["vault.reviews.id"], name=op.f("fk_released_files_review_reviews")
        ),
        sa.ForeignKeyConstraint(["run"], ["vault.runs.id"], name=op.f("fk_released_files_run_runs")),
        sa.PrimaryKeyConstraint("run", "path", name=op.f("pk_released_files")),
        schema="vault",
    )
