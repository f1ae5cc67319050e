"""Tells every portal which licence changed: triggers that notify when the change commits.

The channel carries `licence:ID`, `product:ID` or `maintenance:ID`. The portals drop what they hold of it
(`licence_cache.py`, `delivery/maintenance_watch.py`). Of licences, one missed loses nothing but speed: the
commit decides again.
"""

CHANNEL = "cihu_market"

NOTIFY_FUNCTION = f"""CREATE FUNCTION market.notify_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('{CHANNEL}', TG_ARGV[0] || ':' || (to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[1]));
    RETURN NULL;
END
$function$"""

# table, what it is about, the column that names that, and which updates count: a key's last use is none
WATCHED = (
    ("keys", "licence", "licence", "UPDATE OF status, ends_at"),
    ("licences", "licence", "id", "UPDATE"),
    ("products", "product", "id", "UPDATE"),
    ("releases", "product", "product", "UPDATE"),
    ("entitlements", "licence", "licence", "UPDATE"),
)


def trigger(table: str, about: str, column: str, update: str) -> str:
    """The statement that watches a table."""
    return (
        f"CREATE TRIGGER notify_change AFTER INSERT OR DELETE OR {update} ON market.{table} "
        f"FOR EACH ROW EXECUTE FUNCTION market.notify_change('{about}', '{column}')"
    )
