"""One login at the portal opens the workspace; the hub lets in whom the portal lets in, and nobody else."""

import re

import httpx
from jupyter_kernel_client import JupyterKernelClient

from sandbox.standalone.workspace_visit import server_headers
from workspace import HubProcess, workspace_of
from workspace_fixtures import PASSWORD


def test_a_person_logs_in_once_and_a_sealed_kernel_answers(hub: HubProcess) -> None:
    """In the language that they chose in the portal."""
    with hub.browser() as browser:
        browser.get(f"{hub.portal_url}/language/zh")
        page = hub.log_in(browser, "song", PASSWORD)
        assert str(page.url).startswith(hub.hub_url), hub.log.read_text()[-3000:]
        assert "JupyterLab" in workspace_of(hub, browser, "song").text
        xsrf = {"X-XSRFToken": browser.cookies.get("_xsrf", path="/user/song/") or ""}
        listed = browser.get(f"{hub.hub_url}/user/song/api/contents", headers=xsrf)
        assert sorted(file["name"] for file in listed.json()["content"]) == [
            "01-first-question.ipynb",
            "02-asking-comfortably.ipynb",
            "03-stand-in.ipynb",
            "04-sealed-run.ipynb",
            "05-whole-study.ipynb",
            "teams",
        ]
        team = browser.get(f"{hub.hub_url}/user/song/api/contents/teams", headers=xsrf)
        assert [folder["name"] for folder in team.json()["content"]] == ["lake"]
        with JupyterKernelClient(
            server_url=f"{hub.hub_url}/user/song", token=None, headers=server_headers(browser, "song")
        ) as kernel:
            done = kernel.execute(
                "import cihu, os\nprint(cihu.whoami()['id'], os.getuid() != 0, cihu.language())"
            )
            assert done["outputs"][0]["text"] == "song True zh\n"


def test_whom_the_portal_gives_no_workspace_the_hub_does_not_let_in(hub: HubProcess) -> None:
    with hub.browser() as browser:
        page = hub.log_in(browser, "chen", PASSWORD)
        assert page.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN)
        assert "chen" not in {folder.name for folder in (hub.vault.home / "workspaces").iterdir()}


def test_a_wrong_password_opens_nothing(hub: HubProcess) -> None:
    with hub.browser() as browser:
        page = hub.log_in(browser, "song", "not the password")
        assert page.status_code == httpx.codes.UNAUTHORIZED
        assert str(page.url).startswith(hub.portal_url)


def test_without_a_login_a_workspace_cannot_be_reached(hub: HubProcess) -> None:
    with hub.browser() as browser:
        page = browser.get(f"{hub.hub_url}/user/song/lab")
        assert hub.portal_url in str(page.url)
        assert browser.get(f"{hub.hub_url}/hub/api/users").status_code == httpx.codes.FORBIDDEN


def test_the_hubs_log_holds_no_token_and_no_secret(hub: HubProcess) -> None:
    said = hub.log.read_text()
    assert not re.search(r"eyJ[\w-]+\.eyJ[\w-]+\.", said)  # how every JWT looks
    assert PASSWORD not in said
