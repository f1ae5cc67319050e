"""Metering in groups: lines and idempotency rows by month, groups, seals, and the functions that write
them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

REASONS = (
    "'SAMPLE', 'FIXED', 'GRACE', 'FREE_QUOTA', 'VARIABLE', 'MAX_REACHED', 'FREE', 'TRIAL', 'TEST', "
    "'UNCONFIRMED'"
)
OUTCOMES = "'answered', 'empty', 'held', 'sample', 'fee', 'credit'"
STATES = "'held', 'answered', 'confirmed', 'credited'"


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS market_partitions")
    make_groups()
    op.execute("ALTER TABLE market.requests RENAME TO old_requests")
    op.execute("ALTER TABLE market.usage_lines RENAME TO old_usage_lines")
    op.execute("ALTER TABLE market.months RENAME TO old_months")
    rename_constraints("old_requests", "old_usage_lines", "old_months")
    op.execute("DROP INDEX market.ix_usage_lines_licence_month")
    make_lines()
    make_requests()
    make_months()
    bind = op.get_bind()
    bind.exec_driver_sql(PARTITIONS_FUNCTION.replace("%", "%%"))  # not text(): it has colons
    bind.exec_driver_sql("SELECT market.keep_partitions(1200, 1200)")
    move_rows()
    for table in ("old_requests", "old_usage_lines", "old_months", "paces"):
        op.execute(f"DROP TABLE market.{table}")
    op.add_column(
        "licences",
        sa.Column(
            "shared",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="the organisation has another for the product: what they use counts together",
        ),
        schema="market",
    )
    op.execute(
        """
        UPDATE market.licences AS own SET shared = true WHERE EXISTS (
            SELECT FROM market.licences AS other
            WHERE other.organisation = own.organisation AND other.product = own.product
                  AND other.id <> own.id)
        """
    )
    op.drop_index("ix_market_licences_organisation", "licences", schema="market")
    op.create_index(
        "ix_licences_organisation_product", "licences", ["organisation", "product"], schema="market"
    )
    for function in (METER_FUNCTION, LINE_TEXT_FUNCTION, NOTIFY_FUNCTION):
        bind.exec_driver_sql(function.replace("%", "%%"))
    for table, about, column, update in WATCHED:
        bind.exec_driver_sql(
            f"CREATE TRIGGER notify_change AFTER INSERT OR DELETE OR {update} ON market.{table} "
            f"FOR EACH ROW EXECUTE FUNCTION market.notify_change('{about}', '{column}')"
        )


def rename_constraints(*tables: str) -> None:
    """The new tables take the names of the old ones' constraints, those of NOT NULL too."""
    bind = op.get_bind()
    for table in tables:
        named = sa.text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass)")
        for name in bind.scalars(named, {"table": f"market.{table}"}).all():
            bind.exec_driver_sql(f"ALTER TABLE market.{table} RENAME CONSTRAINT {name} TO old_{name}")


def make_groups() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column(
            "confirmed",
            sa.BigInteger(),
            nullable=False,
            comment="every answer up to this line's was sent",
        ),
        sa.Column(
            "ahead",
            postgresql.INT8MULTIRANGE(),
            nullable=False,
            comment="and those of these lines beyond it",
        ),
        sa.Column(
            "swept_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="it is dead, and what it left unsent is credited",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        schema="market",
        comment="A portal process that meters. A new one begins with each start.",
    )
    op.create_table(
        "usage_seals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "root",
            sa.LargeBinary(),
            nullable=False,
            comment="Merkle root over the roots of its groups",
        ),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_seals")),
        schema="market",
    )
    op.create_table(
        "usage_groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("worker", sa.Integer(), nullable=True, comment="NULL: credits"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True, comment="its leaf in the seal's tree"),
        sa.Column(
            "root",
            sa.LargeBinary(),
            nullable=True,
            comment="Merkle root over its lines, once it is sealed",
        ),
        sa.ForeignKeyConstraint(
            ["worker"], ["market.workers.id"], name=op.f("fk_usage_groups_worker_workers")
        ),
        sa.ForeignKeyConstraint(
            ["seal"], ["market.usage_seals.id"], name=op.f("fk_usage_groups_seal_usage_seals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_groups")),
        schema="market",
        comment="Lines that were committed together.",
    )
    op.create_index(
        "ix_usage_groups_worker_last", "usage_groups", ["worker", "last_sequence"], schema="market"
    )
    op.create_index("ix_usage_groups_seal", "usage_groups", ["seal"], schema="market")
    op.create_index(
        "ix_usage_groups_unsealed",
        "usage_groups",
        ["id"],
        schema="market",
        postgresql_where=sa.text("seal IS NULL"),
    )


