"""Pages: a team's saved pages of private answers, their history, and refreshing one at the price shown."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.answer_view import view_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.pages.questions import answer_shown
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_answer_pages import VaultAnswerPages
from marketplace.vault import Answer, Vault, number_or_text
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText

PICORHO = 10**12


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/answer-pages")
    def listing(request: Request, session: Person, vault: Reading) -> Response:
        saved = VaultAnswerPages(vault).of_teams(session.principal.id)
        return pages.show(request, "answer_pages.html", session, saved=saved)

    @routes.post("/answers/{number}/page")
    def save(
        request: Request,
        session: Sender,
        vault: Reading,
        number: str,
        page: Text = "",
        title: Text = "",
        caption: Text = "",
        once: Text = "",
    ) -> Response:
        who, saved = session.principal.id, VaultAnswerPages(vault)

        def deed() -> str:
            answer = {"answer_id": number, "caption": caption.strip()}
            if page:
                known = saved.read(who, page)
                changed = saved.change(who, page, _content(known) | {"answers": [*_answers(known), answer]})
                return f"/answer-pages/{changed['id']}"
            paid_by = vault.answer(who, number)["grant"]
            team = next((each["team"] for each in vault.grants(who) if each["id"] == paid_by), "")
            made = saved.save(who, {"team": team, "title": title.strip(), "answers": [answer]})
            return f"/answer-pages/{made['id']}"

        try:
            return sent_once(authenticator, request, once, number, page, title, caption, deed=deed)
        except CihuError as refusal:
            typed = {"page": page, "title": title, "caption": caption}
            return answer_shown(request, pages, session, vault, number, typed=typed, refusal=refusal)

    @routes.get("/answer-pages/{page}")
    def read(
        request: Request, session: Person, vault: Reading, page: str, number: PlainText = ""
    ) -> Response:
        return _shown(pages, request, session, vault, page, number=number)

    @routes.post("/answer-pages/{page}")
    def change(request: Request, session: Sender, vault: Reading, page: str, given: Given) -> Response:
        items = _items(given)

        def deed() -> str:
            VaultAnswerPages(vault).change(session.principal.id, page, _changed(given, items))
            return f"/answer-pages/{page}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=deed)
        except CihuError as refusal:
            typed = {"title": _text(given, "title"), "text": _text(given, "text"), "items": items}
            return _shown(pages, request, session, vault, page, typed=typed, refusal=refusal)

    @routes.post("/answer-pages/{page}/remove")
    def remove(request: Request, session: Sender, vault: Reading, page: str) -> Response:
        VaultAnswerPages(vault).remove(session.principal.id, page)
        return RedirectResponse("/answer-pages", status_code=303)

    @routes.get("/answer-pages/{page}/refresh")
    def price(request: Request, session: Person, vault: Reading, page: str) -> Response:
        return _priced(pages, request, session, vault, page)

    @routes.post("/answer-pages/{page}/refresh")
    def refresh(
        request: Request,
        session: Sender,
        vault: Reading,
        page: str,
        once: Text = "",
        shown: Annotated[PlainText, Form(alias="priced")] = "",
    ) -> Response:
        def deed() -> str:
            VaultAnswerPages(vault).refresh(session.principal.id, page, shown)
            return f"/answer-pages/{page}"

        try:
            return sent_once(authenticator, request, once, shown, deed=deed)
        except CihuError as refusal:
            return _priced(pages, request, session, vault, page, refusal=refusal)

    return routes


def _priced(
    pages: Pages,
    request: Request,
    session: Session,
    vault: Vault,
    page: str,
    *,
    refusal: CihuError | None = None,
) -> Response:
    who, saved = session.principal.id, VaultAnswerPages(vault)
    return pages.show(
        request,
        "answer_page_refresh.html",
        session,
        status=422 if refusal else 200,
        page=saved.read(who, page),
        price=saved.price(who, page),
        refusal=words_of(refusal) if refusal else None,
        words=refusal_words,
        rho=rho,
    )


def _shown(
    pages: Pages,
    request: Request,
    session: Session,
    vault: Vault,
    page: str,
    *,
    number: str = "",
    typed: Mapping[str, Any] | None = None,
    refusal: CihuError | None = None,
) -> Response:
    who, saved, language = session.principal.id, VaultAnswerPages(vault), language_of(request)
    found = saved.read(who, page, number)
    by_id = {each["answer_id"]: each["sql"] for each in found["questions"]}
    form = dict(typed or _form(found))
    form["items"] = [{**each, "sql": by_id.get(each["answer_id"], "")} for each in form["items"]]
    answers = [
        (each, view_of(each["answer"], language) if each["answer"] else None) for each in found["questions"]
    ]
    return pages.show(
        request,
        "answer_page.html",
        session,
        status=422 if refusal else 200,
        page=found,
        answers=answers,
        history=saved.history(who, page),
        form=form,
        refusal=words_of(refusal) if refusal else None,
        words=refusal_words,
        rho=rho,
    )


def refusal_words(told: Mapping[str, str]) -> dict[str, str]:
    """A refusal inside a document, as templates show refusals."""
    return words_of(
        CihuError(
            told["message"],
            code=told["code"],
            remedy=told["remedy"],
            zh=told["message_zh"],
            remedy_zh=told["remedy_zh"],
        )
    )


def rho(picorho: int) -> str:
    """A loss in rho, as people read it."""
    return f"ρ {picorho / PICORHO:.4g}"


def _content(known: Answer) -> Answer:
    return {"number": known["number"], "title": known["title"], "text": known["text"]}


def _answers(known: Answer) -> list[Answer]:
    return [{"answer_id": each["answer_id"], "caption": each["caption"]} for each in known["questions"]]


def _form(found: Answer) -> dict[str, Any]:
    items = [{**each, "place": str(place)} for place, each in enumerate(_answers(found), start=1)]
    return {"title": found["title"], "text": found["text"], "items": items}


def _text(given: FormData, name: str) -> str:
    return str(given.get(name, ""))


def _items(given: FormData) -> list[dict[str, str]]:
    ids, places, captions = (
        [str(each) for each in given.getlist(name)] for name in ("answer", "place", "caption")
    )
    return [
        {"answer_id": id, "place": place.strip(), "caption": caption.strip()}
        for id, place, caption in zip(ids, places, captions, strict=False)
    ]


def _changed(given: FormData, items: list[dict[str, str]]) -> Answer:
    """The page as the form says it: those with a place, in the order of their places."""
    kept = [each for each in items if each["place"]]
    if any(not (each["place"].isascii() and each["place"].isdigit()) for each in kept):
        raise InvalidInput(
            "A place is no number.",
            remedy="Number the answers 1, 2, 3; leave a place empty to take the answer off the page.",
            zh="顺序应为数字。",
            remedy_zh="请用 1、2、3 填写顺序；留空表示从本页去掉该回答。",
        )
    kept.sort(key=lambda each: int(each["place"]))
    return {
        "number": number_or_text(_text(given, "number")),
        "title": _text(given, "title").strip(),
        "text": _text(given, "text").strip(),
        "answers": [{"answer_id": each["answer_id"], "caption": each["caption"]} for each in kept],
    }
