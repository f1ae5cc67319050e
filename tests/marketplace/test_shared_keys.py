"""Several portals of a city, each with a home of its own, are one."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from marketplace.app import create_app
from marketplace.settings import Settings
from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.free_ports import free_port
from sandbox.identity import SecretBox
from sandbox.identity.second_factors import confirm_totp, offer_totp

LI = {"username": "li", "password": "a long enough password"}
SHARED = ("second-factors.key", "delivery.secret", "mail.secret")


@pytest.fixture
def two(
    people: None, portal_settings: Settings, run_portal: Callable[[Settings], Any], tmp_path: Path
) -> list[Any]:
    """Two portals on one database."""
    keys = tmp_path / "shared"
    keys.mkdir()
    for name in SHARED:
        (keys / name).write_bytes(os.urandom(32))
        (keys / name).chmod(0o440)
    portals = []
    for home in ("one", "two"):
        port = free_port()
        own = {"home": tmp_path / home, "bind": f"127.0.0.1:{port}", "portal_url": f"http://127.0.0.1:{port}"}
        portals.append(run_portal(portal_settings.model_copy(update={**own, "shared_keys": keys})))
    return portals


def test_a_second_factor_and_a_token_of_one_portal_are_good_at_another(
    two: list[Any], database: Database
) -> None:
    first, second = two
    box = SecretBox(first.settings.secret("second-factors.key"))
    with database.transaction() as tx:
        totp = pyotp.TOTP(offer_totp(tx, box, "wang"))
        confirm_totp(tx, box, "wang", totp.now())
    # a code is good once, and that of the next half minute is good already
    browser, code = second.browser(), totp.at(datetime.now(UTC), counter_offset=1)
    assert browser.log_in("wang", code=code).status_code == 303
    assert browser.get("/me").status_code == 200
    told = httpx.post(f"{first.url}/api/v1/login", json=LI, timeout=60)
    token = {"Authorization": f"Bearer {told.json()['portal_token']}"}
    assert httpx.get(f"{second.url}/api/v1/sessions", headers=token, timeout=60).status_code == 200


@pytest.mark.parametrize("missing", SHARED)
def test_a_portal_with_shared_secrets_makes_none_and_misses_none(
    missing: str, portal_settings: Settings, tmp_path: Path
) -> None:
    keys = tmp_path / "shared"
    keys.mkdir()
    for name in set(SHARED) - {missing}:
        (keys / name).write_bytes(os.urandom(32))
        (keys / name).chmod(0o440)
    with pytest.raises(Unavailable, match=missing):
        create_app(portal_settings.model_copy(update={"shared_keys": keys}))
    assert not list(tmp_path.rglob(missing))
