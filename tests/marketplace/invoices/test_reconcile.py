"""A month that agrees has no difference; whatever is changed afterwards is named, by its line where it is
one's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace.invoices.invoice_months import invoice_months
from marketplace.invoices.invoice_rules import read_invoice_rules
from marketplace.invoices.periodic import InvoiceJob
from marketplace.invoices.reconcile import compare_month, reconcile
from marketplace.metering.credit import LineName, credit_lines
from marketplace.metering.model import Reason
from marketplace.metering.seal import seal_usage
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from past_usage import month_ago, use
from sandbox.errors import Forbidden
from sandbox.identity import load_principal
from selling import Market

RULES = replace(read_invoice_rules(REPOSITORY / "policies"), draft=timedelta(0), grace=timedelta(0))
MONTH = month_ago()


@pytest.fixture
def lines(market: Market) -> list[str]:
    """Three lines, one of them credited, invoiced and sealed; nothing else in the month."""
    market.execute(
        "TRUNCATE market.invoices, market.invoice_counters, market.usage_lines, market.months, "
        "market.usage_groups, market.usage_seals, market.reconciliations CASCADE"
    )
    sold = market.sell(Terms(price_fen=5, monthly_fee_fen=30, purpose="x"))
    lines = use(market, sold, 3, month=MONTH)
    with market.database.transaction() as tx:
        credit_lines(tx, [LineName(sold.licence, MONTH, lines[0])], reason=Reason.UNCONFIRMED)
    invoice_months(market.database, rules=RULES)
    seal_usage(market.database)
    return lines


def test_a_month_agrees_to_the_fen(market: Market, lines: list[str]) -> None:
    with market.database.transaction() as tx:
        xu, chen = load_principal(tx, "xu"), load_principal(tx, "chen")
    report = reconcile(market.database, gate=market.gate, principal=xu, month=MONTH)
    assert report.differences == [] and report.seals_checked == 1
    assert (report.lines_fen, report.invoiced_fen, report.pending_fen, report.waived_fen) == (40, 40, 0, 0)
    [licence] = report.licences
    assert (licence.lines, licence.calls, licence.answers, licence.month_fen) == (5, 2, 2, 40)
    with pytest.raises(Forbidden):
        reconcile(market.database, gate=market.gate, principal=chen, month=MONTH)


def test_a_line_that_was_changed_is_named(market: Market, lines: list[str]) -> None:
    market.execute("UPDATE market.usage_lines SET amount_fen = 4 WHERE id = :id", id=lines[1])
    report = compare_month(market.database, MONTH)
    kinds = {each.kind for each in report.differences}
    assert kinds == {"running_sum", "invoice", "seal"}
    assert lines[1] in {each.line for each in report.differences}
    assert {(each.expected_fen, each.found_fen) for each in report.differences if each.kind == "invoice"} == {
        (40, 39)
    }


def test_what_was_neither_answered_nor_credited_and_a_false_credit_are_named(
    market: Market, lines: list[str]
) -> None:
    market.execute("DELETE FROM market.usage_lines WHERE id = :id", id=lines[0])  # its credit stays
    market.execute(
        "UPDATE market.workers SET confirmed = 0 WHERE id = (SELECT worker FROM market.usage_groups "
        "WHERE id = (SELECT group_id FROM market.usage_lines WHERE id = :id))",
        id=lines[2],
    )
    report = compare_month(market.database, MONTH)
    named = {(each.kind, each.line) for each in report.differences}
    assert ("answer", lines[2]) in named and ("answer", lines[0]) not in named
    [credit] = [each for each in report.differences if each.kind == "credit"]
    assert (credit.expected_fen, credit.found_fen) == (None, -5)


def test_what_the_log_does_not_hold_is_named(market: Market, lines: list[str]) -> None:
    market.execute("UPDATE market.usage_groups SET seal = NULL, at = now() - interval '1 hour'")
    report = compare_month(market.database, MONTH)
    assert {each.line for each in report.differences} >= set(lines)


def test_the_job_invoices_and_compares_once_a_day(market: Market, lines: list[str]) -> None:
    job = InvoiceJob(market.database, RULES)
    for _ in range(2):
        job.run()
    assert [
        tuple(row) for row in market.execute("SELECT month, differences FROM market.reconciliations")
    ] == [(MONTH, 0)]
