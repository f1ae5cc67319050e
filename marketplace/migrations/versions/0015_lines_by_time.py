"""A licence's usage lines are read by month and time, from the index."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index(
        "ix_usage_lines_licence_month_at", "usage_lines", ["licence", "month", "at"], schema="market"
    )
    op.drop_index("ix_usage_lines_licence_month", "usage_lines", schema="market")
