"""The index of the log by object; maintenance, announcements and backups."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["index"],
            ["log.openings.index"],
            name=op.f("fk_objects_index_openings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("object", "index", name=op.f("pk_objects")),
        schema="log",
    )
    op.create_index("ix_objects_kind", "objects", ["object", "kind", "index"], schema="log")
    op.create_index("ix_objects_index", "objects", ["index"], schema="log")
    for statement in (OBJECTS_FUNCTION, APPEND_FUNCTION):
        op.get_bind().exec_driver_sql(statement)  # as it is: it has colons and percent signs
    op.get_bind().exec_driver_sql(FILL)
    _add_operations()


def _add_operations() -> None:
    now = sa.text("clock_timestamp()")
    op.create_table(
        "maintenance",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_maintenance_order")),
        sa.CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name=op.f("ck_maintenance_ended")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
        schema="operations",
    )
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_announcements_order")),
        sa.CheckConstraint(
            "audience IN ('all', 'teams', 'companies', 'officers')", name=op.f("ck_announcements_audience")
        ),
        sa.CheckConstraint(
            "(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name=op.f("ck_announcements_withdrawn")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
        schema="operations",
    )
    op.create_table(
        "backups",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("what IN ('database', 'store', 'keys')", name=op.f("ck_backups_what")),
        sa.CheckConstraint("verified_at >= made_at", name=op.f("ck_backups_verified_after")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
        schema="operations",
    )
    op.create_index("uq_backups_what_label", "backups", ["what", "label"], unique=True, schema="operations")


# sandbox/audit/object_index.py says why
OBJECTS_FUNCTION = r"""CREATE FUNCTION log.objects_of(content text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $function$
    WITH opened AS (
        SELECT regexp_replace(content, '(?<!\\)((?:\\\\)*)\\u0000', '\1?', 'g')::jsonb AS document
    ), named AS (
        SELECT 'account:' || (document ->> 'actor') AS object FROM opened
        UNION SELECT document ->> 'subject' FROM opened
        UNION SELECT name || ':' || (value #>> '{}')
          FROM opened, unnest(ARRAY['account', 'company', 'competition', 'dataset', 'grant', 'invoice', 'licence', 'order', 'organisation', 'product', 'request', 'review', 'run', 'team']) AS name,
               jsonb_path_query(document, ('$.payload.**.' || name)::jsonpath) AS value
         WHERE jsonb_typeof(value) IN ('string', 'number')
    )
    SELECT DISTINCT left(object, 300) FROM (
        SELECT object FROM named UNION ALL SELECT regexp_replace(object, '@[0-9]+$', '') FROM named
    ) AS each
$function$"""  # noqa: E501

# sandbox/audit/append_function.py says why
APPEND_FUNCTION = r"""CREATE OR REPLACE FUNCTION log.append(kind text, salt bytea, content text) RETURNS bigint
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
    INSERT INTO log.objects (object, index, kind)
    SELECT named.object, size, append.kind FROM log.objects_of(content) AS named(object);
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

FILL = """INSERT INTO log.objects (object, index, kind)
SELECT named.object, openings.index, entries.entry::jsonb ->> 'kind'
  FROM log.openings JOIN log.entries ON entries.index = openings.index,
       log.objects_of(openings.content) AS named(object)"""
