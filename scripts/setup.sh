#!/usr/bin/env bash
# Makes a Debian 12 machine that has a Swift toolchain ready to build and test Mars: system packages and .venv.
#   scripts/setup.sh
# Does only what is missing: when nothing is, it needs no network and takes a moment.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
have_swift

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

wanted=$(grep -v '^#' "$MARS_ROOT/scripts/apt-packages.txt")
missing=
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
  [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  say "system packages:$missing"
  as_root apt-get update -q
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi

need_swift # only now: the toolchain needs some of those packages

# Debian's own Python: another one on PATH may be of any version.
python=/usr/bin/python3
stamp=$VENV/.mars-setup
now=$({ "$python" --version; cat "$MARS_ROOT/requirements/dev.txt"; } | sha256sum | cut -d' ' -f1)
if [ ! -x "$VENV/bin/python" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$now" ]; then
  say "virtual environment .venv"
  "$python" -m venv --clear "$VENV"
  "$VENV/bin/python" -m pip install -q --no-deps -r "$MARS_ROOT/requirements/dev.txt"
  "$VENV/bin/python" -m pip check
  echo "$now" >"$stamp"
fi
