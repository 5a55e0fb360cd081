#!/usr/bin/env bash
# Builds everything in release mode: build/lib/libmars.so, the C examples, the Java binding; installs the Python binding into .venv.
#   scripts/build.sh
# MARS_BUILD names another build folder.  Builds only what is out of date.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
need_swift
[ -x "$VENV/bin/python" ] || die "no .venv: run scripts/setup.sh first"
if [ ! -f "$MARS_BUILD/build.ninja" ]; then
  cmake -S "$MARS_ROOT" -B "$MARS_BUILD" -G Ninja
fi
cmake --build "$MARS_BUILD"

# The wheel carries the library: made again when that, or the binding, is newer than what is installed.
library=$(readlink -f "$MARS_BUILD/lib/libmars.so")
now=$(cd "$MARS_ROOT" && { find bindings/python -type f -not -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum; sha256sum <"$library"; } | sha256sum)
if [ "$(cat "$VENV/.mars-binding" 2>/dev/null)" != "$now" ]; then
  rm -f "$VENV/.mars-binding"
  MARS_LIBRARY=$library "$VENV/bin/python" -m pip install -q --no-deps --no-build-isolation --no-index --force-reinstall "$MARS_ROOT/bindings/python"
  echo "$now" >"$VENV/.mars-binding"
fi
