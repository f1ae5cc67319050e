"""Training certificates: issued by the test or by an officer, valid until their end, and warned of before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox import notices
from sandbox.audit import Event, Log, append
from sandbox.database import Transaction
from sandbox.errors import Forbidden, InvalidInput
from sandbox.identity import Principal
from sandbox.identity.principals import live_person
from sandbox.policy import Resource
from sandbox.training.context import TrainingContext
from sandbox.training.schemas import OwnCertificate, TrainingCertificate
from sandbox.training.tables import training_certificates

VAULT = "vault"
"""Who issues what the test gives."""
LONGEST_CERTIFICATE = timedelta(days=5 * 366)


def issue_by_officer(
    context: TrainingContext, officer: Principal, *, person: str, course: str, expires_at: datetime
) -> TrainingCertificate:
    """Certify that somebody passed a course, until a day. Raises `NotFound`, `InvalidInput`, `Forbidden`."""
    context.gate.require(officer, "certify_training", Resource("Course", course, {}))
    now = context.clock()
    if not now < expires_at <= now + LONGEST_CERTIFICATE:
        raise InvalidInput(
            "A certificate ends in the future, and within five years.",
            code="bad_expiry",
            remedy="Choose another day.",
            zh="证书有效期应在将来，且不超过五年。",
            remedy_zh="请另选日期。",
        )
    if person == officer.id:
        raise Forbidden(
            "Nobody certifies themselves.",
            code="own_certificate",
            remedy="Ask another officer.",
            zh="不得为本人颁发证书。",
            remedy_zh="请另一位数据专员颁发。",
        )
    with context.database.transaction() as tx:
        live_person(tx, person)
        event = Event(
            "certificate.issued",
            officer.id,
            f"account:{person}",
            {"course": course, "expires_at": expires_at.isoformat()},
        )
        index = append(tx, event, to=[notices.person(person)])
        row = write(
            tx, person=person, course=course, by=officer.id, now=now, expires_at=expires_at, index=index
        )
    return _certificate(row)


def write(
    tx: Transaction, *, person: str, course: str, by: str, now: datetime, expires_at: datetime, index: int
) -> Row[Any]:
    """The newest certificate of a course replaces the one before."""
    values = {"issued_by": by, "issued_at": now, "expires_at": expires_at, "log_index": index}
    return tx.execute(
        upsert(training_certificates)
        .values(person=person, course=course, **values)
        .on_conflict_do_update(index_elements=["person", "course"], set_=values)
        .returning(training_certificates)
    ).one()


def is_trained(tx: Transaction, person: Principal, course: str, since: datetime) -> bool:
    """Whether somebody has the certificate that is asked for, or had it at a moment from `since` on. No
    `course` asks for none. A service can hold none."""
    return not course or find_valid(tx, person.id, course, since) is not None


def find_valid(tx: Transaction, person: str, course: str, now: datetime) -> Row[Any] | None:
    """Somebody's certificate of a course, if it has not run out."""
    return tx.execute(
        select(training_certificates).where(
            training_certificates.c.person == person,
            training_certificates.c.course == course,
            training_certificates.c.expires_at > now,
        )
    ).first()


def list_own(context: TrainingContext, log: Log, person: Principal) -> list[OwnCertificate]:
    """Those that ran out too, with their receipts."""
    with context.database.transaction() as tx:
        wanted = select(training_certificates).where(training_certificates.c.person == person.id)
        rows = tx.execute(wanted.order_by(training_certificates.c.course)).all()
    return [with_receipt(row, log) for row in rows]


def with_receipt(row: Row[Any], log: Log) -> OwnCertificate:
    certificate = OwnCertificate(
        person=row.person,
        course=row.course,
        issued_by=row.issued_by,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
    if row.log_index is not None:
        certificate["receipt"] = log.receipt(row.log_index, opening=True)  # type: ignore[typeddict-item]
    return certificate


def warn_of_certificates(context: TrainingContext) -> int:
    """Tell those whose certificate ends soon, once for each end. Gives how many there are."""
    now, before = context.clock(), timedelta(days=context.course.warn_days)
    soon = (
        training_certificates.c.expires_at > now,
        training_certificates.c.expires_at <= now + before,
        # one that was given for so short a time ends soon from its first day
        training_certificates.c.issued_at <= training_certificates.c.expires_at - before,
    )
    with context.database.transaction() as tx:
        ending: Sequence[Row[Any]] = tx.execute(select(training_certificates).where(*soon)).all()
        for each in ending:
            notices.tell(
                tx,
                id=f"certificate.expiring:{each.person}:{each.course}:{each.expires_at.isoformat()}",
                event="certificate.expiring",
                about=f"account:{each.person}",
                actor=VAULT,
                to=[notices.person(each.person)],
            )
    return len(ending)


def _certificate(row: Row[Any]) -> TrainingCertificate:
    return TrainingCertificate(
        person=row.person,
        course=row.course,
        issued_by=row.issued_by,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
