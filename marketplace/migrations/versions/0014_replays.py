"""Retries that may still be answered keep their line open, and confirm it once they were."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "replays",
        sa.Column("worker", sa.Integer(), nullable=False),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            nullable=False,
            comment="the retry's number among the worker's calls",
        ),
        sa.Column(
            "usage", sa.String(length=32), nullable=False, comment="the line of the call that it repeats"
        ),
        sa.Column("month", sa.String(length=7), nullable=False, comment="of that line"),
        sa.ForeignKeyConstraint(["worker"], ["market.workers.id"], name=op.f("fk_replays_worker_workers")),
        sa.PrimaryKeyConstraint("worker", "sequence", name=op.f("pk_replays")),
        schema="market",
        comment="Retries whose answers may still be sent. While one may, its line is not credited.",
    )
    op.create_index("ix_replays_usage", "replays", ["usage"], schema="market")
    newer = METER_FUNCTION.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    op.get_bind().exec_driver_sql(newer.replace("%", "%%"))


# marketplace/metering/ says why
METER_FUNCTION = r"""CREATE FUNCTION market.meter(
    batch json, locked integer[], worker integer, upto bigint, beyond int8multirange, resent json
) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $function$
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
    summed json[] := '{}';
    number bigint;
    last bigint := 0;
    keys_given boolean := false;
    fee_charged boolean;
    together boolean;
    sibling_before boolean;
    written_today boolean;
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
    UPDATE market.workers AS own SET confirmed = upto, ahead = beyond, seen_at = clock_timestamp(), swept_at = NULL
    WHERE own.id = worker;
    SELECT bool_or(held.shared OR held.limited) INTO together FROM (
        SELECT own.shared, own.limited FROM market.licences AS own WHERE own.id = ANY (locked) ORDER BY own.id FOR NO KEY UPDATE
    ) AS held;
    IF together THEN
        PERFORM market.lock_licences(locked);
    END IF;
    IF json_array_length(resent) > 0 THEN
        WITH answered AS (
            DELETE FROM market.replays AS sent
            USING json_to_recordset(resent) AS each(licence integer, request_id text, sequence bigint)
            WHERE sent.worker = meter.worker AND sent.sequence = each.sequence
            RETURNING each.licence, each.request_id, sent.usage
        )
        UPDATE market.requests AS kept SET state = 'confirmed' FROM answered
        WHERE kept.licence = answered.licence AND kept.request_id = answered.request_id AND kept.usage = answered.usage
              AND kept.state = 'answered';
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
                summed := summed || json_build_object('licence', sums.licence, 'month', sums.month, 'calls', sums.calls + others.calls,
                    'used', json_build_array(sums.used_calls + others.used_calls, sums.used_successful + others.used_successful,
                        sums.used_rows + others.used_rows, sums.used_bytes + others.used_bytes,
                        sums.used_epsilon_millionths + others.used_epsilon_millionths),
                    'charged_fen', sums.charged_fen + others.charged_fen, 'fixed_fen', sums.fixed_fen + others.fixed_fen,
                    'one_off_fen', sums.one_off_fen, 'version', sums.version + others.version,
                    'debt', greatest(0, extract(epoch FROM greatest(sums.next_at, others.next_at) - moment)));
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
            company_per_second := NULL;
            company_per_month := NULL;
            company_most_bytes := NULL;
            company_calls := NULL;
            company_bytes := NULL;
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
                    IF known.state <> 'confirmed' THEN
                        INSERT INTO market.replays (worker, sequence, usage, month)
                        VALUES (worker, line.sequence, known.usage, known.month)
                        ON CONFLICT ON CONSTRAINT pk_replays DO UPDATE SET usage = excluded.usage, month = excluded.month;
                    END IF;
                END IF;
            END IF;
        END IF;
        IF verdict IS NULL THEN
            step := make_interval(secs => ceil(1000000.0 / line.calls_per_second) / 1000000.0);
            arrival := greatest(sums.next_at, others.next_at, came);
            company_step := make_interval(secs => ceil(1000000.0 / company_per_second) / 1000000.0);
            company_arrival := greatest(company_next, came);
            fee_charged := false;
            IF line.one_off THEN
                fee_charged := sums.one_off_fen > 0
                    OR EXISTS (SELECT FROM unnest(changed) AS other WHERE other.licence = line.licence AND other.one_off_fen > 0)
                    OR EXISTS (SELECT FROM market.months AS other WHERE other.licence = line.licence
                               AND other.month <> line.month AND other.one_off_fen > 0);
            END IF;
            sibling_before := false;
            IF line.shared THEN  -- what a sibling uses in the same group is not in its row yet
                sibling_before := EXISTS (
                    SELECT FROM unnest(changed) AS before JOIN market.licences AS other ON other.id = before.licence
                    WHERE other.organisation = line.organisation AND other.product = line.sold
                          AND other.id <> line.licence);
            END IF;
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
                WHEN sibling_before THEN 'STALE'
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
                written_today := false;
                IF line.sample THEN
                    written_today := line.id = ANY (sampled) OR EXISTS (
                        SELECT FROM market.usage_lines AS today WHERE today.id = line.id AND today.month = line.month);
                    sampled := sampled || line.id;
                END IF;
                IF NOT written_today THEN
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
        summed := summed || json_build_object('licence', sums.licence, 'month', sums.month, 'calls', sums.calls + others.calls,
                    'used', json_build_array(sums.used_calls + others.used_calls, sums.used_successful + others.used_successful,
                        sums.used_rows + others.used_rows, sums.used_bytes + others.used_bytes,
                        sums.used_epsilon_millionths + others.used_epsilon_millionths),
                    'charged_fen', sums.charged_fen + others.charged_fen, 'fixed_fen', sums.fixed_fen + others.fixed_fen,
                    'one_off_fen', sums.one_off_fen, 'version', sums.version + others.version,
                    'debt', greatest(0, extract(epoch FROM greatest(sums.next_at, others.next_at) - moment)));
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
               quantity, unit, price_fen, amount_fen, request_id, NULL, outcome, number, 2 * n,
               sequence, ARRAY[used_calls, used_successful, used_rows, used_bytes, used_epsilon_millionths]
        FROM asked
        UNION ALL
        SELECT fee.id, month, licence, key, product, release, offer, moment - make_interval(secs => age), 'FIXED', 0, 0, 0,
               1, fee.unit, fee.fen, fee.fen, request_id, CASE fee.unit WHEN 'month' THEN month END, 'fee', number,
               2 * (asked.n * 2 + fee.n) + 1, NULL, NULL
        FROM asked, json_to_recordset(asked.fees) AS fee(n integer, id text, fen bigint, unit text);
    END IF;
    RETURN json_build_object('group', number, 'verdicts', verdicts, 'companies', companies, 'sums', summed);
END
$function$"""  # noqa: E501
