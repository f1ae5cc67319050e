"""Portals hear of maintenance that is set or ended, on the channel on which they hear of licences."""

from alembic import op

revision = "0056"
down_revision = "0055"

NOTIFY_FUNCTION = """CREATE FUNCTION operations.notify_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('cihu_market', 'maintenance:' || coalesce(NEW.id, OLD.id));
    RETURN NULL;
END
$function$"""


def upgrade() -> None:
    op.execute(NOTIFY_FUNCTION)
    op.execute(
        "CREATE TRIGGER notify_change AFTER INSERT OR DELETE OR UPDATE ON operations.maintenance "
        "FOR EACH ROW EXECUTE FUNCTION operations.notify_change()"
    )
