"""Shows a bill before it is final. Buyer and seller get the same preview, checked before it is shown.
Looking writes nothing: it may be done as often as one likes."""

from marketplace.invoices.preview import Preview, preview
from marketplace.licences.find import see_licence
from marketplace.metering.month_sums import month_sums
from marketplace.metering.months import month_span
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
        sums = month_sums(tx, licence_id=licence.id, month=month)
        shown = preview(
            licence=licence.id,
            organisation=licence.organisation,
            product=licence.product,
            month=month,
            time_zone=licence.time_zone,
            sums=sums.of_reasons,
        )
        if sums.charged_fen != shown.total_fen:
            raise Conflict(
                "The lines of this month and its running sum do not agree.",
                code="unreconciled",
                remedy="Tell the operator.",
                internal=f"licence {licence.id}, {month}",
            )
    return shown
