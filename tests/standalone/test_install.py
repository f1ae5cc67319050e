"""Packages are installed through a company's own certificate authority, wherever the machine says it:
as pip does."""

import datetime
import http.server
import ipaddress
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CHECKOUT = Path(__file__).parents[2]
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
WHEEL = "cihu_probe-1.0-py3-none-any.whl"


@dataclass(frozen=True)
class Index:
    """A package index over TLS, and the authority that its certificate is of."""

    url: str
    authority: Path


def certificate(
    name: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
    )
    return made.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("index")
    company = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a company")])
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "authority.pem").write_bytes(
        certificate("a company", company, authority, authority, authority=True)
    )
    (folder / "server.pem").write_bytes(
        certificate("127.0.0.1", company, server, authority, authority=False)
        + server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    pages = folder / "pages"
    (pages / "simple" / "cihu-probe").mkdir(parents=True)
    (pages / "simple" / "cihu-probe" / "index.html").write_text(f'<a href="/{WHEEL}">{WHEEL}</a>')
    with zipfile.ZipFile(pages / WHEEL, "w") as wheel:
        wheel.writestr("cihu_probe.py", "")
        about = "cihu_probe-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: cihu-probe\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{about}/RECORD", "")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(pages))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield Index(f"https://127.0.0.1:{listening.server_port}/simple", folder / "authority.pem")
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def installed(index: Index, tmp_path: Path) -> "Install":
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    return Install(index, tmp_path / "env")


@dataclass(frozen=True)
class Install:
    index: Index
    environment: Path

    def run(self, *before: str, **more: str) -> subprocess.CompletedProcess[str]:
        """scripts/install.sh as `make setup` calls it, on a machine that has said nothing but `more`."""
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.environment),
            "UV_DEFAULT_INDEX": self.index.url,
            "PIP_CONFIG_FILE": "/dev/null",
            "UV_NO_CACHE": "1",
            "UV_NO_CONFIG": "1",
            **more,
        }
        return subprocess.run(
            [*before, str(CHECKOUT / "scripts" / "install.sh"), str(self.environment), "cihu-probe"],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def test_an_authority_that_nobody_named_is_not_trusted(installed: Install) -> None:
    done = installed.run()
    assert done.returncode != 0 and "certificate" in done.stderr.lower(), done.stderr


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"])
def test_an_authority_that_was_named_for_pip_is_trusted(installed: Install, variable: str) -> None:
    done = installed.run(**{variable: str(installed.index.authority)})
    assert done.returncode == 0, done.stderr
    assert list(installed.environment.glob("lib/*/site-packages/cihu_probe.py"))


@pytest.mark.skipif(
    os.geteuid() != 0 or not SYSTEM.exists(),
    reason="puts an authority into the system's list, in a namespace",
)
def test_an_authority_in_the_systems_list_is_trusted(installed: Install) -> None:
    """As `update-ca-certificates` puts it there: for this one process alone."""
    bundle = installed.environment / "bundle.crt"
    bundle.write_bytes(SYSTEM.read_bytes() + installed.index.authority.read_bytes())
    mounted = (
        "unshare",
        "--mount",
        "/bin/sh",
        "-c",
        f'mount --bind "{bundle}" "{SYSTEM}" && exec "$@"',
        "in",
    )
    assert installed.run(*mounted, UV_SYSTEM_CERTS="0").returncode != 0, "without the remedy"
    done = installed.run(*mounted)
    assert done.returncode == 0, done.stderr
