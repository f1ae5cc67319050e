"""The rule by which a version's ids were normalised (what was published before was kept as it was written);
uploads at work."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column(
        "dataset_versions",
        sa.Column("id_rule", sa.Text(), server_default="exact", nullable=False),
        schema="vault",
    )
    op.create_table(
        "uploads",
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("object_name", name=op.f("pk_uploads")),
        schema="vault",
    )
