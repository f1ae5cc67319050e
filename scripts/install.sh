#!/usr/bin/env bash
# How is a package installed? By the pinned uv, from where pip would take it. Usage: install.sh ENVIRONMENT ARGUMENTS...
set -euo pipefail
cd "$(dirname "$0")/.."
environment=$1
shift

export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
# uv does not read pip's settings: whoever has set a mirror there means this too
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
  mirror=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
  [ -z "$mirror" ] || export UV_DEFAULT_INDEX=$mirror
fi
exec .venv/bin/uv pip install --quiet --python "$environment/bin/python" "$@"
