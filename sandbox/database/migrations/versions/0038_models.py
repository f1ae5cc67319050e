"""The model library."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    json = postgresql.JSONB()
    op.create_table(
        "models",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("maintainer", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column(
            "registered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("run", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("inputs", json, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("competition", sa.Text(), nullable=True),
        sa.Column("track", sa.Text(), nullable=True),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("columns", json, nullable=False),
        sa.Column("predicts", json, nullable=False),
        sa.Column("card", json, nullable=False),
        sa.Column("privacy", json, nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("retired_by", sa.Text(), nullable=True),
        sa.Column("retired_reason", sa.Text(), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(last_day IS NULL) = (retired_reason IS NULL)", name=op.f("ck_models_retirement")
        ),
        sa.ForeignKeyConstraint(["run"], ["vault.runs.id"], name=op.f("fk_models_run_runs")),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_models")),
        schema="vault",
    )
    op.create_index("uq_models_name_sha256", "models", ["name", "sha256"], unique=True, schema="vault")
    op.create_index("ix_models_team", "models", ["team"], schema="vault")
