"""The index of the datasets: what lists and counts need of the version in use. The vault fills it when
it starts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.create_table(
        "dataset_index",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("summary_zh", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("unit", sa.Boolean(), nullable=False),
        sa.Column("budget", JSONB()),
        sa.Column("population", sa.Text(), nullable=False),
        sa.Column("updates", sa.Text(), nullable=False),
        sa.Column("column_count", sa.Integer(), nullable=False),
        sa.Column("about_rows", sa.BigInteger()),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("elements", ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_dataset_index_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_dataset_index")),
        schema="vault",
    )
    op.create_index(
        op.f("ix_vault_dataset_index_department"), "dataset_index", ["department"], schema="vault"
    )
