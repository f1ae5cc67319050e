"""A portal that is killed in the middle of a call:
what was not handed out is credited, and nothing is billed twice."""

import signal
import sys
from collections import Counter
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from sqlalchemy import func, select

from altered import altered
from deaths import deeds
from marketplace.metering.tables import months, requests, usage_lines
from marketplace.settings import Settings
from sandbox.database import Database
from sandbox.free_ports import free_port
from workspace import plain_environment, running

PRODUCT = "inspections-by-business"
DYING = """
    _fetched, _marked = Delivery.fetch, mark_delivered
    def fetch(self, *given):
        _die_at("admitted")
        found = _fetched(self, *given)
        _die_at("fetched")
        return found
    Delivery.fetch = fetch
    def mark_delivered(*given, **more):
        done = _marked(*given, **more)
        _die_at("in the settlement")
        return done
    """
AFTER = """
    _handed = handed_out
    def handed_out(delivered):
        _die_at("settled")
        return _handed(delivered)
    """
PLACES = ("admitted", "fetched", "in the settlement", "settled")


def environment(settings: Settings, port: int) -> dict[str, str]:
    return plain_environment(settings.home) | {
        "CIHU_BIND": f"127.0.0.1:{port}",
        "CIHU_DATABASE_URL": settings.database_url,
        "CIHU_PORTAL_URL": settings.portal_url,
        "CIHU_S3_ENDPOINT": settings.s3_endpoint,
        "CIHU_S3_ACCESS_KEY": settings.s3_access_key,
        "CIHU_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "CIHU_PRODUCT_BUCKET": settings.product_bucket,
        "CIHU_VAULT_URL": settings.vault_url,
        "CIHU_HUB_URL": settings.hub_url,
        "CIHU_POLICIES": str(settings.policies),
    }


def states(database: Database) -> dict[str, str]:
    with database.transaction() as tx:
        return {row.request_id.removeprefix("key:"): row.state for row in tx.execute(select(requests))}


def billed(database: Database) -> tuple[int, int]:
    """Calls and fen of all lines, which the month's sum must equal."""
    with database.transaction() as tx:
        calls, fen = tx.execute(
            select(func.sum(usage_lines.c.calls), func.sum(usage_lines.c.amount_fen))
        ).one()
        assert (calls, fen) == tuple(
            tx.execute(select(func.sum(months.c.calls), func.sum(months.c.charged_fen))).one()
        )
    return int(calls), int(fen)


def test_a_call_that_a_crash_cut_off_is_credited_and_a_retry_is_billed_once(
    city, database: Database, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    city.list_rows(terms={"calls_per_second": 1000})
    _, key = city.buy(PRODUCT)
    port = free_port()
    variables, url, log = (
        environment(city.portal.settings, port),
        f"http://127.0.0.1:{port}",
        tmp_path / "log",
    )

    def call(name: str) -> httpx.Response:
        return httpx.get(
            f"{url}/api/v1/call/{PRODUCT}",
            params={"year": "2003"},
            timeout=60,
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": name},
        )

    dying = altered(
        tmp_path / "dying",
        {
            "marketplace.delivery.answer_call": deeds(tmp_path) + dedent(DYING),
            "marketplace.delivery.endpoints": deeds(tmp_path) + dedent(AFTER),
        },
    )
    with_deaths = variables | {"PYTHONPATH": f"{dying['PYTHONPATH']}:{variables['PYTHONPATH']}"}
    for place in PLACES:
        with running(
            [sys.executable, "-m", "marketplace.app"], with_deaths, log, f"{url}/healthz"
        ) as process:
            (tmp_path / "at").write_text(place)
            with pytest.raises(httpx.TransportError):
                call(place.replace(" ", "-"))
            assert process.wait(30) == -signal.SIGKILL, place
    named = [place.replace(" ", "-") for place in PLACES]
    assert states(database) == dict.fromkeys(named[:3], "metered") | {"settled": "delivered"}
    assert billed(database) == (4, 20), "until they are swept"

    with running([sys.executable, "-m", "marketplace.app"], variables, log, f"{url}/healthz"):
        assert states(database)["admitted"] == "metered", (
            "a call of a minute ago could still be answered by another process"
        )
    with running(
        [sys.executable, "-m", "marketplace.app"],
        variables | {"CIHU_ABANDONED_CALL_SECONDS": "0"},
        log,
        f"{url}/health/ready",
    ):
        assert Counter(states(database).values()) == {"credited": 3, "delivered": 1}
        assert billed(database) == (1, 5), "what was settled may have been handed out"
        answers = [call(name) for name in named]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert [answer.headers.get("idempotency-replayed") for answer in answers] == [
            None,
            None,
            None,
            "true",
        ]
        assert billed(database) == (4, 20)
    assert "3 calls that were metered and never answered are credited" in log.read_text()
