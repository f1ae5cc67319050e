"""Notices, and the mails that wait for the courier."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        _moment("at"),
        _moment("posted_at", nullable=True),
        sa.PrimaryKeyConstraint("id", "audience", name=op.f("pk_notices")),
        schema="notices",
    )
    op.create_index("ix_notices_audience_at", "notices", ["audience", "at"], schema="notices")
    op.create_index("ix_notices_about", "notices", ["about"], schema="notices")
    op.create_index("ix_notices_at", "notices", ["at"], schema="notices")
    op.create_index(
        "ix_notices_not_posted",
        "notices",
        ["at"],
        schema="notices",
        postgresql_where=sa.text("posted_at IS NULL"),
    )
    op.create_table(
        "read_marks",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        _moment("read_at"),
        sa.PrimaryKeyConstraint("account", "notice", name=op.f("pk_read_marks")),
        schema="notices",
    )
    op.create_index("ix_read_marks_read_at", "read_marks", ["read_at"], schema="notices")
    op.create_table(
        "mail_addresses",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("daily", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _moment("verified_at", nullable=True),
        _moment("asked_at", nullable=True),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_mail_addresses_language")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_mail_addresses")),
        schema="notices",
    )
    op.create_table(
        "mail_switches",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "kind", name=op.f("pk_mail_switches")),
        schema="notices",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        _moment("next_at"),
        sa.Column("fault", sa.Text(), nullable=True),
        _moment("made_at"),
        _moment("ended_at", nullable=True),
        sa.CheckConstraint("form IN ('notice', 'daily', 'verify')", name=op.f("ck_outbox_form")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        schema="notices",
    )
    op.create_index("ix_notices_outbox_account", "outbox", ["account"], schema="notices")
    op.create_index("ix_outbox_ended_at", "outbox", ["ended_at"], schema="notices")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["next_at"],
        schema="notices",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "courier_signs",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _moment("seen_at"),
        sa.CheckConstraint("id = 1", name=op.f("ck_courier_signs_one_courier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courier_signs")),
        schema="notices",
    )
