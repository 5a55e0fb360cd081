#!/usr/bin/env bash
<<<<<<< HEAD
# Runs every fuzz target for a while, starting from its corpus.
#   scripts/fuzz.sh [SECONDS] [TARGET...]             default: 30 seconds each, all targets
# Tests/fuzz/TARGET holds a target's Swift file, and corpus/ its starting inputs.  MARS_FUZZ=1 makes Package.swift list the targets
# as executables, whose @main calls LLVMFuzzerRunDriver.  A crash fails; its input is kept in build/fuzz/TARGET.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
need_swift
cd "$MARS_ROOT"
seconds=${1:-30}
shift $(($# > 0 ? 1 : 0))
if [ $# = 0 ]; then
  shopt -s nullglob
  for folder in Tests/fuzz/*/; do set -- "$@" "$(basename "$folder")"; done
  [ $# -gt 0 ] || die "there is no fuzz target in Tests/fuzz"
fi
for target in "$@"; do
  say "fuzz $target, $seconds s"
  # Coverage is needed in every module, so the flags are the build's and not the target's.
  MARS_FUZZ=1 swift build -c release --scratch-path "$MARS_BUILD/swift-fuzz" --product "$target" \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library -Xswiftc -use-ld=lld
  work=$MARS_BUILD/fuzz/$target
  mkdir -p "$work/corpus"
  corpus=("$work/corpus")
  if [ -d "Tests/fuzz/$target/corpus" ]; then corpus+=("Tests/fuzz/$target/corpus"); fi
  # Absurd sizes must be refused, not allocated: rss_limit_mb fails the run that grows.
  timeout --kill-after=10 $((seconds + 120)) "$MARS_BUILD/swift-fuzz/release/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$work/" \
    -print_final_stats=1 "${corpus[@]}" 2>&1 | tee "$work/log" | tail -n 15
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  [ "${runs:-0}" -gt 0 ] || die "$target ran no input"
done
=======
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
>>>>>>> main
