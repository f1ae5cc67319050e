"""The tables of the market."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("challenge", sa.Text(), nullable=False, comment="PKCE, S256"),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reused_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_authorization_codes")),
        schema="market",
    )
    op.create_index(
        "ix_authorization_codes_nonce",
        "authorization_codes",
        ["client_id", "nonce"],
        unique=False,
        schema="market",
    )
    op.create_table(
        "products",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("summary_zh", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("monthly_fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("free_calls", sa.Integer(), nullable=False),
        sa.Column("cap_fen", sa.BigInteger(), nullable=True, comment="NULL: no cap"),
        sa.Column("calls_per_month", sa.Integer(), nullable=False),
        sa.Column("calls_per_second", sa.Integer(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("redistribution", sa.Boolean(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("listed_by", sa.String(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('listed', 'withdrawn')", name=op.f("ck_products_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        schema="market",
    )
    op.create_table(
        "sessions",
        sa.Column(
            "id_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the cookie; the cookie itself is stored nowhere",
        ),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "expires_at", sa.DateTime(timezone=True), nullable=False, comment="whatever happens, it ends then"
        ),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_sessions")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_sessions_account"), "sessions", ["account"], unique=False, schema="market"
    )
    op.create_table(
        "issued_tokens",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["code_hash"],
            ["market.authorization_codes.code_hash"],
            name=op.f("fk_issued_tokens_code_hash_authorization_codes"),
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_issued_tokens")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_issued_tokens_code_hash"),
        "issued_tokens",
        ["code_hash"],
        unique=False,
        schema="market",
    )
    op.create_index(
        op.f("ix_market_issued_tokens_session_hash"),
        "issued_tokens",
        ["session_hash"],
        unique=False,
        schema="market",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("buyer", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("calls_per_month", sa.Integer(), nullable=False),
        sa.Column("calls_per_second", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('placed', 'approved', 'refused')", name=op.f("ck_orders_status")),
        sa.ForeignKeyConstraint(["product"], ["market.products.id"], name=op.f("fk_orders_product_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_orders_department"), "orders", ["department"], unique=False, schema="market"
    )
    op.create_index(
        op.f("ix_market_orders_organisation"), "orders", ["organisation"], unique=False, schema="market"
    )
    op.create_index(op.f("ix_market_orders_product"), "orders", ["product"], unique=False, schema="market")
    op.create_table(
        "licences",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False, comment="in which its months begin"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("monthly_fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("free_calls", sa.Integer(), nullable=False),
        sa.Column("cap_fen", sa.BigInteger(), nullable=True, comment="NULL: no cap"),
        sa.Column("calls_per_month", sa.Integer(), nullable=False),
        sa.Column("calls_per_second", sa.Integer(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("redistribution", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('live', 'revoked', 'expired')", name=op.f("ck_licences_status")),
        sa.ForeignKeyConstraint(["order"], ["market.orders.id"], name=op.f("fk_licences_order_orders")),
        sa.ForeignKeyConstraint(
            ["product"], ["market.products.id"], name=op.f("fk_licences_product_products")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
        sa.UniqueConstraint("order", name=op.f("uq_licences_order")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_licences_department"), "licences", ["department"], unique=False, schema="market"
    )
    op.create_index(
        op.f("ix_market_licences_organisation"), "licences", ["organisation"], unique=False, schema="market"
    )
    op.create_index(
        op.f("ix_market_licences_product"), "licences", ["product"], unique=False, schema="market"
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256; the key has 190 random bits"),
        sa.Column("start", sa.String(length=12), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("successor", sa.Integer(), nullable=True),
        sa.CheckConstraint("status IN ('live', 'retiring', 'revoked')", name=op.f("ck_keys_status")),
        sa.ForeignKeyConstraint(["licence"], ["market.licences.id"], name=op.f("fk_keys_licence_licences")),
        sa.ForeignKeyConstraint(["successor"], ["market.keys.id"], name=op.f("fk_keys_successor_keys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_keys_hash")),
        schema="market",
    )
    op.create_index(op.f("ix_market_keys_licence"), "keys", ["licence"], unique=False, schema="market")
    op.create_table(
        "months",
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("free_calls", sa.Integer(), nullable=False),
        sa.Column("charged_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_charged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["licence"], ["market.licences.id"], name=op.f("fk_months_licence_licences")),
        sa.PrimaryKeyConstraint("licence", "month", name=op.f("pk_months")),
        schema="market",
    )
    op.create_table(
        "paces",
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["licence"], ["market.licences.id"], name=op.f("fk_paces_licence_licences")),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_paces")),
        schema="market",
    )
    op.create_table(
        "usage_lines",
        sa.Column(
            "id",
            sa.String(length=32),
            nullable=False,
            comment="derived from the licence and the request: a retry has the same",
        ),
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=True),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("compensates", sa.String(length=32), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('SAMPLE', 'FIXED', 'GRACE', 'FREE_QUOTA', 'VARIABLE', 'MAX_REACHED')",
            name=op.f("ck_usage_lines_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["compensates"], ["market.usage_lines.id"], name=op.f("fk_usage_lines_compensates_usage_lines")
        ),
        sa.ForeignKeyConstraint(["key"], ["market.keys.id"], name=op.f("fk_usage_lines_key_keys")),
        sa.ForeignKeyConstraint(
            ["licence"], ["market.licences.id"], name=op.f("fk_usage_lines_licence_licences")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_lines")),
        sa.UniqueConstraint("compensates", name=op.f("uq_usage_lines_compensates")),
        schema="market",
    )
    op.create_index(
        "ix_usage_lines_licence_month", "usage_lines", ["licence", "month"], unique=False, schema="market"
    )
    op.create_table(
        "requests",
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column(
            "request_id", sa.Text(), nullable=False, comment="the caller's Idempotency-Key, or an id of ours"
        ),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("usage", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column(
            "reference",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="how to hand out the same result again; never the result",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('metered', 'delivered', 'credited')", name=op.f("ck_requests_state")),
        sa.ForeignKeyConstraint(
            ["licence"], ["market.licences.id"], name=op.f("fk_requests_licence_licences")
        ),
        sa.ForeignKeyConstraint(
            ["usage"], ["market.usage_lines.id"], name=op.f("fk_requests_usage_usage_lines")
        ),
        sa.PrimaryKeyConstraint("licence", "request_id", name=op.f("pk_requests")),
        schema="market",
    )
