"""Commands for payments of invoices: those that are for no invoice, and what two people change about them."""

from typing import Annotated, Any

import typer
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of
from sandbox.errors import InvalidInput, NotFound

Payment = Annotated[int, typer.Argument(help="The payment's number; `cihu payments` lists them.")]
Reason = Annotated[str, typer.Option(help="Why; the second person and the log have it.")]
MOST_LISTED = 1000


@app.command()
def payments(who: As = "he", home: Home = None, as_json: Json = False) -> None:
    """List payments that are for no invoice, and changes that wait for a second person (operators)."""
    operator = visitor_of(home, who)
    unmatched = operator.market("GET", "/api/v1/payments/unmatched")["payments"]
    changes = operator.market("GET", "/api/v1/payments/changes")["changes"]
    if as_json:
        return print_json({"unmatched": unmatched, "changes": changes})
    table = Table("payment", "reference", "paid on", "fen", "payer", "memo", "why")
    for each in unmatched:
        table.add_row(
            str(each["id"]),
            each["reference"],
            each["paid_on"],
            str(each["amount_fen"]),
            each["payer"],
            each["memo"],
            each["unmatched_reason"] or "",
        )
    out.print(table if unmatched else "Every payment is for an invoice.")
    waiting = Table("change", "payment", "what", "invoice", "by", "status", "reason")
    for each in changes:
        waiting.add_row(
            str(each["id"]),
            str(each["payment"]),
            each["kind"],
            each["number"] or "",
            each["proposed_by"],
            each["status"],
            each["reason"],
        )
    return out.print(waiting if changes else "No changes.")


@app.command("payment-assign")
def payment_assign(
    payment: Payment,
    invoice: Annotated[str, typer.Argument(help="The invoice's number, such as market-I000017.")],
    reason: Reason,
    who: As = "he",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Propose that a payment is for an invoice (operators). Somebody else agrees."""
    operator = visitor_of(home, who)
    listed = operator.market("GET", "/api/v1/invoices", params={"limit": MOST_LISTED})["invoices"]
    found = next((each["id"] for each in listed if each["number"] == invoice), None)
    if found is None:
        raise NotFound(f"You see no final invoice {invoice}.", remedy="See the page of invoices.")
    change = operator.market(
        "POST", f"/api/v1/payments/{payment}/changes", json={"reason": reason, "invoice": found}
    )
    _proposed(change, as_json)


@app.command("payment-return")
def payment_return(
    payment: Payment, reason: Reason, who: As = "he", home: Home = None, as_json: Json = False
) -> None:
    """Propose that the bank returned a payment (operators). Somebody else agrees."""
    change = visitor_of(home, who).market(
        "POST", f"/api/v1/payments/{payment}/changes", json={"reason": reason}
    )
    _proposed(change, as_json)


@app.command("payment-decide")
def payment_decide(
    change: Annotated[int, typer.Argument(help="The change's number; `cihu payments` lists them.")],
    agree: Annotated[bool, typer.Option("--agree", help="Agree: it is done.")] = False,
    refuse: Annotated[str | None, typer.Option(help="Refuse, with a reason.")] = None,
    who: As = "xu",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Agree to a change of a payment that somebody else proposed, or refuse it (operators, auditors)."""
    if agree == (refuse is not None):
        raise InvalidInput("Say one of two things.", remedy="Give --agree, or --refuse with a reason.")
    done = visitor_of(home, who).market(
        "POST",
        f"/api/v1/payments/changes/{change}/decision",
        json={"agree": agree, "answer": refuse or ""},
    )
    show(done, as_json, f"The change {change} is {done['status']}.")


def _proposed(change: dict[str, Any], as_json: bool) -> None:
    show(
        change,
        as_json,
        f"Change {change['id']} waits for a second person: cihu payment-decide {change['id']} --agree",
    )
