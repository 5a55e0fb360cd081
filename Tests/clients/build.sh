#!/usr/bin/env bash
# Builds and runs the clients that know nothing of Mars but graph.proto: DIRECTORY/{c,python,java}.mars are the graphs they write.
# Tests/python/test_clients.py runs it and executes the graphs.
#
# usage: Tests/clients/build.sh DIRECTORY [c|python|java]...     all three without names
# PYTHON names an interpreter that has the protobuf package (python3 by default); PROTOBUF_JAR the jar for Java.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/Tests/clients
out=${1:?usage: build.sh DIRECTORY [c|python|java]...}
shift
[[ $# -gt 0 ]] || set -- c python java
mkdir -p "$out"
out=$(cd "$out" && pwd)
proto=(-I "$root/include/mars" graph.proto)

for client in "$@"; do
  mkdir -p "$out/$client"
  case $client in
    c)
      protoc-c --c_out="$out/c" "${proto[@]}"
      ${CC:-cc} -std=c11 -Wall -Wextra -Werror -Wno-missing-braces -I "$out/c" -o "$out/c/build_graph" \
        "$here/c_pb/build_graph.c" "$out/c/graph.pb-c.c" -lprotobuf-c
      "$out/c/build_graph" "$out/c.mars"
      ;;
    python)
      protoc --python_out="$out/python" "${proto[@]}"
      "${PYTHON:-python3}" "$here/python_pb/build_graph.py" "$out/python" "$out/python.mars"
      ;;
    java)
      jar=${PROTOBUF_JAR:-/usr/share/java/protobuf.jar}
      protoc --java_out="$out/java" "${proto[@]}"
      # One pass over generated code: what the first tier of the compiler gives is quickest.
      javac -J-XX:TieredStopAtLevel=1 -proc:none -Xlint:-options -cp "$jar" -d "$out/java" "$out/java/mars/graph/GraphProto.java" "$here/java_pb/BuildGraph.java"
      java -cp "$jar:$out/java" BuildGraph "$out/java.mars"
      ;;
    *)
      echo "build.sh: no client '$client'" >&2
      exit 2
      ;;
  esac
  # The tests of MarsFormat, Java and Python read this file.
  cmp "$out/$client.mars" "$root/Tests/golden/v1/client.mars"
done
