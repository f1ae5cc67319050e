"""Invoices over HTTP: the preview of a licence's month, stored invoices and their documents, what operators
do with them, and the comparison of a month."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from marketplace.days import Day
from marketplace.invoices.documents.contents import Contents, contents_of
from marketplace.invoices.documents.csv_files import items_csv, lines_csv
from marketplace.invoices.documents.income_csv import income_csv
from marketplace.invoices.documents.messages import Language
from marketplace.invoices.documents.pdf import invoice_pdf
from marketplace.invoices.documents.tax_fields import named_fields, tax_fields, tax_fields_csv
from marketplace.invoices.finalise_invoice import finalise_invoice, void_invoice
from marketplace.invoices.find import invoices_for, items_of, require_on_invoice, see_invoice
from marketplace.invoices.frozen import document_inputs
from marketplace.invoices.invoice_months import run_invoices
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.issue_credit_note import Correction, issue_credit_note
from marketplace.invoices.payments.change_payment import changes, decide_change, propose_change
from marketplace.invoices.payments.enter_payments import pay_invoice, read_statement, unmatched_payments
from marketplace.invoices.payments.statement_csv import StatementCsv
from marketplace.invoices.payments.transfer import Transfer
from marketplace.invoices.preview_invoice import preview_invoice
from marketplace.invoices.reconcile import reconcile
from marketplace.invoices.schemas import (
    CreditNoteDocument,
    EnteredPayment,
    InvoiceDocument,
    InvoiceList,
    InvoicePreview,
    InvoiceRunDocument,
    InvoiceStatus,
    PaymentChangeDocument,
    PaymentChanges,
    ReadStatement,
    ReconciliationDocument,
    SharesDocument,
    TaxFields,
    TeamIncomeDocument,
    UnmatchedPayments,
    WholeInvoice,
)
from marketplace.invoices.set_purchase_order import set_purchase_order
from marketplace.invoices.team_income import team_income
from marketplace.invoices.views import invoice_view, payment_view, whole_invoice
from marketplace.money import LARGEST_FEN
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource

CSV, PDF = "text/csv", "application/pdf"
InvoiceId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Month = Annotated[str, Query(pattern="^20[0-9][0-9]-(0[1-9]|1[0-2])$")]
Reason = Annotated[PlainText, Field(min_length=1, max_length=2000)]
Reference = Annotated[PlainText, Field(min_length=1, max_length=100)]


class Withdrawal(BaseModel):
    reason: Reason


class PurchaseOrder(BaseModel):
    """The number of the buyer's own purchase order; empty takes it off."""

    purchase_order: Annotated[PlainText, Field(max_length=100)]


class CreditNoteRequest(BaseModel):
    """`reference` is your own: sent again, it is the same note. Either `lines`, the ids of usage lines of the
    invoice, or `amount_fen`, which is taken off."""

    reference: Reference
    reason: Reason
    lines: Annotated[list[Annotated[str, Field(pattern="^[0-9a-f]{32}$")]], Field(max_length=1000)] = []
    amount_fen: Annotated[int, Field(ge=1, le=LARGEST_FEN)] | None = None


class PaymentRequest(BaseModel):
    """`reference` is the bank's number of the transfer: sent again, it is the same payment. An amount below
    zero was paid out."""

    reference: Reference
    paid_on: Day
    amount_fen: Annotated[int, Field(ge=-LARGEST_FEN, le=LARGEST_FEN)]
    payer: Annotated[PlainText, Field(max_length=200)] = ""
    memo: Annotated[PlainText, Field(max_length=500)] = ""
    account: Annotated[PlainText, Field(max_length=100)] = ""


class PaymentChangeRequest(BaseModel):
    """`invoice`: the id of the final invoice to which the payment is assigned; null: the bank returned it."""

    reason: Reason
    invoice: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None


class PaymentChangeDecision(BaseModel):
    """`answer`: a reason, which a refusal needs."""

    agree: bool
    answer: Annotated[PlainText, Field(max_length=2000)] = ""


class Statement(BaseModel):
    """A bank's statement as CSV, with the columns date, amount (yuan), payer, memo and reference, and account
    (of the city, on which it came) where there are several."""

    content: Annotated[PlainText, Field(min_length=1)]


