"""The person's own server is trusted, so it gives a person, and a kernel,
no way to anything but the workspace."""

import contextlib
import json
import os
import re
import time
from base64 import urlsafe_b64decode
from pathlib import Path

import httpx
import pytest

from about_processes import about, below, program
from sandbox.identity.revocations import revoke_token
from workspace import Kernel, VaultProcess, WorkspaceProcess, workspace_process

CANARY = "what no link may show"
REFUSED = {
    httpx.codes.NOT_FOUND,
    httpx.codes.FORBIDDEN,
    httpx.codes.BAD_REQUEST,
    httpx.codes.METHOD_NOT_ALLOWED,
}


@pytest.mark.parametrize(
    "path",
    [
        "/api/terminals",
        "/terminals/1",
        "/api/nbconvert",
        "/nbconvert/html/a.ipynb",
        "/lsp/status",
        "/api/builder",
    ],
)
def test_what_would_run_outside_of_a_seal_is_not_there(workspace: WorkspaceProcess, path: str) -> None:
    """Jupyter's terminals run as the server; nbconvert runs TeX on what people write
    (CVE-2021-32862's neighbourhood)."""
    assert workspace.request("GET", path).status_code in REFUSED
    assert workspace.request("POST", path, json={}).status_code in REFUSED


@pytest.mark.parametrize("path", ["/lab/api/build", "/lab/api/extensions", "/lab/api/plugins"])
def test_the_pages_build_and_install_nothing(workspace: WorkspaceProcess, path: str) -> None:
    """A build runs node and whatever a package tells it to, as the server."""
    assert workspace.request("POST", path, json={}).status_code in REFUSED
    # a page at most, no answer
    assert "json" not in workspace.request("GET", path).headers.get("content-type", "")


@pytest.mark.parametrize(
    "path",
    [
        "../../hub/servers/wang/token",
        "..%2f..%2fhub%2fservers%2fwang%2ftoken",
        "/etc/passwd",
        "%2e%2e/%2e%2e/vault.log",
        "....//....//vault.log",
        "a/../../../vault.log",
    ],
)
@pytest.mark.parametrize("door", ["/api/contents/", "/files/"])
def test_no_path_leads_out_of_the_workspace(workspace: WorkspaceProcess, door: str, path: str) -> None:
    """Path traversal: CVE-2022-29238 and CVE-2020-26215's class."""
    answer = workspace.request("GET", door + path)
    assert answer.status_code in REFUSED, answer.text[:200]


@pytest.mark.parametrize(
    "door", ["/api/contents/{}", "/files/{}", "/api/contents/{}?content=1&type=file&format=text"]
)
def test_a_symbolic_link_is_not_followed(workspace: WorkspaceProcess, open_folder: Path, door: str) -> None:
    """Judge0, CVE-2024-28185: the trusted process follows what the other one planted.
    Here the test plants it."""
    (open_folder / "outside").write_text(CANARY)
    for name, target in (("link", open_folder / "outside"), ("folder", open_folder)):
        if not (workspace.folder / name).is_symlink():
            (workspace.folder / name).symlink_to(target)
    for name in ("link", "folder/outside"):
        answer = workspace.request("GET", door.format(name))
        assert answer.status_code in REFUSED
        assert CANARY not in answer.text


def test_nothing_is_written_through_a_link(workspace: WorkspaceProcess, open_folder: Path) -> None:
    (open_folder / "kept").write_text("kept")
    (workspace.folder / "written").symlink_to(open_folder / "kept")
    answer = workspace.request(
        "PUT", "/api/contents/written", json={"type": "file", "format": "text", "content": "changed"}
    )
    assert answer.status_code in REFUSED
    assert (open_folder / "kept").read_text() == "kept"


def test_a_pipe_in_the_workspace_does_not_hang_the_server(workspace: WorkspaceProcess) -> None:
    """mkfifo(3): opening it would wait for ever."""
    os.mkfifo(workspace.folder / "pipe")
    assert workspace.request("GET", "/api/contents/pipe").status_code in REFUSED
    assert workspace.request("GET", "/files/pipe").status_code in REFUSED
    assert workspace.request("GET", "/api/contents/").is_success


def test_hidden_files_are_not_served(workspace: WorkspaceProcess) -> None:
    """Jupyter's hidden files hold secrets: CVE-2022-29238."""
    (workspace.folder / ".secret").write_text("hidden")
    assert workspace.request("GET", "/api/contents/.secret").status_code in REFUSED
    assert workspace.request("GET", "/files/.secret").status_code in REFUSED


def test_the_only_kernel_is_the_sealed_one(workspace: WorkspaceProcess) -> None:
    listed = workspace.request("GET", "/api/kernelspecs").json()
    assert list(listed["kernelspecs"]) == ["cihu"] and listed["default"] == "cihu"


