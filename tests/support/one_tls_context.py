"""Clients that say nothing about TLS share one context: each would read the machine's certificates anew,
25 ms, to speak plain HTTP."""

import ssl
from functools import lru_cache
from typing import Any

from httpx._transports import default

made = default.create_ssl_context


@lru_cache(maxsize=1)
def shared() -> ssl.SSLContext:
    return made()


def context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    return (
        shared() if verify is True and cert is None else made(verify=verify, cert=cert, trust_env=trust_env)
    )


default.create_ssl_context = context
