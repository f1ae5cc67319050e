"""Transfers find their invoice by number, count once, and say what they left due."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.invoices.find import balance_of, find_invoice, invoices_for
from marketplace.invoices.invoice_months import invoice_months
from marketplace.invoices.invoice_rules import read_invoice_rules
from marketplace.invoices.model import Invoice
from marketplace.invoices.payments.change_payment import changes, decide_change, propose_change
from marketplace.invoices.payments.enter_payments import pay_invoice, read_statement, unmatched_payments
from marketplace.invoices.payments.match import InvoiceName, named_invoices, outcome_of
from marketplace.invoices.payments.statement_csv import StatementCsv
from marketplace.invoices.payments.transfer import Transfer
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from past_usage import month_ago, use
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.identity import load_principal
from selling import Market

RULES = replace(read_invoice_rules(REPOSITORY / "policies"), draft=timedelta(0), grace=timedelta(0))
MONTHS = count(3)
HEAD = "交易日期,金额,对方户名,摘要,交易流水号\n"


def test_a_memo_names_an_invoice_however_it_is_written() -> None:
    seven = [InvoiceName("market", 7)]
    for memo in ("market-I000007", "MARKET-i7", "账单market-I000007号", "pay market-I7 and market-I000007"):
        assert named_invoices(memo) == seven, memo
    assert named_invoices("thanks, 2026-03") == []
    assert len(named_invoices("market-I000007 market-I000008")) == 2


@given(st.integers(-1000, 1000).filter(bool), st.integers(-1000, 1000))
def test_the_outcome_says_what_is_left(amount: int, due: int) -> None:
    left = due - amount
    outcome = outcome_of(amount, due)
    assert (outcome == "exact") == (left == 0)
    if due > 0 and amount > 0:
        assert (outcome == "over") == (left < 0)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("2026-03-31,1.234,x,m,r", "two decimals"),
        ("2026-13-31,1.23,x,m,r", "2026-03-31"),
        ("2026-03-31,1.23,x,m,", "reference"),
        ("2026-03-31,1.23", "missing"),
        ("2026-03-31,1e3,x,m,r", "two decimals"),
    ],
)
def test_a_statement_with_a_fault_names_its_line(row: str, fault: str) -> None:
    with pytest.raises(InvalidInput, match="line 2") as refused:
        StatementCsv().read((HEAD + row).encode())
    assert fault in refused.value.message


def test_a_statement_is_read_in_both_encodings_and_languages() -> None:
    chinese = HEAD + '20260331,"1,234.5",民生,账单,R1\n'
    [transfer] = StatementCsv().read(chinese.encode("gb18030"))
    assert transfer == Transfer("R1", date(2026, 3, 31), 123450, "民生", "账单")
    english = "reference,memo,payer,date,amount\nR2,m,p,2026-03-31,-0.05\n"
    assert StatementCsv().read(english.encode())[0].amount_fen == -5
    for wrong in (b"\xff\x00", b"", b"a,b\n1,2\n"):
        with pytest.raises(InvalidInput):
            StatementCsv().read(wrong)


def test_transfers_are_matched_once_and_name_what_is_left(market: Market) -> None:
    sold = market.sell(Terms(price_fen=5, monthly_fee_fen=30, purpose="x"))
    for number in (1, 2):
        use(market, sold, 2, month=month_ago(number))
    invoice_months(market.database, rules=RULES)
    with market.database.transaction() as tx:
        he, chen = load_principal(tx, "he"), load_principal(tx, "chen")
        first, second = sorted(invoices_for(tx, he), key=lambda each: each.number or 0)
    statement = (
        HEAD
        + f"2026-03-01,0.15,民生,{first.label},A1\n"
        + f"2026-03-02,0.25,民生,{first.label},A2\n"
        + f"2026-03-03,0.45,民生,{second.label},A3\n"
        + f"2026-03-04,0.40,民生,{first.label} {second.label},A4\n"
        + "2026-03-05,0.40,rival,market-I999999,A5\n"
    ).encode()
    asked: dict[str, Any] = {"gate": market.gate, "source": StatementCsv(), "content": statement}
    with pytest.raises(Forbidden):
        read_statement(market.database, principal=chen, **asked)
    found = read_statement(market.database, principal=he, **asked)
    assert [(each.outcome, each.due_fen, each.known) for each in found] == [
        ("partial", 25, False),
        ("exact", 0, False),
        ("over", -5, False),
        ("unmatched", None, False),
        ("unmatched", None, False),
    ]
    again = read_statement(market.database, principal=he, **asked)
    assert all(each.known for each in again)
    with market.database.transaction() as tx:
        assert [find_invoice(tx, each.id).status for each in (first, second)] == ["paid", "paid"]
        assert balance_of(tx, find_invoice(tx, second.id)).paid_fen == 45
        assert {row.reference for row in unmatched_payments(tx)} == {"A4", "A5"}
    by_hand: dict[str, Any] = {"gate": market.gate, "principal": he, "invoice_id": second.id}
    back = Transfer("B1", date(2026, 3, 6), -5, "民生", "paid out")
    assert pay_invoice(market.database, transfer=back, **by_hand).due_fen == 0
    assert pay_invoice(market.database, transfer=back, **by_hand).known
    with pytest.raises(Conflict):
        pay_invoice(market.database, transfer=replace(back, amount_fen=5), **by_hand)
    with pytest.raises(InvalidInput):
        pay_invoice(market.database, transfer=replace(back, reference="B2", amount_fen=0), **by_hand)


def test_a_statement_that_is_sent_by_many_at_once_counts_once(market: Market) -> None:
    with market.database.transaction() as tx:
        he = load_principal(tx, "he")
        invoice = invoices_for(tx, he)[0]
        before = balance_of(tx, invoice).paid_fen
    rows = "".join(f"2026-03-09,0.01,x,{invoice.label},M{number}\n" for number in range(5))
    asked: dict[str, Any] = {"gate": market.gate, "principal": he, "source": StatementCsv()}
    with ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(read_statement, market.database, content=(HEAD + rows + end).encode(), **asked)
            for end in ("", "", "\n", "\n\n")
        ]
        results = [each.result() for each in sent]
    assert sum(not entered.known for result in results for entered in result) == 5
    with market.database.transaction() as tx:
        assert balance_of(tx, find_invoice(tx, invoice.id)).paid_fen == before + 5


def test_an_operator_does_not_settle_their_own_organisation_by_a_statement(market: Market) -> None:
    invoice = final_invoice(market)
    with market.database.transaction() as tx:
        own = replace(load_principal(tx, "he"), organisation=invoice.organisation)
    row = f"2026-03-11,{invoice.total_fen / 100:.2f},x,{invoice.label},O{invoice.id[:8]}\n"
    [entered] = read_statement(
        market.database, gate=market.gate, principal=own, source=StatementCsv(), content=(HEAD + row).encode()
    )
    assert (entered.outcome, entered.invoice, entered.unmatched_reason) == ("unmatched", None, "not_allowed")
    with market.database.transaction() as tx:
        assert find_invoice(tx, invoice.id).status == "final"
        assert any(each.unmatched_reason == "not_allowed" for each in unmatched_payments(tx))


def final_invoice(market: Market) -> Invoice:
    """A new one of 60 fen."""
    sold = market.sell(Terms(price_fen=30, purpose="x"))
    use(market, sold, 2, month=month_ago(next(MONTHS)))
    invoice_months(market.database, rules=RULES)
    with market.database.transaction() as tx:
        he = load_principal(tx, "he")
        return max(invoices_for(tx, he), key=lambda each: each.number or 0)


def person(market: Market, name: str) -> Any:
    with market.database.transaction() as tx:
        return load_principal(tx, name)


def read(market: Market, rows: str, head: str = HEAD) -> list[tuple[str, str | None, bool]]:
    found = read_statement(
        market.database, gate=market.gate, principal=person(market, "he"), source=StatementCsv(),
        content=(head + rows).encode(),
    )  # fmt: skip
    return [(each.outcome, each.unmatched_reason, each.known) for each in found]


def payment_of(market: Market, reference: str, amount_fen: int) -> int:
    return int(
        market.execute(
            "SELECT id FROM market.payments WHERE reference = :r AND amount_fen = :a",
            r=reference,
            a=amount_fen,
        )[0].id
    )


def status_of(market: Market, invoice: Invoice) -> tuple[str, int]:
    with market.database.transaction() as tx:
        found = find_invoice(tx, invoice.id)
        return found.status, balance_of(tx, found).due_fen


def test_a_reference_that_the_bank_uses_again_is_another_payment_and_somebody_is_told(market: Market) -> None:
    invoice = final_invoice(market)
    reference = f"Z{invoice.id[:8]}"
    row = f"2026-04-01,0.20,x,{invoice.label},{reference}\n"
    assert read(market, row) == [("partial", None, False)]
    assert read(market, row + "\n") == [("partial", None, True)]
    for other in (
        f"2026-04-02,0.20,x,{invoice.label},{reference}\n",
        f"2026-04-01,0.40,x,{invoice.label},{reference}\n",
    ):
        assert read(market, other) == [("unmatched", "reference_used", False)]
        assert read(market, other + "\n") == [("unmatched", "reference_used", True)]
    assert status_of(market, invoice) == ("final", 40)
    with market.database.transaction() as tx:
        assert [row.reference for row in unmatched_payments(tx)].count(reference) == 2
    by_hand = Transfer(reference, date(2026, 4, 3), 40, "x", "")
    with pytest.raises(Conflict) as refused:
        pay_invoice(
            market.database, gate=market.gate, principal=person(market, "he"), invoice_id=invoice.id,
            transfer=by_hand,
        )  # fmt: skip
    assert refused.value.code == "reference_used" and refused.value.remedy_zh


def test_each_account_of_a_bank_has_references_of_its_own(market: Market) -> None:
    invoice = final_invoice(market)
    reference, head = f"Y{invoice.id[:8]}", "账号," + HEAD
    of_hand = Transfer(reference, date(2026, 4, 1), 20, "x", "")
    assert not pay_invoice(
        market.database, gate=market.gate, principal=person(market, "he"), invoice_id=invoice.id,
        transfer=of_hand,
    ).known  # fmt: skip
    row = f"2026-04-01,0.20,x,{invoice.label},{reference}\n"
    # it was entered without its account
    assert read(market, "6217," + row, head) == [("partial", None, True)]

    reference = f"X{invoice.id[:8]}"
    row = f"2026-04-01,0.10,x,{invoice.label},{reference}\n"
    assert read(market, "6217," + row, head) == [("partial", None, False)]
    assert read(market, "6218," + row, head) == [("partial", None, False)]
    assert status_of(market, invoice) == ("final", 20)


def test_a_payment_is_assigned_by_one_person_and_another(market: Market) -> None:
    invoice = final_invoice(market)
    he, xu, chen = (person(market, name) for name in ("he", "xu", "chen"))
    reference = f"W{invoice.id[:8]}"
    read(market, f"2026-04-01,0.60,x,thanks,{reference}\n")
    payment = payment_of(market, reference, 60)
    asked: dict[str, Any] = {"gate": market.gate, "payment_id": payment, "invoice_id": invoice.id}
    for stranger in (chen, xu, replace(he, organisation=invoice.organisation)):
        with pytest.raises(Forbidden):
            propose_change(market.database, principal=stranger, reason="x", **asked)
    with pytest.raises(InvalidInput):
        propose_change(market.database, principal=he, reason=" ", **asked)
    first = propose_change(market.database, principal=he, reason="they telephoned", **asked)
    with pytest.raises(Conflict) as refused:
        propose_change(market.database, principal=he, reason="again", **asked)
    assert refused.value.code == "already_proposed"
    decided: dict[str, Any] = {"gate": market.gate, "change_id": first.id}
    for stranger in (he, chen, replace(xu, organisation=invoice.organisation)):
        with pytest.raises(Forbidden):
            decide_change(market.database, principal=stranger, agree=True, **decided)
    with pytest.raises(InvalidInput):
        decide_change(market.database, principal=xu, agree=False, **decided)
    decide_change(market.database, principal=xu, agree=False, answer="which call?", **decided)
    assert status_of(market, invoice) == ("final", 60)
    second = propose_change(market.database, principal=he, reason="a letter came", **asked)
    agreed = decide_change(market.database, gate=market.gate, principal=xu, change_id=second.id, agree=True)
    assert (agreed.status, agreed.decided_by, agreed.number) == ("agreed", "xu", invoice.label)
    assert status_of(market, invoice) == ("paid", 0)
    with pytest.raises(Conflict):
        decide_change(market.database, gate=market.gate, principal=xu, change_id=second.id, agree=True)
    with pytest.raises(Conflict) as refused:
        propose_change(market.database, principal=he, reason="x", **asked)
    assert refused.value.code == "already_assigned"
    with market.database.transaction() as tx:
        assert {each.id for each in changes(tx, gate=market.gate, principal=xu)} >= {first.id, second.id}
        with pytest.raises(Forbidden):
            changes(tx, gate=market.gate, principal=chen)
    kinds = market.execute(
        "SELECT count(*) FROM log.openings WHERE content LIKE :subject", subject=f"%payment:{payment}%"
    )
    assert kinds[0][0] >= 4, "each step is in the log"


@pytest.mark.parametrize("by", ["change", "statement"])
def test_an_invoice_whose_payment_is_returned_is_due_again(market: Market, by: str) -> None:
    invoice = final_invoice(market)
    he, xu = person(market, "he"), person(market, "xu")
    reference = f"V{invoice.id[:8]}"
    read(market, f"2026-04-01,0.60,x,{invoice.label},{reference}\n")
    assert status_of(market, invoice) == ("paid", 0)
    if by == "statement":
        read(market, f"2026-04-03,-0.60,x,{invoice.label},{reference}R\n")
    else:
        change = propose_change(
            market.database, gate=market.gate, principal=he, reason="no such account",
            payment_id=payment_of(market, reference, 60),
        )  # fmt: skip
        assert status_of(market, invoice) == ("paid", 0), "nothing changes before the second person"
        decide_change(market.database, gate=market.gate, principal=xu, change_id=change.id, agree=True)
        with pytest.raises(Conflict) as refused:
            propose_change(
                market.database, gate=market.gate, principal=he, reason="again", payment_id=change.payment
            )
        assert refused.value.code == "payment_returned"
    assert status_of(market, invoice) == ("final", 60)
    read(market, f"2026-04-05,0.60,x,{invoice.label},{reference}S\n")
    assert status_of(market, invoice) == ("paid", 0)
    assert not market.execute("SELECT id FROM market.invoices WHERE paid_at IS NULL AND status = 'paid'")


def test_two_who_decide_a_change_at_once_do_it_once(market: Market) -> None:
    invoice = final_invoice(market)
    he, xu = person(market, "he"), person(market, "xu")
    reference = f"U{invoice.id[:8]}"
    read(market, f"2026-04-01,0.60,x,thanks,{reference}\n")
    change = propose_change(
        market.database, gate=market.gate, principal=he, reason="x", invoice_id=invoice.id,
        payment_id=payment_of(market, reference, 60),
    )  # fmt: skip

    def decide(agree: bool) -> bool:
        try:
            decide_change(
                market.database, gate=market.gate, principal=xu, change_id=change.id, agree=agree, answer="x"
            )
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(decide, [True, False, True, False])) == 1
