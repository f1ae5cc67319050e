"""Pages: the invoices that somebody may see, one of them with its documents, and what operators do."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from marketplace.customers.find import company_names
from marketplace.invoices.documents.contents import contents_of
from marketplace.invoices.documents.csv_files import items_csv, lines_csv
from marketplace.invoices.documents.messages import Language
from marketplace.invoices.documents.pdf import invoice_pdf
from marketplace.invoices.documents.tax_fields import tax_fields_csv
from marketplace.invoices.finalise_invoice import finalise_invoice, void_invoice
from marketplace.invoices.find import balance_of, invoices_for, items_of, no_invoice, see_invoice
from marketplace.invoices.frozen import document_inputs
from marketplace.invoices.invoice_months import run_invoices
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.issue_credit_note import Correction, issue_credit_note, notes_of
from marketplace.invoices.payments.change_payment import changes, decide_change, propose_change
from marketplace.invoices.payments.enter_payments import (
    numbered_invoice,
    pay_invoice,
    payments_of,
    read_statement,
    unmatched_payments,
)
from marketplace.invoices.payments.match import named_invoices
from marketplace.invoices.payments.statement_csv import StatementCsv
from marketplace.invoices.payments.transfer import Transfer
from marketplace.invoices.set_purchase_order import set_purchase_order
from marketplace.money import LARGEST_FEN
from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import language_of
from marketplace.portal.pages.requests import day_of
from marketplace.portal.rendering import Pages, as_file
from marketplace.portal.sessions import Session
from marketplace.products.selling import Selling
from sandbox.database import Transaction
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Resource

Number = Annotated[int, Path(ge=1, lt=2**31)]
DEEDS = ("set_purchase_order", "settle_invoice", "view_shares")


def router(*, selling: Selling, rules: InvoiceRules, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    database, gate = selling.database, selling.gate
    Person = Annotated[Session, Depends(authenticator.person)]

    @routes.get("/invoices")
    def invoices(request: Request, session: Person) -> Response:
        everything = Resource("Invoices", "all", {})
        operator = gate.decide(session.principal, "read_statement", everything).allowed
        with database.transaction() as tx:
            found = invoices_for(tx, session.principal)
            names = company_names(tx, [each.organisation for each in found])
            unmatched = unmatched_payments(tx) if operator else []
            looks = gate.decide(session.principal, "view_payment_changes", everything).allowed
            proposed = changes(tx, gate=gate, principal=session.principal) if looks else []
        return pages.show(
            request,
            "invoices.html",
            session,
            invoices=found,
            names=names,
            operator=operator,
            unmatched=unmatched,
            changes=proposed,
        )

    @routes.get("/invoices/{invoice}")
    def one(request: Request, session: Person, invoice: str) -> Response:
        with database.transaction() as tx:
            found = see_invoice(tx, gate=gate, principal=session.principal, invoice_id=shaped(invoice))
            resource = Resource("Invoice", found.id, found.cedar)
            may = {deed: gate.decide(session.principal, deed, resource).allowed for deed in DEEDS}
            items = items_of(tx, found.id)
            return pages.show(
                request,
                "invoice.html",
                session,
                invoice=found,
                lines=items,
                balance=balance_of(tx, found),
                notes=notes_of(tx, found),
                payments=payments_of(tx, found.id),
                shares=document_inputs(tx, found, items, rules).shares if may["view_shares"] else [],
                may=may,
            )

    @routes.get("/invoices/{invoice}/file/{kind}")
    def file(request: Request, session: Person, invoice: str, kind: str) -> Response:
        language: Language = "zh" if language_of(request) == "zh" else "en"
        if kind == "lines.csv":
            written = lines_csv(
                database,
                gate=gate,
                principal=session.principal,
                invoice_id=shaped(invoice),
                language=language,
            )
            head = {"Content-Disposition": 'attachment; filename="lines.csv"', "Cache-Control": "no-store"}
            return StreamingResponse(written, media_type="text/csv", headers=head)
        contents = contents_of(
            database, gate=gate, rules=rules, principal=session.principal, invoice_id=shaped(invoice)
        )
        if kind == "pdf":
            return as_file(invoice_pdf(contents, language), "invoice.pdf")
        if kind == "items.csv":
            return as_file(items_csv(contents, language).encode(), "items.csv")
        if kind == "tax-fields.csv":
            return as_file(tax_fields_csv(contents).encode(), "tax-fields.csv")
        raise no_invoice()

    forms(routes, selling, rules, authenticator)
    return routes


def forms(routes: APIRouter, selling: Selling, rules: InvoiceRules, authenticator: Authenticator) -> None:
    database, gate = selling.database, selling.gate
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def back(invoice: str = "") -> Response:
        return RedirectResponse(f"/invoices/{invoice}".rstrip("/"), status_code=303)

    @routes.post("/invoices/run")
    def run(session: Sender) -> Response:
        run_invoices(database, gate=gate, rules=rules, principal=session.principal)
        return back()

    @routes.post("/invoices/statements")
    def statement(session: Sender, content: Text = "") -> Response:
        read_statement(
            database, gate=gate, principal=session.principal, source=StatementCsv(), content=content.encode()
        )
        return back()

    @routes.post("/invoices/payments/{payment}/changes")
    def propose(session: Sender, payment: Number, invoice: Text = "", reason: Text = "") -> Response:
        with database.transaction() as tx:
            chosen = named_invoice(tx, session.principal, invoice) if invoice.strip() else None
        propose_change(
            database,
            gate=gate,
            principal=session.principal,
            payment_id=payment,
            reason=filled(reason),
            invoice_id=chosen,
        )
        return back()

    @routes.post("/invoices/changes/{change}")
    def decide(session: Sender, change: Number, decision: Text = "", answer: Text = "") -> Response:
        decide_change(
            database,
            gate=gate,
            principal=session.principal,
            change_id=change,
            agree=decision == "agree",
            answer=answer[:2000],
        )
        return back()

    @routes.post("/invoices/{invoice}/purchase-order")
    def order(session: Sender, invoice: str, purchase_order: Text = "") -> Response:
        set_purchase_order(
            database,
            gate=gate,
            principal=session.principal,
            invoice_id=shaped(invoice),
            purchase_order=purchase_order[:100],
        )
        return back(invoice)

    @routes.post("/invoices/{invoice}/finalise")
    def finalise(session: Sender, invoice: str) -> Response:
        finalise_invoice(
            database, gate=gate, rules=rules, principal=session.principal, invoice_id=shaped(invoice)
        )
        return back(invoice)

    @routes.post("/invoices/{invoice}/void")
    def void(session: Sender, invoice: str, reason: Text = "") -> Response:
        void_invoice(
            database, gate=gate, principal=session.principal, invoice_id=shaped(invoice), reason=reason
        )
        return back(invoice)

    @routes.post("/invoices/{invoice}/credit-notes")
    def credit(
        session: Sender, invoice: str, reference: Text = "", amount_fen: Text = "", reason: Text = ""
    ) -> Response:
        correction = Correction(filled(reference), filled(reason), (), whole_fen(amount_fen))
        issue_credit_note(
            database,
            gate=gate,
            principal=session.principal,
            invoice_id=shaped(invoice),
            correction=correction,
        )
        return back(invoice)

    @routes.post("/invoices/{invoice}/payments")
    def pay(
        session: Sender,
        invoice: str,
        reference: Text = "",
        paid_on: Text = "",
        amount_fen: Text = "",
        payer: Text = "",
    ) -> Response:
        day = day_of(filled(paid_on))
        assert day is not None
        transfer = Transfer(filled(reference)[:100], day, whole_fen(amount_fen), payer[:200], "")
        pay_invoice(
            database,
            gate=gate,
            principal=session.principal,
            invoice_id=shaped(invoice),
            transfer=transfer,
        )
        return back(invoice)


def named_invoice(tx: Transaction, principal: Principal, text: str) -> str:
    """The id of the invoice that was written by its number, such as market-I000017. Raises `NotFound`."""
    names = named_invoices(text)
    found = numbered_invoice(tx, names[0]) if len(names) == 1 else None
    if found is None or not principal.roles & {"operator", "auditor"}:
        raise no_invoice()
    return found.id


def shaped(invoice: str) -> str:
    """An id as invoices have them. Raises `NotFound`."""
    if len(invoice) != 32 or not invoice.isascii() or not invoice.isalnum():
        raise no_invoice()
    return invoice


def filled(text: str) -> str:
    """Raises `InvalidInput` for nothing."""
    if not text.strip():
        raise InvalidInput(
            "A field of the form is empty.",
            remedy="Fill it in.",
            zh="有一项没有填写。",
            remedy_zh="请补充填写。",
        )
    return text.strip()


def whole_fen(text: str) -> int:
    """A whole number of fen. Raises `InvalidInput`."""
    digits = text.strip().removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 16 or int(digits) > LARGEST_FEN:
        raise InvalidInput(
            f"{text[:30]!r} is not a number of fen.",
            remedy="Write a whole number, such as 1250 for 12.50 yuan.",
            zh=f"“{text[:30]}”不是以分计的金额。",
            remedy_zh="请填写整数，如 12.50 元填 1250。",
        )
    return int(text.strip())
