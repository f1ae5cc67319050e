"""Reviews count the bits that they tell a team, by grade. Those of before count nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("reviews", sa.Column("grade", sa.Text()), schema="vault")
    op.add_column(
        "reviews", sa.Column("told_bits", sa.BigInteger(), server_default="0", nullable=False), schema="vault"
    )
    op.add_column(
        "reviews",
        sa.Column("unbounded_files", sa.Integer(), server_default="0", nullable=False),
        schema="vault",
    )
    op.create_index("ix_reviews_team_grade", "reviews", ["team", "grade"], schema="vault")
    op.add_column("review_files", sa.Column("bits", sa.Float()), schema="vault")
