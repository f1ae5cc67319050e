"""Running the service over HTTP: health, maintenance, announcements, backups."""

from typing import Annotated

from fastapi import APIRouter, Depends

from marketplace.portal.authentication import Authenticator
from marketplace.portal.operations.administer import Operations
from marketplace.portal.operations.health import PartsHealth
from marketplace.portal.operations.schemas import (
    AnnouncementDocument,
    AnnouncementList,
    BackupDocument,
    HealthDocument,
    MaintenanceDocument,
    MaintenanceList,
    NewAnnouncement,
    NewBackup,
    NewMaintenance,
)
from sandbox.api_schema import ExactInt, answers
from sandbox.identity import Principal


def router(*, operations: Operations, health: PartsHealth, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["operations"])
    Caller = Annotated[Principal, Depends(authenticator.caller)]

    @routes.get(
        "/health",
        operation_id="get_health",
        summary="The health of every part",
        responses=answers(HealthDocument, 403),
    )
    def of_parts(by: Caller) -> HealthDocument:
        """Each part with its state and version, what waits, disks, what failed, certificates and backups, and
        what to do where something is not well. For operators; nothing of data is in it."""
        return health.document(by)

    @routes.get(
        "/maintenance",
        operation_id="list_maintenance",
        summary="Maintenance that is not over",
        responses=answers(MaintenanceList),
    )
    def known() -> MaintenanceList:
        """For anybody, without an account."""
        return {"maintenance": operations.known_maintenance()}

    @routes.post(
        "/maintenance",
        operation_id="set_maintenance",
        summary="Set maintenance: what changes something is refused until its end",
        responses=answers(MaintenanceDocument, 403, 409),
    )
    def set_(by: Caller, new: NewMaintenance) -> MaintenanceDocument:
        """Every page shows its text. What changes something is answered with 503, `Retry-After` and the code
        `maintenance`; reading goes on, sealed runs that began finish, and a refused call costs nothing."""
        return operations.set_maintenance(by, new)

    @routes.post(
        "/maintenance/{number}/end",
        operation_id="end_maintenance",
        summary="End maintenance before its time, or take it back",
        responses=answers(MaintenanceDocument, 403, 404),
    )
    def end(by: Caller, number: ExactInt) -> MaintenanceDocument:
        return operations.end_maintenance(by, number)

    @routes.get(
        "/announcements",
        operation_id="list_service_announcements",
        summary="Announcements to users, the newest first",
        responses=answers(AnnouncementList, 403),
    )
    def listed(by: Caller) -> AnnouncementList:
        return {"announcements": operations.announcements(by)}

    @routes.post(
        "/announcements",
        operation_id="make_service_announcement",
        summary="Announce something on every page",
        responses=answers(AnnouncementDocument, 403),
    )
    def announce(by: Caller, new: NewAnnouncement) -> AnnouncementDocument:
        """To everybody, or to those of teams, of companies, or data officers. Each may dismiss it for their
        session."""
        return operations.announce(by, new)

    @routes.post(
        "/announcements/{number}/withdraw",
        operation_id="withdraw_service_announcement",
        summary="Withdraw an announcement",
        responses=answers(AnnouncementDocument, 403, 404),
    )
    def withdraw(by: Caller, number: ExactInt) -> AnnouncementDocument:
        return operations.withdraw(by, number)

    @routes.post(
        "/backups",
        operation_id="record_backup",
        summary="Record that a backup was made, or verified",
        responses=answers(BackupDocument, 403),
    )
    def record(by: Caller, new: NewBackup) -> BackupDocument:
        """For the operator's own backup program: Cihu makes no backup. The same label again, with
        `verified_at`, says that this backup was restored elsewhere and looked at."""
        return operations.record_backup(by, new)

    return routes
