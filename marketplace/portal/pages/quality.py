"""Pages: the quality report of a version or a draft, reported problems, and their answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.bar_charts import histogram, shares_chart
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.reviews import number_in_text
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_quality import VaultQuality
from marketplace.vault import Vault
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText

MOST_CLASSES = 40
"""A picture of more classes shows nothing."""


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/datasets/{name}/quality")
    def version_quality(
        request: Request, session: Officer, vault: Reading, name: str, version: PlainText = ""
    ) -> Response:
        who = session.principal.id
        about = vault.dataset(who, name)
        number = number_in_text(version) if version else about["version"]
        report = VaultQuality(vault).report(who, name, number)
        return report_page(request, session, report, newest=about["version"], draft=None)

    @routes.get("/drafts/{number}/quality")
    def draft_quality(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        report = VaultQuality(vault).draft_report(session.principal.id, number)
        return report_page(request, session, report, newest=0, draft=number)

    @routes.post("/datasets/{name}/quality")
    def buy(
        request: Request, session: SendingOfficer, vault: Reading, name: str, epsilon: Text = ""
    ) -> Response:
        VaultQuality(vault).buy_classes(session.principal.id, name, epsilon.strip())
        return RedirectResponse(f"/datasets/{name}#quality", status_code=303)

    @routes.post("/datasets/{name}/problems")
    def report(
        request: Request,
        session: Sender,
        vault: Reading,
        name: str,
        column: Text = "",
        words: Text = "",
        once: Text = "",
    ) -> Response:
        def deed() -> str:
            said = VaultQuality(vault).report_problem(
                session.principal.id, name, column=column.strip(), words=words.strip()
            )
            return f"/problems#problem-{said['id']}"

        try:
            return sent_once(authenticator, request, once, column, words, deed=deed)
        except CihuError as refusal:
            about = vault.dataset(session.principal.id, name)
            return pages.show(
                request,
                "problem_form.html",
                session,
                status=422,
                dataset=about,
                refusal=words_of(refusal),
                column=column,
                words=words,
            )

    @routes.get("/datasets/{name}/problems")
    def form(request: Request, session: Person, vault: Reading, name: str) -> Response:
        about = vault.dataset(session.principal.id, name)
        return pages.show(
            request, "problem_form.html", session, dataset=about, refusal=None, column="", words=""
        )

    @routes.get("/problems")
    def problems(request: Request, session: Person, vault: Reading) -> Response:
        return problems_page(request, session, vault)

    @routes.post("/problems/{number}/answer")
    def answer(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        outcome: Text = "",
        words: Text = "",
    ) -> Response:
        try:
            VaultQuality(vault).answer_problem(
                session.principal.id, number, outcome=outcome, words=words.strip()
            )
        except CihuError as refusal:
            return problems_page(request, session, vault, refusal=refusal)
        return RedirectResponse(f"/problems#problem-{number}", status_code=303)

    def problems_page(
        request: Request, session: Session, vault: Vault, *, refusal: CihuError | None = None
    ) -> Response:
        known = VaultQuality(vault).problems(session.principal.id)
        return pages.show(
            request,
            "problems.html",
            session,
            status=422 if refusal else 200,
            open_problems=[each for each in known if each["outcome"] is None],
            answered=[each for each in known if each["outcome"] is not None],
            refusal=words_of(refusal) if refusal else None,
        )

    def report_page(
        request: Request, session: Session, report: dict[str, Any], *, newest: int, draft: str | None
    ) -> Response:
        return pages.show(
            request,
            "quality.html",
            session,
            report=report,
            newest=newest,
            draft=draft,
            scores=_scores(report, language_of(request)),
            filled=shares_chart([(each["name"], each["completeness"]) for each in report["columns"]]),
            histograms=_histograms(report),
        )

    return routes


def _scores(report: dict[str, Any], language: str) -> Any:
    return shares_chart(
        [
            (dimension[language], dimension["score"] / 100)
            for dimension in report["score"]["dimensions"]
            if dimension["score"] is not None
        ]
    )


def _histograms(report: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    """Of each column that has public classes, with the last version beside it where there is one."""
    return [
        (column, histogram(spread["labels"], spread["counts"], column.get("counts_before", ())))
        for column in report["columns"]
        if (spread := column.get("distribution")) and len(spread["labels"]) <= MOST_CLASSES
    ]
