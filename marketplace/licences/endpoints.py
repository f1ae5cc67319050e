"""Licences over HTTP: see, pin, suspend, end."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from marketplace.days import Day
from marketplace.licences.end_licence import end_licence, revoke_licence
from marketplace.licences.entitlements import delivered, entitled_releases
from marketplace.licences.find import licences_for, see_licence
from marketplace.licences.model import Licence
from marketplace.licences.pin_licence import pin_licence
from marketplace.licences.privacy_account import account_of, open_privacy_account
from marketplace.licences.schemas import (
    EndedLicence,
    LicenceList,
    LicenceReleases,
    PrivacyAccountDocument,
)
from marketplace.licences.suspend_licence import resume_licence, suspend_licence
from marketplace.offers.price_rules import PriceRules
from marketplace.vault import Vault
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Ending(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


class Notice(BaseModel):
    """`last_day`: on which it is used last; without it the holder ends it at once, and the seller as soon as
    the notice allows."""

    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]
    last_day: Day | None = None


class Pin(BaseModel):
    """`release`: its number; null follows the newest release in effect."""

    release: ExactInt | None = None


def router(
    *, database: Database, gate: Gate, rules: PriceRules, caller: Callable[[Request], Principal], vault: Vault
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/licences", tags=["licences"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.get(
        "",
        operation_id="list_licences",
        summary="The licences that you may see",
        responses=answers(LicenceList),
    )
    def mine(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            return {"licences": [shown(licence) for licence in licences_for(tx, principal)]}

    @routes.post(
        "/{licence}/revoke",
        status_code=204,
        operation_id="revoke_licence",
        summary="End a licence (officers)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def revoke(principal: Caller, licence: ExactInt, ending: Ending) -> None:
        revoke_licence(database, gate=gate, principal=principal, licence_id=licence, reason=ending.reason)

    @routes.get(
        "/{licence}/privacy-account",
        operation_id="get_privacy_account",
        summary="The privacy budget of a licence of free SQL, and what of it is used",
        responses=answers(PrivacyAccountDocument, 402, 403, 404, 409),
    )
    def privacy_account(principal: Caller, licence: ExactInt) -> dict[str, object]:
        with database.transaction() as tx:
            found = see_licence(tx, gate=gate, principal=principal, licence_id=licence)
        return asdict(account_of(vault, found))

    @routes.post(
        "/{licence}/privacy-account",
        operation_id="open_privacy_account",
        summary="Open the privacy account of a licence of free SQL (officers)",
        responses=answers(PrivacyAccountDocument, 402, 403, 404, 409),
    )
    def open_account(principal: Caller, licence: ExactInt) -> dict[str, object]:
        """The vault gives the marketplace a grant with the budget that was sold, as this officer. An
        approval by an officer of the department opens it, too. It is opened once."""
        opened = open_privacy_account(
            database, gate=gate, vault=vault, principal=principal, licence_id=licence
        )
        return asdict(account_of(vault, opened))

    @routes.get(
        "/{licence}/releases",
        operation_id="list_licence_releases",
        summary="The releases that a licence may have, and which it delivers",
        responses=answers(LicenceReleases, 403, 404),
    )
    def releases(principal: Caller, licence: ExactInt) -> dict[str, object]:
        """A breaking release is listed, with what it changes, from its announcement on."""
        with database.transaction() as tx:
            found = see_licence(tx, gate=gate, principal=principal, licence_id=licence)
            now = tx.execute(select(func.now())).scalar_one()
            entitled = entitled_releases(tx, found.id)
        current = delivered(entitled, found.pin, now)
        return {
            "licence": found.id,
            "delivered": current.number if current else None,
            "pinned": found.pin is not None,
            "releases": [
                {
                    "number": each.number,
                    "effect": each.effect,
                    "changes": each.changes,
                    "notes": each.notes,
                    "effective_at": each.effective_at,
                    "status": each.status_at(now),
                }
                for each in entitled
            ],
        }

    @routes.post(
        "/{licence}/pin",
        status_code=204,
        operation_id="pin_licence",
        summary="Keep a licence on one release, or follow the newest (buyers)",
        responses=answers(None, 403, 404, status=204),
    )
    def pin(principal: Caller, licence: ExactInt, pin: Pin) -> None:
        pin_licence(database, gate=gate, principal=principal, licence_id=licence, release=pin.release)

    @routes.post(
        "/{licence}/end",
        operation_id="end_licence",
        summary="End a licence before its time (its holder, or the seller with notice)",
        responses=answers(EndedLicence, 403, 404, 409),
    )
    def finish(principal: Caller, licence: ExactInt, notice: Notice) -> dict[str, object]:
        ends_at = end_licence(
            database,
            gate=gate,
            rules=rules,
            principal=principal,
            licence_id=licence,
            **notice.model_dump(),
        )
        return {"licence": licence, "ends_at": ends_at}

    @routes.post(
        "/{licence}/suspend",
        status_code=204,
        operation_id="suspend_licence",
        summary="Suspend a licence (officers, operators)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def suspend(principal: Caller, licence: ExactInt, ending: Ending) -> None:
        suspend_licence(database, gate=gate, principal=principal, licence_id=licence, reason=ending.reason)

    @routes.post(
        "/{licence}/resume",
        status_code=204,
        operation_id="resume_licence",
        summary="Resume a suspended licence (officers, operators)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def resume(principal: Caller, licence: ExactInt) -> None:
        resume_licence(database, gate=gate, principal=principal, licence_id=licence)

    return routes


HIDDEN = ("pin", "privacy_grant")


def shown(licence: Licence) -> dict[str, object]:
    return {
        **{name: getattr(licence, name) for name in Licence.__dataclass_fields__ if name not in HIDDEN},
        "terms": licence.terms.model_dump(),
        "document": licence.document.model_dump(mode="json") if licence.document else None,
        "pinned": licence.pin is not None,
    }
