"""Datasets can be pulled from sources at set times."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "pulls",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("second_person", sa.Text()),
        sa.Column("suspended", postgresql.JSONB()),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("next_due", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('table', 'query', 'object')", name=op.f("ck_pulls_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'active', 'suspended', 'removed')", name=op.f("ck_pulls_state")
        ),
        sa.ForeignKeyConstraint(["dataset"], ["vault.datasets.name"], name=op.f("fk_pulls_dataset_datasets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pulls")),
        schema="vault",
    )
    op.create_index(
        "one_pull_of_a_dataset",
        "pulls",
        ["dataset"],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("state <> 'removed'"),
    )
    op.create_table(
        "pull_attempts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("pull", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text()),
        sa.Column("version", sa.Integer()),
        sa.Column("code", sa.Text()),
        sa.Column("words", postgresql.JSONB()),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "outcome IN ('arriving', 'version', 'unchanged', 'failed', 'cut')",
            name=op.f("ck_pull_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(["pull"], ["vault.pulls.id"], name=op.f("fk_pull_attempts_pull_pulls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_attempts")),
        sa.UniqueConstraint("object_name", name=op.f("uq_pull_attempts_object_name")),
        schema="vault",
    )
    op.create_index(op.f("ix_vault_pull_attempts_pull"), "pull_attempts", ["pull"], schema="vault")
