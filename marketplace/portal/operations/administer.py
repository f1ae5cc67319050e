"""Sets maintenance, makes announcements and records backups: each decided, and written into the log."""

from dataclasses import dataclass
from datetime import UTC, datetime

from marketplace.portal.operations.schemas import (
    AnnouncementDocument,
    BackupDocument,
    MaintenanceDocument,
    NewAnnouncement,
    NewBackup,
    NewMaintenance,
)
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.operations import announcements, backups, maintenance
from sandbox.operations.announcements import Announcement
from sandbox.operations.maintenance import Maintenance
from sandbox.policy import Gate, Resource

OPERATIONS = Resource("Operations", "operations")


@dataclass(frozen=True)
class Operations:
    database: Database
    gate: Gate

    def require(self, by: Principal, action: str) -> None:
        """Raises `Forbidden`."""
        self.gate.require(by, action, OPERATIONS)

    def known_maintenance(self, now: datetime | None = None) -> list[MaintenanceDocument]:
        """What is not over; for anybody."""
        now = now or datetime.now(UTC)
        with self.database.transaction() as tx:
            return [maintenance_document(each, now) for each in maintenance.known_maintenance(tx, now)]

    def set_maintenance(self, by: Principal, new: NewMaintenance) -> MaintenanceDocument:
        """Raises `Forbidden`, `InvalidInput`, `Conflict`."""
        self.require(by, "set_maintenance")
        now = datetime.now(UTC)
        with self.database.transaction() as tx:
            known = maintenance.set_maintenance(
                tx,
                text_zh=new.text_zh.strip(),
                text_en=new.text_en.strip(),
                starts_at=new.starts_at or now,
                ends_at=new.ends_at,
                by=by.id,
                now=now,
            )
            times = {"from": known.starts_at.isoformat(), "until": known.ends_at.isoformat()}
            append(tx, Event("maintenance.set", by.id, f"maintenance:{known.id}", times))
        return maintenance_document(known, now)

    def end_maintenance(self, by: Principal, number: int) -> MaintenanceDocument:
        """Raises `Forbidden`, `NotFound`."""
        self.require(by, "set_maintenance")
        now = datetime.now(UTC)
        with self.database.transaction() as tx:
            known = maintenance.end_maintenance(tx, number, by=by.id, now=now)
            append(tx, Event("maintenance.ended", by.id, f"maintenance:{number}"))
        return maintenance_document(known, now)

    def announcements(self, by: Principal) -> list[AnnouncementDocument]:
        """All, the newest first. Raises `Forbidden`."""
        self.require(by, "announce")
        now = datetime.now(UTC)
        with self.database.transaction() as tx:
            return [announcement_document(each, now) for each in announcements.listed(tx)]

    def announce(self, by: Principal, new: NewAnnouncement) -> AnnouncementDocument:
        """Raises `Forbidden`, `InvalidInput`."""
        self.require(by, "announce")
        now = datetime.now(UTC)
        with self.database.transaction() as tx:
            made = announcements.announce(
                tx,
                text_zh=new.text_zh.strip(),
                text_en=new.text_en.strip(),
                audience=new.audience,
                starts_at=new.starts_at or now,
                ends_at=new.ends_at,
                by=by.id,
                now=now,
            )
            payload = {"audience": made.audience, "until": made.ends_at.isoformat()}
            append(tx, Event("announcement.made", by.id, f"announcement:{made.id}", payload))
        return announcement_document(made, now)

    def withdraw(self, by: Principal, number: int) -> AnnouncementDocument:
        """Raises `Forbidden`, `NotFound`."""
        self.require(by, "announce")
        now = datetime.now(UTC)
        with self.database.transaction() as tx:
            gone = announcements.withdraw(tx, number, by=by.id, now=now)
            append(tx, Event("announcement.withdrawn", by.id, f"announcement:{number}"))
        return announcement_document(gone, now)

    def record_backup(self, by: Principal, new: NewBackup) -> BackupDocument:
        """Raises `Forbidden`, `InvalidInput`."""
        self.require(by, "record_backup")
        with self.database.transaction() as tx:
            kept = backups.record_backup(
                tx,
                what=new.what,
                label=new.label.strip(),
                made_at=new.made_at,
                verified_at=new.verified_at,
                by=by.id,
                now=datetime.now(UTC),
            )
            payload = {"what": kept.what, "verified": kept.verified_at is not None}
            append(tx, Event("backup.recorded", by.id, f"backup:{kept.label}", payload))
        return {
            "what": new.what,
            "label": kept.label,
            "made_at": kept.made_at,
            "verified_at": kept.verified_at,
            "recorded_by": kept.recorded_by,
        }


def maintenance_document(known: Maintenance, now: datetime) -> MaintenanceDocument:
    return {
        "id": known.id,
        "text": {"en": known.text_en, "zh": known.text_zh},
        "starts_at": known.starts_at,
        "ends_at": known.ends_at,
        "set_by": known.set_by,
        "state": known.state(now),
    }


def announcement_document(known: Announcement, now: datetime) -> AnnouncementDocument:
    return {
        "id": known.id,
        "text": {"en": known.text_en, "zh": known.text_zh},
        "audience": known.audience,
        "starts_at": known.starts_at,
        "ends_at": known.ends_at,
        "made_by": known.made_by,
        "state": known.state(now),
    }
