"""Settings of the portal: read once from the environment (prefix CIHU_), frozen, typed."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.errors import InvalidInput
from sandbox.identity import read_secret

DEMO_HUB_SECRET = "cihu-demo-hub-secret-not-for-a-network"  # noqa: S105  # known to all; check_settings keeps it to loopback
REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every value has a default that is right for the city on one machine;
    each is overridden by `CIHU_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CIHU_", frozen=True, extra="ignore")

    home: Path = Path(".cihu")
    database_url: str = ""
    s3_endpoint: str = "127.0.0.1:8603"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_secure: bool = False
    product_bucket: str = "cihu-product"
    vault_url: str = "http://127.0.0.1:8602"
    portal_url: str = "http://127.0.0.1:8600"
    hub_url: str = "http://127.0.0.1:8601"
    hub_client_secret: SecretStr = SecretStr(DEMO_HUB_SECRET)
    # the secrets that all portals of a city share, as files; without it the one portal makes them in its home
    shared_keys: Path | None = None
    policies: Path = REPOSITORY / "policies"
    help_folder: Path = REPOSITORY / "docs" / "_build" / "html"  # what `make docs` built; shown under /help
    bind: str = "127.0.0.1:8600"
    # whose X-Forwarded-For counts as the caller's address: networks in CIDR, with commas; nobody's by default
    trusted_proxies: str = ""
    session_idle_seconds: int = 60 * 60
    session_seconds: int = 12 * 60 * 60
    workspace_seconds: int = 12 * 60 * 60
    contact: str = ""  # to whom faults and questions are told: an address with mailto: or https:
    metrics_token: SecretStr = SecretStr("")  # who may read /metrics from elsewhere than this machine
    # a portal that was not seen for so long is dead: what it metered and did not send for certain is credited
    abandoned_call_seconds: int = 15 * 60
    # a call with an Idempotency-Key can still be answered by a retry: it is credited after so long without
    abandoned_keyed_call_seconds: int = 24 * 60 * 60

    # how long a link of a file is good: one download with all its parts
    file_link_seconds: int = 24 * 60 * 60
    # what made files may take on the portal's disk before the longest unused are taken away
    files_bytes: int = 20 * 1024**3

    @cached_property
    def address(self) -> tuple[str, int]:
        """Where to listen: host and port of `bind`."""
        host, _, port = self.bind.rpartition(":")
        if not host or not port.isdigit():
            raise InvalidInput(
                f"CIHU_BIND is {self.bind!r}, which is not HOST:PORT.",
                remedy="Set it to something like 127.0.0.1:8600.",
            )
        return host.strip("[]"), int(port)

    @cached_property
    def proxies(self) -> tuple[str, ...]:
        """The networks of `trusted_proxies`. Raises `InvalidInput`."""
        return tuple(str(self.network(each)) for each in self.trusted_proxies.split(",") if each.strip())

    def network(self, text: str) -> IPv4Network | IPv6Network:
        try:
            return ip_network(text.strip())
        except ValueError:
            raise InvalidInput(
                f"CIHU_TRUSTED_PROXIES names {text.strip()[:60]!r}, which is not a network.",
                remedy="Write the proxies' networks in CIDR notation, such as 10.42.0.0/16, with commas.",
            ) from None

    @property
    def secure(self) -> bool:
        """Whether people reach the portal over TLS."""
        return urlsplit(self.portal_url).scheme == "https"

    @property
    def keys(self) -> Path:
        return self.home / "keys" / "portal"

    def secret(self, name: str) -> bytes:
        """A secret that all portals of the city share. Raises `Unavailable`."""
        return read_secret((self.shared_keys or self.keys) / name, make=self.shared_keys is None)


def read_settings() -> Settings:
    """The settings of this process. Raises `InvalidInput` naming the variable and the remedy."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = "; ".join(f"CIHU_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput(
            f"The settings cannot be used: {faults}.", remedy="Correct these variables."
        ) from None
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """Refuse what would be unsafe or cannot work. Raises `InvalidInput`."""
    if not settings.database_url:
        raise InvalidInput(
            "CIHU_DATABASE_URL is not set.",
            remedy="Give the address of Postgres for the role cihu_portal; `cihu up` does it for you.",
        )
    _ = settings.proxies  # refused at the start, not with the first call
    if is_loopback(settings.address[0]):
        return
    if settings.hub_client_secret.get_secret_value() == DEMO_HUB_SECRET:
        raise InvalidInput(
            f"The portal would listen on {settings.bind} with the demo's client secret.",
            remedy="Set CIHU_HUB_CLIENT_SECRET to a secret of your own, or CIHU_BIND to 127.0.0.1.",
        )
    if not settings.secure:
        raise InvalidInput(
            f"The portal would listen on {settings.bind} but its public address is not https.",
            remedy="Set CIHU_PORTAL_URL to the https address that people use.",
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
