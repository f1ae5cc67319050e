"""Portals that are killed while they answer: a keyed call that was answered is billed once, and nothing else
is; without keys nobody pays for what was not sent. `make soak` does it 100,000 times."""

from pathlib import Path

from sqlalchemy import text

from marketplace.settings import Settings
from sandbox.database import Database
from sandbox.policy import Gate
from selling import Market, Sold
from soak import portals, soak
from workspace import plain_environment


def variables(settings: Settings) -> dict[str, str]:
    return plain_environment(settings.home) | {
        "CIHU_DATABASE_URL": settings.database_url,
        "CIHU_S3_ENDPOINT": settings.s3_endpoint,
        "CIHU_S3_ACCESS_KEY": settings.s3_access_key,
        "CIHU_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "CIHU_PRODUCT_BUCKET": settings.product_bucket,
        "CIHU_VAULT_URL": settings.vault_url,
        "CIHU_HUB_URL": settings.hub_url,
        "CIHU_POLICIES": str(settings.policies),
    }


def test_what_was_answered_is_what_is_billed_however_portals_die(
    shared_city, shared_database: Database, tmp_path: Path
) -> None:
    settings = shared_city.portal.settings
    sold = {}
    for keyed in (True, False):
        product = shared_city.list_rows(
            id=f"soak-{keyed}".lower(), terms={"calls_per_second": 1000, "calls_per_month": 10**6}
        )["id"]
        licence, key = shared_city.buy(product)
        with shared_database.transaction() as tx:
            key_id = tx.execute(
                text("SELECT id FROM market.keys WHERE licence = :id"), {"id": licence}
            ).scalar_one()
        sold[keyed] = Sold(product, licence, key, key_id)
    market = Market(shared_database, settings.database_url, Gate(settings.policies))
    with portals(variables(settings), tmp_path, many=2) as started:
        results = soak(market, started, sold, calls=400, kills=3, callers=4, parameters={"year": "2003"})
    with_keys, without = results[True], results[False]
    assert with_keys.answered == with_keys.billed == 200 and with_keys.fen == 1000
    assert with_keys.unsent_billed == with_keys.lost_by_seller == 0
    assert without.unsent_billed == 0, "nobody pays for what was not sent"
    assert without.lost_by_seller <= 3 * 8, "at most what the killed portals had at that moment"
