"""Log-ins through identity providers."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

PROVED = "when the person proved who they are, where that was before the session was opened"


def moment(
    name: str, *, comment: str | None = None, default: bool = False, nullable: bool = False
) -> sa.Column[datetime]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=nullable,
        server_default=sa.text("now()") if default else None,
        comment=comment,
    )


def upgrade() -> None:
    for table in ("sessions", "authorization_codes"):
        op.add_column(table, moment("proved_at", nullable=True, comment=PROVED), schema="market")
    op.create_table(
        "city_identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column(
            "subject", sa.Text(), nullable=False, comment="`sub`: who it is at the issuer, and nowhere else"
        ),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column(
            "person",
            sa.Text(),
            nullable=False,
            comment="how the city names the person, when it was connected",
        ),
        moment("connected_at", default=True),
        moment("last_used_at", nullable=True),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_city_identities")),
        sa.UniqueConstraint("issuer", "account", name=op.f("uq_city_identities_issuer_account")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_city_identities_account"), "city_identities", ["account"], schema="market"
    )
    op.create_table(
        "city_sessions",
        sa.Column(
            "session_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="of market.sessions, which may be gone",
        ),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), comment="the session at the provider"),
        moment("expires_at", comment="then no session and no workspace of it can live"),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_city_sessions")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_city_sessions_expires_at"), "city_sessions", ["expires_at"], schema="market"
    )
    op.create_index("ix_city_sessions_subject", "city_sessions", ["issuer", "subject"], schema="market")
    op.create_table(
        "city_logouts",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False, comment="`jti`: each logout token is good once"),
        sa.Column("subject", sa.Text()),
        sa.Column("sid", sa.Text()),
        moment("issued_at"),
        moment("expires_at"),
        sa.PrimaryKeyConstraint("issuer", "token_id", name=op.f("pk_city_logouts")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_city_logouts_expires_at"), "city_logouts", ["expires_at"], schema="market"
    )
    op.create_table(
        "used_login_states",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        moment("expires_at"),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_used_login_states")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_used_login_states_expires_at"), "used_login_states", ["expires_at"], schema="market"
    )