def make_lines() -> None:
    op.create_table(
        "usage_lines",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column(
            "id",
            sa.String(length=32),
            nullable=False,
            comment="derived from the licence and the request: a retry has the same",
        ),
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=True),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("offer", sa.Text(), nullable=True, comment="the hash of the price document"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when the call came"),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(24, 6), nullable=False, comment="of `unit`"),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=True, comment="of a unit, where the price has one"),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("period", sa.String(), nullable=True, comment="of a fixed fee: the month that it is for"),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("compensates", sa.String(length=32), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True, comment="its order in the group"),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            nullable=True,
            comment="its number among the lines of its worker",
        ),
        sa.Column(
            "log_index",
            sa.BigInteger(),
            nullable=True,
            comment="of a line before there were groups: its own entry",
        ),
        sa.Column(
            "used",
            sa.ARRAY(sa.BigInteger()),
            nullable=True,
            comment="what it added to the month's used_calls and the four columns after it",
        ),
        sa.PrimaryKeyConstraint("month", "id", name=op.f("pk_usage_lines")),
        sa.UniqueConstraint("month", "compensates", name=op.f("uq_usage_lines_month_compensates")),
        sa.CheckConstraint(f"reason IN ({REASONS})", name=op.f("ck_usage_lines_reason")),
        sa.CheckConstraint(f"outcome IN ({OUTCOMES})", name=op.f("ck_usage_lines_outcome")),
        schema="market",
        postgresql_partition_by="LIST (month)",
    )
    op.create_index("ix_usage_lines_licence_month", "usage_lines", ["licence", "month"], schema="market")
    op.create_index("ix_usage_lines_group", "usage_lines", ["group_id"], schema="market")
    op.execute("CREATE TABLE market_partitions.usage_lines_default PARTITION OF market.usage_lines DEFAULT")


def make_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False, comment="the caller's Idempotency-Key"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("usage", sa.String(length=32), nullable=False, comment="the line of the newest attempt"),
        sa.Column("month", sa.String(length=7), nullable=False, comment="of that line"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column(
            "reference",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="how to hand out the same result again; never the result",
        ),
        sa.PrimaryKeyConstraint("licence", "request_id", "at", name=op.f("pk_requests")),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_requests_state")),
        schema="market",
        postgresql_partition_by="RANGE (at)",
        comment="Calls with an Idempotency-Key. Not unique by itself: the licence's lock makes it so.",
    )
    op.execute("CREATE TABLE market_partitions.requests_default PARTITION OF market.requests DEFAULT")


