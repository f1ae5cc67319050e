"""A real mail server (aiosmtpd) on a free port, with TLS and a login, whose answers a test chooses."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

USER, PASSWORD = "courier", "the courier's password"
TAKEN = "250 OK"


@dataclass
class Mailbox:
    """What came in. `answer` gives the reply to the content of a mail, `to_recipient` that to an address,
    `on_taken` is called after a mail is kept and before its reply is sent."""

    mails: list[EmailMessage] = field(default_factory=list)
    answer: Callable[[], str] = lambda: TAKEN
    to_recipient: Callable[[str], str] = lambda _: TAKEN
    on_taken: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = self.to_recipient(address)
        if said == TAKEN:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        said = self.answer()
        if said == TAKEN:
            self.mails.append(message_from_bytes(bytes(envelope.content or b""), policy=default))  # type: ignore[arg-type]
            self.on_taken()
        return said


def _log_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right)


def mail_server(mailbox: Mailbox, context: ssl.SSLContext, port: int) -> Controller:
    """Not started yet: `start()`, `stop()`. It takes mails after STARTTLS and a login alone."""
    return Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_log_in,
    )
