#!/usr/bin/env bash
# Writes what is generated from the operator registry: the manual and the C sugar.  --check compares instead of writing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch="${MARS_SCRATCH:-.build}"
swift build --scratch-path "$scratch" --product marsgen >&2
marsgen="$(swift build --scratch-path "$scratch" --product marsgen --show-bin-path)/marsgen"
write() {
  if [ "${1-}" = --check ]; then
    "$marsgen" "$2" | cmp -s - "$3" || { echo "$3 is not what marsgen writes" >&2; return 1; }
  else
    "$marsgen" "$2" > "$3"
  fi
}
write "${1-}" manual docs/operators.md
write "${1-}" c include/mars/ops.h
