"""The documentation builds without a warning, has no broken link,
and is whole in both languages where it says so."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import expect, sync_playwright

from docs.tutorial_blocks import CHECKOUT
from marketplace.portal import help_pages
from marketplace.portal.rendering import Pages
from marketplace.settings import Settings
from sandbox.errors import CihuError
from sandbox.http.error_pages import page_address, page_name
from sandbox.http.http_refusals import HTTP_REFUSALS
from sandbox.http.security_headers import SecurityHeaders
from sandbox.queries import parse
from sandbox.queries.functions.registry import CONSTRUCTS
from sandbox.queries.tree import Aggregation
from served_app import served_app

NEEDED = bool(os.environ.get("CI") or os.environ.get("CIHU_TESTS_NEED_ALL"))
if find_spec("sphinx") is None and not NEEDED:  # `make test` installs it
    pytest.skip("Sphinx is not installed: make .venv/done/docs", allow_module_level=True)

from babel.messages.catalog import Catalog  # noqa: E402  # comes with Sphinx
from babel.messages.pofile import read_po  # noqa: E402

DOCS = CHECKOUT / "docs"
CATALOGUES = DOCS / "locale" / "zh_CN" / "LC_MESSAGES"

GENERATED = "reference/generated"
CHINESE = "\u4e00-\u9fff"
HALF_WIDTH = re.compile(
    rf"[{CHINESE}][,:;!?](?=[{CHINESE}\s]|$)|[{CHINESE}]\.(?=\s|$)|[{CHINESE}]\([^)]*[{CHINESE}]"
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As `make docs` builds it, in a folder of its own. Any warning fails."""
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [CHECKOUT / "scripts" / "build_docs.sh", folder / "html"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder / "html"
    shutil.rmtree(folder)


class Page(HTMLParser):
    """What a page has: places that can be linked to, links, and what a browser would fetch,
    run or colour by itself."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.inline: list[str] = []
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in {"link", "script", "img", "iframe"}:
            self.fetched += [given[name] for name in ("href", "src") if name in given]
        if (
            "style" in given
            or tag == "style"
            or (tag == "script" and "src" not in given)
            or any(name.startswith("on") for name in given)
        ):
            self.inline.append(f"{tag} {attrs}")


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html")}


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path, pages: dict[Path, Page]) -> None:
    broken, looked_at = [], 0
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            looked_at += 1
            goal = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            goal = goal / "index.html" if goal.is_dir() else goal
            known = pages[goal].places if goal in pages else None
            if not goal.is_file() or (
                parts.fragment and known is not None and unquote(parts.fragment) not in known
            ):
                broken.append(f"{file.relative_to(site)}: {link}")
    assert looked_at > 1000
    assert not broken, broken


def test_every_page_can_be_read_in_the_other_language(site: Path) -> None:
    english = {
        file.relative_to(site)
        for file in site.rglob("*.html")
        if "zh" not in file.relative_to(site).parts[:1]
    }
    chinese = {file.relative_to(site / "zh") for file in (site / "zh").rglob("*.html")}
    assert english == chinese and len(english) > 50


def test_a_page_fetches_nothing_from_elsewhere_and_has_nothing_inline(
    site: Path, pages: dict[Path, Page]
) -> None:
    """The portal's policy forbids both, and a city may have no way to the internet."""
    for file, page in pages.items():
        assert not page.inline, (file, page.inline)
        assert not [address for address in page.fetched if urlsplit(address).netloc], file
    for sheet in site.rglob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)", sheet.read_text("utf-8")):
            assert not urlsplit(address.strip("'\"")).netloc, (sheet, address)


def test_every_construct_of_the_language_is_in_the_reference(site: Path) -> None:
    text = (site / GENERATED / "sql-functions.html").read_text("utf-8")
    shown = set(re.findall(r'<span class="pre">(.*?)</span>', text))
    for construct in CONSTRUCTS:
        parts = construct.name.replace("<", "&lt;").replace(">", "&gt;").split()
        assert set(parts) <= shown, construct.name


def test_every_aggregate_is_read_as_the_reference_writes_it() -> None:
    source = (DOCS / "generate.py").read_text("utf-8")
    written = dict(re.findall(r'^    "(\w+)": "([A-Z_]+\(.*\))",$', source, re.MULTILINE))
    assert set(written) == {member.name for member in Aggregation}
    for name, texts in written.items():
        for text in re.findall(r"[A-Z_]+\([^)]*\)", texts):
            filled = (
                text.replace("x", "doctor_visits")
                .replace("(y,", "(spending,")
                .replace(", y)", ", spending)")
                .replace("MADOCTOR", "MA")
            )
            question = parse(f"SELECT {filled} AS a FROM health.visits")
            assert name in repr(question), text


def test_every_stable_code_has_a_page(site: Path, pages: dict[Path, Page]) -> None:
    """By another way than the generator's: by the classes that are loaded, and by a search of the sources."""
    shown = {page.stem for page in pages if page.parent == site / GENERATED / "errors"}
    codes = {kind.code for kind in kinds_below(CihuError)}
    for package in ("sandbox", "marketplace"):
        for file in (CHECKOUT / package).rglob("*.py"):
            codes |= set(re.findall(r'\bcode="([a-z][a-z_]+)"', file.read_text("utf-8")))
    codes |= {f"http_{status}" for status in HTTP_REFUSALS}
    missing = {code for code in codes if page_name(code) not in shown}
    assert len(codes) > 80
    findings = {"missing", "counts_missing", "other_version_out"}  # of files in review: they are no errors
    assert not missing - findings, missing


