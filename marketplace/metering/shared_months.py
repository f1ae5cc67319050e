"""Counts what an organisation's other licences for a product used in a month.

Quota, pace, included use, monthly fee and monthly maximum are an organisation's for a product, over all of
its licences for it: a renewal and what it renews are live together for some days, and ending a licence and
ordering again begins nothing anew. A row of `market.months` holds what the licence itself used. Whoever reads
it to decide or to price adds what `market.siblings_month` gives, under the locks of `market.lock_licences`.

Calls and pace count over all siblings. What counts for the price, and what was charged, counts over those
with the same price alone: under another price the month begins anew. The sum of the versions names the state
of all of them, because a version only grows.
"""

from sqlalchemy import Row, text

from marketplace.licences.find import find_licence
from marketplace.licences.model import Licence
from sandbox.database import Transaction

# The licences first, in the order of their numbers, then what siblings have in common: so no two who lock
# several wait for each other. Issuing a licence marks its siblings as shared under their own locks
# (`issue_licence.py`), so whoever is at a licence that is not marked is done before it has a sibling. What
# companies with limits have in common comes last, and their licences are marked in the same way
# (`set_limits.py`).
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

SIBLINGS_FUNCTION = r"""CREATE FUNCTION market.siblings(asked integer) RETURNS TABLE (licence integer, same_price boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
    SELECT other.id, (other.document -> 'price') - 'trial' IS NOT DISTINCT FROM (mine.document -> 'price') - 'trial'
    FROM market.licences AS mine
    JOIN market.licences AS other ON other.organisation = mine.organisation AND other.product = mine.product
         AND other.id <> mine.id
    WHERE mine.id = asked
$function$"""  # noqa: E501

# a row as of the table of months, without one-off fees; its pace is that of all months
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

MONTHS_SO_FAR = """
SELECT asked.licence, asked.month,
       coalesce(own.version, 0) + others.version AS version,
       coalesce(own.calls, 0) + others.calls AS calls,
       coalesce(own.used_calls, 0) + others.used_calls AS used_calls,
       coalesce(own.used_successful, 0) + others.used_successful AS used_successful,
       coalesce(own.used_rows, 0) + others.used_rows AS used_rows,
       coalesce(own.used_bytes, 0) + others.used_bytes AS used_bytes,
       coalesce(own.used_epsilon_millionths, 0) + others.used_epsilon_millionths AS used_epsilon_millionths,
       coalesce(own.charged_fen, 0) + others.charged_fen AS charged_fen,
       coalesce(own.fixed_fen, 0) + others.fixed_fen AS fixed_fen,
       coalesce(own.used_calls, 0) AS own_used_calls,
       EXISTS (SELECT FROM market.months AS other
               WHERE other.licence = asked.licence AND other.one_off_fen > 0) AS one_off
FROM unnest({licences}, {months}) AS asked(licence, month)
LEFT JOIN market.months AS own ON own.licence = asked.licence AND own.month = asked.month
CROSS JOIN LATERAL market.siblings_month(asked.licence, asked.month) AS others
"""
"""Takes arrays of licences and of their months."""
ONE_MONTH = text(MONTHS_SO_FAR.format(licences="ARRAY[CAST(:licence AS integer)]", months="ARRAY[:month]"))


def month_so_far(tx: Transaction, licence_id: int, month: str) -> Row[tuple[object, ...]]:
    """What counts for a licence in a month, of its siblings too."""
    return tx.execute(ONE_MONTH, {"licence": licence_id, "month": month}).one()


def lock_shared(tx: Transaction, licence_id: int) -> Licence:
    """The licence, held with what it has in common with its siblings until the transaction ends.
    Raises `NotFound`."""
    if 0 < licence_id < 2**31:
        tx.execute(text("SELECT market.lock_licences(ARRAY[CAST(:id AS integer)])"), {"id": licence_id})
    return find_licence(tx, licence_id)
