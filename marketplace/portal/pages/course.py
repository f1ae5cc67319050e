"""Page: the safe-researcher course's test. The vault draws the questions and marks the answers."""

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, as_file, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault, listed
from sandbox.errors import CihuError, NotFound

ANSWER = "answer-"
"""Before the id of a question, in the form."""


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]

    @routes.get("/course")
    def course(request: Request, session: Person, vault: Reading) -> Response:
        return shown(request, session, vault)

    @routes.post("/course")
    def begin(request: Request, session: Sender, vault: Reading) -> Response:
        try:
            attempt = vault.post(session.principal.id, "/v1/course/attempts", {})
        except CihuError as refusal:
            return shown(request, session, vault, refusal=refusal)
        return RedirectResponse(f"/course/attempts/{attempt['id']}", status_code=303)

    @routes.get("/course/attempts/{id}")
    def attempt(request: Request, session: Person, vault: Reading, id: int) -> Response:
        return attempt_shown(request, session, vault, id)

    @routes.post("/course/attempts/{id}")
    def answer(
        request: Request,
        session: Sender,
        vault: Reading,
        id: int,
        given: Annotated[FormData, Depends(posted)],
    ) -> Response:
        chosen = {
            name.removeprefix(ANSWER): int(value)
            for name, value in given.items()
            if name.startswith(ANSWER) and isinstance(value, str) and value.isdecimal()
        }
        try:
            vault.post(session.principal.id, f"/v1/course/attempts/{id}/answers", {"answers": chosen})
        except CihuError as refusal:
            return attempt_shown(request, session, vault, id, refusal=refusal, chosen=chosen)
        return RedirectResponse(f"/course/attempts/{id}", status_code=303)

    @routes.get("/course/certificates/{course}.json")
    def receipt(session: Person, vault: Reading, course: str) -> Response:
        certificates = listed(vault.get(session.principal.id, "/v1/certificates"))
        found = next((one for one in certificates if one["course"] == course and "receipt" in one), None)
        if found is None:
            raise NotFound(
                "You have no certificate of this course.",
                code="no_training_certificate",
                remedy="Take the course's test.",
                zh="您没有该课程的证书。",
                remedy_zh="请参加课程测试。",
            )
        text = json.dumps(found["receipt"], ensure_ascii=False, indent=2)
        return as_file(text.encode(), f"{course}.json")

    def shown(
        request: Request, session: Session, vault: Vault, *, refusal: CihuError | None = None
    ) -> Response:
        who = session.principal.id
        certificates, now = listed(vault.get(who, "/v1/certificates")), datetime.now(UTC)
        return pages.show(
            request,
            "course.html",
            session,
            status=422 if refusal else 200,
            course=vault.get(who, "/v1/course"),
            certificates=certificates,
            good=[one["course"] for one in certificates if datetime.fromisoformat(one["expires_at"]) > now],
            refusal=words_of(refusal) if refusal else None,
        )

    def attempt_shown(
        request: Request,
        session: Session,
        vault: Vault,
        id: int,
        *,
        refusal: CihuError | None = None,
        chosen: dict[str, int] | None = None,
    ) -> Response:
        found: Answer = vault.get(session.principal.id, f"/v1/course/attempts/{id}")
        return pages.show(
            request,
            "course_attempt.html",
            session,
            status=422 if refusal else 200,
            attempt=found,
            chosen=chosen or {},
            refusal=words_of(refusal) if refusal else None,
        )

    return routes
