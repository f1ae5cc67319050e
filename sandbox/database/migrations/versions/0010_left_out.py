"""How many units of a version have how many rows, with noise: what bounding leaves out follows from it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "left_out_rows",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("picorho", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("units", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset", "number"],
            ["vault.dataset_versions.dataset", "vault.dataset_versions.number"],
            name=op.f("fk_left_out_rows_dataset_number_dataset_versions"),
        ),
        sa.PrimaryKeyConstraint("dataset", "number", name=op.f("pk_left_out_rows")),
        schema="vault",
    )
