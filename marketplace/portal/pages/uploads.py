"""Pages: what an officer uploads, the upload itself, and a file that has no draft yet."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from marketplace.portal.authentication import Authenticator
from marketplace.portal.dataset_choices import DatasetChoices, dataset_choices
from marketplace.portal.drafts import file_form
from marketplace.portal.drafts.bulk import draft_like, outcome_words
from marketplace.portal.drafts.file_form import FileForm, file_form_at
from marketplace.portal.drafts.upload import MOST_FILE_BYTES, pass_on
from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.pages.officers import officer_at, require_officer, sending_officer_at
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.plain_text import PlainText

UPLOAD = "/uploads"
"""The one address whose body may be large; its answer is for the page's script."""
BULK = "/drafts/bulk"


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]

    @routes.post(UPLOAD)
    async def upload(
        request: Request,
        officer: Annotated[Principal, Depends(authenticator.caller)],
        name: Annotated[PlainText, Query(min_length=1, max_length=400)],
    ) -> Response:
        # session, form token and role are checked before the first byte is read
        require_officer(officer)
        length = request.headers.get("content-length")
        if length and int(length) > MOST_FILE_BYTES:
            raise HTTPException(413, str(MOST_FILE_BYTES))  # the words are in http_refusals.py
        try:
            file = await pass_on(
                vault.reading(language_of(request)),
                officer.id,
                name=name,
                pieces=request.stream(),
                length=length,
            )
        except ClientDisconnect:  # the vault has removed what came; nobody waits for this answer
            return Response(status_code=400)
        return JSONResponse({"file": file["id"]}, status_code=201)

    @routes.get("/drafts/upload")
    def upload_page(request: Request, session: Officer) -> Response:
        return pages.show(request, "upload.html", session, most_bytes=MOST_FILE_BYTES)

    @routes.get(BULK)
    def bulk_page(request: Request, session: Officer, vault: Reading) -> Response:
        datasets = own_datasets(session, vault)
        return pages.show(request, "draft_bulk.html", session, most_bytes=MOST_FILE_BYTES, datasets=datasets)

    @routes.post(BULK)
    def draft_one_of_many(
        request: Request,
        officer: Annotated[Principal, Depends(authenticator.caller)],
        vault: Reading,
        file: Annotated[PlainText, Query(max_length=100)],
        like: Annotated[PlainText, Query(max_length=63)],
        *,
        publish: Annotated[bool, Query()] = False,
    ) -> Response:
        """For the page's script, one file after the other: a fault of one keeps no other back."""
        require_officer(officer)
        done = draft_like(VaultDrafts(vault), officer.id, file, like, publish=publish)
        return JSONResponse(done | {"words": outcome_words(done, language_of(request))})

    @routes.get("/drafts/files/{file}")
    def file_page(
        request: Request,
        session: Officer,
        vault: Reading,
        file: str,
        form: Annotated[FileForm, Depends(file_form_at("query"))],
    ) -> Response:
        return shown(request, session, vault, file, form)

    @routes.post("/drafts/files/{file}/remove")
    def remove(session: SendingOfficer, vault: Reading, file: str) -> Response:
        VaultDrafts(vault).remove_file(session.principal.id, file)
        return RedirectResponse("/drafts", status_code=303)

    @routes.post("/drafts")
    def create(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        form: Annotated[FileForm, Depends(file_form_at("form"))],
        file: Annotated[PlainText, Form()] = "",
        next_of: Annotated[PlainText, Form()] = "",
    ) -> Response:
        after = {"next_of": next_of} if next_of else {}
        try:
            draft = VaultDrafts(vault).create(session.principal.id, file, form.as_given(), **after)
        except InvalidInput as refusal:
            return shown(request, session, vault, file, form, status=422, refusal=words_of(refusal))
        return RedirectResponse(f"/drafts/{draft['id']}/file", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        file: str,
        form: FileForm,
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        drafts, who = VaultDrafts(vault), session.principal.id
        about = next((one for one in drafts.files(who) if one["id"] == file), None)
        if about is None:
            raise NotFound("You have no such file.", remedy="Upload it again.", zh="您没有该文件。")
        try:
            rows, unread = read_rows(drafts, who, file, form.as_given())
        except InvalidInput as unreadable:
            rows, unread = None, words_of(unreadable)
        return pages.show(
            request,
            "draft_new.html",
            session,
            status=status,
            file=about,
            form=form,
            format={},
            of_file=file_form,
            rows=rows,
            unread=unread,
            refusal=refusal,
            datasets=own_datasets(session, vault),
        )

    return routes


def own_datasets(session: Session, vault: Vault) -> DatasetChoices:
    """The datasets of the officer's department."""
    who = session.principal
    return dataset_choices(vault, who.id, department=who.organisation)


def read_rows(
    drafts: VaultDrafts, who: str, file: str, form: dict[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
    """The first rows of a file; or why they cannot be shown, such as to another than who uploaded it."""
    try:
        return drafts.rows(who, file, form), None
    except CihuError as refusal:
        return None, words_of(refusal)
