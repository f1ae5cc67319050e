"""Finds the language of the person whose server starts.
As in the portal, its cookie decides, else the browser."""

from tornado.httputil import HTTPServerRequest

COOKIE = "cihu_language"  # the portal's; it reaches the hub where both have one host
LANGUAGES = ("zh", "en")
OTHERWISE = "zh"
"""Where nothing says which."""


def language_of(request: HTTPServerRequest) -> str:
    """One of LANGUAGES, or "" when nothing says: by the cookie,
    else the browser's first language that is one of them."""
    chosen = request.cookies[COOKIE].value if COOKIE in request.cookies else ""
    if chosen in LANGUAGES:
        return chosen
    tags = (
        part.partition(";")[0].strip().partition("-")[0].lower()
        for part in request.headers.get("Accept-Language", "").split(",")
    )
    return next((tag for tag in tags if tag in LANGUAGES), "")
