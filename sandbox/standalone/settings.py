"""Settings of a city on one machine: ports, and little else.
Read once from the environment (prefix CIHU_)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from sandbox.errors import InvalidInput

CHECKOUT = Path(__file__).resolve().parents[2]
HOME = Path(".cihu")
LARGEST_PORT = 65535
PORTS = {
    "portal": "CIHU_PORTAL_PORT",
    "hub": "CIHU_HUB_PORT",
    "vault": "CIHU_VAULT_PORT",
    "s3": "CIHU_S3_PORT",
}


@dataclass(frozen=True)
class CitySettings:
    """A port of 0 is any free one. `password` is that of every person of the demo."""

    portal_port: int = 8600
    hub_port: int = 8601
    vault_port: int = 8602
    s3_port: int = 8603
    policies: Path = CHECKOUT / "policies"
    kernel_python: Path = CHECKOUT / ".venv-kernel" / "bin" / "python"
    password: str = "cihu-demo"  # noqa: S105  # known to all: a city like this one is never reachable from elsewhere

    def port(self, part: str) -> int:
        """The port that was chosen for one of `PORTS`."""
        return {
            "portal": self.portal_port,
            "hub": self.hub_port,
            "vault": self.vault_port,
            "s3": self.s3_port,
        }[part]


ANY_PORTS = CitySettings(portal_port=0, hub_port=0, vault_port=0, s3_port=0)
"""For a city beside another one: every port is one that is free."""


def home_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where all state is: CIHU_HOME, or `.cihu` in the folder where one is."""
    return Path(environment.get("CIHU_HOME") or HOME).expanduser().resolve()


def read_settings(environment: Mapping[str, str] = os.environ) -> CitySettings:
    """The settings of this process. Raises `InvalidInput`, naming the variable and the remedy."""
    refuse_open_door(environment.get("CIHU_BIND", ""))
    given = CitySettings()
    ports = {
        part: port_number(environment.get(name, ""), name, given.port(part)) for part, name in PORTS.items()
    }
    chosen = [port for port in ports.values() if port]
    if len(set(chosen)) < len(chosen):
        raise InvalidInput(
            "Two parts of the city have the same port.", remedy=f"Look at {', '.join(PORTS.values())}."
        )
    return CitySettings(
        portal_port=ports["portal"],
        hub_port=ports["hub"],
        vault_port=ports["vault"],
        s3_port=ports["s3"],
        policies=Path(environment.get("CIHU_POLICIES") or given.policies).resolve(),
        kernel_python=Path(environment.get("CIHU_KERNEL_PYTHON") or given.kernel_python).absolute(),
        password=environment.get("CIHU_DEMO_PASSWORD") or given.password,
    )


def port_number(text: str, name: str, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) > LARGEST_PORT:
        raise InvalidInput(
            f"{name} is {text!r}, which is not a port.",
            remedy=f"Set it to a number up to {LARGEST_PORT}, or to 0 for any free port.",
        )
    return int(text)


def refuse_open_door(bind: str) -> None:
    """A city of demo passwords must not be reachable from elsewhere.
    Raises `InvalidInput` unless `bind` is loopback."""
    host = bind.rpartition(":")[0] or bind
    if host in ("", "localhost"):
        return
    try:
        if ip_address(host.strip("[]")).is_loopback:
            return
    except ValueError:
        pass
    raise InvalidInput(
        f"CIHU_BIND is {bind!r}: a city on one machine listens on the loopback only.",
        remedy="Unset CIHU_BIND here. To serve a network, run the services with your own Postgres, object "
        "store and passwords (see ARCHITECTURE.md).",
    )
