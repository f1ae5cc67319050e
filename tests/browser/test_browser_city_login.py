"""Log-in through the city's identity provider and log-out, in a real browser: from the portal's page to a
certified provider (npm oidc-provider) and back."""

import re

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from city_logins import PASSWORD, CityLogins

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]


def test_a_person_logs_in_through_the_city_and_out_again(browser: Browser, city_logins: CityLogins) -> None:
    account, url = city_logins.account(), city_logins.url
    faults: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and message.location.get("url", "").startswith(url):
            faults.append(message.text)

    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.on("console", said)
        page.goto(f"{url}/login")
        page.get_by_label("账号").fill(account)
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"^{re.escape(url)}/(?!login)"))
        # the account is connected once, by its person
        page.goto(f"{url}/me/security")
        page.locator("form[action='/me/security/city/city'] button").click()
        page.locator("main a.button").click()
        page.locator("input[name=person]").fill("browser.health")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/me/security")
        expect(page.locator("main")).to_contain_text("统一身份认证平台")
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.on("console", said)
        page.goto(f"{url}/login?next=/me/sessions")
        page.get_by_role("link", name="使用统一身份认证平台登录").click()
        page.locator("input[name=person]").fill("browser.health")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/me/sessions")
        page.locator("header form[action='/logout'] button").click()
        # only the portal was left: the page offers to leave the provider, too
        expect(page.get_by_role("status")).to_contain_text("统一身份认证平台")
        page.goto(f"{url}/me/sessions")
        page.wait_for_url(re.compile("/login"))
    assert faults == []
