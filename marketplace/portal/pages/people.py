"""Pages: people, organisations and teams, for whoever looks after accounts."""

import codecs
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from marketplace.portal.authentication import Authenticator
from marketplace.portal.people.administer import People
from marketplace.portal.people.schemas import InvitationDocument, NewPerson
from marketplace.portal.plain_form import plain_form
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from sandbox.errors import CihuError, Forbidden, InvalidInput
from sandbox.http.status import status_of
from sandbox.identity import ROLES
from sandbox.plain_text import PlainText


async def posted_with_text(request: Request) -> FormData:
    """The form; a small file in it is text here."""
    form = await request.form()
    fields: list[tuple[str, str | UploadFile]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            fields.append((name, as_text(await value.read())))
        else:
            fields.append((name, value))
    return plain_form(FormData(fields))


HAN = re.compile("[\u4e00-\u9fff]")


def as_text(content: bytes) -> str:
    """Raises `InvalidInput`. Guessing the encoding could turn one name into another: 石头 in GBK is good
    UTF-8 too. So what reads well in both is taken only with the mark of UTF-8 at its beginning."""
    text, in_gbk = read_as(content, "utf-8"), read_as(content, "gb18030")
    if text is not None and (
        content.startswith(codecs.BOM_UTF8) or text.isascii() or HAN.search(text) or in_gbk is None
    ):
        return text.removeprefix("\ufeff")
    raise InvalidInput(
        "The file is no text in UTF-8.",
        remedy="Save it as CSV UTF-8 (in Excel: CSV UTF-8, comma delimited).",
        zh="该文件不是 UTF-8 文本。",
        remedy_zh="请另存为 CSV UTF-8（逗号分隔）。",
    )


def read_as(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def router(*, people: People, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Given = Annotated[FormData, Depends(posted_with_text)]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def shown(
        request: Request,
        session: Session,
        *,
        refusal: CihuError | None = None,
        invitations: list[InvitationDocument] | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:
        """All people; `invitations`: links that were just made and are shown this once."""
        by = session.principal
        return pages.show(
            request,
            "people.html",
            session,
            status=status_of(refusal) if refusal else 200,
            people=people.listed(by),
            organisations=people.organisations(by),
            teams=people.teams(by),
            roles=list(ROLES),
            may_manage=people.may(by, "manage_groups"),
            may_assign=people.may(by, "assign_roles", "a-new-account"),
            invitations=invitations or [],
            refusal=words_of(refusal) if refusal else None,
            typed=typed or {},
        )

    @routes.get("/people")
    def page(request: Request, session: Person) -> Response:
        return shown(request, session)

    @routes.post("/people")
    def invite(request: Request, session: Sender, form: Given) -> Response:
        typed = {name: str(form.get(name, "")).strip() for name in ("account", "name", "organisation")}
        try:
            roles, teams = ([str(each) for each in form.getlist(name) if each] for name in ("roles", "teams"))
            person = checked(NewPerson, **typed, roles=roles, teams=teams)
            made = [people.invite(session.principal, person)]
        except Forbidden:
            raise
        except CihuError as refusal:
            return shown(request, session, refusal=refusal, typed=typed)
        return shown(request, session, invitations=made)

    @routes.post("/people/file")
    def invite_all(request: Request, session: Sender, form: Given) -> Response:
        try:
            made = people.invite_all(session.principal, str(form.get("file", "")))
        except Forbidden:
            raise
        except CihuError as refusal:
            return shown(request, session, refusal=refusal)
        return shown(request, session, invitations=made)

    @routes.post("/people/groups")
    def group(request: Request, session: Sender, kind: Text = "", id: Text = "", name: Text = "") -> Response:
        create = people.create_organisation if kind == "organisation" else people.create_team
        return after(request, session, lambda: create(session.principal, id.strip(), name))

    @routes.post("/people/merge")
    def merge(request: Request, session: Sender, team: Text = "", into: Text = "") -> Response:
        return after(request, session, lambda: people.merge(session.principal, team, into))

    def after(request: Request, session: Session, deed: Callable[[], None]) -> Response:
        try:
            deed()
        except Forbidden:
            raise
        except CihuError as refusal:
            return shown(request, session, refusal=refusal)
        return RedirectResponse("/people", status_code=303)

    return routes


def checked(kind: type[NewPerson], **given: Any) -> NewPerson:
    """Raises `InvalidInput`."""
    try:
        return kind(**given)
    except ValidationError as error:
        wrong = ", ".join(dict.fromkeys(str(fault["loc"][0]) for fault in error.errors()))
        raise InvalidInput(
            f"{wrong}: empty or too long.",
            remedy="Ids have 2 to 32 characters, names 1 to 80.",
            zh=f"{wrong} 为空或过长。",
            remedy_zh="标识为 2 至 32 个字符，姓名为 1 至 80 个字符。",
        ) from None
