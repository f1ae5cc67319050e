"""Tables of invoices. `invoice_parts` say which lines an invoice holds: of each licence's month those of the
groups after `after_group` up to `upto_group`.

The groups of a licence are numbered in the order in which they commit, because `market.meter` and
`credit_lines` take the number while they hold the licence.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.invoices.final_guard import GUARDED, KEEP_FINAL_FUNCTION, guard
from marketplace.invoices.model import CHANGE_STATUSES, CHANGES, INVOICE_STATUSES, UNMATCHED_REASONS
from marketplace.licences.tables import licences
from marketplace.products.tables import one_of
from sandbox.database import metadata

invoices = Table(
    "invoices",
    metadata,
    Column("id", String(32), primary_key=True, comment="by chance: nobody guesses it"),
    Column("organisation", String, nullable=False),
    Column("department", String, nullable=False, comment="that sells"),
    Column("month", String(7), nullable=False),
    Column("time_zone", String, nullable=False),
    Column("status", String, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("number", Integer, comment="of the department's invoices; NULL until it is final"),
    Column("purchase_order", Text, nullable=False),
    Column("customer", JSONB, nullable=False),
    Column("seller", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("grace_at", DateTime(timezone=True), nullable=False),
    Column("final_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("paid_at", DateTime(timezone=True)),
    Column("void_reason", Text),
    Column("sha256", String(64), comment="of the final document's canonical JSON, which the log holds"),
    Column("log_index", BigInteger, comment="of the entry that it became final"),
    Column("frozen", JSONB, comment="what the final documents are made of: titles, tax, shares"),
    UniqueConstraint("organisation", "department", "month"),
    UniqueConstraint("department", "number"),
    one_of("status", INVOICE_STATUSES),
    schema="market",
)

invoice_parts = Table(
    "invoice_parts",
    metadata,
    Column("invoice", ForeignKey(invoices.c.id), primary_key=True),
    Column("licence", ForeignKey(licences.c.id), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("after_group", BigInteger, nullable=False),
    Column("upto_group", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Index("ix_invoice_parts_licence_month", "licence", "month"),
    schema="market",
)

invoice_items = Table(
    "invoice_items",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("invoice", ForeignKey(invoices.c.id), nullable=False, index=True),
    Column("licence", ForeignKey(licences.c.id), nullable=False),
    Column("product", String, nullable=False),
    Column("month", String(7), nullable=False),
    Column("reason", String, nullable=False),
    Column("credit", Boolean, nullable=False),
    Column("unit", String, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("quantity", Numeric(36, 6), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    schema="market",
)

invoice_counters = Table(
    "invoice_counters",
    metadata,
    Column("department", String, primary_key=True),
    Column("kind", String(1), primary_key=True, comment="I: invoices, C: credit notes"),
    Column("last", Integer, nullable=False),
    schema="market",
    comment="The row is locked until the number's transaction ends: no gap, none twice.",
)

credit_notes = Table(
    "credit_notes",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("invoice", ForeignKey(invoices.c.id), nullable=False),
    Column("department", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("reference", Text, nullable=False, comment="the operator's own: sent again, it is the same note"),
    Column("amount_fen", BigInteger, nullable=False, comment="below zero"),
    Column("reason", Text, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("log_index", BigInteger, nullable=False),
    UniqueConstraint("department", "number"),
    UniqueConstraint("invoice", "reference"),
    schema="market",
)

credit_note_lines = Table(
    "credit_note_lines",
    metadata,
    Column("line", String(32), primary_key=True, comment="a usage line is credited by one note at most"),
    Column("month", String(7), nullable=False),
    Column("credit_note", ForeignKey(credit_notes.c.id), nullable=False, index=True),
    Column("amount_fen", BigInteger, nullable=False),
    schema="market",
)

statements = Table(
    "statements",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("uploaded_by", String, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("log_index", BigInteger, nullable=False),
    schema="market",
)

payments = Table(
    "payments",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account", Text, nullable=False, comment="of ours, on which it came; empty: not said"),
    Column("reference", Text, nullable=False, comment="the bank's number of the transfer"),
    Column("invoice", ForeignKey(invoices.c.id), index=True, comment="NULL: it is not known what for"),
    Column("statement", ForeignKey(statements.c.id), comment="NULL: entered by hand"),
    Column("paid_on", Date, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("payer", Text, nullable=False),
    Column("memo", Text, nullable=False),
    Column("outcome", String, nullable=False),
    Column("unmatched_reason", String, comment="why it is for no invoice"),
    Column("entered_by", String, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("returned_at", DateTime(timezone=True), comment="the bank took it back: it pays nothing"),
    # a bank may use a number again on another day
    UniqueConstraint("account", "reference", "paid_on", "amount_fen", name="uq_payments_transfer"),
    Index("ix_payments_reference", "reference"),
    one_of("outcome", ("exact", "partial", "over", "unmatched")),
    one_of("unmatched_reason", UNMATCHED_REASONS),
    schema="market",
)

payment_changes = Table(
    "payment_changes",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("payment", ForeignKey(payments.c.id), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("invoice", ForeignKey(invoices.c.id), comment="to which it is assigned, or whose it was"),
    Column("reason", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("decided_by", String),
    Column("decided_at", DateTime(timezone=True)),
    Column("answer", Text, comment="what the second person wrote"),
    CheckConstraint("decided_by <> proposed_by", name="second_person"),
    Index("ix_payment_changes_open", "payment", unique=True, postgresql_where=text("status = 'proposed'")),
    one_of("kind", CHANGES),
    one_of("status", CHANGE_STATUSES),
    schema="market",
    comment="A second person decides each.",
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("month", String(7), nullable=False, index=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("differences", Integer, nullable=False),
    Column("report", JSONB, nullable=False),
    schema="market",
)

for statement in (KEEP_FINAL_FUNCTION, *(guard(*each) for each in GUARDED)):
    # the function names all of the tables, so it follows them
    event.listen(metadata, "after_create", DDL(statement))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
