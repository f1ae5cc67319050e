"""A grant says what it may lose, as it was approved: what its account keeps when another grant of the team
ends. Grants of before say nothing, and their account keeps its share until the last of them ends."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    for name in ("picorho", "delta_units"):
        op.add_column("grants", sa.Column(name, sa.Numeric(40, 0)), schema="vault")
