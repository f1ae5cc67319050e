"""The settings of the documentation site (Sphinx, MyST, furo).
`make docs` builds it in English and in Chinese."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "磁湖 Cihu"
author = "Cihu contributors"
project_copyright = "Cihu contributors, Apache-2.0"
release = metadata.version("cihu")

extensions = ["myst_parser", "no_inline", "one_navigation"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "locale", "README.md", "openapi"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "attrs_block"]
myst_heading_anchors = 3
myst_linkify_fuzzy_links = False

# one catalogue for each page; no line numbers in it, so that an edit changes the catalogue only
# where it changes words
language = "en"
locale_dirs = ["locale"]
gettext_compact = False
gettext_uuid = False
gettext_location = False
figure_language_filename = "{path}{language}/{basename}{ext}"

html_theme = "furo"
html_title = "磁湖 Cihu"
html_favicon = "../marketplace/portal/static/mark.svg"
html_static_path = ["_static"]
html_css_files = ["cihu.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_theme_options = {
    # the fonts of the reader's system: nothing is fetched from elsewhere
    "light_css_variables": {
        "font-stack": "system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
    },
    "top_of_page_buttons": [],
}
# the portal is above the site: a link that works wherever /help is served
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ],
}
templates_path = ["_templates"]
