"""One log-out, one new password, one disabled account:
everything of the person's login ends, everywhere, by whichever door."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from jupyter_kernel_client import JupyterKernelClient
from sqlalchemy import text

from sandbox.hub.run_folder import short_root
from sandbox.hub.workspace import token_file
from sandbox.identity import change_password, create_account, disable_account, join_team
from sandbox.standalone.workspace_visit import server_headers
from workspace import HubProcess, workspace_of
from workspace_fixtures import PASSWORD

SECONDS = 120
QUESTION = "import cihu\nprint(cihu.whoami()['id'])"


def processes_of(person: str) -> dict[int, str]:
    """The person's server and all that lives below it, kernels and their seals, by number."""
    parents, names, found = {}, {}, set()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            status = process.joinpath("stat").read_text().rpartition(")")[2].split()
            names[int(process.name)] = (
                process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()[:80]
            )
            if (
                b"sandbox.hub.server" in process.joinpath("cmdline").read_bytes()
                and f"JUPYTERHUB_USER={person}\0".encode() in process.joinpath("environ").read_bytes()
            ):
                found.add(int(process.name))
        except (OSError, IndexError):
            continue
        if status[0] != "Z":
            parents[int(process.name)] = int(status[1])
    while below := {child for child, parent in parents.items() if parent in found} - found:
        found |= below
    return {number: names[number] for number in found & parents.keys()}


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)  # other processes do it: asking is the only event


