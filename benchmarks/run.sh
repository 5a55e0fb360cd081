#!/usr/bin/env bash
# The table of figures: sets up the peers' environment (.venv-peers, once), builds the ceilings, and runs every row.
#   benchmarks/run.sh [--only ROW]... [--quick] [--list]       see benchmarks/figures.py
# Mars is measured as installed in .venv: run scripts/setup.sh and scripts/build.sh before.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"
peers=$MARS_ROOT/.venv-peers
pins=$MARS_ROOT/requirements/peers.txt
now=$(sha256sum <"$pins")
if [ "$(cat "$peers/.mars-setup" 2>/dev/null)" != "$now" ]; then
  say "peers: .venv-peers"
  /usr/bin/python3 -m venv --clear "$peers"
  "$peers/bin/python" -m pip install -q --no-deps -r "$pins"
  "$peers/bin/python" -m pip check
  echo "$now" >"$peers/.mars-setup"
fi
mkdir -p "$MARS_BUILD/benchmarks"
ceilings=$MARS_ROOT/benchmarks/peerbench/peerbench/ceilings
if [ "$ceilings/stream.c" -nt "$MARS_BUILD/benchmarks/stream" ]; then
  gcc -O3 -march=native -o "$MARS_BUILD/benchmarks/stream" "$ceilings/stream.c" -lpthread
fi
exec "$VENV/bin/python" "$MARS_ROOT/benchmarks/figures.py" "$@"
