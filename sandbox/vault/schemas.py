"""What the vault's own operations answer with."""

from datetime import datetime

from typing_extensions import TypedDict


class PersonDocument(TypedDict):
    """The person whom the token names."""

    id: str
    display_name: str
    organisation: str
    roles: list[str]
    teams: list[str]


class KernelToken(TypedDict):
    """A token for a sealed kernel, of ten minutes at most."""

    token: str
    expires_at: datetime
