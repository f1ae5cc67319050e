"""Pages: the steps of a draft that are forms of its values: whom it is about, its columns, their bounds and
values, its description and budget."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts.answers import changes, shown_value
from marketplace.portal.drafts.column_answers import (
    EMPTY_MARKS,
    columns_changes,
    use_changes,
)
from marketplace.portal.drafts.policy_titles import population_titles
from marketplace.portal.drafts.step_fields import about_fields, part_of, parts_of, value_fields
from marketplace.portal.drafts.unit_answers import unit_changes, unit_shown, unit_typed
from marketplace.portal.drafts.view import ColumnView, DraftView
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.reviews import number_in
from marketplace.portal.pages.step_pages import StepPages, existing_dataset, viewed
from marketplace.portal.plain_form import posted
from marketplace.portal.sessions import Session
from marketplace.vault import Vault

Values = dict[str, Any]


def router(*, authenticator: Authenticator, steps: StepPages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/drafts/{number}/unit")
    def unit_step(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        view = viewed(session, vault, number)
        return steps.show(request, session, view, "unit", unit=unit_shown(view.policy))

    @routes.post("/drafts/{number}/unit")
    def save_unit(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        typed = unit_typed(given)
        return steps.save(
            request,
            session,
            vault,
            number,
            "unit",
            given,
            answers=lambda view: unit_changes(view.policy, typed),
            again=lambda view: {"unit": typed, "unit_saved": unit_shown(view.policy)},
        )

    @routes.get("/drafts/{number}/columns")
    def columns_step(
        request: Request, session: Officer, vault: Reading, number: str, part: int = 1
    ) -> Response:
        view = viewed(session, vault, number)
        return steps.show(request, session, view, "columns", **of_part(view, view.columns(), part))

    @routes.post("/drafts/{number}/columns")
    def save_columns(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        part = number_in(given, "part")
        return steps.save(
            request,
            session,
            vault,
            number,
            "columns",
            given,
            answers=lambda view: columns_changes(
                view.policy,
                [column.name for column in view.columns() if f"{column.path}.type" in given],
                given,
            ),
            again=lambda view: of_part(view, view.columns(), part),
            parts=lambda view: parts_of(view.columns()),
        )

    @routes.get("/drafts/{number}/values")
    def values_step(
        request: Request, session: Officer, vault: Reading, number: str, part: int = 1
    ) -> Response:
        view = viewed(session, vault, number)
        return steps.show(request, session, view, "values", **of_part(view, view.valued_columns(), part))

    @routes.post("/drafts/{number}/values")
    def save_values(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        part = number_in(given, "part")
        return steps.save(
            request,
            session,
            vault,
            number,
            "values",
            given,
            answers=lambda view: of_values(view, given),
            again=lambda view: of_part(view, view.valued_columns(), part),
            parts=lambda view: parts_of(view.valued_columns()),
        )

    @routes.get("/drafts/{number}/about")
    def about_step(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        view = viewed(session, vault, number)
        return steps.show(request, session, view, "about", **of_about(session, vault, view))

    @routes.post("/drafts/{number}/about")
    def save_about(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        return steps.save(
            request,
            session,
            vault,
            number,
            "about",
            given,
            answers=lambda view: changes(
                about_fields(view.policy), view.policy, given, accepted=view.from_rows()
            ),
            again=lambda view: of_about(session, vault, view),
        )

    def of_about(session: Session, vault: Vault, view: DraftView) -> Values:
        return {
            "populations": population_titles(steps.policies),
            "existing": existing_dataset(session, vault, view),
        }

    return routes


def of_part(view: DraftView, columns: list[ColumnView], part: int) -> Values:
    """What the page of a part of the columns shows."""
    parts = parts_of(columns)
    part = min(max(part, 1), parts)
    return {
        "columns": part_of(columns, part),
        "part": part,
        "parts": parts,
        "empty_marks": shown_value(EMPTY_MARKS, view.policy)[EMPTY_MARKS.path],
    }


def of_values(view: DraftView, given: FormData) -> Values:
    """What the form of bounds and values changes."""
    columns = view.valued_columns()
    fields = [field for column in columns for field in value_fields(view.policy, column.name)]
    changed = changes(fields, view.policy, given, accepted=view.from_rows())
    # of these the officer does not know bounds or values
    for column in columns:
        if f"attribute:{column.path}" in given:
            changed = {
                path: value for path, value in changed.items() if not path.startswith(f"{column.path}.")
            }
            changed |= use_changes(view.policy, column.name, "attribute")
    return changed
