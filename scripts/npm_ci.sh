#!/usr/bin/env bash
# Installs the npm packages of FOLDER by its package-lock.json; with the machine's npm, or one from PyPI where there is none.
# Usage: npm_ci.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

npm=$(command -v npm || true)
if [ -z "$npm" ]; then
  echo "there is no npm here: installing one into .venv"
  scripts/install.sh .venv --require-hashes -r requirements/node.lock
  npm=$PWD/.venv/bin/npm
fi
# node trusts a list of its own: a company's authority is in the system's
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && bundle=$(scripts/system_certificates.sh); then
  export NODE_EXTRA_CA_CERTS=$bundle
fi
# no install script runs: Swagger UI's would report to its makers
if ! (cd "$1" && PATH="$OLDPWD/.venv/bin:$PATH" "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
  echo "make: the packages of $1/package-lock.json could not be fetched from the npm registry. Is it reached from here (npm config get registry)?" >&2
  exit 1
fi
