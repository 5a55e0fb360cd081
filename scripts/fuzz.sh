#!/usr/bin/env bash
# Builds the fuzz target of the graph reader and runs it for N seconds (20 by default), starting from the golden files.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-20}
build=${MARS_FUZZ_BUILD:-$root/.build-fuzz}
swift build --package-path "$root/Tests/fuzz" --scratch-path "$build" --product graph_decode

corpus=$build/corpus/graph_decode
mkdir -p "$corpus"
# What it finds new goes into the first directory; leaks are looked for by the sanitizer at the end.
cd "$build"
"$build/debug/graph_decode" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
  "$corpus" "$root"/Tests/golden/v*/
