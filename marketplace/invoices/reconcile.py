"""Compares a month to the fen: answers that were sent, usage lines, running sums, invoices, seals of the
log."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import func, insert, select, text

from marketplace.invoices.line_conditions import CREDITED, IN_PART
from marketplace.invoices.tables import credit_notes, invoices, reconciliations
from marketplace.metering.months import month_span
from sandbox.audit.batch_receipts import root_of
from sandbox.audit.tree import hash_leaf
from sandbox.city_time import CITY_TIME_ZONE
from sandbox.database import Database, Transaction
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

MOST_LISTED = 1000
CONFIRMED = """(
    own.worker IS NULL OR line.sequence IS NULL OR line.sequence <= worker.confirmed
    OR worker.ahead @> line.sequence::bigint
    OR EXISTS (SELECT FROM market.requests AS kept WHERE kept.licence = line.licence
               AND kept.usage = line.id AND kept.state = 'confirmed'))"""
UNCREDITED = f"NOT {CREDITED}"
# one statement: lines, sums and invoices of one moment
LICENCES = text(
    f"""
    WITH lines AS (
        SELECT line.licence, count(*) AS lines, sum(line.calls) AS calls, sum(line.amount_fen) AS fen,
               count(*) FILTER (WHERE line.calls > 0 AND {UNCREDITED} AND {CONFIRMED}) AS answers
        FROM market.usage_lines AS line
        LEFT JOIN market.usage_groups AS own ON own.id = line.group_id
        LEFT JOIN market.workers AS worker ON worker.id = own.worker
        WHERE line.month = :month GROUP BY line.licence
    ), parts AS (
        SELECT part.licence, sum(part.amount_fen) FILTER (WHERE bill.status <> 'void') AS invoiced,
               sum(part.amount_fen) FILTER (WHERE bill.status = 'void') AS waived,
               bool_or(bill.status = 'void' AND bill.month = part.month) AS month_waived
        FROM market.invoice_parts AS part JOIN market.invoices AS bill ON bill.id = part.invoice
        WHERE part.month = :month GROUP BY part.licence
    )
    SELECT held.id, held.organisation, held.department, lines.lines, lines.calls, lines.answers, lines.fen,
           summed.charged_fen + summed.one_off_fen AS month_fen, parts.invoiced, parts.waived,
           parts.month_waived
    FROM market.licences AS held
    LEFT JOIN lines ON lines.licence = held.id
    LEFT JOIN parts ON parts.licence = held.id
    LEFT JOIN market.months AS summed ON summed.licence = held.id AND summed.month = :month
    WHERE lines.licence IS NOT NULL OR summed.licence IS NOT NULL OR parts.licence IS NOT NULL
    ORDER BY held.id
    """  # of constants
)
# parts of which the lines are no longer what was invoiced
PARTS = text(
    f"""
    SELECT part.licence, bill.id AS invoice, part.amount_fen AS expected, coalesce(sum(line.amount_fen), 0) AS found
    FROM market.invoice_parts AS part JOIN market.invoices AS bill ON bill.id = part.invoice
    LEFT JOIN market.usage_lines AS line ON {IN_PART}
    WHERE part.month = :month GROUP BY part.licence, bill.id, part.amount_fen
    HAVING coalesce(sum(line.amount_fen), 0) <> part.amount_fen ORDER BY part.licence, bill.id
    """  # noqa: E501
)
CREDITS = text(
    """
    SELECT credit.id, credit.licence, credit.amount_fen FROM market.usage_lines AS credit
    LEFT JOIN market.usage_lines AS line ON line.month = credit.month AND line.id = credit.compensates
    WHERE credit.month = :month AND credit.compensates IS NOT NULL AND line.id IS NULL ORDER BY credit.id
    """
)
UNSENT = text(
    f"""
    SELECT line.id, line.licence, line.amount_fen FROM market.usage_lines AS line
    JOIN market.usage_groups AS own ON own.id = line.group_id
    JOIN market.workers AS worker ON worker.id = own.worker
    WHERE line.month = :month AND line.calls > 0 AND line.at < now() - interval '2 days'
      AND {UNCREDITED} AND NOT {CONFIRMED} ORDER BY line.id
    """  # of constants
)
UNSEALED = text(
    """
    SELECT line.id, line.licence, line.amount_fen FROM market.usage_lines AS line
    LEFT JOIN market.usage_groups AS own ON own.id = line.group_id
    WHERE line.month = :month AND line.log_index IS NULL AND own.seal IS NULL
      AND coalesce(own.at, line.at) < now() - interval '1 minute' ORDER BY line.id
    """
)
GROUP_LEAVES = text(
    """
    SELECT groups.place, array_agg(sha256('\\x00'::bytea || convert_to(market.line_text(line), 'UTF8'))
                                   ORDER BY line.place, line.id) AS leaves
    FROM market.usage_groups AS groups JOIN market.usage_lines AS line ON line.group_id = groups.id
    WHERE groups.seal = :seal GROUP BY groups.place ORDER BY groups.place
    """
)
SEALS = text(
    """
    SELECT DISTINCT seal.id, seal.root FROM market.usage_seals AS seal
    JOIN market.usage_groups AS own ON own.seal = seal.id
    JOIN market.usage_lines AS line ON line.group_id = own.id
    WHERE line.month = :month ORDER BY seal.id
    """
)
LINES_OF_SEAL = text(
    """
    SELECT line.id, line.licence, line.amount_fen FROM market.usage_lines AS line
    JOIN market.usage_groups AS own ON own.id = line.group_id
    WHERE own.seal = :seal AND line.month = :month ORDER BY line.id
    """
)


@dataclass(frozen=True)
class LicenceMonth:
    """Amounts in fen. See `schemas.ReconciledLicence`."""

    licence: int
    organisation: str
    department: str
    lines: int
    calls: int
    answers: int
    lines_fen: int
    month_fen: int
    invoiced_fen: int
    waived_fen: int
    pending_fen: int


@dataclass(frozen=True)
class Difference:
    """What does not agree; `line` names the usage line where it is one line's."""

    kind: str
    licence: int | None = None
    line: str | None = None
    expected_fen: int | None = None
    found_fen: int | None = None
    detail: str = ""


