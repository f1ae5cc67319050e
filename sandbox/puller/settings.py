"""Settings of the puller, read once from the environment (prefix CIHU_)."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.errors import InvalidInput

REPOSITORY = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """CIHU_VAULT_URL, CIHU_POLICIES, CIHU_PULLER_SECRET, CIHU_PULLER_SECONDS.
    The sources' secrets are where policies/sources.yaml says."""

    model_config = SettingsConfigDict(env_prefix="CIHU_", frozen=True)

    vault_url: str = "http://127.0.0.1:8602"
    policies: Path = REPOSITORY / "policies"
    puller_secret: SecretStr = Field(min_length=16)
    puller_seconds: float = Field(default=15.0, gt=0, le=3600)
    """How long between two looks at what is due."""

    @property
    def vault_place(self) -> tuple[str, int]:
        parts = urlsplit(self.vault_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def read_settings() -> Settings:
    """Read and check. Raises `InvalidInput`, which names each variable, and quotes none."""
    try:
        settings = Settings()  # type: ignore[call-arg]  # the fields come from the environment
    except ValidationError as error:
        faults = ", ".join(
            f"CIHU_{str(fault['loc'][0]).upper()} ({fault['msg']})" for fault in error.errors()
        )
        raise InvalidInput(
            f"The puller's settings are not complete: {faults}.",
            remedy="Set them in the environment; the secret is the vault's, of at least 16 characters.",
            zh=f"采集程序的设置不完整：{faults}。",
            remedy_zh="请设置环境变量；密钥至少 16 个字符，并与保险库的相同。",
        ) from None
    if urlsplit(settings.vault_url).scheme not in {"http", "https"} or not settings.vault_place[0]:
        raise InvalidInput(
            "CIHU_VAULT_URL is no address.",
            remedy="Write http://127.0.0.1:8602, or https://host.",
            zh="CIHU_VAULT_URL 不是地址。",
            remedy_zh="请写成 http://127.0.0.1:8602 或 https://主机。",
        )
    return settings
