"""Versions have notes and can be withdrawn; datasets are retired and erased; versions are announced; analysts
say which data they need."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column(
        "dataset_versions", sa.Column("notes", sa.Text(), server_default="", nullable=False), schema="vault"
    )
    op.add_column("dataset_versions", sa.Column("withdrawn_at", sa.DateTime(timezone=True)), schema="vault")
    op.add_column(
        "dataset_versions",
        sa.Column("withdrawn_because", sa.Text(), server_default="", nullable=False),
        schema="vault",
    )
    op.add_column("datasets", sa.Column("retires_at", sa.DateTime(timezone=True)), schema="vault")
    op.add_column("datasets", sa.Column("erased_at", sa.DateTime(timezone=True)), schema="vault")
    op.create_table(
        "announced_versions",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("takes_effect", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("announced_by", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("published_version", sa.Integer()),
        sa.CheckConstraint(
            "state IN ('open', 'published', 'dropped')", name=op.f("ck_announced_versions_state")
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_announced_versions_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announced_versions")),
        schema="vault",
    )
    op.create_table(
        "lifecycle_steps",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("takes_effect", sa.DateTime(timezone=True)),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("second_person", sa.Text()),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind IN ('withdraw', 'retire', 'erase')", name=op.f("ck_lifecycle_steps_kind")),
        sa.CheckConstraint(
            "state IN ('proposed', 'erasing', 'done', 'dropped')", name=op.f("ck_lifecycle_steps_state")
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_lifecycle_steps_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifecycle_steps")),
        schema="vault",
    )
    op.create_table(
        "demands",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("dataset", sa.Text()),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('open', 'planned', 'met', 'declined')", name=op.f("ck_demands_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demands")),
        schema="vault",
    )