def router(
    *, database: Database, gate: Gate, rules: InvoiceRules, caller: Callable[[Request], Principal]
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["invoices"])
    for make in (reading_routes, team_routes, document_routes, operator_routes, comparing_routes):
        make(routes, database, gate, rules, caller)
    return routes


def reading_routes(
    routes: APIRouter,
    database: Database,
    gate: Gate,
    _: InvoiceRules,
    caller: Callable[[Request], Principal],
) -> None:
    Caller = Annotated[Principal, Depends(caller)]

    @routes.get(
        "/invoices/preview",
        operation_id="preview_invoice",
        summary="What a licence's month comes to, by reason, to the last fen",
        responses=answers(InvoicePreview, 403, 404, 409),
    )
    def shown(principal: Caller, licence: ExactInt, month: str) -> dict[str, object]:
        return asdict(
            preview_invoice(database, gate=gate, principal=principal, licence_id=licence, month=month)
        )

    @routes.get(
        "/invoices",
        operation_id="list_invoices",
        summary="The invoices that you may see",
        responses=answers(InvoiceList),
    )
    def listed(
        principal: Caller,
        month: Month | None = None,
        status: InvoiceStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, object]:
        """Of your organisation; for officers those of their department; for operators and auditors all."""
        with database.transaction() as tx:
            found = invoices_for(tx, principal, month=month, status=status, limit=limit)
        return {"invoices": [invoice_view(each) for each in found]}

    @routes.get(
        "/invoices/{invoice}",
        operation_id="get_invoice",
        summary="An invoice with its items, credit notes and payments",
        responses=answers(WholeInvoice, 403, 404),
    )
    def whole(principal: Caller, invoice: InvoiceId) -> dict[str, object]:
        return whole_invoice(database, gate=gate, principal=principal, invoice_id=invoice)

    @routes.post(
        "/invoices/{invoice}/purchase-order",
        operation_id="set_purchase_order",
        summary="Write your purchase order on an invoice that is not final (buyers)",
        responses=answers(InvoiceDocument, 403, 404, 409),
    )
    def order(principal: Caller, invoice: InvoiceId, body: PurchaseOrder) -> dict[str, object]:
        """The later invoices of the same department take it over."""
        return invoice_view(
            set_purchase_order(
                database,
                gate=gate,
                principal=principal,
                invoice_id=invoice,
                purchase_order=body.purchase_order,
            )
        )


def team_routes(
    routes: APIRouter,
    database: Database,
    gate: Gate,
    rules: InvoiceRules,
    caller: Callable[[Request], Principal],
) -> None:
    Caller = Annotated[Principal, Depends(caller)]

    @routes.get(
        "/team-income/{team}",
        operation_id="get_team_income",
        summary="Calls and income of a team's models and questions (its members)",
        responses=answers(TeamIncomeDocument, 403, 404),
    )
    def income(principal: Caller, team: Annotated[PlainText, Path(max_length=63)]) -> dict[str, object]:
        """By product and month, over all buyers; who bought is not told."""
        found = team_income(database, gate=gate, rules=rules, principal=principal, team=team)
        return {
            "team": team,
            "products": [
                asdict(each) | {"months": [asdict(one) for _, one in sorted(each.months.items())]}
                for each in found
            ],
        }

    @routes.get(
        "/team-income/{team}/months.csv",
        operation_id="get_team_income_csv",
        summary="The same as CSV, a line for each product and month",
        response_class=Response,
        responses=answers(None, 403, 404, media_type=CSV),
    )
    def months(
        principal: Caller, team: Annotated[PlainText, Path(max_length=63)], language: Language = "zh"
    ) -> Response:
        found = team_income(database, gate=gate, rules=rules, principal=principal, team=team)
        return Response(income_csv(found, language), media_type=CSV)


