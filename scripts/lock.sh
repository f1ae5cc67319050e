#!/usr/bin/env bash
# Which exact packages do we install? Makes every lock again from pyproject.toml and kernels/requirements.in, with digests.
# Usage: lock.sh [--upgrade] (without it, versions that still fit are kept)
set -euo pipefail
cd "$(dirname "$0")/.."

lock() { # OUTPUT INPUT...
  local output=$1
  shift
  scripts/uv.sh pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    "${upgrade[@]}" --output-file "$output" "$@"
  echo "$output"
}

upgrade=("$@")
lock requirements/city.lock pyproject.toml --extra city --extra build
lock requirements/demo.lock requirements/demo.in --constraint requirements/city.lock
lock requirements/dev.lock pyproject.toml requirements/demo.in --extra city --extra build --extra dev --constraint requirements/city.lock
lock requirements/docs.lock pyproject.toml --extra city --extra build --extra docs --constraint requirements/dev.lock
lock requirements/node.lock requirements/node.in
lock requirements/uv.lock requirements/uv.in
lock requirements/audit.lock requirements/audit.in
lock requirements/generator.lock requirements/generator.in
lock kernels/requirements.lock kernels/requirements.in
