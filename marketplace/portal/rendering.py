"""Renders pages: Jinja2 with everything escaped, in the visitor's language, sent without being cached."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from sqlalchemy import select

from marketplace.money import yuan
from marketplace.offers.price import Price
from marketplace.offers.summary import price_sentences
from marketplace.portal.assets import Assets
from marketplace.portal.authentication import safe_next
from marketplace.portal.banners import NONE, banners_for
from marketplace.portal.date_words import date_words
from marketplace.portal.language import LANGUAGES, language_of
from marketplace.portal.messages import MESSAGES
from marketplace.portal.paging import Part
from marketplace.portal.preview import visible
from marketplace.portal.sessions import Session
from marketplace.products.model import Parameter
from marketplace.settings import Settings
from marketplace.vault import PURPOSE, SERVICE
from sandbox.city_time import CITY_TIME
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.identity import Principal
from sandbox.identity.principals import account_names
from sandbox.identity.tables import organisations

FOLDER = Path(__file__).parent
BOOLEANS = {True: ("是", "true"), False: ("否", "false")}
LIVE = ("datasets.html", "public_datasets.html", "draft", "ask")
"""How the names of the templates begin that load htmx: those that ask again while one types."""


class Pages:
    """Renders the templates. `show` is the one way to answer with a page."""

    def __init__(self, settings: Settings, database: Database | None = None) -> None:
        """`database`: where notices for every page stand; without it pages have none."""
        self.settings, self.database = settings, database
        self.htmx = (
            FOLDER / "static" / "htmx.min.js"
        ).exists()  # `make setup` fetches it; the pages work without it
        # set once the inbox is there: how many of somebody's notices are unread, or None
        self.unread: Callable[[Principal], int | None] = lambda _: None
        # set with the desk: who has taken on what waits, by kind and id
        self.named: Callable[[Principal], Mapping[tuple[str, str], Mapping[str, Any]]] = lambda _: {}
        self.assets = Assets(FOLDER / "static")
        self.environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= {
            "yuan": yuan,
            "price": price_in,
            "moment": moment,
            "day": day,
            "plain": plain,
            "short": short,
            "value_in": value_in,
            "date_words": date_in,
            "visible": visible,
            "commands": commands,
            "parameter_types": parameter_types,
        }

    def show(
        self,
        request: Request,
        template: str,
        session: Session | None,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """The page of a template. `session` is who looks;
        in every template its form token is at hand as `csrf`, and a number for the page's forms
        (`sent_once.py`) as `once`. With `unread_count=None` the header does not say how many notices are
        unread, and the vault is not asked."""
        language, asked = language_of(request), "unread_count" not in values
        principal = session.principal if session else None
        banners = banners_for(self.database, request, principal) if self.database else NONE
        text = self.environment.get_template(template).render(
            t=Words(language),
            language=language,
            languages=LANGUAGES,
            here=request.url.path,
            me=principal,
            banners=banners,
            hub_url=self.settings.hub_url,
            htmx=self.htmx,
            office=office_names(self.database, language),
            called=AccountNames(self.database, values),
            asset=self.assets.address,
            portal_address=self.settings.portal_url,
            **{
                "come_back": come_back(request),
                "live": template.startswith(LIVE),
                "csrf": session.csrf if session else "",
                "once": secrets.token_urlsafe(16),
                "named": cache(lambda: self.named(session.principal) if session else {}),
                "unread_count": self.unread(session.principal) if asked and session else None,
                **values,
            },
        )
        return HTMLResponse(
            text, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Accept-Language"}
        )


def office_names(database: Database | None, language: str) -> Callable[[str], str]:
    """What an organisation is called: its name, which is Chinese, or its id in a page of another language.
    The names are read when a page first asks for one; whoever is no organisation stays as it is."""

    @cache
    def names() -> dict[str, str]:
        if database is None or language != "zh":
            return {}
        try:
            with database.transaction() as tx:
                return {
                    row.id: row.display_name
                    for row in tx.execute(select(organisations.c.id, organisations.c.display_name))
                }
        except CihuError:
            return {}

    return lambda organisation: names().get(organisation, organisation)


OF_PEOPLE = frozenset({"by", "reviewer", "officer", "deputy"})
"""Fields that hold an account, beside those that end with `_by`."""


class AccountNames:
    """What people are called, by their accounts. When a page first asks for a name, those of all accounts
    that its values name are read at once. Who is no account stays as they are."""

    def __init__(self, database: Database | None, values: Mapping[str, Any]) -> None:
        self.database, self.values = database, values
        self.known: dict[str, str] | None = None

    def get(self, account: str, default: str = "") -> str:
        if self.known is None:
            self.known = self._read({account, *named_in(self.values)})
        if account not in self.known:
            self.known |= {account: account} | self._read({account})
        return self.known[account] or default

    def __call__(self, account: str) -> str:
        return self.get(account, account)

    def _read(self, accounts: set[str]) -> dict[str, str]:
        if self.database is None:
            return {}
        try:
            with self.database.transaction() as tx:
                return account_names(tx, accounts)
        except CihuError:
            return {}


def named_in(values: Any) -> Iterator[str]:
    """The accounts that values of a page name, by the words of their fields."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            if isinstance(value, str):
                if name in OF_PEOPLE or (isinstance(name, str) and name.endswith("_by")):
                    yield value
            else:
                yield from named_in(value)
    elif isinstance(values, list | tuple):
        for each in values:
            yield from named_in(each)
    elif isinstance(values, Part):
        yield from named_in(values.items)


