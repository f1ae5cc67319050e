#!/usr/bin/env bash
# Which Python will do? Prints the path of one of 3.11 or later that can make virtual environments.
set -euo pipefail

candidates=(${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11)
found=""
for name in "${candidates[@]}"; do
  path=$(command -v "$name" 2>/dev/null) || continue
  "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { found="$found $("$path" --version 2>&1)"; continue; }
  if ! "$path" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "make: $path has no venv module. On Debian or Ubuntu: apt-get install python$version-venv" >&2
    exit 1
  fi
  echo "$path"
  exit 0
done
echo "make: Cihu needs Python 3.11 or later; here is${found:- none}." >&2
echo "      Install one (on Debian 12 or later: apt-get install python3 python3-venv), or say which: make PYTHON=/path/to/python3" >&2
exit 1
