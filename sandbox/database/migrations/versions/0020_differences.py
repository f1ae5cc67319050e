"""A file that reviewers look at is compared with what left earlier."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column(
        "review_files",
        sa.Column("differences", postgresql.JSONB(none_as_null=True, astext_type=sa.Text())),
        schema="vault",
    )
