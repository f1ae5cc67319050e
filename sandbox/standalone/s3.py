"""Runs an S3 server from a wheel, on the loopback, without root and without Docker.
It encrypts what it keeps."""

import datetime
import json
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import CihuError, Unavailable
from sandbox.free_ports import LOOPBACK, free_ports
from sandbox.standalone import s3_settings
from sandbox.standalone.answers import answers
from sandbox.standalone.certificate import write_certificate
from sandbox.standalone.parent_death_signal import leash
from sandbox.standalone.ports import is_free
from sandbox.standalone.s3_settings import PORTS, Credential
from sandbox.standalone.secret_files import secret, write_secret
from sandbox.storage import ProductStore, QuarantineStore, RawStore, ReleasedStore

PROGRAM = Path(sysconfig.get_path("scripts")) / "weed"
MOST_STARTS = 3
START_SECONDS = 60.0
STOP_SECONDS = 3.0  # it would wait 15 s for its own streams; all that was answered is with the kernel by then
SIGNED = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")


@dataclass
class S3Server:
    """One embedded server: everything of it in `home`, its log in `log`. `port` 0 is any free one."""

    home: Path
    log: Path
    port: int = 0
    raw_bucket: str = "cihu-raw"
    product_bucket: str = "cihu-product"
    quarantine_bucket: str = "cihu-quarantine"
    released_bucket: str = "cihu-released"
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    start_seconds: float = field(default=START_SECONDS, init=False)
    ports: dict[str, int] = field(default_factory=dict, init=False)

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.ports['s3']}"

    @property
    def vault(self) -> Credential:
        """May do everything in its four buckets."""
        return self._credential("vault")

    @property
    def portal(self) -> Credential:
        """May read the product bucket, and nothing else."""
        return self._credential("portal")

    @property
    def own_buckets(self) -> tuple[str, ...]:
        """Those of the vault alone."""
        return (self.raw_bucket, self.quarantine_bucket, self.released_bucket)

    def raw_store(self) -> RawStore:
        """The raw bucket with the vault's keys."""
        return RawStore(self.endpoint, self.vault.access_key, self.vault.secret_key, self.raw_bucket)

    def product_store(self) -> ProductStore:
        """The product bucket with the vault's keys."""
        return ProductStore(self.endpoint, self.vault.access_key, self.vault.secret_key, self.product_bucket)

    def quarantine_store(self) -> QuarantineStore:
        """The quarantine bucket with the vault's keys."""
        return QuarantineStore(
            self.endpoint, self.vault.access_key, self.vault.secret_key, self.quarantine_bucket
        )

    def released_store(self) -> ReleasedStore:
        """The bucket of released files with the vault's keys."""
        return ReleasedStore(
            self.endpoint, self.vault.access_key, self.vault.secret_key, self.released_bucket
        )

    def start(self) -> None:
        """Start the server; return once the buckets exist and were proved fit by a PUT.
        Raises `Unavailable`."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start the server without waiting for it: its addresses and credentials are known from here on."""
        if not PROGRAM.exists():
            raise Unavailable("The embedded S3 server is not installed.", remedy="Run `make setup`.")
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        self._choose_ports()
        self._write_settings()
        self._spawn()

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *s3_settings.arguments(self.home, self.ports)],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                env={**self.environment, **s3_settings.environment(self.home)},
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=leash(),
            )

    def is_ready(self) -> bool:
        """Whether it answers now."""
        return answers(f"http://{self.endpoint}/healthz", seconds=2)

    def await_ready(self, go_on: Callable[[], None] = lambda: None) -> None:
        """Return once the buckets exist and were proved fit by a PUT; `go_on` is called again and again
        meanwhile, and may raise. Raises `Unavailable`, and ends it, if that cannot be."""
        stores = (self.raw_store, self.product_store, self.quarantine_store, self.released_store)
        try:
            self._wait(go_on)
            for store in stores:
                go_on()
                store().ensure()
        except CihuError:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask it to end, wait a bounded while, then end it. What a PUT has answered is kept either way."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        for part in ("master", "volume", "filer", "s3"):  # sockets that it puts there whatever we say
            Path("/tmp", f"seaweedfs-{part}-grpc-{self.ports[f'{part}_grpc']}.sock").unlink(missing_ok=True)  # noqa: S108

    def _credential(self, who: str) -> Credential:
        return Credential(f"cihu-{who}", secret(self.home / "keys" / who))

    def _choose_ports(self) -> None:
        """The inner ports of the last start if they are free: the master is known to itself by its port."""
        remembered = self.home / "ports.json"
        chosen = json.loads(remembered.read_text()) if remembered.exists() else {}
        if set(chosen) != set(PORTS) or not all(is_free(port) for port in chosen.values()):
            chosen = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.ports = chosen | {"s3": self.port or chosen["s3"]}
        remembered.write_text(json.dumps(self.ports))

    def _spawn_at_other_ports(self) -> None:
        """A port that was free when it was chosen may be taken when the server comes to it: any connection of
        anybody can have it meanwhile. The address that others know stays."""
        inner = [name for name in PORTS if name != "s3"]
        self.ports |= dict(zip(inner, free_ports(len(inner)), strict=True))
        (self.home / "ports.json").write_text(json.dumps(self.ports))
        self._write_settings()
        self._spawn()

    def _write_settings(self) -> None:
        certificate, private_key = self.home / "inner.pem", self.home / "inner.key"
        write_certificate(certificate, private_key, now=datetime.datetime.now(datetime.UTC))
        signing = {name: secret(self.home / "keys" / name) for name in SIGNED}
        kek = secret(self.home / "keys" / "at-rest")
        write_secret(
            self.home / "security.toml", s3_settings.security(signing, kek, certificate, private_key)
        )
        write_secret(
            self.home / "identities.json",
            s3_settings.identities(
                self.vault,
                self.portal,
                product_bucket=self.product_bucket,
                own_buckets=self.own_buckets,
            ),
        )

    def _wait(self, go_on: Callable[[], None]) -> None:
        deadline, starts = time.monotonic() + START_SECONDS, 1
        assert self.process is not None
        while time.monotonic() < deadline:
            go_on()
            if self.process.poll() is not None:
                if starts == MOST_STARTS:
                    break
                starts += 1
                self._spawn_at_other_ports()
            if self.is_ready():
                return
            time.sleep(0.05)  # the answer is the event; there is nothing to wait on but asking
        raise Unavailable("The S3 server did not start.", remedy=f"See {self.log}.")
