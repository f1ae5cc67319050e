#!/usr/bin/env bash
# How does .venv begin? With a Python that will do, and the uv that requirements/uv.lock names. Usage: make_environment.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1

if [ -x "$folder/bin/python" ] && "$folder/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  :
else
  python=$(scripts/find_python.sh)
  echo "making $folder with $python"
  rm -rf "$folder"
  "$python" -m venv "$folder"
fi
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
