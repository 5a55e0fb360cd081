#!/usr/bin/env bash
# Runs a named subset of the Swift tests under the address and the thread sanitizer.
#   scripts/test_sanitizers.sh [address|thread]...
# MARS_SANITIZE_FILTER chooses the tests (a regular expression over TARGET.SUITE/TEST): by default the suites that own memory, threads
# and foreign data, and those of routines that work on pointers.  These builds use Swift's dynamic runtime.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
need_swift
use_own_temporary_folder
cd "$MARS_ROOT"
filter=${MARS_SANITIZE_FILTER:-'^(MarsRuntimeTests|MarsFormatTests|MarsBaseTests|MarsSessionTests|MarsNumericsTests)\.'}
[ $# -gt 0 ] || set -- address thread
failed=
for sanitizer in "$@"; do
  case $sanitizer in address | thread) ;; *) die "no sanitizer $sanitizer" ;; esac
  say "$sanitizer sanitizer"
  report=$MARS_BUILD/reports/$sanitizer
  rm -rf "$report"
  mkdir -p "$report"
  status=0
  # A report of a sanitizer must fail the run even where the program would go on.
  ASAN_OPTIONS=halt_on_error=1:detect_leaks=1:${ASAN_OPTIONS:-} TSAN_OPTIONS=halt_on_error=1:${TSAN_OPTIONS:-} \
    MARS_TEST_SCALE=${MARS_TEST_SCALE:-20} \
    timeout --kill-after=10 "${MARS_TEST_TIMEOUT:-1200}" swift test --sanitize="$sanitizer" --scratch-path "$MARS_BUILD/swift-$sanitizer" --disable-xctest --filter "$filter" \
    --xunit-output "$report/swift.xml" 2>&1 | tee "$report/log" || status=$?
  if [ $status = 0 ] && grep -qE 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer' "$report/log"; then status=1; fi
  echo "$status" >"$report/status"
  python3 scripts/tally.py "$MARS_BUILD/reports" "$sanitizer" || failed="$failed $sanitizer"
done
[ -z "$failed" ] || die "failed:$failed"
