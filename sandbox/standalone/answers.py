"""Asks by HTTP whether a service answers, so cheaply that it can be asked all the time while it starts."""

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


def answers(url: str, *, seconds: float) -> bool:
    """Whether a GET gives 200 within so long. No proxy, and no certificates are read for it."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=seconds)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
