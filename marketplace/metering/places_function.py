"""The database function `market.take_places`: how many calls of a company a portal may have in progress.

A portal says how many it has (`kept`) and how many more it wants, and gets what the company's limit leaves
beside the other portals, never less than it has: calls that are in progress stay counted when a limit is
lowered. It says so again when one is done, so a number that was written twice is the same number. A portal
holds a session lock of its number as long as it is connected: what a dead one had is taken away by whoever
asks next, and what the portal itself had on a connection that it lost (`former`) by its next question.
"""

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
