"""What the operations on people take and answer with."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from sandbox.plain_text import PlainText

Id = Annotated[PlainText, Field(min_length=2, max_length=32)]
Name = Annotated[PlainText, Field(min_length=1, max_length=80)]
Reason = Annotated[PlainText, Field(min_length=1, max_length=1000)]


class PersonDocument(TypedDict):
    """An account. `status`: invited until its person chose a password."""

    id: str
    name: str
    organisation: str
    kind: Literal["person", "service"]
    status: Literal["live", "invited", "disabled"]
    roles: list[str]
    teams: list[str]
    second_factor: bool
    identities: list[str]
    created_at: datetime


class PeopleList(TypedDict):
    people: list[PersonDocument]


class InvitationDocument(TypedDict):
    """A link that is good once. It is shown here and never again: hand it over yourself."""

    account: str
    link: str
    expires_at: datetime


class PeopleInvitations(TypedDict):
    invitations: list[InvitationDocument]


class GroupDocument(TypedDict):
    """An organisation or a team. `merged_into`: the team that it went over into."""

    id: str
    name: str
    members: int
    merged_into: str | None


class OrganisationList(TypedDict):
    organisations: list[GroupDocument]


class TeamList(TypedDict):
    teams: list[GroupDocument]


class NewPerson(BaseModel):
    account: Id
    name: Name
    organisation: Id
    roles: Annotated[list[PlainText], Field(max_length=10)] = []
    teams: Annotated[list[PlainText], Field(max_length=50)] = []


class PeopleFile(BaseModel):
    """`csv`: a header line account,name,organisation,roles,teams, and a line a person; several roles or teams
    are separated by spaces."""

    csv: Annotated[PlainText, Field(max_length=100_000)]


class NewRoles(BaseModel):
    roles: Annotated[list[PlainText], Field(max_length=10)]


class Why(BaseModel):
    reason: Reason


class NewGroup(BaseModel):
    id: Id
    name: Name


class Membership(BaseModel):
    account: Id


class Merge(BaseModel):
    into: Id
