"""The key of each table's numbers, and the trigger that gives a row its number.

A row's serial number, plus 100,000,000, is permuted by a Feistel network over 30 bits until the result is at
least 100,000,000. That is a bijection of the numbers from there to 2^30: no two rows collide, and rows from
before, with small numbers, are never met. The round function is SHA-256 of the table's key, the round and the
half.
"""

from sqlalchemy import DDL, Column, String, Table, Text, event

from sandbox.database import metadata

NUMBERED = ("invitations", "keys", "licences", "orders", "payment_changes", "payments", "sandbox_keys")
"""The tables whose numbers are seen by others than those who count them."""

LEAST = 100_000_000
"""The least number that a row gets."""

number_keys = Table(
    "number_keys",
    metadata,
    Column("table", String, primary_key=True),
    Column(
        "key", Text, nullable=False, comment="244 random bits: whoever knows them can count the table's rows"
    ),
    schema="market",
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

MAKE_KEY = (
    'INSERT INTO market.number_keys ("table", key) '
    "VALUES ('{table}', gen_random_uuid()::text || gen_random_uuid()::text)"
)

MAKE_TRIGGER = (
    "CREATE TRIGGER number_by_chance BEFORE INSERT ON market.{table} "
    "FOR EACH ROW EXECUTE FUNCTION market.number_by_chance()"
)

STATEMENTS = (
    NUMBER_FUNCTION,
    *(statement.format(table=table) for table in NUMBERED for statement in (MAKE_KEY, MAKE_TRIGGER)),
)

for statement in STATEMENTS:
    event.listen(metadata, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