@dataclass
class LoggedIn:
    """Somebody with everything that a login can give: browser, command line, server, kernel;
    and its tokens."""

    hub: HubProcess
    person: str
    browser: httpx.Client
    kernel: JupyterKernelClient
    command_line: dict[str, str]
    workspace_token: str
    kernel_token: str
    folder: Path

    def portal_knows_me(self) -> bool:
        return (
            self.browser.get(f"{self.hub.portal_url}/me", follow_redirects=False).status_code
            == httpx.codes.OK
        )

    def vault_answers(self, token: str) -> int:
        return httpx.get(
            f"{self.hub.vault.url}/v1/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ).status_code

    def socket_answers(self) -> int:
        transport = httpx.HTTPTransport(uds=str(self.hub.vault.home / "run" / "vault" / "vault.sock"))
        with httpx.Client(transport=transport, base_url="http://vault") as client:
            return client.get("/v1/me", headers={"Authorization": f"Bearer {self.kernel_token}"}).status_code

    def opens_a_kernel(self) -> int:
        return httpx.post(
            f"{self.hub.vault.url}/v1/kernels",
            json={"kernel_id": "12345678"},
            trust_env=False,
            headers={"Authorization": f"Bearer {self.workspace_token}"},
        ).status_code

    def lists_sessions(self) -> httpx.Response:
        return httpx.get(
            f"{self.hub.portal_url}/api/v1/sessions",
            trust_env=False,
            headers={"Authorization": f"Bearer {self.command_line['portal_token']}"},
        )

    def assert_all_is_well(self) -> None:
        assert self.portal_knows_me()
        assert self.vault_answers(self.command_line["vault_token"]) == self.socket_answers() == httpx.codes.OK
        assert self.opens_a_kernel() == httpx.codes.OK
        assert self.kernel.execute(QUESTION)["outputs"][0]["text"] == f"{self.person}\n"
        assert len(processes_of(self.person)) > 1

    def assert_all_has_ended(self) -> None:
        gone = httpx.codes.UNAUTHORIZED
        # what the database says counts with the next request, whoever asks
        assert self.vault_answers(self.command_line["vault_token"]) == gone
        assert self.lists_sessions().status_code == gone
        assert self.socket_answers() == self.opens_a_kernel() == gone
        assert not self.portal_knows_me()
        until(
            lambda: not processes_of(self.person),
            f"{processes_of(self.person)}\n{self.hub.log.read_text()[-3000:]}",
        )
        until(
            lambda: not self.folder.exists(),
            "the kernel's folder, with its token and its key, is still there",
        )
        assert not token_file(self.hub.vault.home, self.person).exists()
        for address in ("/hub/home", f"/user/{self.person}/lab", f"/hub/api/users/{self.person}"):
            page = self.browser.get(f"{self.hub.hub_url}{address}")
            assert (
                str(page.url).startswith(f"{self.hub.portal_url}/login")
                or page.status_code == httpx.codes.FORBIDDEN
            ), page.url


@contextmanager
def logged_in(hub: HubProcess, person: str) -> Iterator[LoggedIn]:
    with hub.vault.story.database.transaction() as tx:
        create_account(
            tx,
            account_id=person,
            display_name=person,
            organisation="hbpu",
            roles=["analyst"],
            password=PASSWORD,
            by="system",
        )
        join_team(tx, team_id="lake", account_id=person, by="system")
    with hub.browser() as browser:
        hub.log_in(browser, person, PASSWORD)
        workspace_of(hub, browser, person)
        before = set(short_root(hub.vault.home / "run").iterdir())
        kernel = JupyterKernelClient(
            server_url=f"{hub.hub_url}/user/{person}", token=None, headers=server_headers(browser, person)
        )
        kernel.start()
        (folder,) = set(short_root(hub.vault.home / "run").iterdir()) - before
        tokens = httpx.post(
            f"{hub.portal_url}/api/v1/login", json={"username": person, "password": PASSWORD}, trust_env=False
        )
        somebody = LoggedIn(
            hub,
            person,
            browser,
            kernel,
            tokens.json(),
            token_file(hub.vault.home, person).read_text(),
            (folder / "in" / "token").read_text(),
            folder,
        )
        try:
            somebody.assert_all_is_well()
            yield somebody
        finally:
            if kernel._manager is not None and kernel._manager.has_kernel:
                kernel._manager.client.timeout = 0.5  # it would wait ten; the server is gone
            kernel.stop(shutdown_kernel=False)


def by_the_portal(one: LoggedIn) -> None:
    form = dict(
        re.findall(r'name="(csrf)" value="([^"]*)"', one.browser.get(f"{one.hub.portal_url}/me").text)
    )
    page = one.browser.post(f"{one.hub.portal_url}/logout", data=form, headers={"Origin": one.hub.portal_url})
    assert page.status_code == httpx.codes.OK


def by_the_hub(one: LoggedIn) -> None:
    page = one.browser.get(f"{one.hub.hub_url}/hub/logout")
    assert str(page.url).rstrip("/") == one.hub.portal_url, "the page for people who are not logged in"


def by_a_new_password(one: LoggedIn) -> None:
    with one.hub.vault.story.database.transaction() as tx:
        change_password(tx, account_id=one.person, password="quite another password", by="system")


def by_disabling(one: LoggedIn) -> None:
    with one.hub.vault.story.database.transaction() as tx:
        disable_account(tx, account_id=one.person, by="system")


@pytest.mark.parametrize("ends", [by_the_portal, by_the_hub, by_a_new_password, by_disabling])
def test_everything_of_a_login_ends_with_it(hub: HubProcess, ends: Callable[[LoggedIn], None]) -> None:
    with logged_in(hub, ends.__name__.replace("_", "-")) as one:
        ends(one)
        one.assert_all_has_ended()


def test_sessions_are_listed_and_ended_one_by_one(hub: HubProcess) -> None:
    """A workspace ends without the browser's session; a browser's session takes its workspace with it;
    the rest goes on."""
    with logged_in(hub, "one-by-one") as one:
        found = {session["kind"]: session for session in one.lists_sessions().json()["sessions"]}
        assert set(found) == {"browser", "command line", "workspace"}
        assert all(
            session["address"] == "127.0.0.1" and "httpx" in session["agent"] for session in found.values()
        )
        page = one.browser.get(f"{hub.portal_url}/me/sessions")
        assert all(session["id"] in page.text for session in found.values())
        authorization = {"Authorization": f"Bearer {one.command_line['portal_token']}"}
        workspace = f"{hub.portal_url}/api/v1/sessions/{found['workspace']['id']}"
        ended = httpx.delete(workspace, headers=authorization, trust_env=False)
        assert ended.status_code == httpx.codes.NO_CONTENT
        assert one.socket_answers() == one.opens_a_kernel() == httpx.codes.UNAUTHORIZED
        until(lambda: not processes_of(one.person), "the server goes on")
        assert one.portal_knows_me() and one.vault_answers(one.command_line["vault_token"]) == httpx.codes.OK

        # in again, without a password: the browser's session goes on
        workspace_of(hub, one.browser, one.person)
        httpx.delete(
            f"{hub.portal_url}/api/v1/sessions/{found['browser']['id']}",
            headers=authorization,
            trust_env=False,
        )
        assert not one.portal_knows_me()
        until(lambda: not processes_of(one.person), "the server goes on")
        assert [session["kind"] for session in one.lists_sessions().json()["sessions"]] == ["command line"]


def test_what_was_ended_while_the_hub_did_not_listen_ends_when_it_does(hub: HubProcess) -> None:
    with logged_in(hub, "missed") as one:
        with hub.vault.story.database.transaction() as tx:
            tx.exec_driver_sql(
                "INSERT INTO identity.token_revocations (account, reason) "
                "VALUES ('missed', 'without a notice')"
            )
        assert one.socket_answers() == httpx.codes.UNAUTHORIZED
        # the hub's connection is cut, as by a restart of Postgres
        with hub.vault.story.database.transaction() as tx:
            tx.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            )
        until(lambda: not processes_of(one.person), hub.log.read_text()[-2000:])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hub/token"),
        ("GET", "/hub/api/users/{person}/tokens"),
        ("POST", "/hub/api/users/{person}/tokens"),
        ("DELETE", "/hub/api/users/{person}/tokens/a1"),
        ("POST", "/hub/api/authorizations/token"),
    ],
)
def test_the_hub_gives_nobody_a_token(hub: HubProcess, method: str, path: str) -> None:
    with hub.browser() as browser:
        hub.log_in(browser, "song", PASSWORD)
        xsrf = {
            "X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/") or "",
            "Referer": f"{hub.hub_url}/hub/home",
        }
        told = browser.request(method, f"{hub.hub_url}{path.format(person='song')}", headers=xsrf)
        assert told.status_code == httpx.codes.NOT_FOUND
        me = browser.get(f"{hub.hub_url}/hub/api/user", headers=xsrf).json()
        assert not [scope for scope in me.get("scopes", ()) if "tokens" in scope], me
