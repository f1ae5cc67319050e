"""The id of the request that is being answered:
in every line of the log, every error, and every request that follows from it.

It comes from who asked (`X-Request-ID`) if it is sane, and is made otherwise. It is held by a context
variable, so a thread that starlette gives the work to has it too.
"""

import re
import secrets
from contextvars import ContextVar

HEADER = "X-Request-ID"
# no space, quote or line end: it stands in lines and headers
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

current: ContextVar[str] = ContextVar("cihu_request_id", default="")


def accepted(given: str) -> str:
    """`given` if it is sane, else a new one."""
    return given if SANE.fullmatch(given) else secrets.token_hex(8)


def current_request_id() -> str:
    """That of the request that is being answered here, or nothing."""
    return current.get()


def outgoing() -> dict[str, str]:
    """The header for a request to another service of ours, that it goes on under the same id."""
    request = current.get()
    return {HEADER: request} if request else {}
