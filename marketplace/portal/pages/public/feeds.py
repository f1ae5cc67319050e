"""Feeds (Atom, RFC 4287) of what is new in the catalogue and on offer, and the site map."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.competitions.view import document_in
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.pages.public.listed_products import public_ids, some_public_products
from marketplace.portal.rendering import Pages, Words
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.policy import Gate

ATOM = "http://www.w3.org/2005/Atom"
SITE_MAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
PLACES = (
    "/",
    "/datasets",
    "/products",
    "/publishers",
    "/demands",
    "/competitions",
    "/log",
    "/status",
    "/privacy",
    "/terms",
    "/accessibility",
    "/docs",
)
NEWEST = 20


@dataclass(frozen=True)
class Item:
    """An entry of a feed; `path` names it for ever."""

    path: str
    title: str
    summary: str
    author: str
    updated: str


def router(*, database: Database, gate: Gate, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    here = pages.settings.portal_url

    @routes.get("/feeds")
    def feeds(request: Request) -> Response:
        return pages.show(request, "public_feeds.html", None)

    @routes.get("/feeds/datasets.atom")
    def datasets(request: Request, vault: Reading) -> Response:
        t = Words(language_of(request))
        found = vault.public("/datasets", sort="newest").json()["datasets"][:NEWEST]
        items = [
            Item(
                f"/datasets/{one['name']}",
                t.pick(one, "title"),
                t.pick(one, "summary"),
                one["department"],
                one["published_at"],
            )
            for one in found
        ]
        return feed(here, "/feeds/datasets.atom", t("feed_datasets"), items, language_of(request))

    @routes.get("/feeds/products.atom")
    def products(request: Request, vault: Reading) -> Response:
        t = Words(language_of(request))
        offered = some_public_products(database, gate, vault, limit=NEWEST, newest=True)
        items = [
            Item(
                f"/products/{one.id}",
                t.pick(one.model_dump(), "title"),
                t.pick(one.model_dump(), "summary"),
                one.department,
                (one.listed_at or datetime.now(UTC)).isoformat(),
            )
            for one in offered
        ]
        return feed(here, "/feeds/products.atom", t("feed_products"), items, language_of(request))

    @routes.get("/feeds/competitions.atom")
    def competitions(request: Request, vault: Reading) -> Response:
        t, asking = Words(language_of(request)), VaultCompetitions(vault)
        items = []
        for each in asking.competitions()[:NEWEST]:
            one = asking.one(str(each["name"]))
            summary = document_in(one["text"]).summary.model_dump()
            items.append(
                Item(
                    f"/competitions/{each['name']}",
                    t.pick(each, "title"),
                    t.pick({"summary": summary}, "summary"),
                    str(each["department"]),
                    str(each["opens_at"]),
                )
            )
            items += [
                Item(
                    f"/competitions/{each['name']}#announcement-{told['id']}",
                    f"{t.pick(each, 'title')} · {t('comp_announcements')}",
                    str(told.get(language_of(request)) or told.get("zh") or told.get("en")),
                    str(each["department"]),
                    str(told["posted_at"]),
                )
                for told in asking.announcements(str(each["name"]))[:NEWEST]
            ]
        return feed(here, "/feeds/competitions.atom", t("feed_competitions"), items, language_of(request))

    @routes.get("/sitemap.xml")
    def site_map(vault: Reading) -> Response:
        root = Element("urlset", xmlns=SITE_MAP)
        named = vault.public("/names").json()
        places = [(place, "") for place in PLACES]
        places += [(f"/datasets/{one['name']}", one["published_at"][:10]) for one in named]
        places += [(f"/products/{id}", "") for id in public_ids(database, gate, vault)]
        places += [(f"/competitions/{one['name']}", "") for one in VaultCompetitions(vault).competitions()]
        for place, day in places:
            url = SubElement(root, "url")
            SubElement(url, "loc").text = here + place
            if day:
                SubElement(url, "lastmod").text = day
        return xml(root, "application/xml")

    return routes


def feed(here: str, path: str, title: str, items: Iterable[Item], language: str) -> Response:
    items = list(items)
    root = Element("feed", {"xmlns": ATOM, "xml:lang": "zh-CN" if language == "zh" else "en"})
    SubElement(root, "id").text = here + path
    SubElement(root, "title").text = title
    SubElement(root, "link", rel="self", href=here + path)
    SubElement(root, "updated").text = max(
        (item.updated for item in items), default="2026-01-01T00:00:00+00:00"
    )
    for item in items:
        entry = SubElement(root, "entry")
        SubElement(entry, "id").text = here + item.path
        SubElement(entry, "title").text = item.title
        SubElement(entry, "link", href=here + item.path)
        SubElement(entry, "updated").text = item.updated
        SubElement(SubElement(entry, "author"), "name").text = item.author
        SubElement(entry, "summary").text = item.summary
    return xml(root, "application/atom+xml")


def xml(root: Element, media_type: str) -> Response:
    body = b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="utf-8")
    return Response(
        body, media_type=media_type, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    )
