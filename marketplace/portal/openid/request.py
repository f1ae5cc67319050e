"""Adapts our requests to authlib: the method, the public address, the parameters."""

import base64
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from starlette.datastructures import FormData, QueryParams

from sandbox.database import Transaction
from sandbox.identity import Principal


@dataclass(frozen=True)
class HubLogin:
    """The person who is logged in, since when and how (RFC 8176): what authlib calls the user."""

    principal: Principal
    session_hash: bytes
    since: datetime
    methods: tuple[str, ...] = ("pwd",)
    proved_at: datetime | None = None

    @property
    def proved(self) -> datetime:
        """When they proved who they are: before the session began, where an identity provider vouches."""
        return self.proved_at or self.since


class Payload(OAuth2Payload):  # type: ignore[misc]
    def __init__(self, given: QueryParams | FormData) -> None:
        self.pairs = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]

    @property
    def data(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in self.pairs:
            lists[name].append(value)
        return lists


def basic_credentials(authorization: str) -> tuple[str, str]:
    """Name and secret of an `Authorization` by HTTP Basic; two empty texts for what is none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (name, secret) if scheme.lower() == "basic" else ("", "")


class ProviderRequest(OAuth2Request):  # type: ignore[misc]
    """One request to the provider, with the transaction that it runs in."""

    def __init__(
        self,
        *,
        method: str,
        uri: str,
        headers: Mapping[str, str],
        given: QueryParams | FormData,
        tx: Transaction,
    ) -> None:
        # authlib fails on credentials that are no text: without them nobody is authenticated
        kept = {
            name.title(): value
            for name, value in headers.items()
            if name.lower() != "authorization" or basic_credentials(value) != ("", "")
        }
        # `uri` is the public one: authlib refuses plain http except on loopback
        super().__init__(method=method, uri=uri, headers=kept)
        self.payload = Payload(given)
        self.tx = tx

    @property
    def args(self) -> dict[str, Any]:
        return self.payload.data if self.method == "GET" else {}

    @property
    def form(self) -> dict[str, Any]:
        return self.payload.data if self.method == "POST" else {}
