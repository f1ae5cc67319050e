"""The tables of the governed side (log, identity, vault), and whose rows of identity are whose."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column(
            "window_began_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_login_attempts")),
        schema="identity",
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        schema="identity",
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("kid", "issuer", name=op.f("uq_signing_keys_kid_issuer")),
        schema="identity",
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        schema="identity",
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", "key_id", name=op.f("pk_checkpoints")),
        schema="log",
    )
    op.create_table(
        "entries",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.CheckConstraint("index >= 0", name=op.f("ck_entries_index_from_zero")),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_entries")),
        schema="log",
    )
    op.create_table(
        "kinds",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("kind ~ '^[a-z_]+[.][a-z_]+$'", name=op.f("ck_kinds_kind")),
        sa.PrimaryKeyConstraint("kind", "role", name=op.f("pk_kinds")),
        schema="log",
    )
    op.create_table(
        "nodes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("level >= 0 AND position >= 0", name=op.f("ck_nodes_place")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_nodes_hash_length")),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_nodes")),
        schema="log",
    )
    op.create_table(
        "budget_accounts",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("picorho_limit", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("picorho_spent", sa.Numeric(precision=40, scale=0), server_default="0", nullable=False),
        sa.Column("delta_limit", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("delta_spent", sa.Numeric(precision=40, scale=0), server_default="0", nullable=False),
        sa.CheckConstraint(
            "delta_spent BETWEEN 0 AND delta_limit", name=op.f("ck_budget_accounts_delta_within_limit")
        ),
        sa.CheckConstraint(
            "picorho_spent BETWEEN 0 AND picorho_limit", name=op.f("ck_budget_accounts_rho_within_limit")
        ),
        sa.PrimaryKeyConstraint("level", "key", name=op.f("pk_budget_accounts")),
        schema="vault",
    )
    op.create_table(
        "budget_reservations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("grant", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("population", sa.Text(), nullable=False),
        sa.Column("picorho", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("delta", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('reserved', 'settled')", name=op.f("ck_budget_reservations_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_reservations")),
        schema="vault",
    )
    op.create_table(
        "datasets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_datasets")),
        schema="vault",
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("grant", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("picorho", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('asked', 'released', 'failed')", name=op.f("ck_questions_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        schema="vault",
    )
    op.create_index(op.f("ix_vault_questions_digest"), "questions", ["digest"], unique=False, schema="vault")
    op.create_index(op.f("ix_vault_questions_grant"), "questions", ["grant"], unique=False, schema="vault")
    op.create_table(
        "released_totals",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("picorho", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", "total", "picorho", name=op.f("pk_released_totals")),
        schema="vault",
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id ~ '^[a-z][a-z0-9-]{1,31}$'", name=op.f("ck_accounts_id")),
        sa.CheckConstraint("kind IN ('person', 'service')", name=op.f("ck_accounts_kind")),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["identity.organisations.id"],
            name=op.f("fk_accounts_organisation_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        schema="identity",
    )
    op.create_table(
        "signing_key_retirements",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column(
            "verifies_until", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["kid", "issuer"],
            ["identity.signing_keys.kid", "identity.signing_keys.issuer"],
            name=op.f("fk_signing_key_retirements_kid_issuer_signing_keys"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key_retirements")),
        schema="identity",
    )
    op.create_index(
        op.f("ix_identity_signing_key_retirements_kid"),
        "signing_key_retirements",
        ["kid"],
        unique=False,
        schema="identity",
    )
    op.create_table(
        "openings",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("octet_length(salt) = 32", name=op.f("ck_openings_salt_length")),
        sa.ForeignKeyConstraint(["index"], ["log.entries.index"], name=op.f("fk_openings_index_entries")),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_openings")),
        schema="log",
    )
    op.create_table(
        "dataset_versions",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_dataset_versions_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("dataset", "number", name=op.f("pk_dataset_versions")),
        schema="vault",
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("epsilon", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("status IN ('asked', 'approved', 'refused')", name=op.f("ck_requests_status")),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_requests_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        schema="vault",
    )
    op.create_table(
        "account_roles",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role IN ('officer', 'analyst', 'buyer', 'operator', 'auditor')",
            name=op.f("ck_account_roles_role"),
        ),
        sa.ForeignKeyConstraint(
            ["account"], ["identity.accounts.id"], name=op.f("fk_account_roles_account_accounts")
        ),
        sa.PrimaryKeyConstraint("account", "role", name=op.f("pk_account_roles")),
        schema="identity",
    )
    op.create_table(
        "passwords",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["identity.accounts.id"], name=op.f("fk_passwords_account_accounts")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_passwords")),
        schema="identity",
    )
    op.create_table(
        "team_members",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["identity.accounts.id"], name=op.f("fk_team_members_account_accounts")
        ),
        sa.ForeignKeyConstraint(["team"], ["identity.teams.id"], name=op.f("fk_team_members_team_teams")),
        sa.PrimaryKeyConstraint("team", "account", name=op.f("pk_team_members")),
        schema="identity",
    )
    op.create_index(
        op.f("ix_identity_team_members_account"), "team_members", ["account"], unique=False, schema="identity"
    )
    op.create_table(
        "token_revocations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=True),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "revoked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "token_id IS NULL OR session IS NULL", name=op.f("ck_token_revocations_one_thing")
        ),
        sa.ForeignKeyConstraint(
            ["account"], ["identity.accounts.id"], name=op.f("fk_token_revocations_account_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_revocations")),
        schema="identity",
    )
    op.create_index(
        op.f("ix_identity_token_revocations_account"),
        "token_revocations",
        ["account"],
        unique=False,
        schema="identity",
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("epsilon", sa.Numeric(precision=12, scale=6), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("status IN ('live', 'revoked', 'expired')", name=op.f("ck_grants_status")),
        sa.ForeignKeyConstraint(["request"], ["vault.requests.id"], name=op.f("fk_grants_request_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("request", name=op.f("uq_grants_request")),
        schema="vault",
    )
    guard_rows()
    op.get_bind().exec_driver_sql(APPEND_FUNCTION)  # as it is: it has colons


PORTAL, VAULT = "current_user = 'cihu_portal'", "current_user = 'cihu_vault'"
PEOPLE = ("organisations", "accounts", "account_roles", "teams", "team_members", "token_revocations")
SECRET = ("passwords", "login_attempts")
KEYS = ("signing_keys", "signing_key_retirements")
OWN_KEYS = f"({PORTAL} AND issuer = 'portal') OR ({VAULT} AND issuer = 'vault')"


def guard_rows() -> None:
    """Who may see and write which rows of identity (sandbox/identity/tables.py says why).
    The owner is not bound."""
    for table in (*PEOPLE, *SECRET, *KEYS):
        op.execute(f"ALTER TABLE identity.{table} ENABLE ROW LEVEL SECURITY")
    for table in (*PEOPLE, *SECRET):
        op.execute(f"CREATE POLICY portal_writes ON identity.{table} USING ({PORTAL}) WITH CHECK ({PORTAL})")
    for table in PEOPLE:
        op.execute(f"CREATE POLICY vault_reads ON identity.{table} FOR SELECT USING ({VAULT})")
    for table in KEYS:
        op.execute(f"CREATE POLICY services_read ON identity.{table} FOR SELECT USING ({PORTAL} OR {VAULT})")
        op.execute(
            f"CREATE POLICY services_append_their_own ON identity.{table} FOR INSERT WITH CHECK ({OWN_KEYS})"
        )


# sandbox/audit/append_function.py says why
APPEND_FUNCTION = r"""CREATE FUNCTION log.append(kind text, salt bytea, content text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    size bigint;
    entry text;
    hash bytea;
    sibling bytea;
    height smallint := 0;
    place bigint;
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER')
       AND NOT EXISTS (SELECT FROM log.kinds AS known WHERE known.kind = append.kind AND known.role = session_user) THEN
        RAISE insufficient_privilege USING MESSAGE = session_user || ' may not append ' || kind;
    END IF;
    PERFORM pg_advisory_xact_lock(109304375214081);
    SELECT coalesce(max(index) + 1, 0) INTO size FROM log.entries;
    entry := '{"commitment":"' || encode(sha256(salt || convert_to(content, 'UTF8')), 'hex')
             || '","kind":"' || kind
             || '","time":"' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
             || '","version":1}';
    hash := sha256('\x00'::bytea || convert_to(entry, 'UTF8'));
    place := size;
    INSERT INTO log.entries VALUES (size, entry);
    INSERT INTO log.openings VALUES (size, salt, content);
    INSERT INTO log.nodes VALUES (height, place, hash);
    WHILE place & 1 = 1 LOOP
        SELECT node.hash INTO sibling FROM log.nodes AS node WHERE node.level = height AND node.position = place - 1;
        IF sibling IS NULL THEN
            RAISE data_corrupted USING MESSAGE = 'node ' || (place - 1) || ' of level ' || height || ' is missing';
        END IF;
        hash := sha256('\x01'::bytea || sibling || hash);
        height := height + 1;
        place := place >> 1;
        INSERT INTO log.nodes VALUES (height, place, hash);
    END LOOP;
    RETURN size;
END
$function$"""  # noqa: E501
