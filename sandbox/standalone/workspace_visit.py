"""Opens a workspace without a browser's window, as a browser does it: one login at the portal, the hub, a
kernel."""

import html
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from jupyter_kernel_client import JupyterKernelClient

from sandbox.client.session import ServiceUrls
from sandbox.errors import Unavailable

SECONDS = 90
CLOSING_SECONDS = 0.5
FIELD = re.compile(r'name="(csrf|next)" value="([^"]*)"')


class Kernel:
    """A real kernel, in its seal, behind the hub. `run` executes a cell there."""

    def __init__(self, client: JupyterKernelClient) -> None:
        self._client = client

    def run(self, cell: str, *, seconds: float = SECONDS) -> str:
        """What the cell prints or shows as text, error messages included.
        Raises `TimeoutError` after `seconds`."""
        done = self._client.execute(cell, timeout=seconds)
        return "\n".join(_shown(output) for output in done["outputs"])

    def value(self, expression: str) -> Any:
        """The value of an expression in the kernel, via JSON.
        Raises `Unavailable` with what was shown instead."""
        mark = "cihu-json:"
        said = self.run(f"import json as _json\nprint({mark!r} + _json.dumps({expression}))")
        for line in said.splitlines():
            if line.startswith(mark):
                return json.loads(line.removeprefix(mark))
        raise Unavailable(f"The cell gave no value: {said[-600:]}")


@contextmanager
def open_workspace(where: ServiceUrls, account: str, password: str) -> Iterator[Kernel]:
    """Log in, start the person's server, start a sealed kernel in it; both end with the block.

    A server that is running already is used, and left running: its owner may have other kernels in it.
    """
    with httpx.Client(follow_redirects=True, timeout=SECONDS, trust_env=False) as browser:
        _log_in(browser, where, account, password)
        was_running = _has_server(browser, where, account)
        _start_server(browser, where, account)
        client = JupyterKernelClient(
            server_url=f"{where.hub}/user/{account}", token=None, headers=server_headers(browser, account)
        )
        try:
            client.start()
            yield Kernel(client)
        finally:
            if not was_running:
                browser.delete(f"{where.hub}/hub/api/users/{account}/server", headers=_xsrf(browser, where))
            if client._manager is not None and client._manager.has_kernel:
                client._manager.client.timeout = CLOSING_SECONDS  # it would wait ten; the server may be gone
            client.stop(shutdown_kernel=was_running)


def _log_in(browser: httpx.Client, where: ServiceUrls, account: str, password: str) -> None:
    page = browser.get(f"{where.hub}/hub/login")
    if str(page.url).startswith(f"{where.portal}/login"):
        fields = dict(FIELD.findall(page.text))
        page = browser.post(
            f"{where.portal}/login",
            headers={"Origin": where.portal},
            data={
                "csrf": fields.get("csrf", ""),
                "next": html.unescape(fields.get("next", "")),
                "account": account,
                "password": password,
            },
        )
    if page.status_code >= httpx.codes.BAD_REQUEST or not str(page.url).startswith(where.hub):
        raise Unavailable(
            f"{account} could not log in at the hub ({page.status_code}).", remedy="See the hub's log."
        )


def _has_server(browser: httpx.Client, where: ServiceUrls, account: str) -> bool:
    answer = browser.get(f"{where.hub}/hub/api/users/{account}", headers=_xsrf(browser, where))
    return answer.status_code == httpx.codes.OK and answer.json().get("server") is not None


def _start_server(browser: httpx.Client, where: ServiceUrls, account: str) -> None:
    browser.get(f"{where.hub}/hub/spawn")
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        page = browser.get(f"{where.hub}/user/{account}/lab")
        if page.status_code == httpx.codes.OK and f"/user/{account}/" in str(page.url):
            return
        time.sleep(0.2)  # the hub's own page asks again and again, too
    raise Unavailable(f"The workspace of {account} did not start.", remedy="See the hub's log.")


def server_headers(browser: httpx.Client, account: str) -> dict[str, str]:
    """With what a browser that is logged in asks the person's server:
    its cookies there, and the form token."""
    path = f"/user/{account}/"
    cookies = {
        cookie.name: cookie.value
        for cookie in browser.cookies.jar
        if cookie.path == path or cookie.name == "jupyterhub-session-id"
    }
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-XSRFToken": str(cookies.get("_xsrf") or ""),
    }


def _xsrf(browser: httpx.Client, where: ServiceUrls) -> dict[str, str]:
    return {
        "X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/") or "",
        "Referer": f"{where.hub}/hub/home",
    }


def _shown(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return "\n".join(output["traceback"])
    return str(output["data"].get("text/plain", ""))
