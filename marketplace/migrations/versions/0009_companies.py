"""Companies register themselves, invite their members, and make service accounts for their programs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("contact_name", "contact_phone", "contact_email", "purchase_order"):
        op.add_column(
            "companies", sa.Column(name, sa.Text(), server_default="", nullable=False), schema="market"
        )
    op.add_column(
        "companies",
        sa.Column("registered", sa.Boolean(), server_default=sa.false(), nullable=False, comment="by itself"),
        schema="market",
    )
    # what nobody has verified keeps nobody's code from them
    op.drop_constraint(op.f("uq_companies_credit_code"), "companies", schema="market")
    op.create_index(
        "one_verified_company",
        "companies",
        ["credit_code"],
        unique=True,
        schema="market",
        postgresql_where=sa.text("status = 'verified'"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the link's secret"),
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('open', 'accepted', 'withdrawn')", name=op.f("ck_invitations_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("hash", name=op.f("uq_invitations_hash")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_invitations_organisation"), "invitations", ["organisation"], schema="market"
    )
    op.create_table(
        "registrations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "address", sa.String(length=64), nullable=False, comment="a keyed hash of where it came from"
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "site",
            sa.String(length=64),
            server_default="",
            nullable=False,
            comment="the same of a wider network",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        schema="market",
        comment="Attempts to register a company in the last day: strangers are counted.",
    )
    op.create_index(op.f("ix_market_registrations_at"), "registrations", ["at"], schema="market")
    service_accounts()
    sandbox_keys()


def service_accounts() -> None:
    op.create_table(
        "service_accounts",
        sa.Column("id", sa.String(length=20), nullable=False, comment="the client_id"),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column(
            "hash",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the secret, which has 190 random bits",
        ),
        sa.Column("start", sa.String(length=12), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("networks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_service_accounts_mode")),
        sa.CheckConstraint("status IN ('live', 'revoked')", name=op.f("ck_service_accounts_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_accounts")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_service_accounts_organisation"),
        "service_accounts",
        ["organisation"],
        schema="market",
    )
    op.add_column("keys", sa.Column("service_account", sa.String(length=20), nullable=True), schema="market")
    op.create_foreign_key(
        op.f("fk_keys_service_account_service_accounts"),
        "keys",
        "service_accounts",
        ["service_account"],
        ["id"],
        source_schema="market",
        referent_schema="market",
    )
    op.create_index(op.f("ix_market_keys_service_account"), "keys", ["service_account"], schema="market")


def sandbox_keys() -> None:
    op.create_table(
        "sandbox_keys",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256; the key has 190 random bits"),
        sa.Column("start", sa.String(length=12), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_sandbox_keys_hash")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_sandbox_keys_organisation"), "sandbox_keys", ["organisation"], schema="market"
    )