def make_months() -> None:
    op.create_table(
        "months",
        sa.Column("licence", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False, comment="that count for the quota"),
        sa.Column(
            "used_calls",
            sa.Integer(),
            nullable=False,
            comment="that count for the price, as the next four do",
        ),
        sa.Column("used_successful", sa.Integer(), nullable=False),
        sa.Column("used_rows", sa.BigInteger(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.Column("used_epsilon_millionths", sa.BigInteger(), nullable=False),
        sa.Column("charged_fen", sa.BigInteger(), nullable=False, comment="without one-off fees"),
        sa.Column("fixed_fen", sa.BigInteger(), nullable=False, comment="the monthly fee among it"),
        sa.Column("one_off_fen", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="counts its changes"),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True, comment="of the pace: see pace.py"),
        sa.ForeignKeyConstraint(["licence"], ["market.licences.id"], name=op.f("fk_months_licence_licences")),
        sa.PrimaryKeyConstraint("licence", "month", name=op.f("pk_months")),
        schema="market",
        postgresql_with={"fillfactor": "50"},
    )


def move_rows() -> None:
    """What was metered before. A credit follows its line, and each needs its line to be there."""
    bind = op.get_bind()
    for month in bind.scalars(sa.text("SELECT DISTINCT month FROM market.old_usage_lines")).all():
        bind.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS market_partitions.usage_lines_{month.replace('-', '_')} "
            f"PARTITION OF market.usage_lines FOR VALUES IN ('{month}')"
        )
    op.execute(
        """
        INSERT INTO market.usage_lines (id, month, licence, key, product, at, reason, calls, rows, bytes, quantity, unit,
                                        amount_fen, period, outcome, compensates, log_index, used)
        SELECT line.id, line.month, line.licence, line.key, licences.product, line.at, line.reason, line.calls, 0, 0,
               1, CASE line.reason WHEN 'FIXED' THEN 'month' WHEN 'SAMPLE' THEN 'sample' ELSE 'call' END, line.amount_fen,
               CASE line.reason WHEN 'FIXED' THEN line.month END,
               CASE WHEN line.compensates IS NOT NULL THEN 'credit' WHEN line.reason = 'FIXED' THEN 'fee'
                    WHEN line.reason = 'SAMPLE' THEN 'sample' ELSE 'answered' END,
               line.compensates, line.log_index,
               CASE WHEN line.compensates IS NULL AND line.reason NOT IN ('FIXED', 'SAMPLE')
                    THEN ARRAY[line.calls, line.calls, 0, 0, 0] END
        FROM market.old_usage_lines AS line JOIN market.licences ON licences.id = line.licence
        ORDER BY line.compensates IS NOT NULL
        """  # noqa: E501
    )
    op.execute(
        """
        INSERT INTO market.requests (licence, request_id, at, payload_hash, usage, month, attempt, state, reference)
        SELECT old.licence, old.request_id, old.at, old.payload_hash, old.usage, line.month, old.attempt,
               CASE old.state WHEN 'delivered' THEN 'confirmed' WHEN 'metered' THEN 'held' ELSE 'credited' END, old.reference
        FROM market.old_requests AS old JOIN market.old_usage_lines AS line ON line.id = old.usage
        WHERE old.request_id LIKE 'key:%'
        """  # noqa: E501
    )
    op.execute(
        """
        INSERT INTO market.months SELECT old.licence, old.month, old.calls, old.calls, old.calls, 0, 0, 0, old.charged_fen,
            coalesce((SELECT sum(line.amount_fen) FROM market.old_usage_lines AS line
                      WHERE line.licence = old.licence AND line.month = old.month AND line.reason = 'FIXED'), 0), 0, 0, NULL
        FROM market.old_months AS old
        """  # noqa: E501
    )


