"""From which networks keys were called."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "key_networks",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False, comment="CIDR, /24 or /48, from which it was called"),
        sa.Column(
            "first_seen",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["key"], ["market.keys.id"], name=op.f("fk_key_networks_key_keys")),
        sa.PrimaryKeyConstraint("key", "network", name=op.f("pk_key_networks")),
        schema="market",
    )
