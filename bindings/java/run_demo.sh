#!/bin/sh
# Runs the Java demonstration of a build.
#   run_demo.sh BUILD_FOLDER [POINTS]
set -eu
build=$1
shift
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
exec "$java" -cp "$build/bindings/java/mars.jar:$build/bindings/java/examples" Demo "$@"
