"""A Sphinx extension: scripts and styles that the theme writes into pages are moved into files.

The portal serves the site under a content security policy without inline scripts and styles
(sandbox/http/security_headers.py). The theme sets the colour scheme by an inline script and hides its icons
by a style attribute. Each inline script becomes a file of the same text; a style element or attribute becomes
a rule of a style sheet. What the page does stays the same.
"""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "inline"
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL)
STYLED = re.compile(r"""<\w[^<>]*?\sstyle=(?:"[^"]*"|'[^']*')[^<>]*>""")
OF_SCRIPT = re.compile(r"""\s(src|type)=["']([^"']*)["']""")
OF_TAG = re.compile(r"""\s(style|class)=(?:"([^"]*)"|'([^']*)')""")
RUN = {"", "text/javascript", "module"}


def move_inline(page: str, *, root: str) -> tuple[str, dict[str, str]]:
    """The page without inline scripts and styles, and the files (name -> text) that hold them.
    `root`: the way to the files.

    Text is replaced, and no page is parsed, which would take longer than to write it: the pages are what
    Sphinx and its theme write, and tests/docs/test_site.py parses them all.
    """
    files: dict[str, str] = {}
    rules: dict[str, str] = {}

    def kept(text: str, suffix: str) -> str:
        name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.{suffix}"
        files[name] = text
        return f"{root}{FOLDER}/{name}"

    def script(found: re.Match[str]) -> str:
        said = dict(OF_SCRIPT.findall(found[1]))
        if "src" in said or said.get("type", "") not in RUN:
            return found[0]  # in a file already, or data, which a browser does not run
        return f'<script{found[1]} src="{kept(found[2], "js")}"></script>'

    def tag(found: re.Match[str]) -> str:
        said = {name: double or single for name, double, single in OF_TAG.findall(found[0])}
        rule = html.unescape(said["style"]).strip().rstrip(";")
        name = f"inline-{hashlib.sha256(rule.encode()).hexdigest()[:12]}"
        rules[name] = rule
        classes = " ".join([*said.get("class", "").split(), name])
        start, rest = re.match(r"(<\w+)(.*)", OF_TAG.sub("", found[0]), re.DOTALL).groups()  # type: ignore[union-attr]
        return f'{start} class="{classes}"{rest}'

    page = SCRIPT.sub(script, page)
    page = STYLE.sub(lambda found: _link(kept(found[1], "css")), page)
    page = STYLED.sub(tag, page)
    if rules:
        sheet = "".join(f".{name} {{ {rule}; }}\n" for name, rule in sorted(rules.items()))
        page = page.replace("</head>", f"{_link(kept(sheet, 'css'))}</head>", 1)
    return page, files


def _link(address: str) -> str:
    return f'<link href="{address}" rel="stylesheet" type="text/css"/>'


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
