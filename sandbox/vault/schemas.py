"""What the vault's own operations answer with."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from sandbox.plain_text import PlainText


class PersonDocument(TypedDict):
    """The person whom the token names."""

    id: str
    display_name: str
    organisation: str
    roles: list[str]
    teams: list[str]


MOST_THINGS = 100
Thing = Annotated[PlainText, Field(min_length=1, max_length=200)]


class VisibleThings(TypedDict):
    """Those of the things that were asked about which the asker may see."""

    things: list[str]


class KernelToken(TypedDict):
    """A token for a sealed kernel, of ten minutes at most."""

    token: str
    expires_at: datetime
