"""Releases, offers, entitlements, the steps of orders; scopes, networks and modes of keys; companies.

What was sold before keeps its price, and follows releases from its first one on.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

CHECKS = (
    ("orders", "status", ("placed", "offered", "approved", "refused", "declined", "withdrawn")),
    ("licences", "status", ("live", "suspended", "ended", "revoked", "expired")),
)


def upgrade() -> None:
    op.create_table(
        "companies",
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("invoice_title", sa.Text(), nullable=False),
        sa.Column("invoice_address", sa.Text(), nullable=False),
        sa.Column("invoice_phone", sa.Text(), nullable=False),
        sa.Column("invoice_bank", sa.Text(), nullable=False),
        sa.Column("invoice_account", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('entered', 'verified', 'refused')", name=op.f("ck_companies_status")),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_companies")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_companies_credit_code")),
        schema="market",
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column(
            "organisation", sa.String(), nullable=True, comment="whom alone it is for; NULL: everybody"
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True), nullable=True, comment="NULL: until a later offer begins"
        ),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="SHA-256 of the document's canonical JSON"
        ),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["market.products.id"], name=op.f("fk_offers_product_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        schema="market",
    )
    op.create_index(
        "ix_offers_product_starts_at", "offers", ["product", "starts_at"], unique=False, schema="market"
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 … of the product"),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "schema",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="types of the columns; {} where they were not recorded",
        ),
        sa.Column("schema_hash", sa.String(length=64), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column(
            "changes",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="since the release before",
        ),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "dropped_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="taken back before it took effect",
        ),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "effect IN ('first', 'compatible', 'additive', 'breaking')", name=op.f("ck_releases_effect")
        ),
        sa.ForeignKeyConstraint(
            ["product"], ["market.products.id"], name=op.f("fk_releases_product_products")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("product", "number", name=op.f("uq_releases_product_number")),
        schema="market",
    )
    op.create_table(
        "order_steps",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order"], ["market.orders.id"], name=op.f("fk_order_steps_order_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_steps")),
        schema="market",
    )
    op.create_index(
        op.f("ix_market_order_steps_order"), "order_steps", ["order"], unique=False, schema="market"
    )
    op.create_table(
        "entitlements",
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["licence"], ["market.licences.id"], name=op.f("fk_entitlements_licence_licences")
        ),
        sa.ForeignKeyConstraint(
            ["release"], ["market.releases.id"], name=op.f("fk_entitlements_release_releases")
        ),
        sa.PrimaryKeyConstraint("licence", "release", name=op.f("pk_entitlements")),
        schema="market",
    )
    op.add_column(
        "keys",
        sa.Column(
            "scopes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text('\'["call", "sample", "usage"]\''),
            nullable=False,
        ),
        schema="market",
    )
    op.add_column(
        "keys",
        sa.Column(
            "networks",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="[]: every address",
        ),
        schema="market",
    )
    op.add_column(
        "keys",
        sa.Column("mode", sa.String(), server_default=sa.text("'live'"), nullable=False),
        schema="market",
    )
    op.add_column(
        "keys",
        sa.Column(
            "last_used_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="written by metering, to the minute",
        ),
        schema="market",
    )
    op.add_column("keys", sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True), schema="market")
    op.add_column(
        "keys",
        sa.Column("revoked_for", sa.String(), nullable=True, comment="the organisation of who revoked it"),
        schema="market",
    )
    op.add_column(
        "keys",
        sa.Column(
            "ends_before", sa.DateTime(timezone=True), nullable=True, comment="its end before it was revoked"
        ),
        schema="market",
    )
    op.add_column(
        "licences",
        sa.Column(
            "offer_hash",
            sa.String(length=64),
            nullable=True,
            comment="of the document; NULL: from before there were offers",
        ),
        schema="market",
    )
    op.add_column(
        "licences",
        sa.Column(
            "document",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the offer as it was when the licence was issued",
        ),
        schema="market",
    )
    op.add_column(
        "licences",
        sa.Column("pin", sa.Integer(), nullable=True, comment="NULL: the newest release that is in effect"),
        schema="market",
    )
    op.add_column(
        "licences",
        sa.Column(
            "notice_by", sa.String(), nullable=True, comment="who gave notice that it ends before its time"
        ),
        schema="market",
    )
    op.add_column(
        "licences", sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True), schema="market"
    )
    op.add_column("licences", sa.Column("notice_reason", sa.Text(), nullable=True), schema="market")
    op.create_foreign_key(
        op.f("fk_licences_pin_releases"),
        "licences",
        "releases",
        ["pin"],
        ["id"],
        source_schema="market",
        referent_schema="market",
    )
    op.add_column(
        "orders",
        sa.Column(
            "use",
            sa.String(),
            nullable=True,
            comment="one of policies/prices.yaml; NULL: from before it was asked",
        ),
        schema="market",
    )
    op.add_column(
        "orders",
        sa.Column("offer_hash", sa.String(length=64), nullable=True, comment="of the offer that was ordered"),
        schema="market",
    )
    op.add_column(
        "orders",
        sa.Column(
            "document",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="that offer: a later one never touches the order",
        ),
        schema="market",
    )
    op.add_column(
        "orders",
        sa.Column("renews", sa.Integer(), nullable=True, comment="the order whose licence this one renews"),
        schema="market",
    )
    op.add_column(
        "orders",
        sa.Column(
            "offered",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the seller offered back",
        ),
        schema="market",
    )
    op.add_column("orders", sa.Column("contract", sa.Text(), nullable=True), schema="market")
    op.add_column(
        "orders", sa.Column("contract_sha256", sa.String(length=64), nullable=True), schema="market"
    )
    op.create_foreign_key(
        op.f("fk_orders_renews_orders"),
        "orders",
        "orders",
        ["renews"],
        ["id"],
        source_schema="market",
        referent_schema="market",
    )
    op.create_check_constraint(op.f("ck_keys_mode"), "keys", "mode IN ('live', 'test')", schema="market")
    for table, column, allowed in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{column}"), table, schema="market", type_="check")
        names = ", ".join(f"'{name}'" for name in allowed)
        op.create_check_constraint(
            op.f(f"ck_{table}_{column}"), table, f"{column} IN ({names})", schema="market"
        )
    first_releases()
    for table, about, column in (
        ("releases", "product", "product"),
        ("entitlements", "licence", "licence"),
    ):
        # portals drop what they hold of it: marketplace/metering/invalidation.py
        op.get_bind().exec_driver_sql(
            f"CREATE TRIGGER notify_change AFTER INSERT OR DELETE OR UPDATE ON market.{table} "
            f"FOR EACH ROW EXECUTE FUNCTION market.notify_change('{about}', '{column}')"
        )
    for function in (LOCK_FUNCTION, SIBLINGS_FUNCTION, MONTH_FUNCTION):
        op.get_bind().exec_driver_sql(function.replace("%", "%%"))


def first_releases() -> None:
    """What each product sold so far is its first release, and each licence is entitled to it."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text("SELECT id, definition, grade, listed_by, listed_at FROM market.products")
    ).all()
    for product in found:
        connection.execute(
            sa.text(
                "INSERT INTO market.releases (product, number, definition, schema, schema_hash, grade, "
                "effect, changes, notes, released_by, released_at, effective_at) VALUES (:product, 1, "
                ":definition, '{}', :hash, :grade, 'first', '[]', '', :by, :at, :at)"
            ),
            {
                "product": product.id,
                "definition": json.dumps(product.definition, ensure_ascii=False),
                "hash": relied_on(product.definition),
                "grade": product.grade,
                "by": product.listed_by,
                "at": product.listed_at,
            },
        )
    connection.execute(
        sa.text(
            "INSERT INTO market.entitlements (licence, release) SELECT licences.id, releases.id "
            "FROM market.licences JOIN market.releases ON releases.product = licences.product"
        )
    )


