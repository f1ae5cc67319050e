"""Limits of whole companies, and companies that end."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    make_limits()
    make_endings()
    bind = op.get_bind()
    for function in (LOCK_FUNCTION, MONTH_FUNCTION, METER_FUNCTION):
        newer = function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
        bind.exec_driver_sql(newer.replace("%", "%%"))
    bind.exec_driver_sql(PLACES_FUNCTION.replace("%", "%%"))


def make_limits() -> None:
    op.create_table(
        "company_limits",
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False, comment="operator or owner"),
        sa.Column("calls_per_second", sa.Integer(), nullable=True),
        sa.Column("calls_per_month", sa.BigInteger(), nullable=True),
        sa.Column("concurrent_calls", sa.Integer(), nullable=True),
        sa.Column("bytes_per_month", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(), nullable=False, comment="who set them last"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "set_by", name=op.f("pk_company_limits")),
        schema="market",
        comment="Of each limit the lower of the two counts; NULL: none.",
    )
    op.create_table(
        "company_paces",
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False, comment="see metering/pace.py"),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_company_paces")),
        schema="market",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "company_places",
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column(
            "session",
            sa.BigInteger(),
            nullable=False,
            comment="of a portal process, which locks its number",
        ),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "session", name=op.f("pk_company_places")),
        schema="market",
        prefixes=["UNLOGGED"],
        comment="Calls that portals answer now, of companies with a limit of them.",
    )
    op.add_column(
        "licences",
        sa.Column(
            "limited",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="the organisation has limits over all its licences (company_limits)",
        ),
        schema="market",
    )
    op.add_column(
        "months",
        sa.Column(
            "bytes",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="delivered, where they are priced or the company has a limit of them",
        ),
        schema="market",
    )


def make_endings() -> None:
    op.add_column(
        "companies",
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="it buys and calls nothing any more",
        ),
        schema="market",
    )
    op.create_table(
        "company_endings",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noticed_by", sa.String(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="the company ends then"),
        sa.Column("by_operator", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "export_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its owners can take the export until then",
        ),
        sa.CheckConstraint(
            "status IN ('noticed', 'withdrawn', 'ended', 'closed')", name=op.f("ck_company_endings_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_endings")),
        schema="market",
    )
    op.create_index(
        "one_ending_of_company",
        "company_endings",
        ["organisation"],
        unique=True,
        schema="market",
        postgresql_where=sa.text("status <> 'withdrawn'"),
    )


# marketplace/metering/ says why
LOCK_FUNCTION = r"""CREATE FUNCTION market.lock_licences(asked integer[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    any_shared boolean;
    any_limited boolean;
BEGIN
    SELECT bool_or(held.shared), bool_or(held.limited) INTO any_shared, any_limited FROM (
        SELECT own.shared, own.limited FROM market.licences AS own WHERE own.id = ANY (asked) ORDER BY own.id FOR NO KEY UPDATE
    ) AS held;
    IF any_shared THEN
        PERFORM pg_advisory_xact_lock(months.lock) FROM (
            SELECT DISTINCT hashtextextended('market.months ' || own.organisation || ' ' || own.product, 0) AS lock
            FROM market.licences AS own WHERE own.id = ANY (asked) AND own.shared ORDER BY lock
        ) AS months;
    END IF;
    IF any_limited THEN
        PERFORM pg_advisory_xact_lock(companies.lock) FROM (
            SELECT DISTINCT hashtextextended('market.company limits ' || own.organisation, 0) AS lock
            FROM market.licences AS own WHERE own.id = ANY (asked) AND own.limited ORDER BY lock
        ) AS companies;
    END IF;
END
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
            JOIN market.months AS earlier ON earlier.licence = other.licence),
           0
    INTO others
    FROM market.siblings(asked) AS sibling
    JOIN market.months AS summed ON summed.licence = sibling.licence AND summed.month = asked_month;
    RETURN others;
END
$function$"""

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
    company text;
    company_per_second integer;
    company_per_month bigint;
    company_most_bytes bigint;
    company_calls bigint;
    company_bytes bigint;
    company_next timestamptz;
    company_arrival timestamptz;
    company_step interval;
    companies json[] := '{}';
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
               terms.product AS sold, terms.organisation, terms.calls_per_month, terms.calls_per_second, terms.time_zone, terms.shared,
               terms.limited
        FROM json_to_recordset(batch) AS asked(
            n integer, id text, licence integer, key integer, month text, product text, version bigint, calls integer,
            used_calls integer, used_successful integer, used_rows bigint, used_bytes bigint, used_epsilon_millionths bigint,
            charged_fen bigint, fixed_fen bigint, one_off_fen bigint, one_off boolean, sample boolean, age float8, request_id text,
            keyed boolean, payload text, attempt integer, sequence bigint, admitted boolean, bytes bigint)
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
            IF company IS NOT NULL THEN
                companies := companies || json_build_object('organisation', company, 'month', sums.month, 'calls', company_calls + sums.calls,
                    'bytes', company_bytes + sums.bytes, 'debt', greatest(0, extract(epoch FROM company_next - moment)));
                IF company_next IS NOT NULL THEN
                    INSERT INTO market.company_paces AS pace VALUES (company, company_next)
                    ON CONFLICT (organisation) DO UPDATE SET next_at = excluded.next_at WHERE pace.next_at <> excluded.next_at;
                END IF;
            END IF;
            SELECT * INTO sums FROM market.months AS summed WHERE summed.licence = line.licence AND summed.month = line.month;
            IF NOT FOUND THEN
                sums := ROW(line.licence, line.month, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (
                    SELECT max(earlier.next_at) FROM market.months AS earlier WHERE earlier.licence = line.licence), 0)::market.months;
            END IF;
            others := ROW(line.licence, line.month, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0)::market.months;
            IF line.shared THEN
                others := market.siblings_month(line.licence, line.month);
            END IF;
            company := NULL;
            company_next := NULL;
            SELECT NULL, NULL, NULL, NULL, NULL INTO company_per_second, company_per_month, company_most_bytes, company_calls, company_bytes;
            IF line.limited THEN
                company := line.organisation;
                SELECT min(held.calls_per_second), min(held.calls_per_month), min(held.bytes_per_month)
                INTO company_per_second, company_per_month, company_most_bytes
                FROM market.company_limits AS held WHERE held.organisation = company;
                SELECT pace.next_at INTO company_next FROM market.company_paces AS pace WHERE pace.organisation = company;
                -- what another licence used in this group is not in its row yet
                SELECT coalesce(sum(coalesce(newer.calls, summed.calls)), 0), coalesce(sum(coalesce(newer.bytes, summed.bytes)), 0)
                INTO company_calls, company_bytes
                FROM market.licences AS held
                LEFT JOIN market.months AS summed ON summed.licence = held.id AND summed.month = line.month
                LEFT JOIN unnest(changed) AS newer ON newer.licence = held.id AND newer.month = line.month
                WHERE held.organisation = company AND held.id <> line.licence;
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
            company_step := make_interval(secs => ceil(1000000.0 / company_per_second) / 1000000.0);
            company_arrival := greatest(company_next, came);
            fee_charged := line.one_off AND (sums.one_off_fen > 0
                OR EXISTS (SELECT FROM unnest(changed) AS other WHERE other.licence = line.licence AND other.one_off_fen > 0)
                OR EXISTS (SELECT FROM market.months AS other WHERE other.licence = line.licence
                           AND other.month <> line.month AND other.one_off_fen > 0));
            verdict := CASE
                WHEN line.admitted IS NOT TRUE AND line.calls > 0
                     AND sums.calls + others.calls + line.calls > line.calls_per_month THEN 'USAGE_EXCEEDED'
                WHEN line.admitted IS NOT TRUE AND arrival - came > step * (line.calls_per_second - 1)
                    THEN 'RATE_LIMITED'
                WHEN line.admitted IS NOT TRUE AND line.calls > 0
                     AND company_calls + sums.calls + line.calls > company_per_month THEN 'COMPANY_CALLS'
                WHEN line.admitted IS NOT TRUE AND line.calls > 0 AND line.bytes > 0
                     AND company_bytes + sums.bytes + line.bytes > company_most_bytes THEN 'COMPANY_BYTES'
                WHEN line.admitted IS NOT TRUE AND company_arrival - came > company_step * (company_per_second - 1)
                    THEN 'COMPANY_PACE'
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
            ELSIF verdict = 'COMPANY_PACE' THEN
                detail := json_build_object('wait', extract(epoch FROM
                    company_arrival - came - company_step * (company_per_second - 1)));
            ELSIF verdict = 'GOOD' THEN
                IF line.admitted IS NOT TRUE THEN
                    sums.next_at := arrival + step;
                    company_next := company_arrival + company_step;
                END IF;
                IF NOT line.sample THEN
                    sums.calls := sums.calls + line.calls;
                    sums.bytes := sums.bytes + line.bytes;
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
    IF company IS NOT NULL THEN
        companies := companies || json_build_object('organisation', company, 'month', sums.month, 'calls', company_calls + sums.calls,
            'bytes', company_bytes + sums.bytes, 'debt', greatest(0, extract(epoch FROM company_next - moment)));
        IF company_next IS NOT NULL THEN
            INSERT INTO market.company_paces AS pace VALUES (company, company_next)
            ON CONFLICT (organisation) DO UPDATE SET next_at = excluded.next_at WHERE pace.next_at <> excluded.next_at;
        END IF;
    END IF;
    INSERT INTO market.months AS summed SELECT * FROM unnest(changed)
    ON CONFLICT (licence, month) DO UPDATE SET
        calls = excluded.calls, used_calls = excluded.used_calls, used_successful = excluded.used_successful,
        used_rows = excluded.used_rows, used_bytes = excluded.used_bytes,
        used_epsilon_millionths = excluded.used_epsilon_millionths, charged_fen = excluded.charged_fen,
        fixed_fen = excluded.fixed_fen, one_off_fen = excluded.one_off_fen, version = excluded.version,
        next_at = excluded.next_at, bytes = excluded.bytes
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
    RETURN json_build_object('group', number, 'verdicts', verdicts, 'companies', companies, 'sums', (
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

PLACES_FUNCTION = r"""CREATE FUNCTION market.take_places(own bigint, former bigint[], companies text[], kept integer[], wanted integer[])
RETURNS TABLE (company text, granted integer) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    wish record;
    other record;
    most integer;
    taken integer;
BEGIN
    FOR wish IN
        SELECT given.name, given.held, given.held + given.more AS many
        FROM unnest(companies, kept, wanted) AS given(name, held, more) ORDER BY given.name
    LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('market.company places ' || wish.name, 0));
        taken := 0;
        FOR other IN SELECT * FROM market.company_places AS found WHERE found.organisation = wish.name AND found.session <> own LOOP
            IF other.session = ANY (former) OR pg_try_advisory_xact_lock_shared(other.session) THEN
                DELETE FROM market.company_places AS gone WHERE gone.organisation = wish.name AND gone.session = other.session;
            ELSE
                taken := taken + other.places;
            END IF;
        END LOOP;
        SELECT min(held.concurrent_calls) INTO most FROM market.company_limits AS held WHERE held.organisation = wish.name;
        company := wish.name;
        granted := CASE WHEN most IS NULL THEN wish.many ELSE least(wish.many, greatest(most - taken, wish.held)) END;
        IF granted > 0 THEN
            INSERT INTO market.company_places AS found VALUES (wish.name, own, granted)
            ON CONFLICT (organisation, session) DO UPDATE SET places = excluded.places;
        ELSE
            DELETE FROM market.company_places AS gone WHERE gone.organisation = wish.name AND gone.session = own;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$function$"""  # noqa: E501
