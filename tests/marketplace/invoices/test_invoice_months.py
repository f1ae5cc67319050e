"""An invoice is its lines, once and to the fen: drafts, grace, final, and what comes late; at any number of
portals, and cut off anywhere."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from marketplace.invoices.documents.contents import contents_of
from marketplace.invoices.documents.csv_files import items_csv, lines_csv
from marketplace.invoices.documents.pdf import invoice_pdf
from marketplace.invoices.documents.tax_fields import tax_fields_csv
from marketplace.invoices.finalise_invoice import finalise_invoice, void_invoice
from marketplace.invoices.find import balance_of, find_invoice, invoices_for, items_of
from marketplace.invoices.frozen import document_inputs
from marketplace.invoices.invoice_months import invoice_months
from marketplace.invoices.invoice_rules import InvoiceRules, read_invoice_rules
from marketplace.invoices.issue_credit_note import Correction, issue_credit_note
from marketplace.invoices.model import OPEN, Invoice
from marketplace.invoices.payments.enter_payments import pay_invoice
from marketplace.invoices.payments.transfer import Transfer
from marketplace.invoices.reconcile import compare_month
from marketplace.metering.credit import LineName, credit_lines
from marketplace.metering.model import Reason
from marketplace.metering.seal import seal_usage
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from past_usage import month_ago, use
from sandbox.database import Database
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.identity import load_principal
from selling import Market, Sold

LAST, BEFORE = month_ago(1), month_ago(2)
WAITING = read_invoice_rules(REPOSITORY / "policies")
AT_ONCE = replace(WAITING, draft=timedelta(0), grace=timedelta(0))


@pytest.fixture
def market(market: Market) -> Market:
    """Without invoices and usage of the tests before."""
    market.execute(
        "TRUNCATE market.invoices, market.invoice_counters, market.usage_lines, market.months, "
        "market.payments, market.credit_notes CASCADE"
    )
    return market


def sell(market: Market, price_fen: int = 5, fee: int = 30) -> Sold:
    return market.sell(Terms(price_fen=price_fen, monthly_fee_fen=fee, purpose="x"))


def person(market: Market, name: str) -> Any:
    with market.database.transaction() as tx:
        return load_principal(tx, name)


def all_invoices(market: Market) -> list[Invoice]:
    with market.database.transaction() as tx:
        return sorted(invoices_for(tx, load_principal(tx, "he")), key=lambda each: each.month)


def check_sums(market: Market) -> None:
    """Items are parts are the invoice, and nothing is on two of them."""
    for table in ("invoice_items", "invoice_parts"):
        assert not market.execute(
            "SELECT FROM market.invoices AS i WHERE total_fen <> "
            f"coalesce((SELECT sum(amount_fen) FROM market.{table} WHERE invoice = i.id), 0)"
        )
    assert not market.execute(
        "SELECT line.id FROM market.usage_lines AS line JOIN market.invoice_parts AS part "
        "ON part.licence = line.licence AND part.month = line.month "
        "AND line.group_id > part.after_group AND line.group_id <= part.upto_group "
        "GROUP BY line.id HAVING count(*) > 1"
    )


def test_a_month_is_drafted_graced_and_final_by_date_and_again_changes_nothing(market: Market) -> None:
    first, second = sell(market), sell(market, 7, 0)
    use(market, first, 3, month=LAST)
    use(market, second, 2, month=LAST)
    run = invoice_months(market.database, rules=WAITING)
    assert (run.drafted, run.final, run.unreconciled) == (1, 0, [])
    [draft] = all_invoices(market)
    assert (draft.total_fen, draft.number, draft.month) == (3 * 5 + 30 + 2 * 7, None, LAST)
    assert draft.final_at - draft.grace_at == WAITING.grace
    # what comes late while it is not final is taken in
    use(market, first, 1, month=LAST)
    invoice_months(market.database, rules=WAITING)
    assert [each.total_fen for each in all_invoices(market)] == [64]
    market.execute("UPDATE market.invoices SET grace_at = now(), final_at = now()")
    assert invoice_months(market.database, rules=WAITING).final == 1
    [final] = all_invoices(market)
    assert (final.status, final.label, final.total_fen) == ("final", "market-I000001", 64)
    assert final.sha256 and final.log_index is not None and final.due_at
    with market.database.transaction() as tx:
        reasons = {(item.licence, item.reason): item.amount_fen for item in items_of(tx, final.id)}
    assert reasons[first.licence, "FIXED"] == 30 and reasons[second.licence, "VARIABLE"] == 14
    assert vars(invoice_months(market.database, rules=WAITING)) == vars(type(run)())
    check_sums(market)


def test_what_comes_late_is_an_adjustment_of_its_month_on_the_next_invoice(market: Market) -> None:
    sold = sell(market)
    lines = use(market, sold, 3, month=BEFORE)
    invoice_months(market.database, rules=AT_ONCE)
    use(market, sold, 1, month=BEFORE)
    with market.database.transaction() as tx:
        assert credit_lines(tx, [LineName(sold.licence, BEFORE, lines[0])], reason=Reason.UNCONFIRMED) == 1
        assert credit_lines(tx, [LineName(sold.licence, BEFORE, lines[1])], reason=Reason.UNCONFIRMED) == 1
    use(market, sold, 2, month=LAST)
    invoice_months(market.database, rules=AT_ONCE)
    former, latest = all_invoices(market)
    assert (former.total_fen, latest.total_fen) == (45, 40 - 5)
    with market.database.transaction() as tx:
        late = [
            (item.reason, item.credit, item.amount_fen)
            for item in items_of(tx, latest.id)
            if item.month == BEFORE
        ]
    assert sorted(late) == [("UNCONFIRMED", True, -10), ("VARIABLE", False, 5)]
    check_sums(market)


def test_what_comes_late_without_later_usage_is_invoiced_by_the_last_month(market: Market) -> None:
    sold = sell(market)
    lines = use(market, sold, 2, month=BEFORE)
    invoice_months(market.database, rules=AT_ONCE)
    with market.database.transaction() as tx:
        credit_lines(tx, [LineName(sold.licence, BEFORE, lines[0])], reason=Reason.UNCONFIRMED)
    invoice_months(market.database, rules=AT_ONCE)
    assert [(each.month, each.total_fen) for each in all_invoices(market)] == [(BEFORE, 40), (LAST, -5)]
    check_sums(market)


def test_two_months_at_once_with_something_late_never_hold_a_line_twice(market: Market) -> None:
    third = month_ago(3)
    sold = sell(market)
    use(market, sold, 2, month=third)
    invoice_months(market.database, rules=AT_ONCE)
    use(market, sold, 1, month=third)
    use(market, sold, 1, month=LAST)
    invoice_months(market.database, rules=WAITING)  # the last month's holds the adjustment
    use(market, sold, 1, month=BEFORE)
    use(market, sold, 1, month=third)
    for _ in range(2):
        invoice_months(market.database, rules=WAITING)
        check_sums(market)
    market.execute("UPDATE market.invoices SET grace_at = now(), final_at = now() WHERE status <> 'final'")
    invoice_months(market.database, rules=WAITING)
    check_sums(market)
    assert [each.total_fen for each in all_invoices(market)] == [40, 35, 45]


def test_a_voided_month_costs_nothing_also_what_comes_later(market: Market) -> None:
    sold = sell(market)
    use(market, sold, 1, month=LAST)
    invoice_months(market.database, rules=WAITING)
    [draft] = all_invoices(market)
    he, chen = person(market, "he"), person(market, "chen")
    asked: dict[str, Any] = {"gate": market.gate, "invoice_id": draft.id}
    with pytest.raises(Forbidden):
        void_invoice(market.database, principal=chen, reason="no", **asked)
    with pytest.raises(InvalidInput):
        void_invoice(market.database, principal=he, reason=" ", **asked)
    assert void_invoice(market.database, principal=he, reason="public welfare", **asked).status == "void"
    use(market, sold, 1, month=LAST)
    assert invoice_months(market.database, rules=WAITING).drafted == 0
    with pytest.raises(Conflict):
        finalise_invoice(market.database, rules=WAITING, principal=he, **asked)


def test_a_final_invoice_is_corrected_by_credit_notes_and_by_nothing_else(market: Market) -> None:
    sold = sell(market)
    lines = use(market, sold, 3, month=LAST)
    invoice_months(market.database, rules=AT_ONCE)
    [final] = all_invoices(market)
    he = person(market, "he")
    asked: dict[str, Any] = {"gate": market.gate, "principal": he, "invoice_id": final.id}
    with pytest.raises(Conflict):
        void_invoice(market.database, reason="too late", **asked)
    by_line = Correction("r1", "the rows were wrong", lines=(lines[0],))
    note = issue_credit_note(market.database, correction=by_line, **asked)
    assert (note.number, note.amount_fen, note.lines) == ("market-C000001", -5, (lines[0],))
    assert issue_credit_note(market.database, correction=by_line, **asked) == note
    for wrong in (
        Correction("r1", "another", lines=(lines[1],)),
        Correction("r2", "twice", lines=(lines[0],)),
        Correction("r3", "too much", amount_fen=41),
    ):
        with pytest.raises(Conflict):
            issue_credit_note(market.database, correction=wrong, **asked)
    for unclear in (
        Correction("r4", "both", lines=(lines[1],), amount_fen=1),
        Correction("r5", "x", ("0" * 32,)),
    ):
        with pytest.raises(InvalidInput):
            issue_credit_note(market.database, correction=unclear, **asked)
    issue_credit_note(market.database, correction=Correction("r6", "all of it", amount_fen=40), **asked)
    with market.database.transaction() as tx:
        again = find_invoice(tx, final.id)
        assert (again.total_fen, again.status, balance_of(tx, again).due_fen) == (45, "paid", 0)
    for change in (
        "UPDATE market.invoices SET total_fen = 1",
        "UPDATE market.invoices SET status = 'draft'",
        "DELETE FROM market.invoices",
        "UPDATE market.invoice_items SET amount_fen = 1",
        "DELETE FROM market.invoice_parts",
        "UPDATE market.credit_notes SET amount_fen = -1",
    ):
        with pytest.raises(IntegrityError, match="final"):
            market.execute(change)


def test_lines_that_are_not_their_running_sum_are_not_invoiced_and_stop_nobody_else(market: Market) -> None:
    wrong, right = sell(market), sell(market)
    use(market, wrong, 1, month=BEFORE)
    use(market, right, 1, month=LAST)
    market.execute("UPDATE market.months SET charged_fen = 1 WHERE licence = :id", id=wrong.licence)
    run = invoice_months(market.database, rules=AT_ONCE)
    assert run.unreconciled == [f"{BEFORE} minsheng market"]
    assert [each.month for each in all_invoices(market)] == [LAST]


def test_many_finalisers_give_numbers_without_gap_and_none_twice(market: Market) -> None:
    sold = sell(market)
    count = 6
    for number in range(1, count + 1):
        use(market, sold, 1, month=month_ago(number))
    invoice_months(market.database, rules=WAITING)
    he = person(market, "he")
    ids = [each.id for each in all_invoices(market)]

    def finalise(invoice: str) -> None:
        asked = {"gate": market.gate, "rules": WAITING, "principal": he, "invoice_id": invoice}
        finalise_invoice(market.database, **asked)  # type: ignore[arg-type]

    def once_of_twice(invoice: str) -> None:
        with suppress(Conflict):
            finalise(invoice)

    # cut off after the number was taken
    with pytest.raises(Cut), cut_at(market.database, "UPDATE market.invoices SET status"):
        finalise(ids[0])
    at_once(*[partial(once_of_twice, invoice) for invoice in ids * 2])
    assert sorted(each.number or 0 for each in all_invoices(market)) == list(range(1, count + 1))
    check_sums(market)


class Cut(Exception):
    """The process ended here."""


@contextmanager
def cut_at(database: Database, where: str | int) -> Iterator[list[str]]:
    """End what happens at a statement: at one that holds a text, or at the nth."""
    seen: list[str] = []

    def before(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        seen.append(statement)
        if (where in statement) if isinstance(where, str) else len(seen) == where:
            raise Cut(statement)

    event.listen(database.engine, "before_cursor_execute", before)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", before)


def at_once(*deeds: Any) -> None:
    failed: list[BaseException] = []

    def run(deed: Any) -> None:
        try:
            deed()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def outcome(market: Market) -> list[tuple[Any, ...]]:
    return [(each.month, each.status, each.number, each.total_fen) for each in all_invoices(market)]


def test_cut_off_at_any_statement_the_next_run_ends_it(market: Market) -> None:
    sold = sell(market)
    use(market, sold, 2, month=BEFORE)
    use(market, sold, 1, month=LAST)
    rules: InvoiceRules = AT_ONCE
    at = 0
    while True:
        at += 1
        try:
            with cut_at(market.database, at):
                invoice_months(market.database, rules=rules)
            break
        except Cut:
            check_sums(market)
            if at % 7 == 0:  # also from the beginning, not only from where the last run was cut off
                market.execute("TRUNCATE market.invoices, market.invoice_counters CASCADE")
    invoice_months(market.database, rules=rules)
    assert outcome(market) == [(BEFORE, "final", 1, 40), (LAST, "final", 2, 35)]
    assert at > 10


def test_several_portals_do_it_once(market: Market) -> None:
    for number in (1, 2, 3):
        use(market, sell(market), 1, month=month_ago(number))
    at_once(*[lambda: invoice_months(market.database, rules=AT_ONCE)] * 4)
    assert [row[1:] for row in sorted(outcome(market), key=lambda row: row[2])] == [
        ("final", number, 35) for number in (1, 2, 3)
    ]
    assert market.execute("SELECT FROM market.invoices HAVING count(*) = 3")
    check_sums(market)


UNCOVERED = """
    SELECT line.licence, line.month, sum(line.amount_fen)::bigint AS fen FROM market.usage_lines AS line
    WHERE NOT EXISTS (
        SELECT FROM market.invoice_parts AS part WHERE part.licence = line.licence AND part.month = line.month
        AND line.group_id > part.after_group AND line.group_id <= part.upto_group)
      AND NOT EXISTS (SELECT FROM market.invoices AS own WHERE own.month = line.month AND own.status = 'void')
    GROUP BY line.licence, line.month HAVING sum(line.amount_fen) <> 0
