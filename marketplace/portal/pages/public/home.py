"""Page: the home of people without an account. Its figures are counted when it is asked for, but
that of the products (at most every five minutes, and beside the page); one that cannot be counted is left
out."""

from fastapi import Request
from fastapi.responses import Response

from marketplace.portal.pages.public.competitions import open_competitions, told
from marketplace.portal.pages.public.listed_products import ProductCount
from marketplace.portal.rendering import Pages
from marketplace.vault import Vault

NEWEST = 4


def home(request: Request, pages: Pages, vault: Vault, products: ProductCount) -> Response:
    log = told(lambda: vault.public("/log/entries", limit=1).json()) or {}
    newest = told(lambda: vault.public("/datasets", sort="newest").json()) or {}
    figures = {
        "datasets": newest.get("total"),
        "departments": len(newest["facets"]["department"]) if newest else None,
        "products": products.count(),
        "log_size": log.get("size"),
    }
    return pages.show(
        request,
        "public_home.html",
        None,
        figures={name: number for name, number in figures.items() if number is not None},
        newest=newest.get("datasets", [])[:NEWEST],
        competitions=told(lambda: open_competitions(vault)) or [],
    )