def document_routes(
    routes: APIRouter,
    database: Database,
    gate: Gate,
    rules: InvoiceRules,
    caller: Callable[[Request], Principal],
) -> None:
    Caller = Annotated[Principal, Depends(caller)]

    def contents(principal: Principal, invoice: str) -> Contents:
        return contents_of(database, gate=gate, rules=rules, principal=principal, invoice_id=invoice)

    @routes.get(
        "/invoices/{invoice}/pdf",
        operation_id="get_invoice_pdf",
        summary="An invoice as PDF",
        response_class=Response,
        responses=answers(None, 403, 404, media_type=PDF),
    )
    def pdf(principal: Caller, invoice: InvoiceId, language: Language = "zh") -> Response:
        return Response(invoice_pdf(contents(principal, invoice), language), media_type=PDF)

    @routes.get(
        "/invoices/{invoice}/items.csv",
        operation_id="get_invoice_items",
        summary="The items of an invoice as CSV",
        response_class=Response,
        responses=answers(None, 403, 404, media_type=CSV),
    )
    def items(principal: Caller, invoice: InvoiceId, language: Language = "zh") -> Response:
        return Response(items_csv(contents(principal, invoice), language), media_type=CSV)

    @routes.get(
        "/invoices/{invoice}/lines.csv",
        operation_id="get_invoice_lines",
        summary="The usage lines that an invoice is the sum of, as CSV",
        response_class=Response,
        responses=answers(None, 403, 404, media_type=CSV),
    )
    def lines(principal: Caller, invoice: InvoiceId, language: Language = "zh") -> Response:
        """Each line has its entry of the log; its receipt is at /api/v1/usage/{line}/receipt."""
        written = lines_csv(database, gate=gate, principal=principal, invoice_id=invoice, language=language)
        return StreamingResponse(written, media_type=CSV)

    @routes.get(
        "/invoices/{invoice}/tax-fields",
        operation_id="get_tax_fields",
        summary="The fields of an invoice that a tax system asks for to issue an e-invoice, 数电发票",
        responses=answers(TaxFields, 403, 404),
    )
    def fields(principal: Caller, invoice: InvoiceId) -> TaxFields:
        """These are fields for the tax system, and no e-invoice."""
        return named_fields(tax_fields(contents(principal, invoice)))

    @routes.get(
        "/invoices/{invoice}/tax-fields.csv",
        operation_id="get_tax_fields_csv",
        summary="The same as CSV, a line per item",
        response_class=Response,
        responses=answers(None, 403, 404, media_type=CSV),
    )
    def fields_csv(principal: Caller, invoice: InvoiceId) -> Response:
        return Response(tax_fields_csv(contents(principal, invoice)), media_type=CSV)

    @routes.get(
        "/invoices/{invoice}/shares",
        operation_id="get_invoice_shares",
        summary="How an invoice's total is shared (the selling department, operators, auditors)",
        responses=answers(SharesDocument, 403, 404),
    )
    def shares(principal: Caller, invoice: InvoiceId) -> dict[str, object]:
        with database.transaction() as tx:
            found = see_invoice(tx, gate=gate, principal=principal, invoice_id=invoice)
            require_on_invoice(gate, principal, found, "view_shares")
            parts = document_inputs(tx, found, items_of(tx, found.id), rules).shares
        return {
            "invoice": found.id,
            "total_fen": found.total_fen,
            "shares": [asdict(part) for part in parts],
        }


def operator_routes(
    routes: APIRouter,
    database: Database,
    gate: Gate,
    rules: InvoiceRules,
    caller: Callable[[Request], Principal],
) -> None:
    Caller = Annotated[Principal, Depends(caller)]

    @routes.post(
        "/invoices/run",
        operation_id="run_invoices",
        summary="Make the invoices that are due, and move them on by date (operators)",
        responses=answers(InvoiceRunDocument, 403),
    )
    def run(principal: Caller) -> dict[str, object]:
        """The portal does it by itself every few minutes. Done again, it changes nothing."""
        return asdict(run_invoices(database, gate=gate, rules=rules, principal=principal))

    @routes.post(
        "/invoices/{invoice}/finalise",
        operation_id="finalise_invoice",
        summary="Make an invoice final before its date (operators)",
        responses=answers(InvoiceDocument, 403, 404, 409),
    )
    def finalise(principal: Caller, invoice: InvoiceId) -> dict[str, object]:
        return invoice_view(
            finalise_invoice(database, gate=gate, rules=rules, principal=principal, invoice_id=invoice)
        )

    @routes.post(
        "/invoices/{invoice}/void",
        operation_id="void_invoice",
        summary="Withdraw an invoice that is not final: its month costs nothing (operators)",
        responses=answers(InvoiceDocument, 403, 404, 409),
    )
    def void(principal: Caller, invoice: InvoiceId, body: Withdrawal) -> dict[str, object]:
        return invoice_view(
            void_invoice(database, gate=gate, principal=principal, invoice_id=invoice, reason=body.reason)
        )

    @routes.post(
        "/invoices/{invoice}/credit-notes",
        operation_id="issue_credit_note",
        summary="Correct a final invoice by a credit note (红字) (operators)",
        responses=answers(CreditNoteDocument, 403, 404, 409),
    )
    def credit(principal: Caller, invoice: InvoiceId, body: CreditNoteRequest) -> dict[str, object]:
        correction = Correction(body.reference, body.reason, tuple(body.lines), body.amount_fen)
        return asdict(
            issue_credit_note(
                database, gate=gate, principal=principal, invoice_id=invoice, correction=correction
            )
        )

    @routes.post(
        "/invoices/{invoice}/payments",
        operation_id="pay_invoice",
        summary="Enter a payment of a final invoice (operators)",
        responses=answers(EnteredPayment, 403, 404, 409),
    )
    def pay(principal: Caller, invoice: InvoiceId, body: PaymentRequest) -> dict[str, object]:
        transfer = Transfer(**body.model_dump())
        return asdict(
            pay_invoice(database, gate=gate, principal=principal, invoice_id=invoice, transfer=transfer)
        )


