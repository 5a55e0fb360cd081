#!/usr/bin/env bash
# Tells whether every generated file in the repository is what its generator writes now.
# Each generator is scripts/gen_* and knows --check, which compares instead of writing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MARS_ROOT"
# Generators in Python run with the pinned NumPy.
PATH="$VENV/bin:$PATH"
stale=
for generator in scripts/gen_*; do
  if "$generator" --check; then
    echo "fresh: $generator"
  else
    stale="$stale $generator"
  fi
done
[ -z "$stale" ] || die "not fresh, or not checkable:$stale"
