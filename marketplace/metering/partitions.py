"""Keeps the partitions of usage lines and idempotency rows: makes those of the coming months, drops old ones.

A service's role owns no table, so the database does it, by a function of the owner's that can do nothing
else.
"""

from sqlalchemy import text

from sandbox.database import Database

LINE_MONTHS = 120
"""How long usage lines are kept: ten years, as accounts are (会计档案管理办法)."""
REQUEST_MONTHS = 2
"""How long an Idempotency-Key is known: this month and the two before it."""

# A default partition takes what no other fits, so that a late run fails no call.
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


def keep_partitions(
    database: Database, *, line_months: int = LINE_MONTHS, request_months: int = REQUEST_MONTHS
) -> None:
    """Make the partitions of this month and the next two, and drop those that are older than is kept."""
    with database.transaction() as tx:
        tx.execute(
            text("SELECT market.keep_partitions(:lines, :requests)"),
            {"lines": line_months, "requests": request_months},
        )