def comparing_routes(
    routes: APIRouter,
    database: Database,
    gate: Gate,
    _: InvoiceRules,
    caller: Callable[[Request], Principal],
) -> None:
    Caller = Annotated[Principal, Depends(caller)]

    @routes.post(
        "/statements",
        operation_id="read_statement",
        summary="Match a bank's statement with invoices, by number and amount (operators)",
        responses=answers(ReadStatement, 403),
    )
    def read(principal: Caller, body: Statement) -> dict[str, object]:
        """A transfer that was read before counts once."""
        entered = read_statement(
            database,
            gate=gate,
            principal=principal,
            source=StatementCsv(),
            content=body.content.encode(),
        )
        return {"transfers": [asdict(each) for each in entered]}

    @routes.get(
        "/payments/unmatched",
        operation_id="list_unmatched_payments",
        summary="Payments that are for no invoice (operators)",
        responses=answers(UnmatchedPayments, 403),
    )
    def unmatched(principal: Caller) -> dict[str, object]:
        gate.require(principal, "read_statement", Resource("Invoices", "all", {}))
        with database.transaction() as tx:
            return {"payments": [payment_view(row) for row in unmatched_payments(tx)]}

    @routes.get(
        "/payments/changes",
        operation_id="list_payment_changes",
        summary="Changes of payments, those that wait first (operators, auditors)",
        responses=answers(PaymentChanges, 403),
    )
    def listed(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            return {"changes": [asdict(each) for each in changes(tx, gate=gate, principal=principal)]}

    @routes.post(
        "/payments/{payment}/changes",
        status_code=201,
        operation_id="propose_payment_change",
        summary="Propose to assign a payment to an invoice, or that the bank returned it (operators)",
        responses=answers(PaymentChangeDocument, 403, 404, 409, status=201),
    )
    def propose(principal: Caller, payment: Number, body: PaymentChangeRequest) -> dict[str, object]:
        """Somebody else agrees or refuses. Nothing is changed before."""
        return asdict(
            propose_change(
                database,
                gate=gate,
                principal=principal,
                payment_id=payment,
                reason=body.reason,
                invoice_id=body.invoice,
            )
        )

    @routes.post(
        "/payments/changes/{change}/decision",
        operation_id="decide_payment_change",
        summary="Agree to a change of a payment, or refuse it, as the second person (operators, auditors)",
        responses=answers(PaymentChangeDocument, 403, 404, 409),
    )
    def decide(principal: Caller, change: Number, body: PaymentChangeDecision) -> dict[str, object]:
        """An invoice whose payment was returned is due again."""
        return asdict(
            decide_change(
                database,
                gate=gate,
                principal=principal,
                change_id=change,
                agree=body.agree,
                answer=body.answer,
            )
        )

    @routes.get(
        "/reconciliation",
        operation_id="reconcile_month",
        summary="A month compared to the fen: answers, lines, sums, invoices, log (operators, auditors)",
        responses=answers(ReconciliationDocument, 403),
    )
    def compared(principal: Caller, month: Month) -> dict[str, object]:
        return asdict(reconcile(database, gate=gate, principal=principal, month=month))
