"""What a running workspace and a login come through:
a team that is joined and left, and a hub that is restarted."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from sandbox.identity import create_account, create_team, join_team, leave_team
from workspace import HubProcess
from workspace_fixtures import PASSWORD

SAVED = {"type": "file", "format": "text", "content": "x = 41\n"}


def until(true: Callable[[], bool], hub: HubProcess) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, hub.log.read_text()[-3000:]
        time.sleep(0.2)  # another process does it; the hub's page polls too


class Person:
    """Tao in a browser, with a workspace that runs."""

    def __init__(self, hub: HubProcess, browser: httpx.Client) -> None:
        self.hub, self.browser = hub, browser
        self.home = f"{hub.hub_url}/user/tao"

    def starts(self) -> None:
        self.browser.get(f"{self.hub.hub_url}/hub/spawn")
        until(
            lambda: (
                str((page := self.browser.get(f"{self.home}/lab")).url).startswith(self.home)
                and page.status_code == httpx.codes.OK
            ),
            self.hub,
        )

    def asks(self, method: str, path: str, json: object = None) -> httpx.Response:
        xsrf = self.browser.cookies.get("_xsrf", path="/user/tao/") or ""
        return self.browser.request(
            method, f"{self.home}/api/{path}", headers={"X-XSRFToken": xsrf}, json=json
        )

    def teams(self) -> list[str]:
        return sorted(folder["name"] for folder in self.asks("GET", "contents/teams").json()["content"])


@pytest.fixture(scope="module")
def tao(hub: HubProcess) -> Iterator[Person]:
    with hub.vault.story.database.transaction() as tx:
        create_account(
            tx,
            account_id="tao",
            display_name="陶 Tao",
            organisation="hbpu",
            roles=["analyst"],
            password=PASSWORD,
            by="system",
        )
        create_team(tx, team_id="delta", display_name="delta", by="system")
        join_team(tx, team_id="lake", account_id="tao", by="system")
    with hub.browser() as browser:
        hub.log_in(browser, "tao", PASSWORD)
        person = Person(hub, browser)
        person.starts()
        yield person


def test_who_joins_or_leaves_a_team_gets_or_loses_its_folder_while_the_server_runs(
    hub: HubProcess, tao: Person
) -> None:
    """With the hub's next refresh of the person: nobody logs in again or starts anything anew."""
    started = tao.asks("GET", "status").json()["started"]
    assert tao.teams() == ["lake"]
    for change, team, left in ((join_team, "delta", ["delta", "lake"]), (leave_team, "lake", ["delta"])):
        with hub.vault.story.database.transaction() as tx:
            change(tx, team_id=team, account_id="tao", by="system")

        def shown(expected: list[str] = left) -> bool:
            tao.browser.get(f"{hub.hub_url}/hub/home")
            return tao.teams() == expected

        until(shown, hub)
    assert tao.asks("PUT", "contents/teams/delta/plan.md", SAVED).status_code == httpx.codes.CREATED
    assert tao.asks("PUT", "contents/teams/lake/plan.md", SAVED).status_code == httpx.codes.NOT_FOUND
    assert tao.asks("GET", "status").json()["started"] == started, "the server was never restarted"


def test_a_login_and_saved_files_outlive_the_hub_and_servers_and_kernels_end_with_it(
    hub: HubProcess, tao: Person
) -> None:
    assert tao.asks("PUT", "contents/kept.py", SAVED).status_code == httpx.codes.CREATED
    assert tao.asks("POST", "kernels", {"name": "cihu"}).status_code == httpx.codes.CREATED
    started = tao.asks("GET", "status").json()["started"]
    hub.restart()
    page = tao.browser.get(f"{hub.hub_url}/hub/home")
    assert page.status_code == httpx.codes.OK and str(page.url) == f"{hub.hub_url}/hub/home", (
        "no second login"
    )
    tao.starts()
    assert tao.asks("GET", "contents/kept.py").json()["content"] == SAVED["content"]
    assert tao.asks("GET", "kernels").json() == [] and tao.asks("GET", "status").json()["started"] > started
