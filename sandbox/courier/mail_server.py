"""A connection to the mail server, by SMTP over TLS, and what its refusals mean."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from sandbox.courier.settings import Settings
from sandbox.errors import Unavailable

SECONDS = 60.0  # that the server may take for one answer
CLOSING = 421  # "service not available, closing transmission channel" (RFC 5321, 3.8)


class Refusal(Exception):  # it is what it says
    """The server did not take a mail. `code`: its reply code, or what went wrong on the way. `final`: to ask
    again is of no use (RFC 5321, 4.2.1). `gone`: the connection ended with it. Of the server's words nothing
    is kept: they can quote the address."""

    def __init__(self, code: str, *, final: bool, gone: bool = False) -> None:
        super().__init__(code)
        self.code, self.final, self.gone = code, final, gone


class MailServer:
    """Sends mails over one connection, while the block of `connected` lasts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: smtplib.SMTP | None = None

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Raises `Unavailable` where the server cannot be reached, or does not let us in, and `InvalidInput`
        where the password's file cannot be read."""
        try:
            self._client = self._open()
        except OSError as error:  # also all that smtplib and ssl raise
            raise Unavailable(
                f"The mail server does not let us in: {code_of(error)}.",
                code="mail_server_away",
                remedy="Check host, port, TLS, user and password of the courier.",
                zh=f"邮件服务器拒绝连接或无法连接：{code_of(error)}。",
                remedy_zh="请核对邮件程序的主机、端口、TLS、用户和密码。",
                internal=type(error).__name__,
            ) from None
        try:
            yield
        finally:
            self.close()

    def send(self, message: EmailMessage) -> None:
        """Returns once the server has taken it. Raises `Refusal`."""
        assert self._client is not None, "connected() comes first"
        try:
            self._client.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((reply[0] for reply in error.recipients.values()), 0)
            raise refusal_with(code, final=500 <= code < 600) from None
        except smtplib.SMTPSenderRefused as error:
            # of what is ours to correct: the mail is as good as before
            raise refusal_with(error.smtp_code, final=False) from None
        except smtplib.SMTPDataError as error:
            raise refusal_with(error.smtp_code, final=500 <= error.smtp_code < 600) from None
        except smtplib.SMTPServerDisconnected as error:
            raise Refusal(code_of(error), final=False, gone=True) from None
        except smtplib.SMTPException as error:
            raise Refusal(code_of(error), final=False) from None
        except OSError as error:  # of the network, or the server took too long
            raise Refusal(code_of(error), final=False, gone=True) from None

    def close(self) -> None:
        if self._client is not None:
            with suppress(OSError):  # RFC 5321, 4.1.1.10; a connection that was lost takes none
                self._client.quit()
            self._client.close()
            self._client = None

    def _open(self) -> smtplib.SMTP:
        known = self.settings
        context = ssl.create_default_context(cafile=known.smtp_ca_file)
        client: smtplib.SMTP
        if known.smtp_tls == "tls":
            client = smtplib.SMTP_SSL(
                known.smtp_host,
                known.port,
                local_hostname=known.sender_domain,
                timeout=SECONDS,
                context=context,
            )
        else:
            client = smtplib.SMTP(
                known.smtp_host, known.port, local_hostname=known.sender_domain, timeout=SECONDS
            )
        try:
            if known.smtp_tls == "starttls":
                client.starttls(context=context)
            if known.smtp_user:
                client.login(known.smtp_user, known.password())
        except BaseException:
            client.close()
            raise
        return client


def refusal_with(code: int, *, final: bool) -> Refusal:
    return Refusal(f"smtp_{code}", final=final, gone=code == CLOSING)


def code_of(error: Exception) -> str:
    """The reply code of a refusal, or the kind of the fault: no words of the server's."""
    code = getattr(error, "smtp_code", None)
    if isinstance(code, int) and code > 0:
        return f"smtp_{code}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate_refused"
    return type(error).__name__
