"""A courier, its outbox in a database of its own, and a mail server with a certificate of its own."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mail_server import PASSWORD, USER, Mailbox, mail_server
from sandbox.courier.mail_server import MailServer
from sandbox.courier.settings import Settings
from sandbox.database import Database
from sandbox.free_ports import free_port


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key in one file, good for 127.0.0.1, signed by nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("mail") / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def running(mailbox: Mailbox, certificate: Path) -> Iterator[int]:
    """The port of a mail server that runs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = mail_server(mailbox, context, free_port())
    server.start()
    yield server.port
    server.stop()


@pytest.fixture
def courier(
    running: int, postgres, database_name: str, certificate: Path, tmp_path: Path
) -> Iterator[SimpleNamespace]:
    """`settings`, `server`, and `database` in the role of the courier."""
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    settings = Settings(
        database_url=postgres.url(user="cihu_courier", database=database_name),
        portal_url="https://data.example.org",
        smtp_host="127.0.0.1",
        smtp_port=running,
        smtp_ca_file=certificate,
        smtp_user=USER,
        smtp_password_file=password,
        mail_sender="notices@example.org",
    )
    database = Database(settings.database_url, pool_size=2)
    yield SimpleNamespace(settings=settings, server=MailServer(settings), database=database)
    database.close()
