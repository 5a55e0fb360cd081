#!/usr/bin/env bash
# Regenerates Sources/CGraphProto from include/mars/graph.proto; with --check, fails if the committed files are not fresh.
#
# The core reads strings as bytes: both are the same on the wire, but protobuf-c's strings lose their length, so that a NUL inside one
# would go unnoticed.  The generated code therefore comes from a copy of the schema in which every string is bytes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=$root/Sources/CGraphProto
command -v protoc-c >/dev/null || { echo "gen_proto.sh: protoc-c is missing (package protobuf-c-compiler)" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -E 's/^(\s*(repeated )?)string ([a-z_]+ = [0-9]+;)/\1bytes \3/' "$root/include/mars/graph.proto" >"$work/graph.proto"
if grep -nE '^\s*(repeated )?string ' "$work/graph.proto"; then
  echo "gen_proto.sh: a string field was not recognised" >&2
  exit 2
fi
(cd "$work" && protoc-c --c_out=. graph.proto)

if [[ ${1:-} == --check ]]; then
  diff -u "$target/include/graph.pb-c.h" "$work/graph.pb-c.h" && diff -u "$target/graph.pb-c.c" "$work/graph.pb-c.c" ||
    { echo "gen_proto.sh: Sources/CGraphProto is not fresh; run scripts/gen_proto.sh" >&2; exit 1; }
  echo "Sources/CGraphProto is fresh"
else
  cp "$work/graph.pb-c.h" "$target/include/graph.pb-c.h"
  cp "$work/graph.pb-c.c" "$target/graph.pb-c.c"
fi
