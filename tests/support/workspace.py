"""A person's workspace for tests, of real parts:
a vault process, a single-user server process, sealed kernels in it."""

import html
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from jupyter_kernel_client import JupyterKernelClient

from forked_services import ForkedProcess, forkable
from sandbox.free_ports import free_port
from sandbox.hub.workspace import server_folder, token_file, write_workspace_token
from sandbox.identity import WORKSPACE, TokenIssuer
from sandbox.standalone.answers import answers
from sandbox.standalone.parent_death_signal import leash
from sandbox.standalone.s3 import S3Server
from story import Story

CHECKOUT = Path(__file__).parents[2]
KERNEL_PYTHON = CHECKOUT / ".venv-kernel" / "bin" / "python"
SECONDS = 600
"""The longest wait for a service that comes up: one that ends instead is noticed at once."""


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if answers(url, seconds=5):
            return
        time.sleep(0.05)  # asking is the only event there is
    raise AssertionError(f"{url} did not come up:\n{log.read_text()[-3000:]}")


@contextmanager
def running(
    command: list[str], environment: dict[str, str], log: Path, url: str
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = (
            ForkedProcess(command, environment, log.parent, output.fileno())
            if forkable(command, environment)
            else subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                start_new_session=True,
                preexec_fn=leash(),
            )
        )
    try:
        wait_for(url, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def plain_environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(CHECKOUT),
        "CIHU_HOME": str(home),
    }


@dataclass
class VaultProcess:
    """A vault that answers on `url` and on the socket in `home`/run/vault."""

    home: Path
    url: str
    story: Story
    database_url: str
    process: subprocess.Popen[bytes]

    def workspace_token(self, person: str, seconds: int = 3600) -> str:
        issuer = TokenIssuer("portal", self.home / "keys" / "portal", self.story.database)
        return issuer.issue(person, audience=WORKSPACE, lifetime_seconds=seconds)


@contextmanager
def vault_process(home: Path, story: Story, database_url: str, s3: S3Server) -> Iterator[VaultProcess]:
    port = free_port()
    environment = plain_environment(home) | {
        "CIHU_BIND": f"127.0.0.1:{port}",
        "CIHU_DATABASE_URL": database_url,
        "CIHU_S3_ENDPOINT": s3.endpoint,
        "CIHU_S3_ACCESS_KEY": s3.vault.access_key,
        "CIHU_S3_SECRET_KEY": s3.vault.secret_key,
        "CIHU_RAW_BUCKET": s3.raw_bucket,
        "CIHU_PRODUCT_BUCKET": s3.product_bucket,
        "CIHU_POLICIES": str(CHECKOUT / "policies"),
    }
    url = f"http://127.0.0.1:{port}"
    with running(
        [sys.executable, "-m", "sandbox.vault.app"], environment, home / "vault.log", f"{url}/healthz"
    ) as process:
        yield VaultProcess(home, url, story, database_url, process)


@dataclass
class WorkspaceProcess:
    """A single-user server of one person, as the hub starts it, but for the hub's login: a token opens it."""

    person: str
    url: str
    token: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def folder(self) -> Path:
        return self.home / "workspaces" / self.person

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(
            method,
            f"{self.url}{path}",
            headers={"Authorization": f"token {self.token}"},
            timeout=60,
            trust_env=False,
            **more,
        )

    @contextmanager
    def kernel(self) -> Iterator["Kernel"]:
        with JupyterKernelClient(server_url=self.url, token=self.token) as client:
            yield Kernel(client, self)


@dataclass
class Kernel:
    client: JupyterKernelClient
    server: WorkspaceProcess

    def run(self, code: str, timeout: float = 120) -> dict[str, Any]:
        """Execute a cell; its `status` and `outputs`."""
        done: dict[str, Any] = self.client.execute(code, timeout=timeout)
        return done

    def text(self, code: str, timeout: float = 120) -> str:
        """What a cell prints or shows as text, errors included. What it prints may come in parts."""
        parts: list[tuple[str, str]] = []
        for output in self.run(code, timeout)["outputs"]:
            stream = str(output.get("name", ""))
            if stream and parts and parts[-1][0] == stream:
                parts[-1] = stream, parts[-1][1] + shown(output)
            else:
                parts.append((stream, shown(output)))
        return "\n".join(text for _, text in parts)

    @property
    def id(self) -> str:
        return str(self.client.id)


