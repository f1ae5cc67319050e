"""Settings of the hub and of one person's server. Read once from the environment, frozen."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.errors import InvalidInput, Unavailable

MIB = 1024 * 1024
TAKEN: dict[str, str] = {}
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class HubSettings:
    """The hub's own: its secret at the portal is here and in no server's environment."""

    home: Path
    bind: str
    hub_url: str
    portal_url: str
    vault_url: str
    client_secret: str
    kernel_python: Path

    @property
    def folder(self) -> Path:
        """The hub's own state."""
        return self.home / "hub"


@dataclass(frozen=True)
class ServerSettings:
    """One person's server's own."""

    home: Path
    person: str
    vault_url: str
    token_file: Path
    kernel_python: Path
    kernels_per_person: int = 4
    kernel_memory_bytes: int = 4096 * MIB
    language: str = ""

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def vault_folder(self) -> Path:
        """Holds the vault's socket for kernels, and nothing else."""
        return self.home / "run" / "vault"

    def workspace_token(self) -> str:
        """Read afresh each time: a new login writes a new one."""
        try:
            return self.token_file.read_text().strip()
        except OSError as missing:
            raise Unavailable(
                "This workspace has no leave to open kernels.",
                remedy="Log out at the hub and log in again.",
                internal=str(missing),
            ) from missing


def take_secrets(*names: str, environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """The values of these variables, which from now on no child process is given:
    each has its own secrets."""
    for name in names:
        if name in environment:
            TAKEN[name] = environment.pop(name)
    return [TAKEN.get(name, "") for name in names]


def hub_settings(environment: Mapping[str, str] = os.environ) -> HubSettings:
    if environment is os.environ:
        environment = {**TAKEN, **os.environ}
    required = ("CIHU_HOME", "CIHU_PORTAL_URL", "CIHU_VAULT_URL", "CIHU_HUB_CLIENT_SECRET")
    refuse_missing(environment, required, "Start the hub with `cihu up`, or set them.")
    hub_url = environment.get("CIHU_HUB_URL", "http://127.0.0.1:8601").rstrip("/")
    bind = environment.get("CIHU_BIND") or urlsplit(hub_url).netloc
    refuse_open_door(bind, hub_url)
    return HubSettings(
        home=Path(environment["CIHU_HOME"]).resolve(),
        bind=bind,
        hub_url=hub_url,
        portal_url=environment["CIHU_PORTAL_URL"].rstrip("/"),
        vault_url=environment["CIHU_VAULT_URL"].rstrip("/"),
        client_secret=environment["CIHU_HUB_CLIENT_SECRET"],
        kernel_python=kernel_python(environment),
    )


def server_settings(environment: Mapping[str, str] = os.environ) -> ServerSettings:
    required = ("CIHU_HOME", "CIHU_VAULT_URL", "CIHU_WORKSPACE_TOKEN_FILE", "JUPYTERHUB_USER")
    refuse_missing(environment, required, "Log in at the hub and open your workspace there.")
    return ServerSettings(
        home=Path(environment["CIHU_HOME"]).resolve(),
        person=environment["JUPYTERHUB_USER"],
        vault_url=environment["CIHU_VAULT_URL"].rstrip("/"),
        token_file=Path(environment["CIHU_WORKSPACE_TOKEN_FILE"]),
        kernel_python=kernel_python(environment),
        kernels_per_person=int(environment.get("CIHU_KERNELS_PER_PERSON", "4")),
        kernel_memory_bytes=int(environment.get("CIHU_KERNEL_MEMORY_MIB", "4096")) * MIB,
        language=environment.get("CIHU_LANGUAGE", ""),
    )


def kernel_python(environment: Mapping[str, str]) -> Path:
    given = environment.get("CIHU_KERNEL_PYTHON")
    return Path(given) if given else CHECKOUT / ".venv-kernel" / "bin" / "python"


def refuse_missing(environment: Mapping[str, str], names: tuple[str, ...], remedy: str) -> None:
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise Unavailable(f"Not set: {', '.join(missing)}.", remedy=remedy)


def refuse_open_door(bind: str, hub_url: str) -> None:
    """Beyond the loopback, people must reach the hub over TLS."""
    host = bind.rpartition(":")[0].strip("[]")
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and urlsplit(hub_url).scheme != "https":
        raise InvalidInput(
            f"The hub would listen on {bind} without TLS.",
            remedy="Bind 127.0.0.1, or put TLS in front of it and set CIHU_HUB_URL to its https address.",
        )
