"""Passkeys in a real Chromium with its virtual authenticator: registered, used, removed; and each use that
must fail. (WebAuthn Level 3, sections 7.1, 7.2 and 13.4.)"""

import json
import os
import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from listed_market import words_of
from marketplace.settings import Settings
from sandbox.database import Database
from sandbox.errors import InvalidInput, NotAuthenticated
from sandbox.identity import SecretBox, Source
from sandbox.identity.passkeys import (
    LOG_IN,
    REGISTER,
    RelyingParty,
    challenge,
    log_in_with_passkey,
    use_challenge,
)

PASSWORD = "a long enough password"
CHROMIUM = shutil.which("chromium")
NEEDED = bool(os.environ.get("CI") or os.environ.get("CIHU_TESTS_NEED_ALL"))


@pytest.fixture
def page() -> Iterator[Page]:
    """A window whose machine has a fingerprint reader, as Chromium imitates one (WebAuthn, section 11)."""
    if not CHROMIUM and not NEEDED:
        pytest.skip("There is no chromium on this machine.")
    with sync_playwright() as play:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        window = opened.new_context(locale="en").new_page()
        session = window.context.new_cdp_session(window)
        session.send("WebAuthn.enable")
        reader = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": reader})
        yield window
        opened.close()


@pytest.fixture
def at_localhost(people: None, portal_settings: Settings, run_portal) -> Settings:
    port = portal_settings.address[1]
    settings = portal_settings.model_copy(update={"portal_url": f"http://localhost:{port}"})
    run_portal(settings)
    return settings


@pytest.mark.slow
def test_a_passkey_is_registered_logs_in_and_is_removed(
    page: Page, at_localhost: Settings, database: Database
) -> None:
    url = at_localhost.portal_url
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{url}/login")
    page.fill("input[name=account]", "wang")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/me/security")
    page.fill("input[name=name]", "Laptop")
    page.click("text=Add a passkey")
    expect(page.locator("pre")).to_contain_text("-")  # recovery codes: it is the first factor
    assert page.locator("li", has_text="Laptop").count() == 1
    page.click("text=Log out")
    page.wait_for_url(f"{url}/login")

    # without a name or a password
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.post_data or "") if asked.method == "POST" else None)
    page.click("text=Log in with a passkey")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/me/security")
    with database.transaction() as tx:
        methods = tx.exec_driver_sql("SELECT methods FROM market.sessions ORDER BY opened_at DESC").scalar()
    assert methods == "pop user mfa"

    # what was sent is good once, and for this browser alone
    assert page.request.post(f"{url}/login/passkey", form={"csrf": "", "credential": "{}"}).status == 403
    again = page.context.new_page()
    again.goto(f"{url}/login?again=1")
    token = again.locator("form[action='/login/passkey'] input[name=csrf]").get_attribute("value") or ""
    credential = parse_qs(sent[-1])["credential"][0]
    assert json.loads(credential)["type"] == "public-key"
    for given in (credential, "{}", "[]", "null", "x" * 30_000, credential.replace("signature", "sig")):
        refused = again.request.post(
            f"{url}/login/passkey", form={"csrf": token, "credential": given, "next": "/me"}
        )
        assert refused.status == 401 and "wang" not in words_of(refused.text()), given[:40]

    # a password alone is half a login now
    again.fill("input[name=account]", "wang")
    again.fill("input[name=password]", PASSWORD)
    again.press("input[name=password]", "Enter")
    expect(again.locator("h1")).to_have_text("Second step")
    again.close()

    page.goto(f"{url}/login?again=1&next=/me/security")
    page.click("text=Log in with a passkey")
    page.wait_for_url(f"{url}/me/security")
    page.locator("li", has_text="Laptop").locator("button").click()
    expect(page.locator("li", has_text="Laptop")).to_have_count(0)
    page.goto(f"{url}/login?again=1")
    page.click("text=Log in with a passkey")
    expect(page.get_by_role("alert")).to_contain_text("opens no account")
    assert not faults


def test_a_challenge_is_good_once_for_one_browser_and_one_ceremony(database: Database) -> None:
    party = RelyingParty("https://data.example", "Cihu", SecretBox(bytes(32)))
    other = RelyingParty("https://data.example", "Cihu", SecretBox(b"x" * 32))
    sent = challenge(party, purpose=LOG_IN, holder="mine")
    with database.transaction() as tx:
        for wrong in (
            {"party": other, "sent": sent, "purpose": LOG_IN, "holder": "mine"},
            {"party": party, "sent": sent, "purpose": REGISTER, "holder": "mine"},
            {"party": party, "sent": sent, "purpose": LOG_IN, "holder": "another's"},
            {"party": party, "sent": sent[:-1], "purpose": LOG_IN, "holder": "mine"},
            {"party": party, "sent": b"", "purpose": LOG_IN, "holder": "mine"},
        ):
            with pytest.raises(InvalidInput):
                use_challenge(tx, **wrong)
        use_challenge(tx, party, sent, purpose=LOG_IN, holder="mine")
        with pytest.raises(InvalidInput):
            use_challenge(tx, party, sent, purpose=LOG_IN, holder="mine")
        with pytest.raises((InvalidInput, NotAuthenticated)):
            log_in_with_passkey(tx, party, credential='{"id": 1}', holder="mine", source=Source())
    assert party.can and not RelyingParty("http://127.0.0.1:8600", "Cihu", party.box).can
    assert not RelyingParty("http://[::1]:8600", "Cihu", party.box).can
