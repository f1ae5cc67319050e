"""What the operations on service accounts answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.keys.admits import Scope


class IssuedServiceAccount(TypedDict):
    """A service account and its secret, which is shown only here."""

    client_id: str
    client_secret: str
    token_endpoint: str
    note: str


class ServiceAccountDocument(TypedDict):
    """A service account without its secret. `previous_until`: how long the secret before is good."""

    id: str
    organisation: str
    label: str
    start: str
    scopes: list[Scope]
    networks: list[str]
    mode: Literal["live", "test"]
    status: Literal["live", "revoked"]
    made_by: str
    made_at: datetime
    previous_until: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class ServiceAccountList(TypedDict):
    service_accounts: list[ServiceAccountDocument]
