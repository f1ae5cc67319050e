"""Defines a call by key, and what becomes of it. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow

from marketplace.licences.model import Licence
from marketplace.metering.limits import Limits
from marketplace.metering.line import Draft
from marketplace.metering.verdicts import Committed
from marketplace.products.model import Product
from sandbox.api_schema import JSON
from sandbox.errors import CihuError

BY_CALLER = "key:"


@dataclass(frozen=True)
class Call:
    """What was sent. `request_id` names it: the caller's Idempotency-Key after `key:`, or an id of ours."""

    secret: str = field(repr=False)
    product: str
    given: Mapping[str, str]
    request_id: str
    sample: bool = False
    address: str = ""
    """from where, as the connection has it"""
    form: str = JSON
    """the media type that the caller wants most"""
    places: list[str] = field(default_factory=list, repr=False)
    """the company in whose places this call is, while it is"""

    @property
    def keyed(self) -> bool:
        """Whether a retry can name it. A sample is free and is not retried: it is called again."""
        return self.request_id.startswith(BY_CALLER) and not self.sample

    @property
    def payload_hash(self) -> bytes:
        text = json.dumps([self.product, self.sample, sorted(self.given.items())], ensure_ascii=False)
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Delivered:
    """What the caller gets. Its line is durable; `Delivery.confirm` says that it was sent."""

    result: Mapping[str, Any]
    product: Product
    licence: Licence
    draft: Draft
    committed: Committed
    limits: Limits
    table: pyarrow.Table | None = None
    """the rows of the result, for forms that are no JSON"""

    @property
    def limits_after(self) -> Limits:
        """What is left after this call."""
        return self.limits.after(self.committed.calls)


@dataclass(frozen=True)
class NotDelivered:
    """Why the caller gets nothing; it cost nothing."""

    error: CihuError
    limits: Limits | None = None
