#!/usr/bin/env bash
# The pinned uv, with what this machine has told pip: its mirror, and its certificate authorities. Usage: uv.sh ARGUMENTS...
set -euo pipefail
cd "$(dirname "$0")/.."

export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
# uv does not read pip's settings: whoever has set a mirror there means this too
pip_setting() { .venv/bin/python -m pip config get "global.$1" 2>/dev/null || true; }
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
  mirror=${PIP_INDEX_URL:-$(pip_setting index-url)}
  [ -z "$mirror" ] || export UV_DEFAULT_INDEX=$mirror
fi
# nor does it read the system's certificates, as pip does, where a company puts its own authority: unless told otherwise it
# trusts a list of its own. A bundle that was named for pip is meant for uv too.
if [ -z "${SSL_CERT_FILE:-}" ]; then
  bundle=${PIP_CERT:-$(pip_setting cert)}
  bundle=${bundle:-${REQUESTS_CA_BUNDLE:-}}
  [ ! -f "$bundle" ] || export SSL_CERT_FILE=$bundle
fi
if [ -z "${UV_SYSTEM_CERTS:-}${UV_NATIVE_TLS:-}" ] && scripts/system_certificates.sh >/dev/null; then
  export UV_SYSTEM_CERTS=1  # not where there are none: there its own list is all there is
fi
exec .venv/bin/uv "$@"
