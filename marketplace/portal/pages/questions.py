"""Pages: ask a private question in SQL, its price before it is paid, its answer, and what the team asked."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, Response

from marketplace.portal.answer_view import csv_of, view_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.completion_words import completion_words
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.rendering import Pages, Words, words_of
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_answer_pages import VaultAnswerPages
from marketplace.vault import ASKING_SECONDS, Answer, Vault, number_or_text
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText

NEWEST = 50
MOST_SHOWN = 20  # datasets whose columns stand on the page: the others are links to theirs
KINDS = ("dataset", "column", "value", "function", "keyword")  # of words that the editor offers


class PriceNotShown(Exception):
    """What is asked, or its price, is not what the page showed. `price` is today's."""

    def __init__(self, price: Answer) -> None:
        super().__init__()
        self.price = price


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/ask")
    def form(
        request: Request,
        session: Person,
        vault: Reading,
        sql: PlainText = "",
        epsilon: PlainText = "",
        error: PlainText = "",
        grant: PlainText = "",
    ) -> Response:
        return shown(
            request, session, vault, {"sql": sql, "epsilon": epsilon, "error": error, "grant": grant}
        )

    @routes.get("/ask/words.json")
    def words(request: Request, session: Person, vault: Reading) -> Response:
        """What the editor offers while one types; of datasets, columns and values what the person may see."""
        who, language = session.principal.id, language_of(request)
        live = [each for each in vault.budgets(who) if each["status"] == "live"]
        asked = {each["dataset"]: 0 for each in live if each["team"] in session.principal.teams}
        said = Words(language)
        listed = completion_words(
            sorted(vault.datasets(who), key=lambda each: each["name"] not in asked),
            columns_of(vault, who, asked),
            language=language,
            kinds={kind: said.of("word", kind) for kind in KINDS},
        )
        return JSONResponse({"words": listed}, headers={"Cache-Control": "private, no-store"})

    @routes.post("/ask")
    def ask(
        request: Request,
        session: Sender,
        vault: Reading,
        sql: Annotated[str, Form()] = "",
        epsilon: Text = "",
        error: Text = "",
        grant: Text = "",
        step: Text = "price",
        once: Text = "",
        priced: Text = "",
    ) -> Response:
        """`priced`: the digest of the question and the price that the page showed."""
        typed = {"sql": sql, "epsilon": epsilon.strip(), "error": error.strip(), "grant": grant.strip()}
        who, question = session.principal.id, question_of(typed)
        try:
            check_numbers(typed)
            if step != "ask":
                price = vault.post(who, "/v1/explain", question)
                return shown(request, session, vault, typed, price=price)

            def deed() -> str:
                price = vault.post(who, "/v1/explain", question)
                if priced != digest_of(question, price):
                    raise PriceNotShown(price)
                asked = vault.send(who, "POST", "/v1/ask", json=question, timeout=ASKING_SECONDS).json()
                return f"/answers/{asked['answer_id']}"

            said = json.dumps(question, sort_keys=True)
            return sent_once(authenticator, request, once, said, deed=deed)
        except PriceNotShown as other:
            return shown(request, session, vault, typed, price=other.price, changed=True)
        except CihuError as refusal:
            return shown(request, session, vault, typed, status=422, refusal=words_of(refusal))

    @routes.get("/answers/{number}")
    def answer(request: Request, session: Person, vault: Reading, number: str) -> Response:
        return answer_shown(request, pages, session, vault, number)

    @routes.get("/answers/{number}/table.csv")
    def table(session: Person, vault: Reading, number: str) -> Response:
        found = vault.answer(session.principal.id, number)
        attached = {"Content-Disposition": 'attachment; filename="answer.csv"', "Cache-Control": "no-store"}
        # with a mark, so that spreadsheets read it as UTF-8
        return Response("\ufeff" + csv_of(found), media_type="text/csv; charset=utf-8", headers=attached)

    @routes.get("/answers/{number}/receipt.json")
    def receipt(session: Person, vault: Reading, number: str) -> Response:
        found = vault.answer(session.principal.id, number)
        attached = {"Content-Disposition": f'attachment; filename="receipt-{found["log_index"]}.json"'}
        return JSONResponse(found["receipt"], headers=attached)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        typed: Mapping[str, str],
        *,
        status: int = 200,
        price: Answer | None = None,
        changed: bool = False,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        """`changed`: the price is shown in place of an answer."""
        who = session.principal.id
        try:
            told = vault.budgets(who)
        except CihuError:
            if refusal is None:
                raise
            told = None  # the first refusal says more
        budgets = [each for each in told or [] if each["team"] in session.principal.teams]
        live = [each for each in budgets if each["status"] == "live"]
        names = list(dict.fromkeys(each["dataset"] for each in live))
        return pages.show(
            request,
            "ask.html",
            session,
            status=status,
            typed=typed,
            grants=live,
            grants_read=told is not None,
            columns=columns_of(vault, who, names[:MOST_SHOWN]),
            others=names[MOST_SHOWN:],
            price=price,
            priced=digest_of(question_of(typed), price) if price else "",
            changed=changed,
            refusal=refusal,
            history=history(budgets),
        )

    return routes


