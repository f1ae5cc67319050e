"""No secret is anywhere but where it must be: the tour is played with every secret known,
and the whole city is searched.

Every file below CIHU_HOME (logs, Postgres with its write-ahead log, the store, the hub's database,
workspaces), and the command lines and environments of every process. Where a secret must be, it is named here
with its reason. That the search can find them is shown by what it finds there.
"""

import base64
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from about_processes import about, below, command_line
from live_city import PASSWORD, LiveCity, live_city
from sandbox.hub.run_folder import short_root
from sandbox.standalone import workspace_visit
from sandbox.standalone.demo_tables import write_demo_tables
from sandbox.standalone.tour.play import STEPS
from sandbox.standalone.tour.stage import Stage
from sandbox.standalone.workspace_visit import FIELD
from workspace import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHUNK, OVERLAP = 16 * 1024 * 1024, 8192
# the last names a session, as tokens do, and opens nothing
NO_SECRET_COOKIES = {"_xsrf", "cihu_language", "jupyterhub-session-id"}

AT_REST: tuple[tuple[str, str, str], ...] = (
    # where, which secret (its kind), why it must be there
    (r"keys/.*", "file of keys/", "the city's own secrets, made once; 0600"),
    (r"s3/keys/.*", "file of keys/", "the store's own secrets, made once; 0600"),
    (r"s3/(identities\.json|security\.toml)", "file of keys/", "how SeaweedFS takes its secrets; 0600"),
    (r"s3/inner\.key", "file of keys/", "the store's inner certificate's private half; 0600"),
    (r"postgres/owner", "file of keys/", "how initdb takes the owner's password; 0600"),
    (r"hub/cookie_secret", "file of keys/", "JupyterHub's own, made once; 0600"),
    (
        r"hub/servers/[\w-]+/token",
        "workspace token",
        "the person's server asks for kernels with it; 0600, gone with the login",
    ),
    (
        r"run/k/\w+/in/(token|connection\.json)",
        "kernel's",
        "the kernel asks and is spoken to with it; gone with the kernel",
    ),
    (
        r"run/k/\w+/connection\.json",
        "kernel's",
        "Jupyter's own copy; the folder is 0700, and gone with the kernel",
    ),
    (
        r"workspaces/[\w-]+/((zh|en)/)?\d\d-[\w-]+\.ipynb",
        "password",
        "the demo's own, known to all, in the demo's guided notebooks",
    ),
)
IN_ENVIRON: tuple[tuple[str, str], ...] = (
    # whose environment (a piece of its command line), which secret
    ("sandbox.vault.app", "file of keys/"),
    ("marketplace.app", "file of keys/"),
    ("jupyterhub", "file of keys/"),
    ("sandbox.hub.proxy", "proxy token"),
    ("jupyterhub", "proxy token"),
    ("sandbox.hub.server", "server token"),
    ("weed", "file of keys/"),
)


@dataclass
class Life:
    """What went on, and every secret that was issued in it: by its text, of which kind it is."""

    city: LiveCity
    secrets: dict[str, str] = field(default_factory=dict)

    def issue(self, kind: str, *texts: str) -> None:
        self.secrets |= {one: kind for one in texts if len(one) >= 16 or kind == "password"}

    def hear(self, answer: httpx.Response) -> None:
        """What a browser is given: cookies, codes."""
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if name not in NO_SECRET_COOKIES and len(value) >= 16:
                self.issue("cookie", value.strip('"'))
        query = dict(parse_qsl(urlsplit(answer.headers.get("location", "")).query))
        self.issue("code", query.get("code", ""))


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    with live_city(forked=False) as city, ExitStack() as closing:
        life = Life(city)
        stage = Stage(
            city.where,
            PASSWORD,
            write_demo_tables(city.home.parent / f"{city.home.name}-rows"),
            CHECKOUT / "policies",
            secrets.token_hex(3),
            closing,
        )
        for name, _, deed in STEPS:
            deed(stage)
            if name == "open_kernel":
                note_kernels(life)
        life.issue("API key", *stage.known["keys"].values())
        for somebody in stage._visitors.values():
            life.issue("login token", *somebody._tokens.values())
        browse(life)
        life.issue("password", PASSWORD)
        note_city(life)
        yield life


