"""Numbers of orders, licences, keys and payments say nothing of how many there are."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

NUMBERED = ("invitations", "keys", "licences", "orders", "payment_changes", "payments", "sandbox_keys")


def upgrade() -> None:
    op.create_table(
        "number_keys",
        sa.Column("table", sa.String(), nullable=False),
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="244 random bits: whoever knows them can count the table's rows",
        ),
        sa.PrimaryKeyConstraint("table", name=op.f("pk_number_keys")),
        schema="market",
    )
    bind = op.get_bind()
    bind.exec_driver_sql(NUMBER_FUNCTION.replace("%", "%%"))
    for table in NUMBERED:
        bind.exec_driver_sql(
            f"""INSERT INTO market.number_keys ("table", key)
                VALUES ('{table}', gen_random_uuid()::text || gen_random_uuid()::text)"""
        )
        bind.exec_driver_sql(
            f"CREATE TRIGGER number_by_chance BEFORE INSERT ON market.{table} "
            "FOR EACH ROW EXECUTE FUNCTION market.number_by_chance()"
        )


NUMBER_FUNCTION = r"""CREATE FUNCTION market.number_by_chance()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    least CONSTANT integer := 100000000;
    secret text;
    digest bytea;
    high integer;
    low integer;
    mixed integer;
    number integer;
BEGIN
    SELECT each.key INTO STRICT secret FROM market.number_keys AS each WHERE each."table" = TG_TABLE_NAME;
    IF NEW.id < 1 OR NEW.id >= (1 << 30) - least THEN
        RAISE 'the numbers of % are used up', TG_TABLE_NAME;
    END IF;
    number := NEW.id + least;
    LOOP
        high := number >> 15;
        low := number & 32767;
        FOR round IN 1..8 LOOP
            digest := sha256(convert_to(secret || ' ' || round::text || ' ' || low::text, 'UTF8'));
            mixed := high # (get_byte(digest, 0) << 7 | get_byte(digest, 1) >> 1);
            high := low;
            low := mixed;
        END LOOP;
        number := (high << 15) | low;
        EXIT WHEN number >= least;
    END LOOP;
    NEW.id := number;
    RETURN NEW;
END $function$"""