def test_the_type_of_a_problem_leads_to_its_page_in_the_readers_language(served: str) -> None:
    """As the portal serves it. `NOT_FOUND` of keys and `not_found` have a page each."""
    for code in ("not_found", "NOT_FOUND", "http_405", "not_acceptable"):
        for language, folder in (("en", ""), ("zh", "zh/")):
            headers = {"Accept-Language": language}
            page = httpx.get(
                f"{served.removesuffix('/help')}{page_address(code)}",
                headers=headers, trust_env=False, follow_redirects=True,
            )  # fmt: skip
            assert page.status_code == 200 and f'<span class="pre">{code}</span>' in page.text, code
            assert f"/help/{folder}reference/" in str(page.url)


def kinds_below(kind: type[CihuError]) -> Iterator[type[CihuError]]:
    for inner in kind.__subclasses__():
        if inner.__module__.split(".")[0] in {"sandbox", "marketplace"}:
            yield inner
        yield from kinds_below(inner)


# --- in a browser, as the portal serves it


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The portal's own route and headers, over the built site."""
    settings = Settings(database_url="postgresql://nowhere", help_folder=site)
    app = FastAPI()
    app.include_router(help_pages.router(folder=settings.help_folder, pages=Pages(settings)))
    with served_app(SecurityHeaders(app)) as address:
        yield f"{address}/help"


def test_the_site_works_under_the_portals_policy_and_without_a_network(served: str) -> None:
    """Colours, menus and the search need scripts: none is refused, and nothing is asked of another host."""
    chromium = shutil.which("chromium")
    if not chromium:
        (pytest.fail if NEEDED else pytest.skip)("There is no chromium on this machine.")
    faults: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_page(locale="en")
        page.on(
            "console",
            lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None,
        )
        page.on(
            "request",
            lambda request: (
                faults.append(request.url) if not request.url.startswith((served, "data:")) else None
            ),
        )
        page.goto(served)
        assert page.url == f"{served}/"
        assert page.evaluate("document.body.dataset.theme") == "auto", "the theme's script ran"
        assert not page.locator("svg").first.is_visible(), "the icons are hidden, as the theme's style says"
        page.get_by_role("link", name="中文").click()
        expect(page.locator("html")).to_have_attribute("lang", re.compile("zh"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("磁湖")
        page.goto(f"{served}/search.html?q=receipt")
        expect(page.locator("ul.search li").first).to_be_visible(timeout=20_000)
        browser.close()
    assert not faults, faults


# --- translations


@pytest.fixture(scope="session")
def texts(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Catalog]:
    """By page, what is to be translated (after `site`: both write the generated pages)."""
    folder = tmp_path_factory.mktemp("texts")
    subprocess.run(
        [
            CHECKOUT / ".venv/bin/python",
            "-m",
            "sphinx",
            "--quiet",
            "-b",
            "gettext",
            "-D",
            f"exclude_patterns=_build,locale,README.md,openapi,{GENERATED}",  # those have no catalogue
            "-d",
            folder / "doctrees",
            DOCS,
            folder / "out",
        ],
        check=True,
        capture_output=True,
    )
    found = {
        str(file.relative_to(folder / "out").with_suffix("")): read_po(file.open("rb"))
        for file in (folder / "out").rglob("*.pot")
    }
    return {
        page: catalogue
        for page, catalogue in found.items()
        if not page.startswith(GENERATED) and page != "sphinx"
    }


def translated(page: str) -> Catalog:
    file = CATALOGUES / f"{page}.po"
    return read_po(file.open("rb"), locale="zh_CN") if file.exists() else Catalog()


def test_every_page_is_whole_in_chinese(texts: dict[str, Catalog]) -> None:
    """`make docs-translations` brings new texts into the catalogues, to be translated there."""
    missing = []
    for page in sorted(texts):
        known = translated(page)
        missing += [
            f"{page}: {message.id}"
            for message in texts[page]
            if message.id and not ((found := known.get(message.id)) and found.string and not found.fuzzy)
        ]
    assert not missing, "\n".join(missing)


def test_no_catalogue_holds_what_is_no_longer_on_its_page(texts: dict[str, Catalog]) -> None:
    for file in CATALOGUES.rglob("*.po"):
        page = str(file.relative_to(CATALOGUES).with_suffix(""))
        assert page in texts, f"{page} is gone: remove its catalogue"
        assert not [
            message.id for message in translated(page) if message.id and texts[page].get(message.id) is None
        ], page


def test_chinese_texts_have_full_width_punctuation_and_keep_code_and_links() -> None:
    for file in CATALOGUES.rglob("*.po"):
        for message in read_po(file.open("rb"), locale="zh_CN"):
            if not message.id or not message.string:
                continue
            plain = re.sub(r"`[^`]*`|\]\([^)]*\)", "", str(message.string))
            assert not HALF_WIDTH.search(plain), (file.name, message.string)
            for pattern in (r"`[^`]+`", r"\]\(([^)]*)\)"):
                assert sorted(re.findall(pattern, str(message.id))) == sorted(
                    re.findall(pattern, str(message.string))
                ), (file.name, message.id)


def test_half_width_punctuation_is_found() -> None:
    assert all(map(HALF_WIDTH.search, ("数据,可用", "数据:", "数据.", "数据(可用)")))
    assert not any(map(HALF_WIDTH.search, ("数据，可用", "CSV, Parquet", "数据（可用）", "0.5")))
