"""What was sold before there were releases goes on: its definition is its first release, at its old price."""

from datetime import UTC, datetime

from sqlalchemy import create_engine, text

import marketplace.migrate
from marketplace.licences.entitlements import delivered_product
from marketplace.licences.find import find_licence
from marketplace.offers.price import Quantity
from sandbox.database import Database
from sandbox.database.migration import owned, upgrade
from sandbox.database.roles import create_schemas
from sandbox.standalone.postgres import Postgres
from whole_months import month_cost

TERMS = "5, 0, 3, 900, 10000, 10, 0, 'x', false"
ROWS = (
    """INSERT INTO market.products (
      id, dataset, department, grade, title_zh, title_en, summary_zh, summary_en, price_fen, monthly_fee_fen,
      free_calls, cap_fen, calls_per_month, calls_per_second, grace_days, purpose, redistribution, definition,
      status, listed_by
    ) VALUES ('old', 'market.inspections', 'market', '1', 'x', 'x', '', '', TERMS,
      '{"kind": "rows", "object": "o", "version_id": "v", "columns": ["year"], "keys": {"year": "integer"},
        "page_rows": 100}', 'listed', 'zhou')""",
    """INSERT INTO market.orders (
      product, department, organisation, buyer, starts_on, ends_on, calls_per_month, calls_per_second, note,
      status
    ) VALUES ('old', 'market', 'minsheng', 'chen', '2026-01-01', '2026-12-31', 10000, 10, '', 'approved')""",
    """INSERT INTO market.licences (
      "order", product, department, organisation, time_zone, starts_at, ends_at, price_fen, monthly_fee_fen,
      free_calls, cap_fen, calls_per_month, calls_per_second, grace_days, purpose, redistribution, status
    ) VALUES (1, 'old', 'market', 'minsheng', 'Asia/Shanghai', '2026-01-01', '2027-01-01', TERMS, 'live')""",
)


def test_an_old_licence_delivers_the_first_release_at_its_old_price(postgres: Postgres) -> None:
    server = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE old_products"))
    url = postgres.url(database="old_products")
    with owned(url) as tx:
        create_schemas(tx)
        upgrade(tx, marketplace.migrate.HISTORY, "0003")
        for row in ROWS:
            tx.exec_driver_sql(row.replace("TERMS", TERMS))
    with owned(url) as tx:
        upgrade(tx, marketplace.migrate.HISTORY)
    opened = Database(url, pool_size=1)
    with opened.transaction() as tx:
        licence = find_licence(tx, 1)
        product = delivered_product(tx, licence, datetime.now(UTC))
        effect, log_index = tx.execute(text("SELECT effect, log_index FROM market.releases")).one()
    assert (effect, log_index) == ("first", None)
    assert (product.release, product.definition.kind, product.document) == (
        1,
        "rows",
        licence.terms.as_document,
    )
    assert licence.document is None
    assert [month_cost(licence.price, Quantity(calls=calls)) for calls in (3, 4, 1000)] == [0, 5, 900]
    opened.close()
    with server.connect() as connection:
        connection.execute(text("DROP DATABASE old_products WITH (FORCE)"))
    server.dispose()
