"""Numbers of orders, licences, keys and payments say nothing of how many there are."""

from math import sqrt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from false_alarms import deviations
from marketplace.numbers.tables import LEAST, NUMBERED
from sandbox.database import Database

SERIALS = (1 << 30) - LEAST
MANY = 4000


def numbers(database: Database, table: str, serials: str, *, key: str | None = None) -> list[int]:
    """The numbers of these serial numbers (a query of `id`), from a table of the same name that is thrown
    away, as only its name and its number matter."""
    with database.transaction() as tx:
        if key:
            tx.execute(
                text('UPDATE market.number_keys SET key = :key WHERE "table" = :table'),
                {"key": key, "table": table},
            )
        tx.execute(text(f"CREATE TEMPORARY TABLE {table} (serial integer, id integer) ON COMMIT DROP"))
        tx.execute(
            text(
                f"CREATE TRIGGER number_by_chance BEFORE INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION market.number_by_chance()"
            )
        )
        tx.execute(text(f"INSERT INTO {table} SELECT id, id FROM ({serials}) AS given (id)"))
        return list(tx.scalars(text(f"SELECT id FROM {table} ORDER BY serial")))


SOME = f"SELECT generate_series(1, {MANY})"


@pytest.mark.parametrize("table", NUMBERED)
def test_each_table_numbers_its_rows(database: Database, table: str) -> None:
    with database.transaction() as tx:
        triggers = tx.scalars(
            text("SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass)"),
            {"table": f"market.{table}"},
        )
        assert "number_by_chance" in list(triggers)


def test_no_two_rows_get_the_same_number(database: Database) -> None:
    # from both ends and the middle of what there can be
    first = (1, 400_000_000, SERIALS - MANY)
    ends = " UNION ALL ".join(f"SELECT generate_series({one}, {one + MANY - 1})" for one in first)
    found = numbers(database, "orders", ends)
    assert len(set(found)) == 3 * MANY
    assert min(found) >= LEAST and max(found) < 1 << 30
    with pytest.raises(ProgrammingError, match="used up"):
        numbers(database, "orders", f"SELECT {SERIALS}")


def test_the_order_of_numbers_says_nothing(database: Database) -> None:
    found = numbers(database, "licences", SOME)
    ranks = {number: place for place, number in enumerate(sorted(found))}
    middle = (MANY - 1) / 2
    together = sum((place - middle) * (ranks[number] - middle) for place, number in enumerate(found))
    spread = sum((place - middle) ** 2 for place in range(MANY))
    # the rank correlation of a permutation by chance is normal with 1 / sqrt(n - 1)
    assert abs(together / spread) < deviations() / sqrt(MANY - 1)


def test_tables_and_cities_number_differently(database: Database) -> None:
    """Else the number of somebody's order would tell that of a licence, or of an order elsewhere."""
    mine = numbers(database, "orders", SOME)
    for other_numbers in (
        numbers(database, "keys", SOME),
        numbers(database, "orders", SOME, key="another city"),
    ):
        # of 4,000 pairs by chance equal: about 4e-6
        assert sum(left == right for left, right in zip(mine, other_numbers, strict=True)) <= 1
