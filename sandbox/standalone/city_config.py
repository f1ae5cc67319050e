"""The configuration of the services: addresses, the database as each role sees it, keys of the store,
secrets, in one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.standalone.s3_settings import Credential
from sandbox.standalone.settings import CitySettings


@dataclass(frozen=True)
class Addresses:
    """Base URLs on the loopback; `s3` is `host:port`."""

    portal: str
    hub: str
    vault: str
    s3: str


@dataclass(frozen=True, repr=False)  # it would print secrets
class CityConfig:
    """All that is known before the first service starts.
    `vault_database`, `portal_database` and `courier_database` log in as their own roles."""

    home: Path
    settings: CitySettings
    addresses: Addresses
    vault_database: str
    portal_database: str
    courier_database: str
    vault_store: Credential
    portal_store: Credential
    raw_bucket: str
    product_bucket: str
    quarantine_bucket: str
    released_bucket: str
    hub_client_secret: str
    hub_crypt_key: str
    puller_secret: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """What every process of this city has: the mark by which it is found again, a path, a language."""