def note_kernels(life: Life) -> None:
    """While a kernel runs."""
    for folder in short_root(life.city.home / "run").iterdir():
        life.issue(
            "kernel's",
            (folder / "in" / "token").read_text(),
            json.loads((folder / "in" / "connection.json").read_text())["key"],
        )
    for token in (life.city.home / "hub" / "servers").glob("*/token"):
        life.issue("workspace token", token.read_text())
    for command, environment in processes():
        for name, kind in (
            ("CONFIGPROXY_AUTH_TOKEN", "proxy token"),
            ("JUPYTERHUB_API_TOKEN", "server token"),
        ):
            if name in environment and ("hub.server" in command or "hub.proxy" in command):
                life.issue(kind, environment[name])


def note_city(life: Life) -> None:
    home = life.city.home
    for path in [
        *home.glob("keys/**/*"),
        *home.glob("s3/keys/*"),
        home / "hub" / "cookie_secret",
        home / "s3" / "inner.key",
    ]:
        if path.is_file() and path.name != "last":  # the log's last checkpoint is public
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} can be read by others"
            text = path.read_bytes().decode(errors="replace").strip()
            lines = [line for line in text.splitlines() if "-----" not in line]
            life.issue("file of keys/", *(lines if "-----" in text else [text]))


def browse(life: Life) -> None:
    """Wrong and odd requests, too: with secrets in addresses, where a program could put them."""
    where, portal = life.city.where, life.city.where.portal
    token = next(text for text, kind in life.secrets.items() if kind == "login token")
    key = next(text for text, kind in life.secrets.items() if kind == "API key")
    hub_token = next(text for text, kind in life.secrets.items() if kind == "server token")
    with httpx.Client(follow_redirects=True, timeout=90, trust_env=False) as browser:
        browser.event_hooks["response"].append(life.hear)
        form = dict(FIELD.findall(browser.get(f"{portal}/login").text))
        browser.post(
            f"{portal}/login",
            headers={"Origin": portal},
            data={**form, "account": "lin", "password": "not it: " + PASSWORD},
        )
        workspace_visit._log_in(browser, where, "wang", PASSWORD)
        workspace_visit._start_server(browser, where, "wang")
        for base in (where.vault, portal, where.hub, f"{where.hub}/user/wang", f"{where.hub}/hub/api"):
            for method, path in (
                ("GET", "/"),
                ("GET", "/no/such/page"),
                ("POST", "/v1/ask"),
                ("DELETE", "/api/kernels/none"),
                ("GET", "/api/v1/call/none"),
                ("GET", "/oauth/authorize"),
                ("GET", "/static/none"),
            ):
                browser.request(
                    method,
                    f"{base}{path}",
                    params={"token": hub_token, "access_token": token, "key": key},
                    headers={"Referer": f"{base}/?token={token}", "X-Odd": "1"},
                )
        browser.get(f"{where.vault}/v1/me", headers={"Authorization": f"Bearer {token}x"})
        browser.get(f"{portal}/api/v1/sessions", headers={"Authorization": f"Bearer {key}"})
        browser.get(f"{where.hub}/hub/api/user", headers={"Authorization": f"token {token}"})
        for cookie in browser.cookies.jar:
            if cookie.name not in NO_SECRET_COOKIES and cookie.value and len(cookie.value) >= 16:
                life.issue("cookie", cookie.value.strip('"'))
        browser.get(f"{where.hub}/hub/logout")


def processes() -> Iterator[tuple[str, dict[str, str]]]:
    """Of the city: all that we started, however deep. Other tests may type the demo's password beside us."""
    for number in below(os.getpid()):
        command = command_line(number).decode(errors="replace")
        environment = about(number, "environ").decode(errors="replace").split("\0")
        yield command, dict(one.split("=", 1) for one in environment if "=" in one)


