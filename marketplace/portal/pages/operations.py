"""Pages for operators: the health of every part, maintenance, announcements; and the button by which anybody
dismisses an announcement."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from marketplace.portal.authentication import Authenticator
from marketplace.portal.banners import DISMISSED, MOST_DISMISSED, dismissed
from marketplace.portal.log_kinds import kind_words
from marketplace.portal.operations.administer import Operations
from marketplace.portal.operations.health import PartsHealth
from marketplace.portal.operations.schemas import NewAnnouncement, NewMaintenance
from marketplace.portal.rendering import Pages, come_back, words_of
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from sandbox.api_schema import LARGEST_EXACT
from sandbox.city_time import CITY_TIME
from sandbox.errors import CihuError, Forbidden, InvalidInput, NotFound
from sandbox.operations.announcements import AUDIENCES
from sandbox.plain_text import PlainText

PAGE = "/operations"


def router(
    *, operations: Operations, health: PartsHealth, authenticator: Authenticator, pages: Pages
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def shown(
        request: Request, session: Session, refusal: CihuError | None = None, **typed: dict[str, str]
    ) -> Response:
        return pages.show(
            request,
            "operations.html",
            session,
            status=422 if refusal else 200,
            known=operations.known_maintenance(),
            announced=operations.announcements(session.principal),
            audiences=AUDIENCES,
            refusal=words_of(refusal) if refusal else None,
            typed={"maintenance": {}, "announcement": {}} | typed,
        )

    @routes.get("/health")
    def parts(request: Request, session: Person) -> Response:
        known = health.document(session.principal)
        return pages.show(request, "health.html", session, known=known, kind_words=kind_words)

    @routes.get(PAGE)
    def overview(request: Request, session: Person) -> Response:
        return shown(request, session)

    @routes.post(f"{PAGE}/maintenance")
    def set_maintenance(
        request: Request,
        session: Sender,
        text_zh: Text = "",
        text_en: Text = "",
        starts_at: Text = "",
        ends_at: Text = "",
        once: Text = "",
    ) -> Response:
        typed = {"text_zh": text_zh, "text_en": text_en, "starts_at": starts_at, "ends_at": ends_at}

        def deed() -> str:
            operations.set_maintenance(session.principal, _read(NewMaintenance, typed))
            return PAGE

        try:
            return sent_once(authenticator, request, once, *typed.values(), deed=deed)
        except Forbidden:
            raise
        except CihuError as refusal:
            return shown(request, session, refusal, maintenance=typed)

    @routes.post(f"{PAGE}/maintenance/{{number}}/end")
    def end_maintenance(session: Sender, number: str) -> Response:
        operations.end_maintenance(session.principal, _number(number))
        return RedirectResponse(PAGE, status_code=303)

    @routes.post(f"{PAGE}/announcements")
    def announce(
        request: Request,
        session: Sender,
        text_zh: Text = "",
        text_en: Text = "",
        audience: Text = "all",
        starts_at: Text = "",
        ends_at: Text = "",
        once: Text = "",
    ) -> Response:
        typed = {
            "text_zh": text_zh,
            "text_en": text_en,
            "audience": audience,
            "starts_at": starts_at,
            "ends_at": ends_at,
        }

        def deed() -> str:
            operations.announce(session.principal, _read(NewAnnouncement, typed))
            return f"{PAGE}#announcements"

        try:
            return sent_once(authenticator, request, once, *typed.values(), deed=deed)
        except Forbidden:
            raise
        except CihuError as refusal:
            return shown(request, session, refusal, announcement=typed)

    @routes.post(f"{PAGE}/announcements/{{number}}/withdraw")
    def withdraw(session: Sender, number: str) -> Response:
        operations.withdraw(session.principal, _number(number))
        return RedirectResponse(f"{PAGE}#announcements", status_code=303)

    @routes.post("/announcements/{number}/dismiss")
    def hide(request: Request, number: str) -> Response:
        """Of a person or a stranger: nothing changes but a cookie of this browser's session."""
        authenticator.check_same_site(request)
        kept = [each for each in dismissed(request) if each != _number(number)]
        value = ".".join(map(str, [*kept, _number(number)][-MOST_DISMISSED:]))
        answer = RedirectResponse(come_back(request), status_code=303)
        secure = authenticator.settings.secure
        answer.set_cookie(DISMISSED, value, httponly=True, samesite="lax", secure=secure)
        return answer

    return routes


def _read(model: type[Any], typed: dict[str, str]) -> Any:
    """The form as the operation takes it; moments are the city's. Raises `InvalidInput`."""
    values: dict[str, object] = {name: value for name, value in typed.items() if value.strip()}
    for name in ("starts_at", "ends_at"):
        if name in values:
            values[name] = _moment(typed[name])
    try:
        return model.model_validate(values)
    except ValidationError as error:
        missing = str(error.errors()[0]["loc"][0])
        raise InvalidInput(
            f"Something is missing or too long: {missing}.",
            remedy="Write both texts, and an end.",
            zh="内容缺失或过长。",
            remedy_zh="请填写中英文说明和结束时间。",
        ) from None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=CITY_TIME)
    except ValueError:
        raise InvalidInput(
            "This is not a moment.",
            remedy="Write it like 2026-12-01T20:00, in the city's time.",
            zh="时间无法识别。",
            remedy_zh="请写作 2026-12-01T20:00 的形式（北京时间）。",
        ) from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= LARGEST_EXACT):
        raise NotFound("There is no such thing here.", zh="没有该内容。")
    return min(int(text), 2**31 - 1)
