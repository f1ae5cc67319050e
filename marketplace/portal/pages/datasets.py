"""Pages: the catalogue with its search, a dataset, and the request for access with its confirmation."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.messages import MESSAGES
from marketplace.portal.pages.public.catalogue import MOST_PAGES, PublicCatalogue, read_search
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_life import VaultLife
from marketplace.portal.vault_openings import VaultOpenings
from marketplace.products.find import listed_products
from marketplace.vault import Answer, Vault, listed
from sandbox.city_time import city_date
from sandbox.database import Database
from sandbox.errors import BudgetExhausted, InvalidInput, NotFound
from sandbox.plain_text import PlainText

USUAL_DAYS, LONGEST_DAYS = 90, 366
PURPOSE_LENGTH = range(10, 2001)


def router(
    *,
    database: Database,
    authenticator: Authenticator,
    pages: Pages,
    vault: Vault,
    strangers: PublicCatalogue,
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Anybody = Annotated[Session | None, Depends(authenticator.known)]
    Sender = Annotated[Session, Depends(authenticator.sender)]

    @routes.get("/datasets")
    def catalogue(request: Request, session: Anybody, vault: Reading) -> Response:
        if session is None:
            return strangers.catalogue(request, vault)
        return found_datasets(request, session, vault, pages)

    @routes.get("/datasets/{name}")
    def dataset(request: Request, session: Anybody, vault: Reading, name: str) -> Response:
        if session is None:
            return strangers.dataset(request, vault, name)
        try:
            return shown(request, session, vault, name)
        except NotFound as held:
            if held.code != "dataset_not_open" or "officer" not in session.principal.roles:
                raise
            return RedirectResponse(f"/datasets/{name}/versions", status_code=303)

    @routes.get("/datasets/{name}/stand-in")
    def stand_in(
        session: Anybody, vault: Reading, name: str, format: Literal["parquet", "csv"] = "parquet"
    ) -> Response:
        return best_stand_in(session, vault, name) if session else strangers.stand_in(vault, name, format)

    @routes.post("/datasets/{name}/stand-in")
    def buy_stand_in(
        request: Request,
        session: Sender,
        vault: Reading,
        name: str,
        epsilon: Annotated[PlainText, Form()] = "",
        trained: Annotated[PlainText, Form()] = "",
    ) -> Response:
        try:
            vault.buy_stand_in(session.principal.id, name, epsilon.strip(), trained=bool(trained))
        except (InvalidInput, BudgetExhausted) as refusal:
            return shown(request, session, vault, name, status=422, refusal=words_of(refusal), typed=epsilon)
        return RedirectResponse(f"/datasets/{name}#stand-in", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
        typed: str = "1",
    ) -> Response:
        me = session.principal
        about = vault.dataset(me.id, name)
        mine = vault.budgets(me.id, dataset=about["name"])
        with database.transaction() as tx:
            offers = [
                product.model_dump() | {"price": product.document.price}
                for product in listed_products(tx, dataset=name)
            ]
        stand_in = vault.stand_in_about(me.id, name)
        own = "officer" in me.roles and me.organisation == about.get("department")
        buys = bool(about.get("budget")) and stand_in["kind"] == "schema" and own
        return pages.show(
            request,
            "dataset.html",
            session,
            status=status,
            dataset=about,
            budgets=mine,
            products=offers,
            stand_in=stand_in,
            buys=buys,
            buys_quality=bool(about.get("budget")) and own,
            announcements=VaultLife(vault).announcements(me.id, name),
            openings=VaultOpenings(vault).reviews(me.id, dataset=name, state="waiting") if own else [],
            refusal=refusal,
            epsilon=typed,
        )

    add_request_pages(routes, authenticator=authenticator, pages=pages, vault=vault)
    return routes


def add_request_pages(routes: APIRouter, *, authenticator: Authenticator, pages: Pages, vault: Vault) -> None:
    """The form of an access request, and its last look."""
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]

    @routes.get("/datasets/{name}/request")
    def request_form(request: Request, session: Person, vault: Reading, name: str) -> Response:
        about = vault.dataset(session.principal.id, name)
        until = city_date(datetime.now(UTC) + timedelta(days=USUAL_DAYS)).isoformat()
        wish = {"team": "", "purpose": "", "epsilon": "1", "until": until}
        return form_shown(request, session, vault, about, wish)

    @routes.post("/datasets/{name}/request")
    def send_request(
        request: Request,
        session: Sender,
        vault: Reading,
        name: str,
        team: Annotated[PlainText, Form()] = "",
        purpose: Annotated[PlainText, Form()] = "",
        epsilon: Annotated[PlainText, Form()] = "",
        until: Annotated[PlainText, Form()] = "",
        step: Annotated[Literal["check", "change", "send"], Form()] = "check",
        once: Annotated[PlainText, Form()] = "",
    ) -> Response:
        about = vault.dataset(session.principal.id, name)
        wish = {"team": team, "purpose": purpose.strip(), "epsilon": epsilon.strip(), "until": until}
        try:
            check_wish(wish, about)
            if step == "send":
                return sent_once(
                    authenticator,
                    request,
                    once,
                    *wish.values(),
                    deed=lambda: "/requests#request-{id}".format_map(
                        vault.make_request(session.principal.id, dataset=name, **wish)
                    ),
                )
        except InvalidInput as refusal:
            return form_shown(request, session, vault, about, wish, refusal=words_of(refusal))
        if step == "change" or not is_trained(session, vault, about):
            return form_shown(request, session, vault, about, wish, status=200 if step == "change" else 422)
        return pages.show(request, "request_check.html", session, dataset=about, wish=wish)

    def form_shown(
        request: Request,
        session: Session,
        vault: Vault,
        about: Answer,
        wish: Mapping[str, str],
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        return pages.show(
            request,
            "request_form.html",
            session,
            status=422 if refusal else status,
            dataset=about,
            wish=wish,
            trained=is_trained(session, vault, about),
            refusal=refusal,
        )


def found_datasets(request: Request, session: Session, vault: Vault, pages: Pages) -> Response:
    """The catalogue of who is logged in: a page of what they may see."""
    wanted = read_search(request)
    found = vault.search_datasets(session.principal.id, q=wanted["q"], page=wanted["page"])

    def with_(page: int) -> str:
        """The address of another page of the same search."""
        asked = {"q": wanted["q"]} if wanted["q"] else {}
        return "/datasets?" + urlencode({**asked, "page": page})

    return pages.show(
        request,
        "datasets.html",
        session,
        found=found,
        last=max(1, min(MOST_PAGES, -(-found["total"] // found["size"]))),
        with_=with_,
        q=wanted["q"],
        aside=vault.set_aside(session.principal.id) if "officer" in session.principal.roles else [],
    )


def best_stand_in(session: Session, vault: Vault, name: str) -> Response:
    return Response(
        vault.stand_in(session.principal.id, name),
        media_type="application/vnd.apache.parquet",
        headers={"Content-Disposition": f'attachment; filename="{name}.stand-in.parquet"'},
    )


def is_trained(session: Session, vault: Vault, about: Answer) -> bool:
    """Whether whoever asks holds the certificate that the dataset needs, if it needs one."""
    course = about.get("certificate")
    held = listed(vault.get(session.principal.id, "/v1/certificates")) if course else []
    now = datetime.now(UTC)
    return not course or any(
        each["course"] == course and datetime.fromisoformat(each["expires_at"]) > now for each in held
    )


LABELS = {"team": "team", "purpose": "purpose", "epsilon": "budget_epsilon", "until": "until"}
"""The words of the form's fields."""


