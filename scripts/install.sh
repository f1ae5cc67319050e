#!/usr/bin/env bash
# How is a package installed? By the pinned uv, from where pip would take it. Usage: install.sh ENVIRONMENT ARGUMENTS...
set -euo pipefail
cd "$(dirname "$0")/.."
environment=$1
shift

exec scripts/uv.sh pip install --quiet --python "$environment/bin/python" "$@"
