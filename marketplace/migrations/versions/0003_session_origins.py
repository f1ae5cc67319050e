"""From where a session was opened, and the sessions of the command line."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column(
        "sessions",
        sa.Column(
            "way",
            sa.Text(),
            server_default="browser",
            nullable=False,
            comment="browser, or command line (without a cookie)",
        ),
        schema="market",
    )
    op.add_column(
        "sessions",
        sa.Column(
            "address",
            sa.Text(),
            nullable=True,
            comment="from where it was opened, for its owner to know it again",
        ),
        schema="market",
    )
    op.add_column(
        "sessions",
        sa.Column("agent", sa.Text(), nullable=True, comment="with which program, as that said itself"),
        schema="market",
    )
    op.create_check_constraint(
        op.f("ck_sessions_way"), "sessions", "way IN ('browser', 'command line')", schema="market"
    )