def check_wish(wish: Mapping[str, str], about: Answer) -> None:
    """What can be seen before the request is shown for a last look; all of it the vault checks again.
    Raises `InvalidInput`."""
    if empty := [LABELS[field] for field, value in wish.items() if not value]:
        zh, en = MESSAGES[empty[0]]
        raise InvalidInput(
            f"“{en}” is empty.",
            remedy="Fill in every field.",
            zh=f"没有填写“{zh}”。",
            remedy_zh="请填写每一项。",
        )
    if len(wish["purpose"]) not in PURPOSE_LENGTH:
        shortest, longest = PURPOSE_LENGTH[0], PURPOSE_LENGTH[-1]
        raise InvalidInput(
            f"The purpose must have {shortest} to {longest} characters.",
            remedy="Say what you want to find out, and what it is for.",
            zh=f"用途说明应有 {shortest} 至 {longest} 个字符。",
            remedy_zh="请说明想知道什么，作何用途。",
        )
    try:
        until, epsilon = date.fromisoformat(wish["until"]), float(wish["epsilon"])
    except ValueError:
        raise InvalidInput(
            "The date or the budget cannot be read.",
            remedy="Write them like 2026-12-31 and 0.5.",
            zh="截止日期或预算无法识别。",
            remedy_zh="请写成 2026-12-31 和 0.5 这样。",
        ) from None
    most = about["budget"]["grant_epsilon"] if about.get("budget") else math.inf
    if not 0 < epsilon <= most:
        raise InvalidInput(
            f"The budget must be above 0 and at most {most:g}.",
            remedy="That is the most that one grant on this dataset may have.",
            zh=f"预算应大于 0，至多 {most:g}。",
            remedy_zh="这是此数据集一项授权的上限。",
        )
    today = city_date(datetime.now(UTC))
    if not today < until <= today + timedelta(days=LONGEST_DAYS):
        raise InvalidInput(
            f"The end must lie in the future, and within {LONGEST_DAYS} days.",
            remedy="Choose another date.",
            zh=f"截止日期应在将来，且在 {LONGEST_DAYS} 天以内。",
            remedy_zh="请另选日期。",
        )