def relied_on(definition: dict[str, object]) -> str:
    """The hash of what callers rely on, as far as it was recorded."""
    if definition["kind"] == "rows":
        columns = definition["columns"]
        relied: object = [sorted(columns) if isinstance(columns, list) else [], definition["keys"]]
    else:
        relied = [definition["sql"], definition["parameters"]]
    text = json.dumps(relied, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# marketplace/metering/shared_months.py says why
LOCK_FUNCTION = r"""CREATE FUNCTION market.lock_licences(asked integer[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    any_shared boolean;
BEGIN
    SELECT bool_or(held.shared) INTO any_shared FROM (
        SELECT own.shared FROM market.licences AS own WHERE own.id = ANY (asked) ORDER BY own.id FOR NO KEY UPDATE
    ) AS held;
    IF any_shared THEN
        PERFORM pg_advisory_xact_lock(months.lock) FROM (
            SELECT DISTINCT hashtextextended('market.months ' || own.organisation || ' ' || own.product, 0) AS lock
            FROM market.licences AS own WHERE own.id = ANY (asked) AND own.shared ORDER BY lock
        ) AS months;
    END IF;
END
$function$"""  # noqa: E501

SIBLINGS_FUNCTION = r"""CREATE FUNCTION market.siblings(asked integer) RETURNS TABLE (licence integer, same_price boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
    SELECT other.id, (other.document -> 'price') - 'trial' IS NOT DISTINCT FROM (mine.document -> 'price') - 'trial'
    FROM market.licences AS mine
    JOIN market.licences AS other ON other.organisation = mine.organisation AND other.product = mine.product
         AND other.id <> mine.id
    WHERE mine.id = asked
$function$"""  # noqa: E501

MONTH_FUNCTION = r"""CREATE FUNCTION market.siblings_month(asked integer, asked_month text)
RETURNS market.months LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    others market.months;
BEGIN
    SELECT asked, asked_month,
           coalesce(sum(summed.calls), 0),
           coalesce(sum(summed.used_calls) FILTER (WHERE sibling.same_price), 0),
           coalesce(sum(summed.used_successful) FILTER (WHERE sibling.same_price), 0),
           coalesce(sum(summed.used_rows) FILTER (WHERE sibling.same_price), 0),
           coalesce(sum(summed.used_bytes) FILTER (WHERE sibling.same_price), 0),
           coalesce(sum(summed.used_epsilon_millionths) FILTER (WHERE sibling.same_price), 0),
           coalesce(sum(summed.charged_fen) FILTER (WHERE sibling.same_price), 0),
           coalesce(sum(summed.fixed_fen) FILTER (WHERE sibling.same_price), 0),
           0,
           coalesce(sum(summed.version), 0),
           (SELECT max(earlier.next_at) FROM market.siblings(asked) AS other
            JOIN market.months AS earlier ON earlier.licence = other.licence)
    INTO others
    FROM market.siblings(asked) AS sibling
    JOIN market.months AS summed ON summed.licence = sibling.licence AND summed.month = asked_month;
    RETURN others;
END
$function$"""
