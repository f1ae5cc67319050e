"""Tables of licences."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.licences.model import LICENCE_STATUSES
from marketplace.products.tables import one_of, products, releases, terms_columns
from sandbox.database import metadata

licences = Table(
    "licences",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    # by name: orders stand above licences
    Column("order", Integer, ForeignKey("market.orders.id"), nullable=False, unique=True),
    Column("product", ForeignKey(products.c.id), nullable=False, index=True),
    Column("department", String, nullable=False, index=True),
    Column("organisation", String, nullable=False),
    Column(
        "shared",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="the organisation has another for the product: what they use counts together",
    ),
    Column(
        "limited",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="the organisation has limits over all its licences (company_limits)",
    ),
    Column("time_zone", String, nullable=False, comment="in which its months begin"),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    *terms_columns(),
    Column("status", String, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", String),
    Column("ended_reason", Text),
    Column("offer_hash", String(64), comment="of the document; NULL: from before there were offers"),
    Column("document", JSONB, comment="the offer as it was when the licence was issued"),
    Column("pin", ForeignKey(releases.c.id), comment="NULL: the newest release that is in effect"),
    Column("notice_by", String, comment="who gave notice that it ends before its time"),
    Column("notice_at", DateTime(timezone=True)),
    Column("notice_reason", Text),
    Column(
        "privacy_grant",
        String,
        comment="the vault's grant whose account is the licence's; NULL: none, or not opened yet",
    ),
    one_of("status", LICENCE_STATUSES),
    Index("ix_licences_organisation_product", "organisation", "product"),
    schema="market",
)

entitlements = Table(
    "entitlements",
    metadata,
    Column("licence", ForeignKey(licences.c.id), primary_key=True),
    Column("release", ForeignKey(releases.c.id), primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="market",
)
