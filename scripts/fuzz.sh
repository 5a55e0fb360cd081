#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a while.
#   scripts/fuzz.sh [SECONDS] [TARGET...]             default: 20 seconds each, all targets
# A target is a folder of Tests/fuzz/Sources that is no link, and a product of Tests/fuzz/Package.swift.  It starts from Tests/fuzz/corpus/TARGET, where
# there is one, and from the golden graphs; `graph_decode` adds a graph of each operator.  A crash fails the run; its input is kept in build/fuzz/TARGET.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
need_swift
cd "$MARS_ROOT"
seconds=${1:-20}
shift $(($# > 0 ? 1 : 0))
shopt -s nullglob
if [ $# = 0 ]; then
  for folder in Tests/fuzz/Sources/*/; do
    if [ ! -L "${folder%/}" ]; then set -- "$@" "$(basename "$folder")"; fi # links lead to the sources under test
  done
  [ $# -gt 0 ] || die "there is no fuzz target in Tests/fuzz/Sources"
fi
for target in "$@"; do
  say "fuzz $target, $seconds s"
  swift build --package-path Tests/fuzz --scratch-path "$MARS_BUILD/swift-fuzz" --product "$target"
  work=$MARS_BUILD/fuzz/$target
  mkdir -p "$work/corpus"
  corpus=("$work/corpus" Tests/golden/v*/) # what is found new goes into the first
  if [ -d "Tests/fuzz/corpus/$target" ]; then corpus+=("Tests/fuzz/corpus/$target"); fi
  # Absurd sizes must be refused, not allocated: rss_limit_mb fails the run that grows.  Leaks are looked for at the end.
  timeout --kill-after=10 $((seconds + 120)) "$MARS_BUILD/swift-fuzz/debug/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 -artifact_prefix="$work/" "${corpus[@]}" 2>&1 | tee "$work/log" | tail -n 15
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  [ "${runs:-0}" -gt 0 ] || die "$target ran no input"
done
