"""Attempts at the test of the safe-researcher course; where a training certificate stands in the log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.add_column(
        "training_certificates", sa.Column("log_index", sa.BigInteger(), nullable=True), schema="vault"
    )
    op.create_table(
        "course_attempts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("course", sa.Text(), nullable=False),
        sa.Column("course_sha256", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("drawn", postgresql.JSONB(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chosen", postgresql.JSONB(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_attempts")),
        sa.UniqueConstraint(
            "person", "course", "day", "number", name=op.f("uq_course_attempts_person_course_day_number")
        ),
        schema="vault",
    )
    op.create_index(
        "uq_course_attempts_open",
        "course_attempts",
        ["person", "course"],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
