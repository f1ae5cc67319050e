"""Certificates of those who took part in a competition, and the list of opportunities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.create_table(
        "competition_certificates",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("shown_as", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_certificates_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("competition", "person", name=op.f("pk_competition_certificates")),
        schema="vault",
    )
    op.create_table(
        "competition_opportunities",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("team_name", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("summary", postgresql.JSONB(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_opportunities_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["entry"],
            ["vault.competition_entries.id"],
            name=op.f("fk_competition_opportunities_entry_competition_entries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_opportunities")),
        sa.UniqueConstraint("entry", name=op.f("uq_competition_opportunities_entry")),
        schema="vault",
    )
    # a run-less model of an entry: a linear model that was handed in by itself
    op.alter_column("models", "run", nullable=True, schema="vault")
