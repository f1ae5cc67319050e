"""Baselines of competitions' boards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "competition_baselines",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("score", postgresql.JSONB(none_as_null=True)),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'scored', 'failed')", name=op.f("ck_competition_baselines_state")
        ),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_baselines_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("competition", "track", name=op.f("pk_competition_baselines")),
        schema="vault",
    )
