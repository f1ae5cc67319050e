"""Who opens the pages of the shared city."""

from functools import cache

import pytest

from sandbox.identity import create_account

PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def person(shared_city, shared_database):
    """`person("lin")`: somebody's browser, logged in once for all tests; "hua" is a second officer of lin's
    department."""
    with shared_database.transaction() as tx:
        create_account(
            tx,
            account_id="hua",
            display_name="华青",
            organisation="health",
            roles=["officer"],
            password=PASSWORD,
            by="test",
        )

    @cache
    def logged_in(who: str):
        browser = shared_city.portal.browser()
        assert browser.log_in(who).status_code == 303
        return browser

    return logged_in
