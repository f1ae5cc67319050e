"""Chooses the language of a page: the cookie decides, else the browser, else Chinese."""

from collections.abc import Callable

from fastapi import Request

from marketplace.vault import Vault

LANGUAGES = {"zh": "中文", "en": "English"}
COOKIE = "cihu_language"


def language_of(request: Request) -> str:
    """One of LANGUAGES."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The first of LANGUAGES by the weights of an Accept-Language header (RFC 9110 §12.5.4)."""
    weighed = []
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for weight, _, tag in sorted(weighed) if tag in LANGUAGES and weight < 0), "zh")


def vault_in_language(vault: Vault) -> Callable[[Request], Vault]:
    """What a page depends on, so that the vault refuses in the language of the page."""

    def reading(request: Request) -> Vault:
        return vault.reading(language_of(request))

    return reading