def parameter_types(parameters: Iterable[Parameter]) -> dict[str, str]:
    """The type of each parameter of a query product, by its name."""
    return {each.name: each.type for each in parameters}


class Words:
    """The words of one language: `t("log_in")` in a template.
    An unknown word is a fault of ours, found by the tests."""

    def __init__(self, language: str) -> None:
        self.place = list(LANGUAGES).index(language)
        self.comma, self.colon = ("，", "：") if language == "zh" else (", ", ": ")

    def brackets(self, text: object) -> str:
        """The text in the brackets of the language, as it follows another word."""
        return f"（{text}）" if self.comma == "，" else f" ({text})"

    def __call__(self, name: str, /, **values: object) -> str:
        return MESSAGES[name][self.place].format(**values)

    def of(self, group: str, name: object) -> str:
        """The word for a value such as a status; the value itself if there is no word for it."""
        known = MESSAGES.get(f"{group}.{name}")
        return known[self.place] if known else str(name)

    def purpose(self, of: Mapping[str, Any]) -> str:
        """What a request or a grant is for. What the marketplace asks for has no words of a person."""
        text = str(of["purpose"])
        if of["team"] == SERVICE and text.startswith(PURPOSE):
            return self("purpose_of_product", product=text.removeprefix(PURPOSE))
        return text

    def told(self, refusal: Mapping[str, str]) -> tuple[str, str]:
        """What a refusal (see `words_of`) says in this language, and what of it there is in English only."""
        english = f"{refusal['message']} {refusal['remedy']}".strip()
        if self.place == list(LANGUAGES).index("en"):
            return english, ""
        if refusal["zh"]:
            return refusal["zh"], ""
        known = MESSAGES.get(f"refusal.{refusal['code']}")
        return (known or MESSAGES["refusal.unknown"])[self.place], english

    def pick(self, thing: Mapping[str, Any], field: str) -> str:
        """A field that a thing has in both languages, as `{"title": {"zh": …, "en": …}}` or as `title_zh`,
        `title_en`."""
        here, there = (("zh", "en"), ("en", "zh"))[self.place]
        both = thing.get(field) or {here: thing.get(f"{field}_{here}"), there: thing.get(f"{field}_{there}")}
        return str(both.get(here) or both.get(there) or "")


def price_in(price: Price, language: str) -> str:
    """What it costs, in sentences of one language."""
    place = list(LANGUAGES).index(language)
    return ("" if language == "zh" else " ").join(each[place] for each in price_sentences(price))


def as_file(content: bytes, name: str) -> Response:
    """To be saved, and never shown as a page. `name`: plain letters; the vault knows no other path."""
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def commands(text: str) -> Markup:
    """The text, escaped, with what stands between backticks as code: commands are not translated."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    code = [Markup('<code translate="no">{}</code>').format(part) for part in parts[1::2]]
    plain_parts = [escape(part) for part in parts[::2]]
    return Markup("").join(
        each for pair in zip_longest(plain_parts, code, fillvalue=Markup("")) for each in pair
    )


def words_of(error: CihuError) -> dict[str, str]:
    """A refusal's code, message and remedy, and the last two in Chinese if they were made in it."""
    zh = f"{getattr(error, 'zh', '')} {getattr(error, 'remedy_zh', '')}".strip()
    return {"code": error.code, "message": error.message, "remedy": error.remedy, "zh": zh}


def come_back(request: Request) -> str:
    """Where the page can be had again, as after choosing another language:
    what a form answered, at the form's page. Always a path on this site."""
    if request.method == "GET":
        return safe_next(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    try:
        return safe_next(urlsplit(request.headers.get("referer", "")).path)
    except ValueError:
        return "/"


def moment(value: datetime | str | int | None) -> str:
    """A moment in the city's time, to the minute. Takes ISO text and epoch seconds too."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value, UTC)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")


def plain(number: object) -> str:
    """A number without a needless end: 30.0 is 30, 0.50 is 0.5. Anything else is left as it is."""
    text = str(number)
    whole, point, end = text.partition(".")
    return f"{whole}.{end.rstrip('0')}".rstrip(".") if point and end.isdigit() else text


def value_in(value: object, language: str) -> str:
    """A value of a column as a page shows it: yes or no in the reader's language, all else as it is."""
    if isinstance(value, bool):
        return BOOLEANS[value][list(LANGUAGES).index(language)]
    return str(value)


def short(number: object) -> str:
    """A score to four digits, without a needless end: 0.712345 is 0.7123."""
    try:
        return plain(f"{float(str(number)):.4f}")
    except ValueError:
        return str(number)


def date_in(value: datetime | str, language: str, zone: str) -> str:
    """A moment in a time zone, in words of a language."""
    return date_words(value, language, ZoneInfo(zone))


def day(value: datetime | str | int | None) -> str:
    return moment(value)[:10]