# marketplace/metering says why: commit_function.py, partitions.py, seal_function.py, invalidation.py
METER_FUNCTION = r"""CREATE FUNCTION market.meter(
    batch json, locked integer[], worker integer, upto bigint, beyond int8multirange, resent json
) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    line record;
    known record;
    sums market.months;
    others market.months;
    verdict text;
    detail json;
    moment timestamptz;
    arrival timestamptz;
    came timestamptz;
    step interval;
    good integer[] := '{}';
    verdicts json[] := '{}';
    changed market.months[] := '{}';
    beside market.months[] := '{}';
    number bigint;
    last bigint := 0;
    keys_given boolean := false;
    fee_charged boolean;
    sampled text[] := '{}';
BEGIN
    UPDATE market.workers AS own SET confirmed = upto, ahead = beyond, seen_at = clock_timestamp() WHERE own.id = worker;
    PERFORM market.lock_licences(locked);
    IF json_array_length(resent) > 0 THEN
        UPDATE market.requests AS kept SET state = 'confirmed'
        FROM json_to_recordset(resent) AS answered(licence integer, request_id text)
        WHERE kept.licence = answered.licence AND kept.request_id = answered.request_id AND kept.state = 'answered';
    END IF;
    moment := clock_timestamp();
    FOR line IN
        SELECT asked.*, key.status AS key_status, key.ends_at AS key_ends, key.licence AS key_licence,
               terms.status, terms.starts_at, terms.ends_at + make_interval(days => terms.grace_days) AS over_at,
               terms.product AS sold, terms.organisation, terms.calls_per_month, terms.calls_per_second, terms.time_zone, terms.shared
        FROM json_to_recordset(batch) AS asked(
            n integer, id text, licence integer, key integer, month text, product text, version bigint, calls integer,
            used_calls integer, used_successful integer, used_rows bigint, used_bytes bigint, used_epsilon_millionths bigint,
            charged_fen bigint, fixed_fen bigint, one_off_fen bigint, one_off boolean, sample boolean, age float8, request_id text,
            keyed boolean, payload text, attempt integer, sequence bigint, admitted boolean)
        JOIN market.licences AS terms ON terms.id = asked.licence
        LEFT JOIN market.keys AS key ON key.id = asked.key
        ORDER BY asked.licence, asked.month, asked.n
    LOOP
        came := moment - make_interval(secs => line.age);
        IF sums.licence IS DISTINCT FROM line.licence OR sums.month IS DISTINCT FROM line.month THEN
            IF sums.licence IS NOT NULL THEN
                changed := changed || sums;
                beside := beside || others;
            END IF;
            SELECT * INTO sums FROM market.months AS summed WHERE summed.licence = line.licence AND summed.month = line.month;
            IF NOT FOUND THEN
                sums := ROW(line.licence, line.month, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (
                    SELECT max(earlier.next_at) FROM market.months AS earlier WHERE earlier.licence = line.licence))::market.months;
            END IF;
            others := ROW(line.licence, line.month, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL)::market.months;
            IF line.shared THEN
                others := market.siblings_month(line.licence, line.month);
            END IF;
        END IF;
        verdict := CASE
            WHEN line.key_licence IS DISTINCT FROM line.licence OR line.key_status = 'revoked' THEN 'REVOKED'
            WHEN line.key_ends <= moment THEN 'RETIRED'
            WHEN line.status <> 'live' THEN 'LICENCE_' || upper(line.status)
            WHEN line.over_at <= moment THEN 'LICENCE_EXPIRED'
            WHEN line.starts_at > moment THEN 'NOT_BEGUN'
            WHEN line.sold <> line.product THEN 'OTHER_PRODUCT'
        END;
        detail := NULL;
        IF verdict IS NULL AND line.keyed THEN
            SELECT * INTO known FROM market.requests AS kept
            WHERE kept.licence = line.licence AND kept.request_id = line.request_id;
            IF FOUND THEN
                verdict := CASE
                    WHEN known.payload_hash <> decode(line.payload, 'hex') THEN 'CONFLICT'
                    WHEN known.state <> 'credited' THEN 'REPLAY'
                    WHEN line.attempt <> known.attempt + 1 THEN 'AGAIN'
                END;
                detail := json_build_object('usage', known.usage, 'month', known.month, 'attempt', known.attempt,
                                            'reference', known.reference);
                IF verdict = 'REPLAY' THEN
                    detail := (SELECT json_build_object('usage', first.id, 'month', first.month, 'reason', first.reason,
                        'amount_fen', first.amount_fen, 'attempt', known.attempt, 'reference', known.reference)
                        FROM market.usage_lines AS first WHERE first.id = known.usage AND first.month = known.month);
                    UPDATE market.requests AS kept SET state = 'confirmed'
                    WHERE kept.licence = line.licence AND kept.request_id = line.request_id AND kept.state = 'answered';
                END IF;
            END IF;
        END IF;
        IF verdict IS NULL THEN
            step := make_interval(secs => ceil(1000000.0 / line.calls_per_second) / 1000000.0);
            arrival := greatest(sums.next_at, others.next_at, came);
            fee_charged := line.one_off AND (sums.one_off_fen > 0
                OR EXISTS (SELECT FROM unnest(changed) AS other WHERE other.licence = line.licence AND other.one_off_fen > 0)
                OR EXISTS (SELECT FROM market.months AS other WHERE other.licence = line.licence
                           AND other.month <> line.month AND other.one_off_fen > 0));
            verdict := CASE
                WHEN line.admitted IS NOT TRUE AND line.calls > 0
                     AND sums.calls + others.calls + line.calls > line.calls_per_month THEN 'USAGE_EXCEEDED'
                WHEN line.admitted IS NOT TRUE AND arrival - came > step * (line.calls_per_second - 1)
                    THEN 'RATE_LIMITED'
                WHEN to_char(came AT TIME ZONE line.time_zone, 'YYYY-MM') <> line.month
                     OR NOT line.sample AND sums.version + others.version <> line.version THEN 'STALE'
                -- what a sibling uses in the same group is not in its row yet
                WHEN line.shared AND EXISTS (
                    SELECT FROM unnest(changed) AS before JOIN market.licences AS other ON other.id = before.licence
                    WHERE other.organisation = line.organisation AND other.product = line.sold
                          AND other.id <> line.licence) THEN 'STALE'
                WHEN line.one_off AND fee_charged = (line.one_off_fen > 0) THEN 'STALE'
                ELSE 'GOOD'
            END;
            IF verdict = 'STALE' THEN
                detail := json_build_object('month', to_char(came AT TIME ZONE line.time_zone, 'YYYY-MM'), 'one_off', fee_charged);
            ELSIF verdict = 'RATE_LIMITED' THEN
                detail := json_build_object('wait', extract(epoch FROM arrival - came - step * (line.calls_per_second - 1)));
            ELSIF verdict = 'GOOD' THEN
                IF line.admitted IS NOT TRUE THEN
                    sums.next_at := arrival + step;
                END IF;
                IF NOT line.sample THEN
                    sums.calls := sums.calls + line.calls;
                    sums.used_calls := sums.used_calls + line.used_calls;
                    sums.used_successful := sums.used_successful + line.used_successful;
                    sums.used_rows := sums.used_rows + line.used_rows;
                    sums.used_bytes := sums.used_bytes + line.used_bytes;
                    sums.used_epsilon_millionths := sums.used_epsilon_millionths + line.used_epsilon_millionths;
                    sums.charged_fen := sums.charged_fen + line.charged_fen;
                    sums.fixed_fen := sums.fixed_fen + line.fixed_fen;
                    sums.one_off_fen := sums.one_off_fen + line.one_off_fen;
                    sums.version := sums.version + 1;
                END IF;
                IF NOT line.sample OR line.id <> ALL (sampled) AND NOT EXISTS (
                    SELECT FROM market.usage_lines AS today WHERE today.id = line.id AND today.month = line.month
                ) THEN
                    IF line.sample THEN
                        sampled := sampled || line.id;
                    END IF;
                    good := good || line.n;
                    last := greatest(last, line.sequence);
                    keys_given := keys_given OR line.keyed;
                END IF;
            END IF;
        END IF;
        verdicts := verdicts || json_build_object('n', line.n, 'verdict', verdict, 'detail', detail);
    END LOOP;
    IF sums.licence IS NOT NULL THEN
        changed := changed || sums;
        beside := beside || others;
    END IF;
    INSERT INTO market.months AS summed SELECT * FROM unnest(changed)
    ON CONFLICT (licence, month) DO UPDATE SET
        calls = excluded.calls, used_calls = excluded.used_calls, used_successful = excluded.used_successful,
        used_rows = excluded.used_rows, used_bytes = excluded.used_bytes,
        used_epsilon_millionths = excluded.used_epsilon_millionths, charged_fen = excluded.charged_fen,
        fixed_fen = excluded.fixed_fen, one_off_fen = excluded.one_off_fen, version = excluded.version,
        next_at = excluded.next_at
        WHERE summed.version <> excluded.version OR summed.next_at IS DISTINCT FROM excluded.next_at;
    IF cardinality(good) > 0 THEN
        INSERT INTO market.usage_groups (worker, at, last_sequence) VALUES (worker, moment, last) RETURNING id INTO number;
        IF keys_given THEN
            WITH asked AS (
                SELECT * FROM json_to_recordset(batch) AS asked(
                    n integer, id text, licence integer, month text, request_id text, keyed boolean, payload text, outcome text,
                    attempt integer, reference jsonb)
                WHERE asked.n = ANY (good) AND asked.keyed
            ), kept AS (
                INSERT INTO market.requests (licence, request_id, payload_hash, usage, month, attempt, state, reference, at)
                SELECT licence, request_id, decode(payload, 'hex'), id, month, attempt,
                       CASE outcome WHEN 'held' THEN 'held' ELSE 'answered' END, reference, moment
                FROM asked WHERE attempt = 1
            )
            UPDATE market.requests AS again SET usage = asked.id, month = asked.month, attempt = asked.attempt,
                   state = CASE asked.outcome WHEN 'held' THEN 'held' ELSE 'answered' END, reference = asked.reference
            FROM asked WHERE asked.attempt > 1
                 AND again.licence = asked.licence AND again.request_id = asked.request_id;
        END IF;
        WITH asked AS (
            SELECT * FROM json_to_recordset(batch) AS asked(
                n integer, id text, licence integer, key integer, month text, product text, release text, offer text,
                calls integer, rows bigint, bytes bigint, quantity numeric, unit text, price_fen bigint, reason text,
                amount_fen bigint, fees json, age float8, request_id text, outcome text, sequence bigint,
                used_calls bigint, used_successful bigint, used_rows bigint, used_bytes bigint, used_epsilon_millionths bigint)
            WHERE asked.n = ANY (good)
        )
        INSERT INTO market.usage_lines (id, month, licence, key, product, release, offer, at, reason, calls, rows, bytes, quantity,
            unit, price_fen, amount_fen, request_id, period, outcome, group_id, place, sequence, used)
        SELECT id, month, licence, key, product, release, offer, moment - make_interval(secs => age), reason, calls, rows, bytes,
               quantity, unit, price_fen, amount_fen, request_id, NULL, outcome, number, 2 * (row_number() OVER (ORDER BY n) - 1),
               sequence, ARRAY[used_calls, used_successful, used_rows, used_bytes, used_epsilon_millionths]
        FROM asked
        UNION ALL
        SELECT fee.id, month, licence, key, product, release, offer, moment - make_interval(secs => age), 'FIXED', 0, 0, 0,
               1, fee.unit, fee.fen, fee.fen, request_id, CASE fee.unit WHEN 'month' THEN month END, 'fee', number,
               2 * (asked.n * 2 + fee.n) + 1, NULL, NULL
        FROM asked, json_to_recordset(asked.fees) AS fee(n integer, id text, fen bigint, unit text);
    END IF;
    RETURN json_build_object('group', number, 'verdicts', verdicts, 'sums', (
        SELECT json_agg(json_build_object('licence', own.licence, 'month', own.month, 'calls', own.calls + other.calls,
            'used', json_build_array(own.used_calls + other.used_calls, own.used_successful + other.used_successful,
                own.used_rows + other.used_rows, own.used_bytes + other.used_bytes,
                own.used_epsilon_millionths + other.used_epsilon_millionths),
            'charged_fen', own.charged_fen + other.charged_fen, 'fixed_fen', own.fixed_fen + other.fixed_fen,
            'one_off_fen', own.one_off_fen, 'version', own.version + other.version,
            'debt', greatest(0, extract(epoch FROM greatest(own.next_at, other.next_at) - moment))))
        FROM unnest(changed) WITH ORDINALITY AS own
        JOIN unnest(beside) WITH ORDINALITY AS other USING (ordinality)));
END
$function$"""  # noqa: E501