"""


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_in_whatever_order_is_invoiced_once(market: Market, seed: int) -> None:
    """Calls and credits of three months, runs, early and dated ends, withdrawals, as chance has them."""
    chance = random.Random(seed)
    sold = [sell(market), sell(market, 7, 0)]
    months = [month_ago(number) for number in (3, 2, 1)]
    standing: list[LineName] = []
    he = person(market, "he")
    for _ in range(30):
        deed = chance.choice(("use", "use", "credit", "run", "run", "end", "void"))
        if deed == "use":
            each, month = chance.choice(sold), chance.choice(months)
            standing += [LineName(each.licence, month, line) for line in use(market, each, 1, month=month)]
        elif deed == "credit" and standing:
            with market.database.transaction() as tx:
                late = standing.pop(chance.randrange(len(standing)))
                credit_lines(tx, [late], reason=Reason.UNCONFIRMED)
        elif deed == "run":
            assert invoice_months(market.database, rules=WAITING).unreconciled == []
        elif deed in ("end", "void"):
            left = [each for each in all_invoices(market) if each.status in OPEN]
            if left:
                asked: dict[str, Any] = {"gate": market.gate, "principal": he}
                asked["invoice_id"] = chance.choice(left).id
                if deed == "end":
                    finalise_invoice(market.database, rules=WAITING, **asked)
                elif chance.random() < 0.3:
                    void_invoice(market.database, reason="chance", **asked)
        check_sums(market)
    invoice_months(market.database, rules=WAITING)
    check_sums(market)
    for month in months:
        kinds = {each.kind for each in compare_month(market.database, month).differences}
        assert not kinds & {"running_sum", "invoice", "credit"}
    # what is on no invoice waits for the next month's end: the last month's takes no more
    last = next((each for each in all_invoices(market) if each.month == months[-1]), None)
    waits = last is not None and last.status not in OPEN
    assert waits or not market.execute(UNCOVERED)


def documents(market: Market, invoice: Invoice, rules: InvoiceRules) -> list[object]:
    asked: dict[str, Any] = {
        "gate": market.gate, "principal": person(market, "he"), "invoice_id": invoice.id,
    }  # fmt: skip
    contents = contents_of(market.database, rules=rules, **asked)
    with market.database.transaction() as tx:
        found = find_invoice(tx, invoice.id)
        shares = document_inputs(tx, found, items_of(tx, found.id), rules).shares
    lines = "".join(lines_csv(market.database, language="zh", **asked))
    printed = [invoice_pdf(contents, language) for language in ("zh", "en")]
    return [*printed, items_csv(contents, "zh"), tax_fields_csv(contents), lines, shares]


def test_the_documents_of_a_final_invoice_are_the_same_bytes_for_ever(market: Market) -> None:
    sold = sell(market)
    use(market, sold, 3, month=LAST)
    invoice_months(market.database, rules=WAITING)
    [draft] = all_invoices(market)
    seal_usage(market.database)
    dearer = replace(AT_ONCE, tax_percent=13, default_shares={"operator": 50}, due=timedelta(days=1))
    assert documents(market, draft, WAITING) != documents(market, draft, dearer), "an open one follows"
    market.execute("UPDATE market.invoices SET status = 'grace', final_at = now()")
    invoice_months(market.database, rules=WAITING)
    [final] = all_invoices(market)
    before = documents(market, final, WAITING)
    market.execute(
        "UPDATE market.products SET title_zh = '新名', title_en = 'new' WHERE id = :id", id=sold.product
    )
    market.execute(
        "UPDATE identity.organisations SET display_name = '改名' WHERE id = :id", id=final.organisation
    )
    use(market, sold, 1, month=LAST)
    invoice_months(market.database, rules=dearer)
    asked: dict[str, Any] = {
        "gate": market.gate, "principal": person(market, "he"), "invoice_id": final.id,
    }  # fmt: skip
    issue_credit_note(market.database, correction=Correction("F1", "x", (), 5), **asked)
    transfer = Transfer("F2", date(2026, 3, 1), 40, "x", "")
    assert pay_invoice(market.database, transfer=transfer, **asked).due_fen == 0
    [paid] = all_invoices(market)
    assert paid.status == "paid"
    assert documents(market, final, dearer) == before
    with pytest.raises(IntegrityError):
        market.execute("UPDATE market.invoices SET frozen = '{}' WHERE id = :id", id=final.id)
