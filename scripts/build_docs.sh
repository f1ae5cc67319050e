#!/usr/bin/env bash
# Builds the documentation into docs/_build/html, in English and below it (zh/) in Chinese. Warnings are errors.
# A running portal shows the new site at once: the finished folder takes the place of the old one.
# Usage: build_docs.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
site=${1:-docs/_build/html}
work=$(dirname "$site")
mkdir -p "$work"
rm -rf "$site.new"

build() { # LANGUAGE OUTPUT
  rm -rf docs/reference/generated && cp -r "$work/generated/$1" docs/reference/generated
  .venv/bin/python -m sphinx --quiet --fail-on-warning --keep-going -b html -d "$work/doctrees/$1" -D language="$1" docs "$2"
}

.venv/bin/python docs/generate.py "$work/generated"
build en "$site.new"
build zh_CN "$site.new/zh"
rm -rf "$site"
mv "$site.new" "$site"
echo "$site"
