"""A Sphinx extension: pages that show the same navigation share one, and it is made from titles alone.

The theme shows the whole tree of pages in each page. Sphinx makes it anew for each of them, from all headings
of all pages, of which only titles are shown: four fifths of the time of a build. A page that is not in the
tree (each error has one) shows what every other such page of its folder shows. The pages stay the same.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from sphinx import addnodes

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def titles(toc: nodes.bullet_list) -> nodes.bullet_list:
    """A page's table of contents without its headings, as `titles_only` leaves it."""
    cut = toc.deepcopy()
    for top_level in cut.children:
        if len(top_level) > 1:  # type: ignore[arg-type]
            if subtrees := list(top_level.findall(addnodes.toctree)):
                top_level[1][:] = subtrees  # type: ignore[index]
            else:
                top_level.pop(1)  # type: ignore[attr-defined]
    return cut


class Navigation:
    """The navigation of each page of a build, as its builder's `toctree` gives it to a template."""

    def __init__(self, env: BuildEnvironment) -> None:
        self.env = env
        self.titles = {page: titles(toc) for page, toc in env.tocs.items()}
        self.within = {page for pages in env.toctree_includes.values() for page in pages}
        self.within.add(env.config.root_doc)
        self.made: dict[tuple[str, str], str] = {}

    def shown(self, page: str, toctree: Any, **options: Any) -> str:
        """`toctree`: Sphinx's own, of this page; asked where the page has a navigation of its own."""
        key = (posixpath.dirname(page), repr(sorted(options.items())))
        if page not in self.within and key in self.made:
            return self.made[key]
        whole = self.env.tocs
        if options.get("titles_only"):
            self.env.tocs = self.titles
        try:
            made = toctree(**options)
        finally:
            self.env.tocs = whole
        if page not in self.within:
            self.made[key] = made
        return str(made)


def use(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if "toctree" not in context:
        return
    if not hasattr(app, "navigation"):
        app.navigation = Navigation(app.env)  # type: ignore[attr-defined]
    navigation, toctree = app.navigation, context["toctree"]
    context["toctree"] = lambda **options: navigation.shown(page, toctree, **options)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", use, priority=400)  # before the theme, which has 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
