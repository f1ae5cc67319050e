"""申报: who asked for which dataset, why, until when, and what became of it."""

from sandbox.grants.decide import approve, expire_due, refuse, revoke, warn_of_ends
from sandbox.grants.model import Grant, GrantStatus, Request, RequestStatus
from sandbox.grants.read import (
    granted_datasets,
    holders,
    list_grants,
    list_requests,
    load_grant,
    load_request,
    newest,
)
from sandbox.grants.request_access import request_access

__all__ = [
    "Grant",
    "GrantStatus",
    "Request",
    "RequestStatus",
    "approve",
    "expire_due",
    "granted_datasets",
    "holders",
    "list_grants",
    "list_requests",
    "load_grant",
    "load_request",
    "newest",
    "refuse",
    "request_access",
    "revoke",
    "warn_of_ends",
]
