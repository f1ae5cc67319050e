"""A pull runs by the policy that whoever set it was shown."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("pulls", sa.Column("policy_sha256", sa.Text()), schema="vault")
