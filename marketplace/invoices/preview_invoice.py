"""Shows a bill before it is final. Buyer and seller get the same preview, checked before it is shown."""

from marketplace.invoices.preview import Preview, preview
from marketplace.licences.find import lock_licence, see_licence
from marketplace.metering.admit_call import read_month
from marketplace.metering.find import lines_of
from marketplace.metering.months import month_span
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate


def preview_invoice(
    database: Database, *, gate: Gate, principal: Principal, licence_id: int, month: str
) -> Preview:
    """The preview of a licence's month.
    Raises `Forbidden`, `NotFound`, `InvalidInput`; `Conflict` if the lines and the running sum that limited
    the calls do not agree, which must never be."""
    with database.transaction() as tx:
        licence = see_licence(tx, gate=gate, principal=principal, licence_id=licence_id)
        month_span(month, licence.time_zone)
        lock_licence(tx, licence.id)  # no call comes between the sum and the lines
        so_far = read_month(tx, licence.id, month)
        shown = preview(
            licence=licence.id,
            organisation=licence.organisation,
            product=licence.product,
            month=month,
            time_zone=licence.time_zone,
            lines=lines_of(tx, licence_id=licence.id, month=month),
        )
        if so_far.charged_fen != shown.total_fen:
            raise Conflict(
                "The lines of this month and its running sum do not agree.",
                code="unreconciled",
                remedy="Tell the operator.",
                internal=f"licence {licence.id}, {month}",
            )
        append(
            tx,
            Event(
                kind="invoice.previewed",
                actor=principal.id,
                subject=f"licence:{licence.id}",
                payload={"month": month, "total_fen": shown.total_fen, "lines": shown.lines},
            ),
        )
    return shown
