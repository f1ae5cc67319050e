"""Cosignatures of witnesses on checkpoints of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_table(
        "cosignatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("time > 0", name=op.f("ck_cosignatures_time")),
        sa.ForeignKeyConstraint(
            ["size", "key_id"],
            ["log.checkpoints.size", "log.checkpoints.key_id"],
            name=op.f("fk_cosignatures_size_key_id_checkpoints"),
        ),
        sa.PrimaryKeyConstraint("size", "key_id", "witness", "time", name=op.f("pk_cosignatures")),
        schema="log",
    )
    op.create_index("ix_cosignatures_witness", "cosignatures", ["witness", "size"], schema="log")
