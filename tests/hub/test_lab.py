"""JupyterLab speaks whole Chinese, and the hub's templates have their words in both languages."""

import json
import re
from pathlib import Path

import jupyterlab
import jupyterlab_language_pack_zh_CN
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.hub.lab_language import completed, our_words
from sandbox.hub.lab_settings import LAB, write_lab_settings
from sandbox.hub.pages import WORDS, page_words

STATIC = Path(jupyterlab.__file__).parent / "static"
TEXT = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\$]|\\.)*`)"""
ASKED = re.compile(r"\.(?:__|gettext|_n|ngettext)\(" + TEXT)
ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
CONTROLS = {"n": "\n", "t": "\t"}
PACK = Path(jupyterlab_language_pack_zh_CN.__file__).parent / "locale/zh_CN/LC_MESSAGES/jupyterlab.json"
TEMPLATES = LAB.parent / "templates"


def unescaped(literal: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else CONTROLS.get(code, code)

    return ESCAPED.sub(one, literal[1:-1])


def lacking() -> set[str]:
    """The sentences that JupyterLab's pages ask a translation for, and the language pack has none of."""
    asked = {unescaped(text) for file in STATIC.glob("*.js") for text in ASKED.findall(file.read_text())}
    assert len(asked) > 1500, "JupyterLab asks for its words in another way now"
    pack = json.loads(PACK.read_text())
    return {text for text in asked if not any(pack.get(text, []))}


def test_what_the_language_pack_lacks_is_translated_here_and_nothing_else() -> None:
    ours = our_words()
    assert set(ours) == lacking()
    for english, chinese in ours.items():
        places = [sorted(re.findall(r"%\d", text)) for text in (english, chinese)]
        assert places[0] == places[1], english
        assert re.search(r"[\u4e00-\u9fff]|^%1：", chinese), english


def test_the_packs_own_words_go_before_ours() -> None:
    given = {"jupyterlab": {"": {"domain": "jupyterlab"}, "Apply": ["应用它"], "Cells": [""]}}
    whole, _ = completed(lambda _: (given, ""))("zh_CN")
    assert whole["jupyterlab"]["Apply"] == ["应用它"] and whole["jupyterlab"]["Cells"] == ["单元格"]
    assert whole["jupyterlab"][""] == {"domain": "jupyterlab"}
    assert completed(lambda _: ({}, "no pack"))("fr_FR") == ({}, "no pack")


@pytest.mark.parametrize(
    ("language", "locale", "name"),
    [("zh", "zh_CN", "磁湖"), ("en", "default", "Cihu"), ("", "zh_CN", "磁湖")],
)
def test_a_workspace_begins_in_the_persons_language(
    tmp_path: Path, language: str, locale: str, name: str
) -> None:
    folder = write_lab_settings(tmp_path / "lab", language=language, portal_url="https://city.example")
    overrides = json.loads((folder / "overrides.json").read_text())
    page = json.loads((folder / "page_config.json").read_text())
    assert overrides["@jupyterlab/translation-extension:plugin"] == {"locale": locale}
    assert (page["appName"], page["cihuPortal"]) == (name, "https://city.example")
    # what is switched off for everybody stays so
    assert set(json.loads((LAB / "page_config.json").read_text())["disabledExtensions"]) == set(
        page["disabledExtensions"]
    )


def test_both_languages_have_the_same_words() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh"])
    used = {word for file in TEMPLATES.glob("*.html") for word in re.findall(r"\bt\.(\w+)", file.read_text())}
    assert used <= set(WORDS["en"]) and set(WORDS["en"]) - used == {"starting"}  # the spawner's


@pytest.mark.parametrize("template", sorted(file.name for file in TEMPLATES.glob("*.html")))
@pytest.mark.parametrize("state", [True, False])
def test_a_page_mixes_no_languages(template: str, state: bool) -> None:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    said = {
        "language": "zh",
        "t": page_words("zh"),
        "portal_url": "/",
        "base_url": "/",
        "prefix": "/",
        "logout_url": "/",
        "spawn_url": "/",
        "progress_url": "/",
        "url": "/",
        "user": None,
        "version_hash": "",
        "xsrf_token": "",
        "announcement": "",
        "status_code": 404 if state else 500,
        "message": "",
        "message_html": "",
        "extra_error_html": "",
        "failed": state,
        "failed_message": "",
        "failed_html_message": "",
        "default_server": {"active": state},
        "static_url": lambda path, **_: path,
    }
    page = environment.get_template(template).render(said)
    seen = re.sub(r"<(script|style)[ >].*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert not re.search(r"[A-Za-z]{3,}", seen.replace("JavaScript", "")), seen
