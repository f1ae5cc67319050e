"""Ending a company over HTTP: notice, taking it back, an operator's end, and the export."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from marketplace.company_endings.export import export_company
from marketplace.company_endings.find import find_ending
from marketplace.company_endings.give_notice import end_as_operator, give_notice, withdraw_notice
from marketplace.company_endings.model import Ending
from marketplace.company_endings.rules import EndingRules
from marketplace.company_endings.schemas import CompanyNotice, EndingDocument, EndReason, StandingEnding
from marketplace.delivery.files.manifest import ManifestKey
from marketplace.vault import SERVICE, Vault
from sandbox.api_schema import answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate

ZIP = "application/zip"


def shown(ending: Ending) -> dict[str, object]:
    document = asdict(ending)
    del document["id"]
    return document


def router(
    *,
    database: Database,
    gate: Gate,
    rules: EndingRules,
    caller: Callable[[Request], Principal],
    vault: Vault,
    key: ManifestKey,
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["customers"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.get(
        "/company/ending",
        operation_id="get_company_ending",
        summary="Whether notice is given that my company ends, and how long its export is there",
        responses=answers(StandingEnding),
    )
    def ending(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            found = find_ending(tx, principal.organisation)
        return {"ending": shown(found) if found else None}

    @routes.post(
        "/company/ending",
        status_code=201,
        operation_id="give_company_notice",
        summary="Give notice that my company ends (owners)",
        responses=answers(EndingDocument, 403, 404, 409, status=201),
    )
    def notice(principal: Caller, wanted: CompanyNotice) -> dict[str, object]:
        """On its last day keys, service accounts, sandbox keys and licences end, and open invoices become
        final. Until then everything goes on, and the notice can be taken back."""
        return shown(
            give_notice(
                database,
                gate=gate,
                rules=rules,
                principal=principal,
                reason=wanted.reason,
                last_day=wanted.last_day,
            )
        )

    @routes.post(
        "/company/ending/withdraw",
        status_code=204,
        operation_id="withdraw_company_notice",
        summary="Take the notice back: my company goes on (owners)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def withdraw(principal: Caller) -> None:
        withdraw_notice(database, gate=gate, principal=principal)

    @routes.post(
        "/companies/{organisation}/end",
        operation_id="end_company",
        summary="End a company at once, with a reason (operators)",
        responses=answers(EndingDocument, 403, 404, 409),
    )
    def end(principal: Caller, organisation: PlainText, wanted: EndReason) -> dict[str, object]:
        """Its next call is refused. Its owners can take the export until `export_until`."""
        return shown(
            end_as_operator(
                database,
                gate=gate,
                rules=rules,
                principal=principal,
                organisation=organisation,
                reason=wanted.reason,
            )
        )

    @routes.get(
        "/company/export",
        operation_id="export_company",
        summary="All orders, licences, usage lines, receipts and invoices of my company, as a zip (owners)",
        response_class=Response,
        responses=answers(None, 403, 404, 409, media_type=ZIP),
    )
    def export(principal: Caller) -> Response:
        """A zip of CSV and JSON files, sent as it is made; one at a time. `manifest.json` lists the digests
        of the files and is signed with the key of `GET /api/v1/manifest-key`. `cihu verify-export` checks
        all of it without this service."""
        name, pieces = export_company(
            database,
            gate=gate,
            principal=principal,
            key=key,
            receipts_of=partial(vault.receipts, SERVICE),
        )
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(pieces, media_type=ZIP, headers=headers)

    return routes
