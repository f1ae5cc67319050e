"""Derivations over HTTP, for officers."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from sandbox.api_schema import answers
from sandbox.catalog.notice import LONGEST_NOTES, PublishersWord
from sandbox.derivations import derivations
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.run import run
from sandbox.derivations.schemas import DerivationDocument
from sandbox.identity import Principal
from sandbox.plain_text import PlainText

ONE = "/v1/derivations/{name}"
LONGEST_POLICY = 500_000


class NewDerivation(BaseModel):
    """`policy`: the policy of the result (YAML), with its SQL under `derive`. `schedule`: when newer versions
    of what it reads are taken by themselves, a cron expression by the city's clock."""

    policy: Annotated[str, Field(min_length=1, max_length=LONGEST_POLICY)]
    schedule: Annotated[PlainText, Field(min_length=9, max_length=100)] | None = None


ItemName = Annotated[PlainText, Field(max_length=61)]


class AgreedDerivation(BaseModel):
    revision: Annotated[int, Field(ge=1, le=2**31 - 1, description="of the derivation that you read")]


class RunNow(BaseModel):
    """`notes` on what is new; `urgent`: why a version that breaks questions is not announced first.
    `confirmed`: what you answer with yes of the review before it opens."""

    notes: Annotated[PlainText, Field(max_length=LONGEST_NOTES)] = ""
    urgent: Annotated[PlainText, Field(max_length=LONGEST_NOTES)] = ""
    confirmed: Annotated[frozenset[ItemName], Field(max_length=50)] = frozenset()


def router(context: DerivationContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(tags=["derivations"])

    def officer_only(officer: Annotated[Principal, Depends(authenticate)]) -> Principal:
        context.drafting.require_officer(officer)
        return officer

    Officer = Annotated[Principal, Depends(officer_only)]

    @api.get(
        "/v1/derivations",
        operation_id="list_derivations",
        summary="Derivations of your department and of its data",
        responses=answers(list[DerivationDocument], 403),
    )
    def list_all(officer: Officer) -> list[DerivationDocument]:
        """Those that your department proposed, and those that read its datasets, which wait for you."""
        return derivations.list_derivations(context, officer)

    @api.post(
        "/v1/derivations",
        operation_id="propose_derivation",
        summary="Propose a dataset that is derived from others",
        responses=answers(DerivationDocument, 403, 404, 409),
    )
    def propose(officer: Officer, new: NewDerivation) -> DerivationDocument:
        """Propose it, or change what was proposed. It runs once a second officer of your department and
        officers of each other department whose data it reads have agreed."""
        return derivations.propose(context, officer, new.policy, schedule=new.schedule)

    @api.get(
        ONE,
        operation_id="get_derivation",
        summary="A derivation",
        responses=answers(DerivationDocument, 403, 404),
    )
    def get(officer: Officer, name: str) -> DerivationDocument:
        """Its SQL, what it reads, and who has still to agree."""
        return derivations.read_derivation_of(context, officer, name)

    @api.post(
        ONE + "/agree",
        operation_id="agree_to_derivation",
        summary="Agree to a derivation",
        responses=answers(DerivationDocument, 403, 404, 409),
    )
    def agree(officer: Officer, name: str, agreed: AgreedDerivation) -> DerivationDocument:
        """As its second officer, or for your department's data. A change needs it anew."""
        return derivations.agree(context, officer, name, agreed.revision)

    @api.delete(
        ONE + "/agree",
        operation_id="withdraw_agreement_to_derivation",
        summary="Withdraw your department's agreement to a derivation",
        responses=answers(DerivationDocument, 403, 404, 409),
    )
    def withdraw(officer: Officer, name: str) -> DerivationDocument:
        """It is derived no more until officers of your department agree anew. What was published stays."""
        return derivations.withdraw_agreement(context, officer, name)

    @api.post(
        ONE + "/refresh",
        operation_id="refresh_derivation",
        summary="Take the newest versions of what is read",
        responses=answers(DerivationDocument, 403, 404, 409),
    )
    def refresh(officer: Officer, name: str) -> DerivationDocument:
        """Where the policies of those versions are the same as before, what was agreed to stands. Run it
        then."""
        return derivations.refresh(context, officer, name)

    @api.post(
        ONE + "/run",
        operation_id="run_derivation",
        summary="Derive the dataset and publish it",
        responses=answers(DerivationDocument, 403, 404, 409),
    )
    def run_now(officer: Officer, name: str, word: RunNow) -> DerivationDocument:
        """Compute the rows inside the vault and publish them as the next version. Where figures are hidden,
        it answers at whole half minutes after its begin, and says no more than that it is done."""
        return run(
            context,
            officer,
            name,
            word=PublishersWord(word.notes, word.urgent),
            confirmed=word.confirmed,
        )

    @api.delete(
        ONE,
        status_code=204,
        operation_id="remove_derivation",
        summary="End a derivation",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def remove(officer: Officer, name: str) -> Response:
        """It is derived no more. What was published stays."""
        derivations.remove(context, officer, name)
        return Response(status_code=204)

    return api
