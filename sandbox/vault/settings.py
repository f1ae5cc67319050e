"""Settings of the vault: frozen and typed, read once from the environment (prefix CIHU_)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.errors import InvalidInput

REPOSITORY = Path(__file__).resolve().parents[2]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    """Every field is an environment variable: CIHU_DATABASE_URL, CIHU_S3_ENDPOINT, ...
    The vault alone has the raw keys."""

    model_config = SettingsConfigDict(env_prefix="CIHU_", frozen=True)

    home: Path = Path(".cihu")
    policies: Path = REPOSITORY / "policies"
    database_url: SecretStr
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_secure: bool = False
    raw_bucket: str = "cihu-raw"
    product_bucket: str = "cihu-product"
    quarantine_bucket: str = "cihu-quarantine"
    released_bucket: str = "cihu-released"
    kernel_python: Path = REPOSITORY / ".venv-kernel" / "bin" / "python"
    """With what sealed runs run: the analysts' environment, and
    (`kernel_lock`) from which lock it was installed."""
    kernel_lock: Path = REPOSITORY / "kernels" / "requirements.lock"
    run_places: int = Field(default=4, ge=1, le=64)
    """How many sealed runs at once, of `run_memory_mib` each."""
    run_memory_mib: int = Field(default=2048, ge=1536)
    """Less would not hold one person's prediction by scikit-learn beside what gives it the rows."""
    run_seal: Literal["bubblewrap", "gvisor"] = "bubblewrap"
    """With what runs are sealed; where it is chosen and not there, none is taken."""
    puller_secret: SecretStr = SecretStr("")
    """What the puller shows; without it there is none."""
    metrics_token: SecretStr = SecretStr("")
    """Who may read /metrics from elsewhere than this machine."""
    portal_url: str = "http://127.0.0.1:8600"
    """Where people reach the portal: it shows the page of each error code."""
    bind: str = "127.0.0.1:8602"
    behind_tls: bool = False
    """Something in front of the vault ends TLS: only then may it listen on other than loopback."""

    @property
    def host(self) -> str:
        return self.bind.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.bind.rpartition(":")[2])

    @property
    def runs(self) -> Path:
        """Where sealed runs lie while they run, with the rows that they read."""
        return self.home / "runs"

    @property
    def socket(self) -> Path:
        """Where sealed kernels reach the vault: the folder holds the socket and nothing else."""
        return self.home / "run" / "vault" / "vault.sock"


def read_settings() -> Settings:
    """Read and check. Raises `InvalidInput` naming each variable and the remedy."""
    try:
        settings = Settings()  # type: ignore[call-arg]  # the fields come from the environment
    except ValidationError as error:
        faults = ", ".join(
            f"CIHU_{str(fault['loc'][0]).upper()} ({fault['msg']})" for fault in error.errors()
        )
        raise InvalidInput(
            f"The vault's settings are not complete: {faults}.",
            remedy="Set them in the environment, or let `cihu up` do so.",
        ) from None
    if not settings.bind.rpartition(":")[2].isdigit():
        raise InvalidInput(f"CIHU_BIND={settings.bind} is not host:port.", remedy="Write 127.0.0.1:8602.")
    if settings.host not in LOOPBACK and not settings.behind_tls:
        raise InvalidInput(
            f"The vault would listen on {settings.host} without TLS.",
            remedy="Bind 127.0.0.1, or put TLS in front of it and set CIHU_BEHIND_TLS=true.",
        )
    return settings
