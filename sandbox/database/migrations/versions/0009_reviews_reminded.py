"""When the log was told that a review is overdue: once."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column(
        "reviews", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True), schema="vault"
    )
