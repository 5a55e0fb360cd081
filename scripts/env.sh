# Sourced by the other scripts: where things are.  Sets MARS_ROOT, MARS_BUILD, VENV, PATH and JAVA_HOME.
MARS_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MARS_BUILD=${MARS_BUILD:-$MARS_ROOT/build}
VENV=$MARS_ROOT/.venv
export MARS_ROOT MARS_BUILD VENV

if ! command -v swift >/dev/null 2>&1 && [ -x /opt/swift/usr/bin/swift ]; then
  PATH=/opt/swift/usr/bin:$PATH
fi
# FindJNI does not follow /usr/bin/javac to the JDK.
if [ -z "${JAVA_HOME:-}" ] && command -v javac >/dev/null 2>&1; then
  JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
fi
export PATH JAVA_HOME
# Swift's crash reporter can hang after a crash under a sanitizer, and would hold up everything: SWIFT_BACKTRACE=enable=yes to have it.
export SWIFT_BACKTRACE=${SWIFT_BACKTRACE:-enable=no}

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# have_swift: stops where there is no Swift toolchain.
have_swift() {
  command -v swift >/dev/null 2>&1 || die "no Swift toolchain on PATH or in /opt/swift (6.3 or newer is needed)"
}

# need_swift: stops where there is none that runs and is new enough.
need_swift() {
  local answer version
  have_swift
  answer=$(swift --version 2>&1) || die "swift --version failed: $answer"
  version=$(sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' <<<"$answer")
  [ -n "$version" ] || die "swift --version gave no version: $answer"
  [ "$(printf '%s\n6.3\n' "$version" | sort -V | head -n 1)" = 6.3 ] || die "Swift $version is too old: 6.3 or newer is needed"
}

# Whatever the tests leave in the folder for temporary files goes with the script that calls this.
use_own_temporary_folder() {
  TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/mars-tests.XXXXXX")
  export TMPDIR
  trap 'rm -rf "$TMPDIR"' EXIT
}
