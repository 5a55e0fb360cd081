#!/bin/sh
# Runs a Java program and fails if it fails or if -Xcheck:jni complains.
#   run.sh JAVA ARGUMENT...
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$@" >"$log" 2>&1
status=$?
cat "$log"
# Complaints name JNI functions.  "Exceeded capacity" of local references is advice of the checker about the JDK's own code too.
if grep -E '^(WARNING in native method|WARNING: JNI|FATAL ERROR in native method)' "$log" | grep -q .; then
  echo "JNI was misused"
  exit 1
fi
exit "$status"
