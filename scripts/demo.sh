#!/usr/bin/env bash
# The demonstration: sets the machine up, builds everything, and runs the same two computations in C, Java and Python.
#   scripts/demo.sh
# Monte-Carlo pi with 10^9 points and (a + 1).sum(axis=1) of random.rand(1000, 2000): the three must print the same results to the bit.
# Then, from Python, statistics of a 2 GB .npy file that NumPy writes, under memory_limit="1GiB".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MARS_ROOT"
scripts/setup.sh
. scripts/env.sh # JAVA_HOME may be there only now
say "build"
scripts/build.sh

out=$MARS_BUILD/demo
mkdir -p "$out"
demo() { # LANGUAGE COMMAND...
  say "$1"
  "${@:2}" | tee "$out/$1.txt"
}
demo C "$MARS_BUILD/bindings/c/mars_c_demo"
demo Java bindings/java/run_demo.sh "$MARS_BUILD"
demo Python "$VENV/bin/python" bindings/python/examples/demo.py

# Lines that start with "  took" tell time and memory; of Python's, which go on with the file, the first as many as C's are compared.
results() { grep -v '^  took' "$out/$1.txt"; }
results C >"$out/expected"
lines=$(wc -l <"$out/expected")
[ "$lines" -gt 0 ] || die "the C demonstration printed no result"
for language in Java Python; do
  results "$language" >"$out/$language.results"
  head -n "$lines" "$out/$language.results" | cmp -s - "$out/expected" \
    || { diff "$out/expected" "$out/$language.results"; die "C and $language differ"; }
done
say "C, Java and Python agree to the bit"