def forms(secret: str) -> set[bytes]:
    """As it is, in an address, in JSON, in hexadecimal, in base64 wherever it stands in what is encoded."""
    plain = secret.encode()
    found = {
        plain,
        quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].encode(),
        plain.hex().encode(),
        json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
        secret.encode("utf-16-le"),
    }
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : (shift + len(plain)) // 3 * 4]
        found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_"), quote(whole).encode()}
    return found


class Search:
    """Which of many texts are in a file: by their first eight bytes at once, then each."""

    def __init__(self, known: Iterable[str]) -> None:
        self.forms = {form: secret for secret in known for form in forms(secret)}
        self.some = re.compile(b"|".join(sorted({re.escape(form[:8]) for form in self.forms})))

    def within(self, data: bytes) -> set[str]:
        if not self.some.search(data):
            return set()
        return {secret for form, secret in self.forms.items() if form in data}

    def in_file(self, path: Path) -> set[str]:
        found: set[str] = set()
        try:
            with path.open("rb") as file:
                before = b""
                while chunk := file.read(CHUNK):
                    found |= self.within(before + chunk)
                    before = chunk[-OVERLAP:]
        except FileNotFoundError:
            pass  # it went while we looked
        return found


def test_no_file_of_the_city_holds_a_secret_but_those_that_must(life: Life) -> None:
    kinds = set(life.secrets.values())
    assert kinds >= {
        "cookie",
        "code",
        "API key",
        "login token",
        "password",
        "kernel's",
        "workspace token",
        "proxy token",
        "server token",
        "file of keys/",
    }, kinds
    search, found, at_rest, read = Search(life.secrets), [], set(), 0
    for parent, _, names in os.walk(life.city.home):
        for name in names:
            path = Path(parent, name)
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            read += 1
            where = str(path.relative_to(life.city.home))
            for secret in search.in_file(path) | search.within(where.encode()):
                kind = life.secrets[secret]
                allowed = [
                    pattern for pattern, what, _ in AT_REST if what == kind and re.fullmatch(pattern, where)
                ]
                at_rest.update(allowed)
                if not allowed:
                    found.append(f"{kind} ({secret[:6]}…) in {where}")
    assert not found, "\n".join(found)
    assert read > 500 and len(at_rest) >= 3, "the search finds what must be there"


def test_no_process_is_told_a_secret_that_is_not_its_own(life: Life) -> None:
    search = Search(life.secrets)
    found, services = [], set()
    for command, environment in processes():
        services |= {part for part, _ in IN_ENVIRON if part in command}
        found += [
            f"{life.secrets[secret]} in the command line {command[:80]}"
            for secret in search.within(command.encode())
        ]
        for name, value in environment.items():
            for secret in search.within(f"{name}={value}".encode()):
                kind = life.secrets[secret]
                if kind == "password" or not any(
                    part in command and what == kind for part, what in IN_ENVIRON
                ):
                    found.append(f"{kind} as {name} in the environment of {command[:80]}")
    assert not found, "\n".join(found)
    running = {part for part, _ in IN_ENVIRON} - {"sandbox.hub.server"}  # a person's ended with the tour
    assert services >= running, "every service was looked at"


def test_passwords_and_keys_are_kept_as_hashes(life: Life) -> None:
    database = life.city.database()
    try:
        with database.transaction() as tx:
            hashes = list(tx.exec_driver_sql("SELECT hash FROM identity.passwords").scalars())
            keys = list(tx.exec_driver_sql("SELECT hash FROM market.keys").scalars())
    finally:
        database.close()
    assert hashes and all(one.startswith("$argon2id$") for one in hashes)
    assert keys and all(len(bytes(one)) == 32 for one in keys)


def test_no_log_holds_a_query_string(life: Life) -> None:
    logs = list((life.city.home / "logs").glob("*.log"))
    assert len(logs) >= 4
    for log in logs:
        lines = log.read_text(errors="replace").splitlines()
        queries = [line for line in lines if re.search(r"/[\w./-]*\?(?!\[hidden\])[\w%.-]+=", line)]
        assert not queries, (log.name, queries[:5])
