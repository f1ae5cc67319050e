#!/usr/bin/env bash
# What do the tests need of a Debian machine? A browser, letters for Chinese, and gVisor. Does nothing where it is there, or without root.
set -euo pipefail

wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || wanted+=(fonts-noto-cjk)
command -v runsc >/dev/null || wanted+=(runsc)
[ ${#wanted[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed: ${wanted[*]} (tests in a browser, or with gVisor, are skipped). On Debian: apt-get install ${wanted[*]}" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
