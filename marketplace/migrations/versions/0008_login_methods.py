"""By which methods a session was opened (RFC 8176), for `amr` and for what it may do."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

COMMENT = "how the person proved who they are: amr values of RFC 8176, with spaces"


def upgrade() -> None:
    for table in ("sessions", "authorization_codes"):
        op.add_column(
            table,
            sa.Column("methods", sa.Text(), server_default="pwd", nullable=False, comment=COMMENT),
            schema="market",
        )
