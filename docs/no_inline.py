"""A Sphinx extension: scripts and styles that the theme writes into pages are moved into files.

The portal serves the site under a content security policy without inline scripts and styles
(sandbox/http/security_headers.py). The theme sets the colour scheme by an inline script and hides its icons
by a style attribute. Each inline script becomes a file of the same text; a style element or attribute becomes
a rule of a style sheet. What the page does stays the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup, Tag

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "inline"


def move_inline(page: str, *, root: str) -> tuple[str, dict[str, str]]:
    """The page without inline scripts and styles, and the files (name -> text) that hold them.
    `root`: the way to the files."""
    soup, files = BeautifulSoup(page, "html.parser"), dict[str, str]()

    def kept(text: str, suffix: str) -> str:
        name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.{suffix}"
        files[name] = text
        return f"{root}{FOLDER}/{name}"

    for script in soup.find_all("script", src=False):
        if script.get("type") not in (None, "text/javascript", "module"):
            continue  # data, which a browser does not run
        script["src"] = kept(script.string or "", "js")
        script.string = ""
    for style in soup.find_all("style"):
        style.replace_with(_link(soup, kept(style.string or "", "css")))
    rules = {}
    for tag in soup.find_all(style=True):
        rule = str(tag["style"]).strip().rstrip(";")
        name = f"inline-{hashlib.sha256(rule.encode()).hexdigest()[:12]}"
        rules[name] = rule
        tag["class"] = " ".join([*(str(each) for each in tag.get_attribute_list("class") if each), name])
        del tag["style"]
    if rules and soup.head is not None:
        sheet = "".join(f".{name} {{ {rule}; }}\n" for name, rule in sorted(rules.items()))
        soup.head.append(_link(soup, kept(sheet, "css")))
    return str(soup), files


def _link(soup: BeautifulSoup, address: str) -> Tag:
    return soup.new_tag("link", rel="stylesheet", type="text/css", href=address)


def move_all(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite every page of a finished HTML build."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    (folder / "_static" / FOLDER).mkdir(parents=True, exist_ok=True)
    for page in folder.rglob("*.html"):
        depth = len(page.relative_to(folder).parts) - 1
        text, files = move_inline(page.read_text("utf-8"), root="../" * depth + "_static/")
        page.write_text(text, "utf-8")
        for name, content in files.items():
            (folder / "_static" / FOLDER / name).write_text(content, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", move_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
