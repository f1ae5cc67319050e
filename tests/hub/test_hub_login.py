"""One login at the portal opens the workspace; the hub lets in whom the portal lets in, and nobody else."""

import json
import re
from typing import Any

import httpx
from jupyter_kernel_client import JupyterKernelClient

from sandbox.hub.lab_settings import EXTENSIONS
from sandbox.hub.workspace import FIRST_NOTEBOOK
from sandbox.standalone.workspace_visit import server_headers
from workspace import HubProcess, workspace_of
from workspace_fixtures import PASSWORD


def test_a_person_logs_in_once_and_a_sealed_kernel_answers(hub: HubProcess) -> None:
    """In the language that they chose in the portal."""
    with hub.browser() as browser:
        browser.get(f"{hub.portal_url}/language/zh")
        page = hub.log_in(browser, "song", PASSWORD)
        assert str(page.url).startswith(hub.hub_url), hub.log.read_text()[-3000:]
        lab = page_config(workspace_of(hub, browser, "song").text)
        assert (lab["appName"], lab["cihuLanguage"], lab["cihuPortal"]) == ("磁湖", "zh", hub.portal_url)
        # what else is installed here stays out
        assert [each["name"] for each in lab["federated_extensions"]] == ["cihu-workspace"]
        script = browser.get(f"{hub.hub_url}/user/song/lab/extensions/cihu-workspace/static/workspace.js")
        assert script.content == (EXTENSIONS / "cihu-workspace" / "static" / "workspace.js").read_bytes()
        xsrf = {"X-XSRFToken": browser.cookies.get("_xsrf", path="/user/song/") or ""}
        lab_api = f"{hub.hub_url}/user/song/lab/api"
        spoken = f"{lab_api}/settings/@jupyterlab/translation-extension:plugin"
        chosen = browser.get(spoken, headers=xsrf).json()
        assert chosen["schema"]["properties"]["locale"]["default"] == "zh_CN"
        chinese = browser.get(f"{lab_api}/translations/zh_CN", headers=xsrf).json()["data"]["jupyterlab"]
        assert len(chinese) > 2000 and chinese["Split Tab"] == ["拆分标签页"]
        listed = browser.get(f"{hub.hub_url}/user/song/api/contents", headers=xsrf)
        assert sorted(file["name"] for file in listed.json()["content"]) == [
            FIRST_NOTEBOOK,
            "02-asking-comfortably.ipynb",
            "03-stand-in.ipynb",
            "04-sealed-run.ipynb",
            "05-whole-study.ipynb",
            "06-enter-a-competition.ipynb",
            "07-safe-researcher.ipynb",
            "08-safe-outputs.ipynb",
            "teams",
        ]
        first = browser.get(f"{hub.hub_url}/user/song/api/contents/{FIRST_NOTEBOOK}", headers=xsrf).json()
        assert first["content"]["cells"][0]["source"].startswith("# 第一个问题")
        opened = browser.get(f"{hub.hub_url}/user/song/")
        assert opened.url.path == f"/user/song/lab/tree/{FIRST_NOTEBOOK}"
        team = browser.get(f"{hub.hub_url}/user/song/api/contents/teams", headers=xsrf)
        assert [folder["name"] for folder in team.json()["content"]] == ["lake"]
        with JupyterKernelClient(
            server_url=f"{hub.hub_url}/user/song", token=None, headers=server_headers(browser, "song")
        ) as kernel:
            done = kernel.execute(
                "import cihu, os\nprint(cihu.whoami()['id'], os.getuid() != 0, cihu.language())"
            )
            assert done["outputs"][0]["text"] == "song True zh\n"


def page_config(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found, page[:2000]
    config: dict[str, Any] = json.loads(found[1])
    return config


def test_the_hubs_pages_speak_the_persons_language_and_lead_back_to_the_portal(hub: HubProcess) -> None:
    said = {"zh": ("返回门户", "打开工作空间"), "en": ("Back to the portal", "Open the workspace")}
    for language, words in said.items():
        with hub.browser() as browser:
            browser.get(f"{hub.portal_url}/language/{language}")
            hub.log_in(browser, "song", PASSWORD)
            home = browser.get(f"{hub.hub_url}/hub/home").text
            for word in (*words, f'href="{hub.portal_url}"'):
                assert word in home
            missing = browser.get(f"{hub.hub_url}/hub/no-such-page")
            assert missing.status_code == httpx.codes.NOT_FOUND and words[0] in missing.text


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
