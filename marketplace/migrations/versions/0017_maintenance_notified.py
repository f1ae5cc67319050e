"""Portals hear of maintenance that is set or ended, as they hear of licences."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute(
        "CREATE TRIGGER notify_change AFTER INSERT OR DELETE OR UPDATE ON operations.maintenance "
        "FOR EACH ROW EXECUTE FUNCTION market.notify_change('maintenance', 'id')"
    )
