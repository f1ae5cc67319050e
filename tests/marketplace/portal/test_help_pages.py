"""The documentation under /help: plain words where it is not built, and there at once when it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

Reading = Callable[..., httpx.Response]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "html"


@pytest.fixture
def read(people: None, portal_settings, run_portal, folder: Path) -> Iterator[Reading]:
    """A stranger's browser at a portal whose documentation is in `folder`."""
    portal = run_portal(portal_settings.model_copy(update={"help_folder": folder}))
    with httpx.Client(base_url=portal.url, follow_redirects=True, timeout=120) as browser:
        yield lambda way, language="en", method="GET", **more: browser.request(
            method, way, headers={"Accept-Language": language} | more.pop("headers", {}), **more
        )


def build(folder: Path, text: str) -> None:
    (folder / "zh" / "how-to").mkdir(parents=True)
    (folder / "index.html").write_text(f"<h1>{text}</h1>")
    (folder / "zh" / "index.html").write_text(f"<h1>{text}（中文）</h1>")
    (folder / "zh" / "how-to" / "index.html").write_text("<h1>指南</h1>")
    (folder.parent / "secret.html").write_text("not a page of the site")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "The documentation is not built"), ("zh", "帮助文档尚未生成")]
)
def test_where_it_is_not_built_the_page_says_how_to_build_it(
    language: str, words: str, read: Reading
) -> None:
    answer = read("/help", language)
    assert answer.status_code == 404 and words in answer.text and "make docs" in answer.text


def test_it_appears_and_is_replaced_while_the_portal_runs(read: Reading, folder: Path) -> None:
    assert read("/help/").status_code == 404
    build(folder, "first")
    assert "first" in read("/help/").text
    folder.rename(folder.with_name("old"))
    build(folder, "second")
    assert "second" in read("/help/").text


def test_who_reads_chinese_is_led_to_the_chinese_pages(read: Reading, folder: Path) -> None:
    build(folder, "title")
    assert str(read("/help", "zh").url).endswith("/help/zh/")
    assert str(read("/help", "en").url).endswith("/help/")
    assert "指南" in read("/help/zh/how-to").text, "a folder without its slash"


def test_the_portals_policy_is_on_every_page_and_nothing_is_kept_unasked(read: Reading, folder: Path) -> None:
    build(folder, "title")
    answer = read("/help/index.html")
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert (
        answer.headers["cache-control"] == "no-cache"
        and answer.headers["x-content-type-options"] == "nosniff"
    )


def test_a_sent_host_leads_nobody_away(read: Reading, folder: Path) -> None:
    build(folder, "title")
    answer = read("/help/zh/how-to", headers={"Host": "elsewhere.example"}, follow_redirects=False)
    assert answer.headers["Location"] == "/help/zh/how-to/"
    answer = read("/help/zh/how-to", follow_redirects=False)
    assert answer.headers["Location"] == "/help/zh/how-to/"


@pytest.mark.parametrize(
    "way",
    [
        "/help/../secret.html",
        "/help/%2e%2e/secret.html",
        "/help/zh/%2e%2e/%2e%2e/secret.html",
        "/help//etc/passwd",
        "/help/nothing.html",
    ],
)
def test_nothing_outside_the_site_is_given(way: str, read: Reading, folder: Path) -> None:
    build(folder, "title")
    answer = read(way)
    assert answer.status_code == 404 and "not a page" not in answer.text