def test_another_kernel_cannot_be_asked_for(workspace: WorkspaceProcess) -> None:
    """The specs of the interpreter (`python3`), of the system, and of paths:
    none starts an unsealed kernel."""
    for name in ("../cihu", "no-such-kernel", "bash"):
        assert not workspace.request("POST", "/api/kernels", json={"name": name}).is_success


def test_a_request_cannot_choose_the_kernels_environment_or_folder(workspace: WorkspaceProcess) -> None:
    """The kernels API takes `env` and `path`; LD_PRELOAD or a folder of the host must not reach the seal."""
    asked = {
        "name": "cihu",
        "path": "/",
        "env": {"LD_PRELOAD": "/tmp/x.so", "KERNEL_ATTACK": "1", "CIHU_SOCKET": "/x"},
    }
    started = workspace.request("POST", "/api/kernels", json=asked).json()
    try:
        deadline = time.monotonic() + 300
        while not (
            environments := [
                text
                for pid in sealed_processes(workspace)
                if b"IPYTHONDIR" in (text := about(pid, "environ"))
            ]
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)  # the seal starts beside us
        [environment, *_] = environments
        assert (
            b"LD_PRELOAD" not in environment
            and b"ATTACK" not in environment
            and b"CIHU_SOCKET=/run/cihu" in environment
        )
    finally:
        workspace.request("DELETE", f"/api/kernels/{started['id']}")


def sealed_processes(workspace: WorkspaceProcess) -> list[int]:
    return [pid for pid in below(workspace.process.pid) if "bwrap" not in program(pid)]


def test_a_page_of_another_site_cannot_act_for_a_person(workspace: WorkspaceProcess) -> None:
    """Cross-site request forgery: CVE-2024-35178's class. A cookie alone is not enough."""
    before = len(workspace.request("GET", "/api/kernels").json())
    with httpx.Client(base_url=workspace.url, trust_env=False) as browser:
        browser.get(f"/lab?token={workspace.token}")
        forged = browser.post("/api/kernels", json={}, headers={"Origin": "http://evil.example"})
        assert forged.status_code in REFUSED
    assert len(workspace.request("GET", "/api/kernels").json()) == before


def test_without_a_token_nothing_is_served(workspace: WorkspaceProcess) -> None:
    for path in ("/api/contents", "/api/kernels", "/api/sessions", "/files/01-first-question.ipynb"):
        answer = httpx.get(workspace.url + path, trust_env=False)
        assert answer.status_code in {httpx.codes.FORBIDDEN, httpx.codes.FOUND}


def test_a_kernels_token_opens_no_other_door(kernel: Kernel, vault: VaultProcess) -> None:
    """Token confusion: a token for one audience must not pass at another (RFC 8725, section 3.9)."""
    token = kernel.text("print(open('/run/kernel/token').read())").strip()
    bearer = {"Authorization": f"Bearer {token}"}
    for method, path in (
        ("GET", "/v1/datasets"),
        ("POST", "/v1/ask"),
        ("POST", "/v1/kernels"),
        ("GET", "/v1/requests"),
    ):
        answer = httpx.request(method, vault.url + path, headers=bearer, json={}, trust_env=False)
        assert answer.status_code == httpx.codes.UNAUTHORIZED, path


def test_a_kernel_cannot_publish_approve_or_open(kernel: Kernel) -> None:
    """The kernels' door has no officer's handle, whoever the person is."""
    code = """
from cihu.vault import the_vault
vault = the_vault()
tried = [("POST", "/v1/datasets"), ("POST", "/v1/requests"), ("POST", "/v1/requests/1/approve"), ("POST", "/v1/grants/1/revoke"),
         ("POST", "/v1/datasets/clinic.visits/open-copy"), ("GET", "/v1/log/openings/1"),
         ("POST", "/v1/kernels"), ("GET", "/docs")]
print(json.dumps([vault._send(method, path, {} if method == "POST" else None, vault._token())[0] for method, path in tried]))
"""  # noqa: E501
    assert set(json.loads(kernel.text("import json" + code))) <= {404, 405}


def test_a_kernel_reads_no_raw_value_and_no_secret_of_the_dataset(kernel: Kernel) -> None:
    """Unit ids, hidden columns and notes of the raw rows are in no answer,
    error or catalogue entry that it can get."""
    code = """
import cihu
said = [str(cihu.datasets()), str(cihu.dataset("clinic.visits"))]
for query in ("SELECT person, COUNT(*) FROM clinic.visits GROUP BY person", "SELECT secret FROM clinic.visits",
              "SELECT note, COUNT(*) FROM clinic.visits GROUP BY note", "SELECT MAX(cost) FROM clinic.visits",
              "SELECT COUNT(*) FROM read_csv('/etc/passwd')"):
    try:
        said.append(str(cihu.sql(query)))
    except cihu.CihuError as refused:
        said.append(str(refused))
print("\\\\n".join(said))
"""  # noqa: E501
    assert not re.search(r"\b[ps]\d{1,3}\b|root:", kernel.text(code))


