"""Tables of customers."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.customers.limits import company_limits as _limits  # noqa: F401  # a table beside these
from marketplace.customers.model import COMPANY_STATUSES, INVITATION_STATUSES
from sandbox.database import metadata

names = ", ".join(f"'{name}'" for name in COMPANY_STATUSES)
companies = Table(
    "companies",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("credit_code", String(18), nullable=False),
    Column("time_zone", String, nullable=False),
    Column("invoice_title", Text, nullable=False),
    Column("invoice_address", Text, nullable=False),
    Column("invoice_phone", Text, nullable=False),
    Column("invoice_bank", Text, nullable=False),
    Column("invoice_account", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("entered_by", String, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("decided_by", String),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("contact_name", Text, nullable=False, server_default=""),
    Column("contact_phone", Text, nullable=False, server_default=""),
    Column("contact_email", Text, nullable=False, server_default=""),
    Column("purchase_order", Text, nullable=False, server_default=""),
    Column("registered", Boolean, nullable=False, server_default=false(), comment="by itself"),
    Column("ended_at", DateTime(timezone=True), comment="it buys and calls nothing any more"),
    CheckConstraint(f"status IN ({names})", name="status"),
    schema="market",
)
Index(
    "one_verified_company",
    companies.c.credit_code,
    unique=True,
    postgresql_where=text("status = 'verified'"),
)

kinds = ", ".join(f"'{name}'" for name in INVITATION_STATUSES)
invitations = Table(
    "invitations",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("organisation", String, nullable=False, index=True),
    Column("hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the link's secret"),
    Column("roles", JSONB, nullable=False),
    Column("note", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("accepted_by", String),
    Column("accepted_at", DateTime(timezone=True)),
    CheckConstraint(f"status IN ({kinds})", name="status"),
    schema="market",
)

registrations = Table(
    "registrations",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("address", String(64), nullable=False, comment="a keyed hash of where it came from"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp(), index=True),
    Column("site", String(64), nullable=False, server_default="", comment="the same of a wider network"),
    schema="market",
    comment="Attempts to register a company in the last day: strangers are counted.",
)
