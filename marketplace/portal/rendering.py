"""Renders pages: Jinja2 with everything escaped, in the visitor's language, sent without being cached."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketplace.money import yuan
from marketplace.portal.language import LANGUAGES, language_of
from marketplace.portal.messages import MESSAGES
from marketplace.portal.preview import visible
from marketplace.portal.sessions import Session
from marketplace.settings import Settings
from sandbox.city_time import CITY_TIME
from sandbox.errors import CihuError

FOLDER = Path(__file__).parent


class Pages:
    """Renders the templates. `show` is the one way to answer with a page."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.htmx = (
            FOLDER / "static" / "htmx.min.js"
        ).exists()  # `make setup` fetches it; the pages work without it
        self.environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= {
            "yuan": yuan,
            "moment": moment,
            "day": day,
            "plain": plain,
            "visible": visible,
        }

    def show(
        self, request: Request, template: str, session: Session | None, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """The page of a template. `session` is who looks;
        in every template its form token is at hand as `csrf`, and a number for the page's forms
        (`sent_once.py`) as `once`."""
        language = language_of(request)
        text = self.environment.get_template(template).render(
            t=Words(language),
            language=language,
            languages=LANGUAGES,
            here=request.url.path,
            come_back=come_back(request),
            me=session.principal if session else None,
            hub_url=self.settings.hub_url,
            htmx=self.htmx,
            **{"csrf": session.csrf if session else "", "once": secrets.token_urlsafe(16), **values},
        )
        return HTMLResponse(
            text, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Accept-Language"}
        )


class Words:
    """The words of one language: `t("log_in")` in a template.
    An unknown word is a fault of ours, found by the tests."""

    def __init__(self, language: str) -> None:
        self.place = list(LANGUAGES).index(language)

    def __call__(self, name: str, /, **values: object) -> str:
        return MESSAGES[name][self.place].format(**values)

    def of(self, group: str, name: object) -> str:
        """The word for a value such as a status; the value itself if there is no word for it."""
        known = MESSAGES.get(f"{group}.{name}")
        return known[self.place] if known else str(name)

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


def as_file(content: bytes, name: str) -> Response:
    """To be saved, and never shown as a page. `name`: plain letters; the vault knows no other path."""
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def words_of(error: CihuError) -> dict[str, str]:
    """A refusal's code, message and remedy, and the last two in Chinese if they were made in it."""
    zh = f"{getattr(error, 'zh', '')} {getattr(error, 'remedy_zh', '')}".strip()
    return {"code": error.code, "message": error.message, "remedy": error.remedy, "zh": zh}


def come_back(request: Request) -> str:
    """Where the page can be had again, as after choosing another language:
    what a form answered, at the form's page."""
    if request.method == "GET":
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return urlsplit(request.headers.get("referer", "")).path or "/"


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


def day(value: datetime | str | int | None) -> str:
    return moment(value)[:10]