def shown(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return "\n".join(output["traceback"])
    return str(output["data"].get("text/plain", ""))


@contextmanager
def workspace_process(vault: VaultProcess, person: str, **more: str) -> Iterator[WorkspaceProcess]:
    port, token = free_port(), secrets.token_urlsafe()
    folder = vault.home / "workspaces" / person
    folder.mkdir(parents=True, exist_ok=True)
    state = server_folder(vault.home, person)
    write_workspace_token(vault.home, person, vault.workspace_token(person))
    environment = (
        plain_environment(vault.home)
        | {
            "CIHU_VAULT_URL": vault.url,
            "CIHU_WORKSPACE_TOKEN_FILE": str(token_file(vault.home, person)),
            "JUPYTERHUB_USER": person,
            "HOME": str(state),
            "JUPYTER_CONFIG_DIR": str(state / "config"),
            "JUPYTER_DATA_DIR": str(state / "data"),
            "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        }
        | more
    )
    start = "from sandbox.hub.server import WorkspaceServer; WorkspaceServer.launch_instance()"
    command = [
        sys.executable,
        "-c",
        start,
        f"--config={CHECKOUT / 'sandbox/hub/server_config.py'}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
    ]
    url, log = f"http://127.0.0.1:{port}", state / "log"
    with running(command, environment, log, f"{url}/api") as process:
        yield WorkspaceProcess(person, url, token, vault.home, log, process)


@dataclass
class HubProcess:
    """A portal and a hub that know each other."""

    portal_url: str
    hub_url: str
    vault: VaultProcess
    log: Path
    restart: Callable[[], None] = field(repr=False)

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        with httpx.Client(follow_redirects=True, timeout=90, trust_env=False) as client:
            yield client

    def log_in(self, browser: httpx.Client, account: str, password: str) -> httpx.Response:
        """Go to the hub and log in where it sends one; the page where one ends up."""
        page = browser.get(f"{self.hub_url}/hub/login")
        if "/login" not in str(page.url) or self.portal_url not in str(page.url):
            return page
        form = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', page.text))
        filled = {
            "csrf": form["csrf"],
            "next": html.unescape(form["next"]),
            "account": account,
            "password": password,
        }
        return browser.post(f"{self.portal_url}/login", data=filled, headers={"Origin": self.portal_url})


def workspace_of(hub: HubProcess, browser: httpx.Client, person: str) -> httpx.Response:
    """The person's JupyterLab, once its server is up."""
    deadline = time.monotonic() + 60
    browser.get(f"{hub.hub_url}/hub/spawn")
    while True:
        page = browser.get(f"{hub.hub_url}/user/{person}/lab/tree/01-first-question.ipynb")
        if f"/user/{person}/" in str(page.url) and page.status_code == httpx.codes.OK:
            return page
        if page.status_code == httpx.codes.FAILED_DEPENDENCY:  # one before it was still ending: pressed again
            browser.get(f"{hub.hub_url}/hub/spawn")
        assert time.monotonic() < deadline, f"{page.url} {page.status_code}\n{hub.log.read_text()[-3000:]}"
        time.sleep(0.2)  # the hub's page polls too


@contextmanager
def hub_process(vault: VaultProcess, portal_database: str, s3: S3Server) -> Iterator[HubProcess]:
    ports = free_port(), free_port()
    portal_url, hub_url = (f"http://127.0.0.1:{port}" for port in ports)
    shared = plain_environment(vault.home) | {
        "CIHU_VAULT_URL": vault.url,
        "CIHU_PORTAL_URL": portal_url,
        "CIHU_HUB_URL": hub_url,
        "CIHU_HUB_CLIENT_SECRET": secrets.token_hex(16),
        "CIHU_S3_ENDPOINT": s3.endpoint,
    }
    portal = shared | {
        "CIHU_BIND": f"127.0.0.1:{ports[0]}",
        "CIHU_DATABASE_URL": portal_database,
        "CIHU_S3_ACCESS_KEY": s3.portal.access_key,
        "CIHU_S3_SECRET_KEY": s3.portal.secret_key,
        "CIHU_PRODUCT_BUCKET": s3.product_bucket,
    }
    hub = shared | {"CIHU_BIND": f"127.0.0.1:{ports[1]}", "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32)}
    config = str(CHECKOUT / "sandbox" / "hub" / "jupyterhub_config.py")
    # asks the portal anew with nearly every request: the tests do not wait five minutes
    tried = vault.home / "hub_config.py"
    tried.write_text(f"load_subconfig({config!r})\nget_config().PortalAuthenticator.auth_refresh_age = 1\n")
    command = [sys.executable, "-m", "sandbox.hub", "-f", str(tried)]
    with (
        running(
            [sys.executable, "-m", "marketplace.app"],
            portal,
            vault.home / "portal.log",
            f"{portal_url}/healthz",
        ),
        ExitStack() as started,
    ):

        def start() -> None:
            started.close()
            started.enter_context(running(command, hub, vault.home / "hub.log", f"{hub_url}/hub/health"))

        start()
        yield HubProcess(portal_url, hub_url, vault, vault.home / "hub.log", start)
