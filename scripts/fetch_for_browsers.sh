#!/usr/bin/env bash
# Where do the scripts of pages come from? The npm registry, by package-lock.json.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/npm_ci.sh .
cp node_modules/swagger-ui-dist/swagger-ui-bundle.js node_modules/swagger-ui-dist/swagger-ui.css sandbox/http/api_docs/files/
cp node_modules/htmx.org/dist/htmx.min.js marketplace/portal/static/htmx.min.js
