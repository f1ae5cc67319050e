"""Decides when the hub's request asks for a new login:
`prompt=login` and `max_age` (OpenID Connect Core 1.0, section 3.1.2.1).

A request that leads to the login page comes back with the moment from which a login is new, signed. Without
that it could not be distinguished from the first request. A browser that changes it changes nothing.
"""

import hmac
from datetime import datetime
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

PARAMETER = "cihu_login_after"
GOOD_SECONDS = 3600  # between the login page and the way back


def needs_new_login(query: QueryParams, *, since: datetime, now: datetime, key: bytes) -> bool:
    """Whether somebody who logged in at `since` must do it again. Raises `ValueError` for a bad `max_age`."""
    oldest = max_age(query)
    after = read_mark(query.get(PARAMETER, ""), key)
    if after is not None and now.timestamp() - after <= GOOD_SECONDS:
        return since.timestamp() < after
    if "login" in query.get("prompt", "").split():
        return True
    return oldest is not None and (now - since).total_seconds() > oldest


def max_age(query: QueryParams) -> int | None:
    said = query.get("max_age")
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise ValueError("'max_age' must be a number of seconds.")
    return int(said)


def back_to(path: str, query: QueryParams, *, now: datetime, key: bytes) -> str:
    """The address of the same request, for after the login."""
    kept = [(name, value) for name, value in query.multi_items() if name != PARAMETER]
    return f"{path}?{urlencode([*kept, (PARAMETER, mark(now.timestamp(), key))])}"


def mark(moment: float, key: bytes) -> str:
    said = f"{moment:.6f}"
    return f"{said}.{hmac.digest(key, f'cihu login after {said}'.encode(), 'sha256').hex()}"


def read_mark(text: str, key: bytes) -> float | None:
    said, _, _ = text.rpartition(".")
    try:
        moment = float(said)
    except ValueError:
        return None
    return moment if hmac.compare_digest(text.encode(), mark(moment, key).encode()) else None
