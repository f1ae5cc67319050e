"""Tables of running the service, which the portal writes and the vault reads.

An operator's end of maintenance, and a withdrawn announcement, are columns of their row: what was set stays.
"""

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    event,
    text,
)

from sandbox.database import metadata

NOW = text("clock_timestamp()")

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("text_zh", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("ended_by", Text),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name="ended"),
    schema="operations",
)

announcements = Table(
    "announcements",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("text_zh", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", DateTime(timezone=True)),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint("audience IN ('all', 'teams', 'companies', 'officers')", name="audience"),
    CheckConstraint("(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name="withdrawn"),
    schema="operations",
)

# what the operator's own backup program recorded; a label names one backup of its kind
backups = Table(
    "backups",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("what", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("verified_at", DateTime(timezone=True)),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    CheckConstraint("what IN ('database', 'store', 'keys')", name="what"),
    CheckConstraint("verified_at >= made_at", name="verified_after"),
    Index("uq_backups_what_label", "what", "label", unique=True),
    schema="operations",
)

# tells every portal when maintenance was set or ended, as they hear of licences
NOTIFY_FUNCTION = """CREATE FUNCTION operations.notify_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('cihu_market', 'maintenance:' || coalesce(NEW.id, OLD.id));
    RETURN NULL;
END
$function$"""
event.listen(metadata, "after_create", DDL(NOTIFY_FUNCTION))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
