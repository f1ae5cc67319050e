"""Announcements of competitions, and what people ask and answer in their discussions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.create_table(
        "competition_posts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("team", sa.Integer(), nullable=True),
        sa.Column("words", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('announcement', 'question', 'answer')", name=op.f("ck_competition_posts_kind")
        ),
        sa.CheckConstraint(
            "state IN ('shown', 'hidden', 'withdrawn')", name=op.f("ck_competition_posts_state")
        ),
        sa.ForeignKeyConstraint(
            ["answers"],
            ["vault.competition_posts.id"],
            name=op.f("fk_competition_posts_answers_competition_posts"),
        ),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_posts_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_posts_team_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_posts")),
        schema="vault",
    )
    op.create_index(
        "ix_competition_posts_competition_author",
        "competition_posts",
        ["competition", "author"],
        schema="vault",
    )