def test_a_kernels_sockets_cannot_be_changed(workspace: WorkspaceProcess, kernel: Kernel) -> None:
    """The server follows these paths, and ZeroMQ connects again by itself:
    a socket must not become another kernel's."""
    said = kernel.text("""
import os
for deed in (lambda: os.rename("/run/channels/i-1", "/run/channels/i-9"), lambda: os.remove("/run/channels/i-2"),
             lambda: os.mkdir("/run/channels/d"), lambda: open("/run/channels/f", "w"), lambda: os.chmod("/run/channels", 0o777)):
    try:
        deed()
        print("CHANGED")
    except OSError as refused:
        print(refused.errno)
""")  # noqa: E501
    assert said.split() == ["30"] * 5  # EROFS
    assert workspace.request("GET", "/api/kernels").is_success


def test_two_kernels_of_different_people_share_nothing(workspace: WorkspaceProcess, kernel: Kernel) -> None:
    """Not the run folder, not the host user's processes, not /tmp, not /dev/shm."""
    with workspace.kernel() as other:
        other.text("open('/tmp/mine', 'w').write('x'); open('/dev/shm/mine', 'w').write('x')")
        said = kernel.text(
            "import os, glob\nprint(glob.glob('/tmp/mine'), glob.glob('/dev/shm/*'), os.listdir('/run'))"
        )
        assert said.startswith("[] [] [")
        assert sorted(json.loads(said.split("] ", 2)[2].replace("'", '"'))) == ["channels", "cihu", "kernel"]


REPLAY = """
import http.client, socket
class Door(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/cihu/vault.sock")
door = Door("vault")
door.request("GET", "/v1/datasets", headers={{"Authorization": "Bearer {token}"}})
print(door.getresponse().status)
"""


def test_a_kernel_that_writes_nonsense_on_its_own_channels_harms_neither_its_server_nor_another_kernel(
    workspace: WorkspaceProcess, kernel: Kernel
) -> None:
    """The server reads what a kernel's program may write there by itself: frames, signatures, JSON.
    jupyter_client's protocol."""
    nonsense = """
import os
socket = get_ipython().kernel.iopub_socket
for message in ([b"x"], [b"a", b"<IDS|MSG>"], [b"<IDS|MSG>", b"", b"{", b"{", b"{", b"{"], [os.urandom(2**20)] * 3,
                [b"<IDS|MSG>", b"forged", b'{"msg_type": "status"}', b"{}", b"{}", b'{"execution_state": "dead"}']):
    socket.send_multipart(message)
print("written")
"""  # noqa: E501
    with workspace.kernel() as another:
        with contextlib.suppress(TimeoutError, RuntimeError):  # its own connection may be lost by it
            another.run(nonsense, timeout=10)
        assert kernel.text("print('as before')") == "as before\n"
    assert workspace.request("GET", "/api/kernels").status_code == httpx.codes.OK
    with workspace.kernel() as fresh:
        assert fresh.text("print('fresh')") == "fresh\n"


def test_another_persons_token_opens_neither_a_workspace_nor_a_kernels_channels(
    workspace: WorkspaceProcess, vault: VaultProcess, kernel: Kernel
) -> None:
    """A socket in a browser asks no second time: the first answer must be a refusal.
    CVE-2018-8768's neighbourhood."""
    channels = f"{workspace.url}/api/kernels/{kernel.id}/channels"
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
    }
    for token in ("", "guessed", vault.workspace_token("song"), vault.workspace_token("wang")):
        for url in (channels, f"{workspace.url}/api/contents", f"{workspace.url}/api/kernels"):
            answer = httpx.get(
                url,
                headers={"Authorization": f"token {token or 0}", **(upgrade if url == channels else {})},
                timeout=120,
                trust_env=False,
            )
            assert answer.status_code in (401, 403), (url, answer.status_code)


def test_a_token_that_was_copied_is_worth_nothing_once_the_login_was_ended(vault: VaultProcess) -> None:
    """Replay after revocation: RFC 9700, section 4; OWASP, session management."""
    with workspace_process(vault, "song") as server, server.kernel() as own:
        copied = own.text("print(open('/run/kernel/token').read())").strip()
        middle = copied.split(".")[1]
        claims = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        ask = REPLAY.format(token=copied)
        assert own.text(ask) == "200\n"
        with vault.story.database.transaction() as tx:
            revoke_token(tx, account="song", token_id=claims["workspace"]["token"], reason="a test of replay")
        assert own.text(ask) == "401\n"