PARTITIONS_FUNCTION = r"""CREATE FUNCTION market.keep_partitions(line_months integer, request_months integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    first date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    starts date;
    old record;
BEGIN
    IF line_months < 1 OR request_months < 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'at least one month is kept';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('market.keep_partitions', 0));
    FOR ahead IN 0..2 LOOP
        starts := (first + make_interval(months => ahead))::date;
        IF to_regclass('market_partitions.usage_lines_' || to_char(starts, 'YYYY_MM')) IS NULL
           AND NOT EXISTS (SELECT FROM market_partitions.usage_lines_default WHERE month = to_char(starts, 'YYYY-MM')) THEN
            EXECUTE format('CREATE TABLE market_partitions.usage_lines_%s PARTITION OF market.usage_lines FOR VALUES IN (%L)',
                           to_char(starts, 'YYYY_MM'), to_char(starts, 'YYYY-MM'));
        END IF;
        IF to_regclass('market_partitions.requests_' || to_char(starts, 'YYYY_MM')) IS NULL
           AND NOT EXISTS (SELECT FROM market_partitions.requests_default
                           WHERE at >= starts::timestamp AT TIME ZONE 'UTC'
                             AND at < (starts + interval '1 month') AT TIME ZONE 'UTC') THEN
            EXECUTE format('CREATE TABLE market_partitions.requests_%s PARTITION OF market.requests FOR VALUES FROM (%L) TO (%L)',
                           to_char(starts, 'YYYY_MM'), to_char(starts, 'YYYY-MM-DD') || ' 00:00:00+00',
                           to_char(starts + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
        END IF;
    END LOOP;
    FOR old IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'market_partitions' LOOP
        IF old.name ~ '^usage_lines_[0-9]{4}_[0-9]{2}$'
           AND old.name < 'usage_lines_' || to_char(first - make_interval(months => line_months), 'YYYY_MM')
           OR old.name ~ '^requests_[0-9]{4}_[0-9]{2}$'
           AND old.name < 'requests_' || to_char(first - make_interval(months => request_months), 'YYYY_MM') THEN
            EXECUTE format('DROP TABLE market_partitions.%I', old.name);
        END IF;
    END LOOP;
    DELETE FROM market.usage_groups WHERE at < first - make_interval(months => line_months + 1);
END
$function$"""  # noqa: E501

LINE_TEXT_FUNCTION = r"""CREATE FUNCTION market.line_text(line market.usage_lines) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
    SELECT jsonb_build_object(
        'id', line.id, 'month', line.month, 'licence', line.licence, 'key', line.key, 'product', line.product,
        'release', line.release, 'offer', line.offer,
        'at', to_char(line.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'reason', line.reason,
        'calls', line.calls, 'quantity', line.quantity::text, 'unit', line.unit, 'price_fen', line.price_fen,
        'amount_fen', line.amount_fen, 'request_id', line.request_id, 'period', line.period,
        'compensates', line.compensates)::text
$function$"""

NOTIFY_FUNCTION = r"""CREATE FUNCTION market.notify_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('cihu_market', TG_ARGV[0] || ':' || (to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[1]));
    RETURN NULL;
END
$function$"""

WATCHED = (
    ("keys", "licence", "licence", "UPDATE OF status, ends_at"),
    ("licences", "licence", "id", "UPDATE"),
    ("products", "product", "id", "UPDATE"),
)
