"""A stranger registers, has a key at once, and runs the programs that the page prints."""

import html
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from described_api import held_against
from marketplace.delivery.endpoints import retry_after
from marketplace.delivery.sandbox import A_SECOND, SandboxCalls
from marketplace.keys.sandbox_keys import MOST_LIVE, SandboxKey
from sandbox.errors import TooMany

CODE = "91350100M000100Y43"  # the example of GB 32100-2015
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def product(shared_city) -> str:
    return str(shared_city.list_rows(id="inspections-to-try")["id"])


def call(city, product: str, key: str, **given: str) -> httpx.Response:
    with httpx.Client(event_hooks=held_against("portal")) as client:
        return client.get(
            f"{city.portal.url}/api/v1/call/{product}",
            params=given,
            headers={"Authorization": f"Bearer {key}"},
        )


def test_a_stranger_runs_what_the_page_prints(shared_city, product) -> None:
    browser = shared_city.portal.browser()
    fields = {"name": "新企业", "credit_code": CODE, "account": "stranger", "person": "高"}
    assert browser.send("/register", "/register", password=PASSWORD, **fields).status_code == 303
    made = browser.send("/company", "/sandbox-keys")
    page = browser.get(made.headers["location"]).text
    curl, python, script = (
        html.unescape(each)
        for each in re.findall(r'<pre class="snippet"><code>(.*?)</code>', page, re.DOTALL)
    )
    for program in (["sh", "-c", curl], [sys.executable, "-c", python]):
        ran = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0 and ran.stdout.strip(), ran.stderr
    assert "fetch(" in script
    # loaded again, the page shows no key; and the stranger orders nothing
    assert browser.get(made.headers["location"]).status_code == 303
    ordered = browser.send(f"/products/{product}", f"/products/{product}/order")
    assert ordered.status_code == 403 and "核验" in ordered.text


def test_a_sandbox_key_gets_invented_rows_and_leaves_no_trace(shared_city, shared_database, product) -> None:
    with shared_city.api("sun") as sun:
        none_yet = sun.post("/sandbox-keys")
        assert none_yet.status_code == 404
        assert sun.post("/company", json={"name": "另一家", "credit_code": CODE}).is_success
        made = [sun.post("/sandbox-keys").json() for _ in range(MOST_LIVE)]
        assert sun.post("/sandbox-keys").json()["code"] == "too_many_sandbox_keys"
    counts = text(
        "SELECT (SELECT count(*) FROM market.usage_lines), "
        "(SELECT count(*) FROM log.entries WHERE entry::json ->> 'actor' = 'sun')"
    )
    with shared_database.transaction() as tx:
        before = tx.execute(counts).one()
    answered = call(shared_city, product, made[0]["key"], business="磁湖酒家")
    assert answered.status_code == 200, answered.text
    assert answered.json()["version"] == "stand-in" and answered.json()["rows"]
    assert (answered.json()["usage"]["amount_fen"], answered.json()["usage"]["reason"]) == (0, "SAMPLE")
    # as any call: in the form that is asked for, and from a cursor only that a page gave
    with httpx.Client(event_hooks=held_against("portal")) as client:
        table = client.get(
            f"{shared_city.portal.url}/api/v1/call/{product}",
            params={"business": "磁湖酒家"},
            headers={"Authorization": f"Bearer {made[0]['key']}", "Accept": "text/csv"},
        )
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0] == ",".join(answered.json()["columns"])
    on = call(shared_city, product, made[0]["key"], business="磁湖酒家", _cursor="made-up")
    assert (on.status_code, on.json()["code"]) == (422, "bad_cursor")
    # wrong parameters are wrong here, too
    assert call(shared_city, product, made[0]["key"], colour="red").status_code == 422
    assert call(shared_city, "no-such-product", made[0]["key"]).status_code == 404
    with shared_database.transaction() as tx:
        assert tx.execute(counts).one() == before
    with shared_city.api("sun") as sun:
        assert sun.post(f"/sandbox-keys/{made[1]['id']}/revoke").status_code == 204
        assert sun.post(f"/sandbox-keys/{made[1]['id']}/revoke").status_code == 404
    assert call(shared_city, product, made[1]["key"], business="x").status_code == 403
    assert call(shared_city, product, "cht_" + "0" * 38).status_code == 401


def test_the_pace_is_the_organisations_over_all_its_keys() -> None:
    calls, now = SandboxCalls(None, None, b""), datetime.now(UTC)  # type: ignore[arg-type]  # asks neither
    keys = [SandboxKey(n, "rival", "cht_", "sun", now, now + timedelta(days=1), None) for n in range(4)]

    def call_often(times: int) -> None:
        for n in range(times):
            calls.require_good(keys[n % 4])

    call_often(A_SECOND)
    with pytest.raises(TooMany) as refused:
        call_often(A_SECOND + 1)  # even if a moment passed
    assert refused.value.code == "RATE_LIMITED"
    assert retry_after(refused.value, None) == {"Retry-After": "1"}
