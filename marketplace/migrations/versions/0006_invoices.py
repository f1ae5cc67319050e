"""Stored invoices, credit notes, payments, reconciliations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "invoice_counters",
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=1), nullable=False, comment="I: invoices, C: credit notes"),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("department", "kind", name=op.f("pk_invoice_counters")),
        schema="market",
        comment="The row is locked until the number's transaction ends: no gap, none twice.",
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.String(length=32), nullable=False, comment="by chance: nobody guesses it"),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False, comment="that sells"),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=True,
            comment="of the department's invoices; NULL until it is final",
        ),
        sa.Column("purchase_order", sa.Text(), nullable=False),
        sa.Column("customer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seller", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("grace_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("final_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=True,
            comment="of the final document's canonical JSON, which the log holds",
        ),
        sa.Column("log_index", sa.BigInteger(), nullable=True, comment="of the entry that it became final"),
        sa.Column(
            "frozen",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the final documents are made of: titles, tax, shares",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'grace', 'final', 'paid', 'void')", name=op.f("ck_invoices_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("department", "number", name=op.f("uq_invoices_department_number")),
        sa.UniqueConstraint(
            "organisation", "department", "month", name=op.f("uq_invoices_organisation_department_month")
        ),
        schema="market",
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_reconciliations_month"),
        "reconciliations",
        ["month"],
        unique=False,
        schema="market",
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("sha256", name=op.f("uq_statements_sha256")),
        schema="market",
    )
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("invoice", sa.String(length=32), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "reference",
            sa.Text(),
            nullable=False,
            comment="the operator's own: sent again, it is the same note",
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False, comment="below zero"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice"], ["market.invoices.id"], name=op.f("fk_credit_notes_invoice_invoices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("department", "number", name=op.f("uq_credit_notes_department_number")),
        sa.UniqueConstraint("invoice", "reference", name=op.f("uq_credit_notes_invoice_reference")),
        schema="market",
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False, comment="of ours, on which it came; empty: not said"),
        sa.Column("reference", sa.Text(), nullable=False, comment="the bank's number of the transfer"),
        sa.Column("invoice", sa.String(length=32), nullable=True, comment="NULL: it is not known what for"),
        sa.Column("statement", sa.Integer(), nullable=True, comment="NULL: entered by hand"),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("unmatched_reason", sa.String(), nullable=True, comment="why it is for no invoice"),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "returned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the bank took it back: it pays nothing",
        ),
        sa.CheckConstraint(
            "outcome IN ('exact', 'partial', 'over', 'unmatched')", name=op.f("ck_payments_outcome")
        ),
        sa.CheckConstraint(
            "unmatched_reason IN ('no_invoice', 'several_invoices', 'not_allowed', 'reference_used')",
            name=op.f("ck_payments_unmatched_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice"], ["market.invoices.id"], name=op.f("fk_payments_invoice_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["statement"], ["market.statements.id"], name=op.f("fk_payments_statement_statements")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "account", "reference", "paid_on", "amount_fen", name=op.f("uq_payments_transfer")
        ),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_payments_invoice"),
        "payments",
        ["invoice"],
        unique=False,
        schema="market",
    )
    op.create_index("ix_payments_reference", "payments", ["reference"], unique=False, schema="market")
    op.create_table(
        "payment_changes",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("payment", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "invoice",
            sa.String(length=32),
            nullable=True,
            comment="to which it is assigned, or whose it was",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="what the second person wrote"),
        sa.CheckConstraint("decided_by <> proposed_by", name=op.f("ck_payment_changes_second_person")),
        sa.CheckConstraint("kind IN ('assign', 'return')", name=op.f("ck_payment_changes_kind")),
        sa.CheckConstraint(
            "status IN ('proposed', 'agreed', 'refused')", name=op.f("ck_payment_changes_status")
        ),
        sa.ForeignKeyConstraint(
            ["payment"], ["market.payments.id"], name=op.f("fk_payment_changes_payment_payments")
        ),
        sa.ForeignKeyConstraint(
            ["invoice"], ["market.invoices.id"], name=op.f("fk_payment_changes_invoice_invoices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_changes")),
        schema="market",
        comment="A second person decides each.",
    )
    op.create_index(
        op.f("ix_market_payment_changes_payment"),
        "payment_changes",
        ["payment"],
        unique=False,
        schema="market",
    )
    op.create_index(
        "ix_payment_changes_open",
        "payment_changes",
        ["payment"],
        unique=True,
        schema="market",
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.create_table(
        "credit_note_lines",
        sa.Column(
            "line",
            sa.String(length=32),
            nullable=False,
            comment="a usage line is credited by one note at most",
        ),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("credit_note", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note"],
            ["market.credit_notes.id"],
            name=op.f("fk_credit_note_lines_credit_note_credit_notes"),
        ),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_credit_note_lines")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_credit_note_lines_credit_note"),
        "credit_note_lines",
        ["credit_note"],
        unique=False,
        schema="market",
    )
    op.create_table(
        "invoice_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("invoice", sa.String(length=32), nullable=False),
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("credit", sa.Boolean(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=36, scale=6), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice"], ["market.invoices.id"], name=op.f("fk_invoice_items_invoice_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["market.licences.id"], name=op.f("fk_invoice_items_licence_licences")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_items")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_invoice_items_invoice"),
        "invoice_items",
        ["invoice"],
        unique=False,
        schema="market",
    )
    op.create_table(
        "invoice_parts",
        sa.Column("invoice", sa.String(length=32), nullable=False),
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("after_group", sa.BigInteger(), nullable=False),
        sa.Column("upto_group", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice"], ["market.invoices.id"], name=op.f("fk_invoice_parts_invoice_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["market.licences.id"], name=op.f("fk_invoice_parts_licence_licences")
        ),
        sa.PrimaryKeyConstraint("invoice", "licence", "month", name=op.f("pk_invoice_parts")),
        schema="market",
    )
    op.create_index(
        "ix_invoice_parts_licence_month",
        "invoice_parts",
        ["licence", "month"],
        unique=False,
        schema="market",
    )
    bind = op.get_bind()
    bind.exec_driver_sql(KEEP_FINAL_FUNCTION)
    for table, deeds, condition in GUARDED:
        bind.exec_driver_sql(
            f"CREATE TRIGGER keep_final BEFORE {deeds} ON market.{table} "
            f"FOR EACH ROW {condition}EXECUTE FUNCTION market.keep_final()"
        )


KEEP_FINAL_FUNCTION = """CREATE FUNCTION market.keep_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    kept boolean := true;
BEGIN
    IF TG_TABLE_NAME = 'invoices' THEN
        -- only that it is paid may still be written
        kept := TG_OP = 'DELETE' OR NEW.status NOT IN ('final', 'paid')
            OR to_jsonb(NEW) - ARRAY['status', 'paid_at'] <> to_jsonb(OLD) - ARRAY['status', 'paid_at'];
    ELSIF TG_TABLE_NAME IN ('invoice_items', 'invoice_parts') THEN
        kept := EXISTS (SELECT FROM market.invoices AS owner
                        WHERE owner.id = coalesce(NEW.invoice, OLD.invoice) AND owner.number IS NOT NULL);
    END IF;
    IF kept THEN
        RAISE integrity_constraint_violation USING MESSAGE = 'what is final does not change';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$function$"""

GUARDED = (
    ("invoices", "UPDATE OR DELETE", "WHEN (OLD.number IS NOT NULL) "),
    ("invoice_items", "INSERT OR UPDATE OR DELETE", ""),
    ("invoice_parts", "INSERT OR UPDATE OR DELETE", ""),
    ("credit_notes", "UPDATE OR DELETE", ""),
    ("credit_note_lines", "UPDATE OR DELETE", ""),
)
