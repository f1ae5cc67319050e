"""Lists the services of a city and what each knows. Pure: the configuration in, a tuple of parts out.

Nothing is inherited: each environment is written here from nothing, so that a secret is where this file puts
it and nowhere else.
"""

import os
import sys
from collections.abc import Iterable
from urllib.parse import urlsplit

from sandbox.free_ports import LOOPBACK
from sandbox.sources.secret_reference import named_variables
from sandbox.sources.source_list import DataSource, read_sources
from sandbox.standalone.city_config import CityConfig
from sandbox.standalone.managed_service import ManagedService
from sandbox.standalone.settings import CHECKOUT

MAIL_VARIABLES = (
    "CIHU_SMTP_HOST",
    "CIHU_SMTP_PORT",
    "CIHU_SMTP_TLS",
    "CIHU_SMTP_CA_FILE",
    "CIHU_SMTP_USER",
    "CIHU_SMTP_PASSWORD_FILE",
    "CIHU_MAIL_SENDER",
    "CIHU_COURIER_SECONDS",
)


def services(ground: CityConfig) -> tuple[ManagedService, ...]:
    """In the order of starting; they end in the reverse order."""
    sources = read_sources(ground.settings.policies)
    pullers = (puller(ground, sources.values()),) if sources else ()
    couriers = (courier(ground),) if os.environ.get("CIHU_SMTP_HOST") else ()
    return (vault(ground), *pullers, portal(ground), *couriers, hub(ground))


def vault(ground: CityConfig) -> ManagedService:
    """Alone holds the keys of the raw bucket."""
    return ManagedService(
        name="vault",
        command=(sys.executable, "-m", "sandbox.vault.app"),
        environment=shared(ground)
        | {
            "CIHU_BIND": place(ground.addresses.vault),
            "CIHU_DATABASE_URL": ground.vault_database,
            "CIHU_S3_ENDPOINT": ground.addresses.s3,
            "CIHU_S3_ACCESS_KEY": ground.vault_store.access_key,
            "CIHU_S3_SECRET_KEY": ground.vault_store.secret_key,
            "CIHU_RAW_BUCKET": ground.raw_bucket,
            "CIHU_PRODUCT_BUCKET": ground.product_bucket,
            "CIHU_QUARANTINE_BUCKET": ground.quarantine_bucket,
            "CIHU_RELEASED_BUCKET": ground.released_bucket,
            "CIHU_KERNEL_PYTHON": str(ground.settings.kernel_python),
            "CIHU_PULLER_SECRET": ground.puller_secret,
        },
        health=f"{ground.addresses.vault}/healthz",
    )


def puller(ground: CityConfig, sources: Iterable[DataSource]) -> ManagedService:
    """Knows the sources' secrets, where policies/sources.yaml says that they are in variables of whoever
    starts the city; no database, no store."""
    given = named_variables([source.secret for source in sources])
    return ManagedService(
        name="puller",
        command=(sys.executable, "-m", "sandbox.puller"),
        environment=shared(ground)
        | {"CIHU_PULLER_SECRET": ground.puller_secret}
        | {name: os.environ[name] for name in given if name in os.environ},
        health="",
    )


def portal(ground: CityConfig) -> ManagedService:
    """Reads the product bucket; knows neither the raw one nor the vault's role."""
    return ManagedService(
        name="portal",
        command=(sys.executable, "-m", "marketplace.app"),
        environment=shared(ground)
        | {
            "CIHU_BIND": place(ground.addresses.portal),
            "CIHU_DATABASE_URL": ground.portal_database,
            "CIHU_S3_ENDPOINT": ground.addresses.s3,
            "CIHU_S3_ACCESS_KEY": ground.portal_store.access_key,
            "CIHU_S3_SECRET_KEY": ground.portal_store.secret_key,
            "CIHU_PRODUCT_BUCKET": ground.product_bucket,
            # it is the provider: it checks what the hub says
            "CIHU_HUB_CLIENT_SECRET": ground.hub_client_secret,
        },
        health=f"{ground.addresses.portal}/healthz",
    )


def courier(ground: CityConfig) -> ManagedService:
    """Alone knows the mail server's password; of the database it has the outbox. It starts where a mail
    server is named in the variables of whoever starts the city."""
    return ManagedService(
        name="courier",
        command=(sys.executable, "-m", "sandbox.courier"),
        environment=shared(ground)
        | {"CIHU_DATABASE_URL": ground.courier_database}
        | {name: os.environ[name] for name in MAIL_VARIABLES if name in os.environ},
        health="",
    )


def hub(ground: CityConfig) -> ManagedService:
    """Knows its own secret at the portal, and the key under which it keeps people's tokens;
    no database, no store."""
    return ManagedService(
        name="hub",
        command=(
            sys.executable,
            "-m",
            "sandbox.hub",
            "-f",
            str(CHECKOUT / "sandbox" / "hub" / "jupyterhub_config.py"),
        ),
        environment=shared(ground)
        | {
            "CIHU_BIND": place(ground.addresses.hub),
            "CIHU_HUB_CLIENT_SECRET": ground.hub_client_secret,
            "CIHU_KERNEL_PYTHON": str(ground.settings.kernel_python),
            "JUPYTERHUB_CRYPT_KEY": ground.hub_crypt_key,
        },
        health=f"{ground.addresses.hub}/hub/health",
        stop_seconds=20,  # it ends people's servers and kernels first
    )


def shared(ground: CityConfig) -> dict[str, str]:
    """What each may know: where things are, and who is who. No secret."""
    return {
        **ground.environment,
        "CIHU_HOME": str(ground.home),
        "CIHU_VAULT_URL": ground.addresses.vault,
        "CIHU_PORTAL_URL": ground.addresses.portal,
        "CIHU_HUB_URL": ground.addresses.hub,
        "CIHU_POLICIES": str(ground.settings.policies),
    }


def place(url: str) -> str:
    """Where the service of a URL listens: `host:port`."""
    return f"{LOOPBACK}:{urlsplit(url).port}"