def answer_shown(
    request: Request,
    pages: Pages,
    session: Session,
    vault: Vault,
    number: str,
    *,
    typed: Mapping[str, str] | None = None,
    refusal: CihuError | None = None,
) -> Response:
    """A stored answer, with the form that saves it on a page of its team's."""
    who = session.principal.id
    found = vault.answer(who, number)
    return pages.show(
        request,
        "answer.html",
        session,
        status=422 if refusal else 200,
        answer=found,
        view=view_of(found, language_of(request)),
        number=number,
        team_pages=VaultAnswerPages(vault).of_teams(who),
        typed=typed or {},
        refusal=words_of(refusal) if refusal else None,
    )


def check_numbers(typed: Mapping[str, str]) -> None:
    """Refuse what is no number in words for people: the vault says it as to a program."""
    for name in ("epsilon", "error"):
        try:
            float(typed[name] or 0)
        except ValueError:
            raise InvalidInput(
                f"“{typed[name]}” is not a number.",
                remedy="Write it with the digits 0 to 9, such as 0.05.",
                zh=f"“{typed[name]}”不是数字。",
                remedy_zh="请用数字 0 至 9 书写，例如 0.05。",
            ) from None


def question_of(typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, as the vault takes it: what is empty is left to it, what is no number it refuses."""
    question: dict[str, Any] = {name: typed[name] for name in ("sql", "epsilon", "error") if typed[name]}
    question.setdefault("sql", "")
    if typed["grant"]:
        question["grant"] = number_or_text(typed["grant"])
    return question


def digest_of(question: Mapping[str, Any], price: Answer) -> str:
    """Of a question and of what it spends, by the vault's explanation: hexadecimal SHA-256."""
    spent = [price.get(name) for name in ("grant", "epsilon", "picorho", "delta", "delta_spent", "version")]
    return hashlib.sha256(json.dumps([question, spent], sort_keys=True).encode()).hexdigest()


MOST_DESCRIBED = 500


def columns_of(vault: Vault, who: str, datasets: Iterable[str]) -> dict[str, list[Answer] | None]:
    """None for a dataset that cannot be read now, such as one whose newest version is broken."""
    names = list(dict.fromkeys(datasets))
    found: dict[str, list[Answer] | None] = dict.fromkeys(names)
    for at in range(0, len(names), MOST_DESCRIBED):
        try:
            told = vault.described(who, names[at : at + MOST_DESCRIBED])
        except CihuError:
            continue
        found |= {each["name"]: each["columns"] for each in told}
    return found


def history(budgets: list[Answer]) -> list[dict[str, Any]]:
    """What the teams spent on questions, the newest first, each with its part of its grant in percent."""
    questions: dict[str, dict[str, Any]] = {}
    for budget in budgets:
        whole = next(level for level in budget["levels"] if level["level"] == "grant")["picorho_limit"]
        for each in (budget["spent"] or {}).get("questions", ()):
            percent = 100 * each["picorho"] / whole if whole else 0.0
            questions[each["answer_id"]] = {**each, "team": budget["team"], "percent": percent}
    return sorted(questions.values(), key=lambda each: str(each["at"]), reverse=True)[:NEWEST]
