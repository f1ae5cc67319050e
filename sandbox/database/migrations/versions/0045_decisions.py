"""What decisions were made of, beside the entries of their deeds."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["index"],
            ["log.openings.index"],
            name=op.f("fk_decisions_index_openings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_decisions")),
        schema="log",
    )
    op.get_bind().exec_driver_sql(APPEND_DECIDED_FUNCTION)  # as it is: it has colons


APPEND_DECIDED_FUNCTION = r"""CREATE FUNCTION log.append(kind text, salt bytea, content text, decisions text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    place bigint;
BEGIN
    place := log.append(kind, salt, content);
    INSERT INTO log.decisions VALUES (place, decisions);
    RETURN place;
END
$function$"""
