"""Tables of the portal: who is logged in, which forms were sent,
which codes and tokens were given to the hub, and who has taken on what waits in the market."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    func,
)

from sandbox.catalog.tables import taken_on_table
from sandbox.database import metadata

METHODS = "how the person proved who they are: amr values of RFC 8176, with spaces"

PROVED = "when the person proved who they are, where that was before the session was opened"

sessions = Table(
    "sessions",
    metadata,
    Column(
        "id_hash",
        LargeBinary,
        primary_key=True,
        comment="SHA-256 of the cookie; the cookie itself is stored nowhere",
    ),
    Column("account", String, nullable=False, index=True),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, comment="whatever happens, it ends then"),
    Column(
        "way",
        Text,
        nullable=False,
        server_default="browser",
        comment="browser, or command line (without a cookie)",
    ),
    Column("address", Text, comment="from where it was opened, for its owner to know it again"),
    Column("agent", Text, comment="with which program, as that said itself"),
    Column("methods", Text, nullable=False, server_default="pwd", comment=METHODS),
    Column("proved_at", DateTime(timezone=True), comment=PROVED),
    CheckConstraint("way IN ('browser', 'command line')", name="way"),
    schema="market",
)

sent_forms = Table(
    "sent_forms",
    metadata,
    Column(
        "id_hash",
        LargeBinary,
        primary_key=True,
        comment="of the session, the form's number, and what it said",
    ),
    Column("leads_to", Text, nullable=False, comment="the page that its answer led to"),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    schema="market",
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("nonce", Text),
    Column("challenge", Text, nullable=False, comment="PKCE, S256"),
    Column("account", String, nullable=False),
    Column("session_hash", LargeBinary, nullable=False),
    Column("authenticated_at", DateTime(timezone=True), nullable=False),
    Column("methods", Text, nullable=False, server_default="pwd", comment=METHODS),
    Column("proved_at", DateTime(timezone=True), comment=PROVED),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("reused_at", DateTime(timezone=True)),
    Index("ix_authorization_codes_nonce", "client_id", "nonce"),
    schema="market",
)

issued_tokens = Table(
    "issued_tokens",
    metadata,
    Column("token_id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("session_hash", LargeBinary, nullable=False, index=True),
    Column(
        "code_hash",
        LargeBinary,
        ForeignKey("market.authorization_codes.code_hash"),
        nullable=False,
        index=True,
    ),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    schema="market",
)

market_taken_on = taken_on_table("market")
