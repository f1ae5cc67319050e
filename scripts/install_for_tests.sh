#!/usr/bin/env bash
# What do the tests need of a Debian machine? A browser, letters for Chinese, gVisor, and a MariaDB to read from. Does nothing where it is there, or without root.
set -euo pipefail

wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || wanted+=(fonts-noto-cjk)
command -v runsc >/dev/null || wanted+=(runsc)
[ -x /usr/sbin/mariadbd ] || wanted+=(mariadb-server)
[ ${#wanted[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed: ${wanted[*]} (tests in a browser, with gVisor, or with MariaDB, are skipped). On Debian: apt-get install ${wanted[*]}" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1  # a server that is installed is not started
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
