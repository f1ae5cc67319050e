"""Tables of log-ins through identity providers: who is connected with whom, which sessions came from where,
and what was used already."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, String, Table, Text, UniqueConstraint, func

from sandbox.database import metadata

city_identities = Table(
    "city_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True, comment="`sub`: who it is at the issuer, and nowhere else"),
    Column("account", String, nullable=False, index=True),
    Column("person", Text, nullable=False, comment="how the city names the person, when it was connected"),
    Column("connected_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_used_at", DateTime(timezone=True)),
    UniqueConstraint("issuer", "account"),
    schema="market",
)

city_sessions = Table(
    "city_sessions",
    metadata,
    Column("session_hash", LargeBinary, primary_key=True, comment="of market.sessions, which may be gone"),
    Column("account", String, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sid", Text, comment="the session at the provider"),
    Column(
        "expires_at",
        DateTime(timezone=True),
        nullable=False,
        index=True,
        comment="then no session and no workspace of it can live",
    ),
    Index("ix_city_sessions_subject", "issuer", "subject"),
    schema="market",
)

city_logouts = Table(
    "city_logouts",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("token_id", Text, primary_key=True, comment="`jti`: each logout token is good once"),
    Column("subject", Text),
    Column("sid", Text),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    schema="market",
)

used_login_states = Table(
    "used_login_states",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    schema="market",
)
