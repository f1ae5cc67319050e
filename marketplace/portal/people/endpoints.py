"""People over HTTP: invite, disable, enable, roles, organisations, teams."""

from typing import Annotated

from fastapi import APIRouter, Depends

from marketplace.portal.authentication import Authenticator
from marketplace.portal.people.administer import People
from marketplace.portal.people.schemas import (
    GroupDocument,
    InvitationDocument,
    Membership,
    Merge,
    NewGroup,
    NewPerson,
    NewRoles,
    OrganisationList,
    PeopleFile,
    PeopleInvitations,
    PeopleList,
    PersonDocument,
    TeamList,
    Why,
)
from sandbox.api_schema import answers
from sandbox.identity import Principal


def router(*, people: People, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["people"])
    Caller = Annotated[Principal, Depends(authenticator.caller)]
    add_people(routes, people, Caller)
    add_groups(routes, people, Caller)
    return routes


def add_people(routes: APIRouter, people: People, Caller: object) -> None:  # noqa: N803  # a type
    @routes.get(
        "/people", operation_id="list_people", summary="All accounts", responses=answers(PeopleList, 403)
    )
    def listed(by: Caller) -> dict[str, list[PersonDocument]]:  # type: ignore[valid-type]
        return {"people": people.listed(by)}

    @routes.post(
        "/people",
        operation_id="invite_person",
        summary="Make an account and a link with which its person chooses a password",
        responses=answers(InvitationDocument, 403, 404, 409),
    )
    def invite(by: Caller, person: NewPerson) -> InvitationDocument:  # type: ignore[valid-type]
        return people.invite(by, person)

    @routes.post(
        "/people/file",
        operation_id="invite_people",
        summary="Invite everybody of a CSV file, or nobody",
        responses=answers(PeopleInvitations, 403),
    )
    def invite_all(by: Caller, file: PeopleFile) -> dict[str, list[InvitationDocument]]:  # type: ignore[valid-type]
        return {"invitations": people.invite_all(by, file.csv)}

    @routes.get(
        "/people/{account}",
        operation_id="get_person",
        summary="One account",
        responses=answers(PersonDocument, 403, 404),
    )
    def find(by: Caller, account: str) -> PersonDocument:  # type: ignore[valid-type]
        return people.find(by, account)

    @routes.post(
        "/people/{account}/link",
        operation_id="renew_invitation",
        summary="Take a password or an open link away, and make a new link",
        responses=answers(InvitationDocument, 403, 404, 409),
    )
    def new_link(by: Caller, account: str) -> InvitationDocument:  # type: ignore[valid-type]
        return people.new_link(by, account)

    @routes.delete(
        "/people/{account}/link",
        status_code=204,
        operation_id="withdraw_invitation",
        summary="Make an open link useless",
        responses=answers(None, 403, 404, status=204),
    )
    def withdraw(by: Caller, account: str) -> None:  # type: ignore[valid-type]
        people.withdraw(by, account)

    @routes.post(
        "/people/{account}/disable",
        operation_id="disable_person",
        summary="Disable an account: its next request is refused",
        responses=answers(PersonDocument, 403, 404, 409, 503),
    )
    def disable(by: Caller, account: str, why: Why) -> PersonDocument:  # type: ignore[valid-type]
        people.disable(by, account, why.reason)
        return people.find(by, account)

    @routes.post(
        "/people/{account}/enable",
        operation_id="enable_person",
        summary="Enable a disabled account, with a link for a new password",
        responses=answers(InvitationDocument, 403, 404, 409),
    )
    def enable(by: Caller, account: str) -> InvitationDocument:  # type: ignore[valid-type]
        return people.enable(by, account)

    @routes.put(
        "/people/{account}/roles",
        operation_id="set_roles",
        summary="Give an account exactly these roles",
        responses=answers(PersonDocument, 403, 404, 409),
    )
    def roles(by: Caller, account: str, new: NewRoles) -> PersonDocument:  # type: ignore[valid-type]
        people.set_roles(by, account, new.roles)
        return people.find(by, account)

    @routes.delete(
        "/people/{account}/factors",
        status_code=204,
        operation_id="remove_factors",
        summary="Remove the second factors of somebody who lost them",
        responses=answers(None, 403, 404, status=204),
    )
    def remove_factors(by: Caller, account: str) -> None:  # type: ignore[valid-type]
        people.remove_factors(by, account)

    @routes.delete(
        "/people/{account}/identities/{provider}",
        status_code=204,
        operation_id="disconnect_identity",
        summary="Take the identity of an identity provider from an account",
        responses=answers(None, 403, 404, status=204),
    )
    def disconnect(by: Caller, account: str, provider: str) -> None:  # type: ignore[valid-type]
        people.disconnect(by, account, provider)

    @routes.post(
        "/people/{account}/unlock",
        status_code=204,
        operation_id="unlock_person",
        summary="Take the counts of wrong logins back",
        responses=answers(None, 403, 404, status=204),
    )
    def unlock(by: Caller, account: str) -> None:  # type: ignore[valid-type]
        people.unlock(by, account)


def add_groups(routes: APIRouter, people: People, Caller: object) -> None:  # noqa: N803  # a type
    @routes.get(
        "/organisations",
        operation_id="list_organisations",
        summary="All organisations",
        responses=answers(OrganisationList, 403),
    )
    def organisations(by: Caller) -> dict[str, list[GroupDocument]]:  # type: ignore[valid-type]
        return {"organisations": people.organisations(by)}

    @routes.post(
        "/organisations",
        operation_id="create_organisation",
        summary="Enter an organisation",
        responses=answers(OrganisationList, 403, 409),
    )
    def create_organisation(by: Caller, new: NewGroup) -> dict[str, list[GroupDocument]]:  # type: ignore[valid-type]
        people.create_organisation(by, new.id, new.name)
        return {"organisations": people.organisations(by)}

    @routes.get("/teams", operation_id="list_teams", summary="All teams", responses=answers(TeamList, 403))
    def teams(by: Caller) -> dict[str, list[GroupDocument]]:  # type: ignore[valid-type]
        return {"teams": people.teams(by)}

    @routes.post(
        "/teams", operation_id="create_team", summary="Form a team", responses=answers(TeamList, 403, 409)
    )
    def create_team(by: Caller, new: NewGroup) -> dict[str, list[GroupDocument]]:  # type: ignore[valid-type]
        people.create_team(by, new.id, new.name)
        return {"teams": people.teams(by)}

    @routes.post(
        "/teams/{team}/members",
        operation_id="join_team",
        summary="Put an account into a team",
        responses=answers(PersonDocument, 403, 404, 409),
    )
    def join(by: Caller, team: str, member: Membership) -> PersonDocument:  # type: ignore[valid-type]
        people.join(by, team, member.account)
        return people.find(by, member.account)

    @routes.delete(
        "/teams/{team}/members/{account}",
        status_code=204,
        operation_id="leave_team",
        summary="Take an account out of a team",
        responses=answers(None, 403, 404, status=204),
    )
    def leave(by: Caller, team: str, account: str) -> None:  # type: ignore[valid-type]
        people.leave(by, team, account)

    @routes.post(
        "/teams/{team}/merge",
        operation_id="merge_teams",
        summary="Put all members of a team into another, and close it",
        responses=answers(TeamList, 403, 404, 409),
    )
    def merge(by: Caller, team: str, merge: Merge) -> dict[str, list[GroupDocument]]:  # type: ignore[valid-type]
        people.merge(by, team, merge.into)
        return {"teams": people.teams(by)}
