"""Pages: what a team's models were called for and brought, by product and month, and as CSV."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.invoices.documents.income_csv import income_csv
from marketplace.invoices.documents.messages import Language
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.team_income import ProductIncome, team_income
from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import language_of
from marketplace.portal.rendering import Pages, as_file
from marketplace.portal.sessions import Session
from marketplace.products.selling import Selling
from sandbox.plain_text import PlainText


def router(*, selling: Selling, rules: InvoiceRules, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]

    def of_team(session: Session, team: str) -> list[ProductIncome]:
        return team_income(
            selling.database, gate=selling.gate, rules=rules, principal=session.principal, team=team[:63]
        )

    @routes.get("/teams/{team}/income")
    def income(request: Request, session: Person, team: PlainText) -> Response:
        found = of_team(session, team)
        return pages.show(
            request, "team_income.html", session, team=team, products=found, share_fen=share_of(found)
        )

    @routes.get("/teams/{team}/income.csv")
    def as_csv(request: Request, session: Person, team: PlainText) -> Response:
        language: Language = "zh" if language_of(request) == "zh" else "en"
        return as_file(income_csv(of_team(session, team), language).encode(), "team-income.csv")

    return routes


def share_of(found: Sequence[ProductIncome]) -> int:
    """The team's part of all invoices, in fen."""
    return sum(month.share_fen for each in found for month in each.months.values())
