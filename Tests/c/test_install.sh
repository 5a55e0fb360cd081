#!/bin/sh
# Installs a build of Mars to a prefix, moves the prefix, and builds and runs examples/cmake-consumer against it, once through
# find_package and once through pkg-config.
#   test_install.sh BUILD_FOLDER
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
consumer=$here/../../bindings/c/examples/cmake-consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME COMMAND...: counts; the output is shown where it fails.
check() {
  name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok   $name"
  else
    failed=$((failed + 1))
    echo "FAIL $name"
    cat "$work/log" >&2
  fi
}

prints_version() { [ "$("$@")" = "Mars $version" ]; }
needs_nothing_of() { ! grep -rqF "$1" "$work/moved/lib"*/cmake "$work/moved/lib"*/pkgconfig; }

version=$(sed -n 's/^#define MARS_VERSION_M[A-Z]* //p; s/^#define MARS_VERSION_PATCH //p' "$here/../../include/mars/mars.h" | paste -sd. -)
check "install" cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/moved"
check "no trace of the prefix of installation" needs_nothing_of "$work/first"
check "no trace of the build folder" needs_nothing_of "$build"

check "licence" cmp "$work/moved/share/doc/mars/LICENSE" "$here/../../LICENSE"

check "find_package: configure" cmake -G Ninja -S "$consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/moved"
check "find_package: build" cmake --build "$work/consumer"
check "find_package: run" prints_version "$work/consumer/consumer"

pc=$(find "$work/moved" -name mars.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
check "pkg-config: build" ${CC:-cc} "$consumer/main.c" $(pkg-config --cflags --libs mars) -o "$work/with_pkg_config"
check "pkg-config: run" prints_version env LD_LIBRARY_PATH="$(pkg-config --variable=libdir mars)" "$work/with_pkg_config"
check "pkg-config: version" test "$(pkg-config --modversion mars)" = "$version"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
