"""Puts together the health of every part: what the portal sees itself, what the vault tells, the hub, the
certificates, and what was recorded of backups. Nothing of data, no path and no address."""

import shutil
import ssl
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from sqlalchemy import func, select, text

from marketplace.orders.tables import orders
from marketplace.portal.operations.administer import Operations, maintenance_document
from marketplace.portal.operations.remedies import REMEDIES
from marketplace.portal.operations.schemas import (
    BackupHealth,
    CertificateHealth,
    DiskHealth,
    HealthDocument,
    PartHealth,
    QueueHealth,
    State,
)
from marketplace.settings import Settings
from marketplace.vault import Answer, Vault, document
from sandbox.errors import CihuError
from sandbox.http.health import Health
from sandbox.identity import Principal
from sandbox.operations.backups import standings
from sandbox.operations.maintenance import known_maintenance

SECONDS = 3.0
VAULT_SECONDS = 5.0  # longer than it gives its own needs (`sandbox/http/health.py`)
LEAST_FREE = 0.1
WARN_BEFORE = timedelta(days=30)
BAD_BEFORE = timedelta(days=7)
WORST: tuple[State, ...] = ("bad", "unknown", "warning", "ok")


class PartsHealth:
    """`needs`: of the portal. The hub and the certificates are asked each time, briefly."""

    def __init__(self, operations: Operations, settings: Settings, vault: Vault, needs: Health) -> None:
        self.operations, self.settings, self.vault, self.needs = operations, settings, vault, needs
        # read once: they are every certificate of the system
        self.trusted = ssl.create_default_context()

    def document(self, by: Principal, *, now: datetime | None = None) -> HealthDocument:
        """Raises `Forbidden`."""
        self.operations.require(by, "read_health")
        now = now or datetime.now(UTC)
        told = self._vault(by)
        disk = shutil.disk_usage(self.settings.home)
        disks = [_disk("portal", disk.free, disk.total)]
        if told is not None:
            disks.append(_disk("vault", told["disk_free_bytes"], told["disk_bytes"]))
        with self.operations.database.transaction() as tx:
            postgres = str(tx.scalar(text("SHOW server_version")))
            ordered = tx.scalar(select(func.count()).select_from(orders).where(orders.c.status == "placed"))
            kept = standings(tx, now)
            known = known_maintenance(tx, now)
        queues: list[QueueHealth] = list(told["queues"]) if told is not None else []
        queues.append({"name": "orders", "waiting": ordered or 0})
        document: HealthDocument = {
            "as_of": now,
            "state": "ok",
            "parts": [*self._parts(postgres), *_parts_of_vault(told), self._hub()],
            "queues": queues,
            "disks": disks,
            "failures": told["failed"] if told is not None else [],
            "certificates": list(self._certificates(now)),
            "backups": [_backup(asdict(each)) for each in kept],
            "maintenance": [maintenance_document(each, now) for each in known],
        }
        groups: tuple[Iterable[Answer], ...] = (
            document["parts"], document["disks"], document["certificates"], document["backups"],
        )  # type: ignore[assignment]  # of all only the state is read  # fmt: skip
        states = {each["state"] for group in groups for each in group}
        document["state"] = next(state for state in WORST if state in states)
        return document

    def _vault(self, by: Principal) -> Answer | None:
        try:
            return document(self.vault.send(by.id, "GET", "/v1/health", timeout=VAULT_SECONDS))
        except CihuError:
            return None

    def _parts(self, postgres: str) -> list[PartHealth]:
        met = self.needs.met()
        parts: list[PartHealth] = [{"name": "portal", "state": "ok", "version": version("cihu")}]
        database = _part("portal.database", met.get("database", False))
        database["version"] = f"PostgreSQL {postgres}"
        return [
            *parts,
            database,
            *(_part(f"portal.{name}", met.get(name, False)) for name in ("store", "disk")),
        ]

    def _hub(self) -> PartHealth:
        try:
            address = f"{self.settings.hub_url.rstrip('/')}/hub/health"
            with httpx.Client(timeout=SECONDS, trust_env=False, verify=self.trusted) as client:
                answer = client.get(address)
            part = _part("hub", answer.is_success)
            if known := answer.headers.get("x-jupyterhub-version", ""):
                part["version"] = f"JupyterHub {known[:40]}"
        except httpx.HTTPError:
            return _part("hub", met=False)
        return part

    def _certificates(self, now: datetime) -> Iterable[CertificateHealth]:
        store = f"{'https' if self.settings.s3_secure else 'http'}://{self.settings.s3_endpoint}"
        places = {
            "portal": self.settings.portal_url,
            "vault": self.settings.vault_url,
            "hub": self.settings.hub_url,
            "store": store,
        }
        for name, url in places.items():
            if urlsplit(url).scheme == "https":
                yield certificate_health(name, url, now)


def certificate_health(name: str, url: str, now: datetime) -> CertificateHealth:
    """When the certificate that an address shows ends; whoever signed it."""
    place = urlsplit(url)
    state: State = "unknown"
    expires = None
    try:
        address = (place.hostname or "", place.port or 443)
        pem = ssl.get_server_certificate(address, timeout=SECONDS)
        expires = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    except (OSError, ValueError):
        pass
    else:
        left = expires - now
        state = "bad" if left < BAD_BEFORE else "warning" if left < WARN_BEFORE else "ok"
    health: CertificateHealth = {"name": name, "expires_at": expires, "state": state}
    if state != "ok":
        health["remedy"] = REMEDIES["certificate"]
    return health


def _part(name: str, met: bool) -> PartHealth:  # noqa: FBT001  # what is told
    return {"name": name, "state": "ok"} if met else {"name": name, "state": "bad", "remedy": REMEDIES[name]}


def _parts_of_vault(told: Answer | None) -> list[PartHealth]:
    if told is None:
        return [_part("vault", met=False)]
    parts: list[PartHealth] = [{"name": "vault", "state": "ok", "version": told["version"]}]
    parts += [_part(f"vault.{need['name']}", need["met"]) for need in told["needs"]]
    if told["pulls"]["active"]:
        failing = told["pulls"]["failing"]
        puller: PartHealth = {"name": "puller", "state": "warning" if failing else "ok"}
        if failing:
            puller["remedy"] = REMEDIES["puller"]
        parts.append(puller)
    return parts


def _disk(name: str, free: int, whole: int) -> DiskHealth:
    health: DiskHealth = {"name": name, "free_bytes": free, "bytes": whole, "state": "ok"}
    if free < LEAST_FREE * whole:
        health |= {"state": "warning", "remedy": REMEDIES["disk"]}
    return health


def _backup(standing: Answer) -> BackupHealth:
    health: BackupHealth = {
        "what": standing["what"],
        "made_at": standing["made_at"],
        "verified_at": standing["verified_at"],
        "state": standing["state"],
    }
    if standing["state"] != "ok":
        health["remedy"] = REMEDIES[f"backup.{standing['state']}"]
    return health
