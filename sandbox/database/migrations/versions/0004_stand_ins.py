"""Stand-in rows that were bought, with the noisy counts that they are made of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("picorho", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("bought_by", sa.Text(), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("about", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("marginals", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("rows", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('asked', 'released', 'failed')", name=op.f("ck_stand_ins_status")),
        sa.ForeignKeyConstraint(
            ["dataset", "number"],
            ["vault.dataset_versions.dataset", "vault.dataset_versions.number"],
            name=op.f("fk_stand_ins_dataset_number_dataset_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_ins")),
        schema="vault",
    )
