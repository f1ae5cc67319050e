"""Settings of the courier, read once from the environment (prefix CIHU_)."""

from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.errors import InvalidInput

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS = {"starttls": 587, "tls": 465, "none": 25}
MOST_PASSWORD_BYTES = 1024


class Settings(BaseSettings):
    """Where the mail server is, as whom to log in there, and from whom mails are. Without a host the courier
    does not start."""

    model_config = SettingsConfigDict(env_prefix="CIHU_", frozen=True, extra="ignore")

    database_url: str = ""
    portal_url: str = "http://127.0.0.1:8600"
    smtp_host: str = ""
    smtp_port: int | None = Field(default=None, ge=1, le=65535)
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_ca_file: Path | None = None  # of a mail server whose certificate no public authority signed
    smtp_user: str = ""
    smtp_password_file: Path | None = None
    mail_sender: str = ""
    courier_seconds: float = Field(default=5.0, gt=0, le=3600)

    @property
    def port(self) -> int:
        return self.smtp_port or PORTS[self.smtp_tls]

    @property
    def sender_domain(self) -> str:
        return self.mail_sender.rpartition("@")[2]

    def password(self) -> str:
        """Read when it is used, so that a new one needs no restart. Raises `InvalidInput`."""
        if self.smtp_password_file is None:
            return ""
        try:
            content = self.smtp_password_file.read_bytes()
        except OSError as error:
            raise InvalidInput(
                f"The file of CIHU_SMTP_PASSWORD_FILE cannot be read: {error.strerror}.",
                remedy="Let it be a file that the courier may read, with the password alone in it.",
                zh="无法读取 CIHU_SMTP_PASSWORD_FILE 指定的文件。",
                remedy_zh="请提供邮件程序可读的文件，其中只有密码。",
            ) from None
        if len(content) > MOST_PASSWORD_BYTES:
            raise wrong("CIHU_SMTP_PASSWORD_FILE is no password", "Let the password alone stand in the file.")
        return content.decode("utf-8", "replace").strip()


def read_settings() -> Settings:
    """Read and check. Raises `InvalidInput`, which names each variable, and quotes none."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = ", ".join(
            f"CIHU_{str(fault['loc'][0]).upper()} ({fault['msg']})" for fault in error.errors()
        )
        raise wrong(f"These settings cannot be used: {faults}", "Correct these variables.") from None
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Raises `InvalidInput`."""
    if not settings.smtp_host:
        raise wrong("CIHU_SMTP_HOST is not set", "Name the mail server; without one no mails are sent.")
    if not settings.database_url:
        raise wrong("CIHU_DATABASE_URL is not set", "Give the address of Postgres for the role cihu_courier.")
    if not is_address(settings.mail_sender):
        raise wrong("CIHU_MAIL_SENDER is no address", "Write it as notices@example.org.")
    if settings.smtp_tls == "none" and settings.smtp_host not in LOOPBACK:
        raise wrong(
            "CIHU_SMTP_TLS is none, and the mail server is not on this machine",
            "Use starttls or tls: mails and the password would pass the network unprotected.",
        )
    if bool(settings.smtp_user) != (settings.smtp_password_file is not None):
        raise wrong(
            "Of CIHU_SMTP_USER and CIHU_SMTP_PASSWORD_FILE one is missing", "Set both, or neither of them."
        )
    settings.password()


def is_address(text: str) -> bool:
    """Whether it is one plain address, such as notices@example.org: no name beside it, no quotes, ASCII."""
    if not text.isascii() or not text.isprintable() or len(text) > 254 or set(text) & set(' "<>(),;:\\[]'):
        return False
    try:
        parsed = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    labels = parsed.domain.split(".")
    return (
        0 < len(parsed.username) <= 64
        and len(labels) > 1
        and all(0 < len(each) <= 63 and each.replace("-", "").isalnum() for each in labels)
        and not any(each.startswith("-") or each.endswith("-") for each in labels)
    )


def wrong(what: str, remedy: str) -> InvalidInput:
    return InvalidInput(
        f"{what}.",
        code="bad_mail_settings",
        remedy=remedy,
        zh="邮件程序的设置不完整或不正确。",
        remedy_zh="请按帮助文档“通知”一页核对各环境变量。",
    )
