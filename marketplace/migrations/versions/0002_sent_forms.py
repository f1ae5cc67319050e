"""Which forms were sent, and where they led."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "sent_forms",
        sa.Column(
            "id_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="of the session, the form's number, and what it said",
        ),
        sa.Column("leads_to", sa.Text(), nullable=False, comment="the page that its answer led to"),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_sent_forms")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_sent_forms_sent_at"), "sent_forms", ["sent_at"], unique=False, schema="market"
    )
