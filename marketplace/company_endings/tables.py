"""Tables of companies that end."""

from sqlalchemy import Boolean, Column, DateTime, Identity, Index, Integer, String, Table, Text, func, text

from marketplace.company_endings.model import ENDING_STATUSES
from marketplace.products.tables import one_of
from sandbox.database import metadata

company_endings = Table(
    "company_endings",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("organisation", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("noticed_by", String, nullable=False),
    Column("noticed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ends_at", DateTime(timezone=True), nullable=False, comment="the company ends then"),
    Column("by_operator", Boolean, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("export_until", DateTime(timezone=True), comment="its owners can take the export until then"),
    one_of("status", ENDING_STATUSES),
    Index(
        "one_ending_of_company",
        "organisation",
        unique=True,
        postgresql_where=text("status <> 'withdrawn'"),
    ),
    schema="market",
)