@dataclass
class Reconciliation:
    month: str
    licences: list[LicenceMonth]
    lines_fen: int
    invoiced_fen: int
    waived_fen: int
    pending_fen: int
    credit_notes_fen: int
    seals_checked: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_listed: int = 0

    def add(self, difference: Difference) -> None:
        if len(self.differences) < MOST_LISTED:
            self.differences.append(difference)
        else:
            self.not_listed += 1


def reconcile(database: Database, *, gate: Gate, principal: Principal, month: str) -> Reconciliation:
    """Raises `Forbidden`, `InvalidInput`."""
    gate.require(principal, "reconcile", Resource("Invoices", "all", {}))
    month_span(month, CITY_TIME_ZONE)
    return compare_month(database, month)


def compare_month(database: Database, month: str) -> Reconciliation:
    with database.transaction() as tx:
        licences = [licence_month(row) for row in tx.execute(LICENCES, {"month": month})]
        noted = (
            select(func.coalesce(func.sum(credit_notes.c.amount_fen), 0))
            .join(invoices, invoices.c.id == credit_notes.c.invoice)
            .where(invoices.c.month == month)
        )
        report = Reconciliation(
            month,
            licences,
            sum(each.lines_fen for each in licences),
            sum(each.invoiced_fen for each in licences),
            sum(each.waived_fen for each in licences),
            sum(each.pending_fen for each in licences),
            int(tx.execute(noted).scalar_one()),
        )
        for difference in differences(tx, month, licences):
            report.add(difference)
        check_seals(tx, month, report)
    return report


def licence_month(row: Any) -> LicenceMonth:
    lines, invoiced = int(row.fen or 0), int(row.invoiced or 0)
    # what comes to a withdrawn month later costs nothing either
    waived = lines - invoiced if row.month_waived else int(row.waived or 0)
    return LicenceMonth(
        row.id,
        row.organisation,
        row.department,
        int(row.lines or 0),
        int(row.calls or 0),
        int(row.answers or 0),
        lines,
        int(row.month_fen or 0),
        invoiced,
        waived,
        lines - invoiced - waived,
    )


def differences(tx: Transaction, month: str, licences: list[LicenceMonth]) -> Iterator[Difference]:
    for each in licences:
        if each.lines_fen != each.month_fen:
            yield Difference(
                "running_sum",
                each.licence,
                None,
                each.month_fen,
                each.lines_fen,
                "The lines are not the running sum that priced and limited the calls.",
            )
    for row in tx.execute(PARTS, {"month": month}):
        yield Difference(
            "invoice",
            row.licence,
            None,
            int(row.expected),
            int(row.found),
            f"The lines are not what the invoice {row.invoice} holds.",
        )
    for row in tx.execute(CREDITS, {"month": month}):
        yield Difference(
            "credit", row.licence, row.id, None, row.amount_fen, "It takes back no line that is there."
        )
    for row in tx.execute(UNSENT, {"month": month}):
        yield Difference(
            "answer", row.licence, row.id, 0, row.amount_fen, "No answer was confirmed, and none is credited."
        )
    for row in tx.execute(UNSEALED, {"month": month}):
        yield Difference("seal", row.licence, row.id, None, row.amount_fen, "The log does not hold it.")


def check_seals(tx: Transaction, month: str, report: Reconciliation) -> None:
    """The roots are computed again from the lines. In a second whose root differs, each line is named: which
    of them was changed, the root does not say."""
    for seal in tx.execute(SEALS, {"month": month}).all():
        report.seals_checked += 1
        groups = tx.execute(GROUP_LEAVES, {"seal": seal.id}).all()
        if root_of([hash_leaf(root_of(list(map(bytes, row.leaves)))) for row in groups]) == bytes(seal.root):
            continue
        for row in tx.execute(LINES_OF_SEAL, {"seal": seal.id, "month": month}):
            detail = f"The log holds another root for its second (seal {seal.id})."
            report.add(Difference("seal", row.licence, row.id, None, row.amount_fen, detail))


def keep_reconciliation(database: Database, month: str) -> int:
    """Compare a month and keep the report; how many differences."""
    report = compare_month(database, month)
    count = len(report.differences) + report.not_listed
    with database.transaction() as tx:
        tx.execute(insert(reconciliations).values(month=month, differences=count, report=asdict(report)))
    return count


def is_reconciled(tx: Transaction, month: str) -> bool:
    """Whether the month was compared within a day."""
    wanted = select(reconciliations.c.id).where(
        reconciliations.c.month == month, reconciliations.c.at > func.now() - text("interval '1 day'")
    )
    return tx.execute(wanted.limit(1)).first() is not None
