#!/usr/bin/env bash
# Brings the catalogues of docs/locale up to date with the English pages: new texts are added untranslated.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python docs/generate.py docs/_build/generated
rm -rf docs/reference/generated && cp -r docs/_build/generated/en docs/reference/generated
.venv/bin/python -m sphinx --quiet --fail-on-warning -b gettext -d docs/_build/doctrees/gettext docs docs/_build/gettext
# generated pages are written in both languages by generate.py, and need no catalogue
rm -rf docs/_build/gettext/reference/generated docs/_build/gettext/sphinx.pot
.venv/bin/sphinx-intl update --pot-dir docs/_build/gettext --locale-dir docs/locale --language zh_CN --no-obsolete --line-width -1
