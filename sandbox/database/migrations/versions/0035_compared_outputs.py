"""Beside how many runs' computed outputs a review was checked."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("reviews", sa.Column("compared_runs", sa.Integer(), nullable=True), schema="vault")
