"""Settles a call. If it was delivered, its request says so.
If we failed, a compensating line gives back what it cost."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select, update

from marketplace.licences.find import lock_licence
from marketplace.metering.admit_call import Admission, add_to_month, line_id
from marketplace.metering.model import Reason
from marketplace.metering.tables import requests, usage_lines
from sandbox.audit import Event, append
from sandbox.database import Transaction


def mark_delivered(tx: Transaction, *, admission: Admission, reference: Mapping[str, Any]) -> bool:
    """Write that the call was delivered, and how to hand out the same again.
    False: it was credited in the meantime (by a retry of the same request that failed), so it must be metered
    again before anything is handed out."""
    lock_licence(tx, admission.licence.id)
    row = tx.execute(
        select(requests.c.state, requests.c.usage).where(
            requests.c.licence == admission.licence.id, requests.c.request_id == admission.request_id
        )
    ).one()
    if row.usage != admission.usage or row.state == "credited":
        return False
    if row.state == "metered":
        tx.execute(
            update(requests)
            .where(
                requests.c.licence == admission.licence.id,
                requests.c.request_id == admission.request_id,
            )
            .values(state="delivered", reference=dict(reference))
        )
    return True


def credit_call(tx: Transaction, *, admission: Admission, why: str) -> bool:
    """Give back what a call cost that was not delivered, unless it was delivered or credited already."""
    return credit_metered(
        tx, licence_id=admission.licence.id, request_id=admission.request_id, usage=admission.usage, why=why
    )


def credit_metered(tx: Transaction, *, licence_id: int, request_id: str, usage: str, why: str) -> bool:
    """The same for a call of which only its rows are left."""
    licence = lock_licence(tx, licence_id)
    row = tx.execute(
        select(requests.c.state, requests.c.usage).where(
            requests.c.licence == licence.id, requests.c.request_id == request_id
        )
    ).one()
    if row.usage != usage or row.state != "metered":
        return False
    line = tx.execute(select(usage_lines).where(usage_lines.c.id == usage)).one()
    reason, credit = Reason(line.reason), line_id("credit", licence.id, line.id, 1)
    tx.execute(
        update(requests)
        .where(requests.c.licence == licence.id, requests.c.request_id == request_id)
        .values(state="credited")
    )
    # in the month of the line that it takes back, so that this month's bill is right
    add_to_month(
        tx,
        licence.id,
        line.month,
        calls=0 if reason is Reason.SAMPLE else -1,
        free_calls=-int(reason is Reason.FREE_QUOTA),
        charged_fen=-line.amount_fen,
    )
    log_index = append(
        tx,
        Event(
            kind="call.credited",
            actor="marketplace",
            subject=f"licence:{licence.id}",
            payload={"usage": line.id, "credit": credit, "amount_fen": -line.amount_fen, "why": why},
        ),
    )
    tx.execute(
        insert(usage_lines).values(
            id=credit,
            licence=licence.id,
            key=line.key,
            month=line.month,
            at=func.clock_timestamp(),
            reason=reason,
            calls=-1,
            amount_fen=-line.amount_fen,
            compensates=line.id,
            log_index=log_index,
        )
    )
    return True
