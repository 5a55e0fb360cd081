#!/usr/bin/env bash
# Runs every test: Swift, C and C++, Java, Python, and the checks of the project itself.
#   scripts/test.sh [--no-build] [--only RUNNER]...      RUNNER: swift c java python checks
# Sets up and builds what is missing first.  The last line is `N passed, N failed`; the exit status is 1 when anything failed,
# when a runner crashed, or when one ran no test.  Reports and logs: build/reports.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
build=1
runners=()
while [ $# -gt 0 ]; do
  case $1 in
    --no-build) build=0 ;;
    --only) runners+=("${2:?--only needs a runner}"); shift ;;
    *) die "unknown argument $1" ;;
  esac
  shift
done
[ ${#runners[@]} -gt 0 ] || runners=(swift c java python checks)
cd "$MARS_ROOT"

if [ $build = 1 ]; then
  scripts/setup.sh
  say "build"
  scripts/build.sh
fi
need_swift
use_own_temporary_folder

reports=$MARS_BUILD/reports
mkdir -p "$reports"

# A runner that hangs is ended, and counts as failed.
limited() { timeout --kill-after=10 "${MARS_TEST_TIMEOUT:-1200}" "$@"; }
run_swift() {
  limited swift test --scratch-path "$MARS_BUILD/swift-test" --disable-xctest --xunit-output "$1/swift.xml"
}
run_ctest() { # FOLDER, then how to choose
  local folder=$1
  shift
  limited ctest --test-dir "$MARS_BUILD" --label-exclude '^runner$' --no-tests=error --output-on-failure "$@" \
    --output-junit "$folder/ctest.xml" --test-output-size-passed 10000000 --test-output-size-failed 10000000
}
run_c() { run_ctest "$1" --exclude-regex '^java'; }
run_java() { run_ctest "$1" --tests-regex '^java'; }
run_pytest() { # REPORT TESTS...
  local report=$1
  shift
  limited "$VENV/bin/python" -m pytest -q -p no:cacheprovider --import-mode=importlib --junit-xml "$report" "$@"
}
# Most of these tests keep one thread busy: a process per processor, each with whole files, whose tests follow each other as they stand there.
# What is marked "alone" (it is timed, or sends signals after a while) runs by itself afterwards.  Each pytest fails when it is left with no test.
run_python() {
  local status=0
  local tests=(-c bindings/python/pyproject.toml Tests/python)
  run_pytest "$1/pytest.xml" -n "$(nproc)" --dist loadfile -m "not alone" "${tests[@]}" || status=$?
  run_pytest "$1/alone.xml" -m alone "${tests[@]}" || status=$?
  return "$status"
}
run_checks() { run_pytest "$1/pytest.xml" --rootdir "$MARS_ROOT" -c pyproject.toml Tests/checks; }

for runner in "${runners[@]}"; do
  declare -F "run_$runner" >/dev/null || die "no runner $runner"
  say "$runner"
  rm -rf "${reports:?}/$runner"
  mkdir -p "$reports/$runner"
  status=0
  "run_$runner" "$reports/$runner" 2>&1 | tee "$reports/$runner/log" || status=$?
  echo "$status" >"$reports/$runner/status"
done

echo
python3 scripts/tally.py "$reports" "${runners[@]}"
