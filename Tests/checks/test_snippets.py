"""The C in the documents compiles, runs, and gives what it says; the Java compiles.  Python's is run by Tests/python/test_documents.py."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MARS_BUILD", ROOT / "build"))
LIBRARY = BUILD / "lib/libmars.so"
JAR = BUILD / "bindings/java/mars.jar"

C_PROGRAM = """#include <mars/ops.h>
#include <stdio.h>

static void show(mars_session *session, mars_tensor *tensor) {
  mars_array values = {.struct_size = sizeof values};
  int64_t i, count = 1;
  if (mars_fetch(&values, session, tensor) != MARS_OK) return;
  for (i = 0; i < values.ndim; i++) count *= values.shape[i];
  for (i = 0; i < count; i++) printf("%g ", ((double *)values.data)[i]);
  mars_array_release(&values);
}

static int snippet(mars_session *session, mars_tensor *SUBJECT) {
  BEFORE
SNIPPET
  AFTER
  return 0;
}

int main(void) {
  /* x[i, j] = 5 * i + j */
  double data[15];
  const int64_t shape[2] = {3, 5};
  mars_array array = {.struct_size = sizeof array, .dtype = MARS_FLOAT64, .ndim = 2, .data = data, .shape = shape};
  mars_session *session = NULL;
  mars_tensor *x = NULL;
  int i;
  for (i = 0; i < 15; i++) data[i] = i;
  if (mars_session_default(&session) != MARS_OK || mars_tensor_from_array(&x, &array, MARS_COPY, NULL) != MARS_OK) return 2;
  return snippet(session, x);
}
"""
SUMS = 'show(session, rows); printf("= %g", ((double *)values.data)[2]);'
# Per document and block: the name of a tensor of 3 x 5 elements that the block takes for granted, what else it does, what to look at then,
# and what that prints.
C_BLOCKS = {
    "README.md": [("a", "", SUMS, "15 40 65 = 65")],
    "bindings/c/README.md": [("a", "", SUMS, "15 40 65 = 65")],
    "docs/guide.md": [(
        "x", "mars_tensor *mask = NULL, *view = NULL; mars_op_greater(&mask, NULL, mars_of(x), mars_weak_int(7));",
        "show(session, x);", "0 1 2 3 4 0 6 0 0 0 0 0 0 0 0",
    )],
}  # fmt: skip

# Per document and block: parameters that the block takes for granted.
JAVA_BLOCKS = {
    "README.md": [""],
    "bindings/java/README.md": [""],
    "docs/guide.md": ["Tensor x, Tensor mask"],
}


def blocks(language: str) -> dict[str, list[str]]:
    """Code of a language in all documents for users."""
    found = {}
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bindings/*/README.md")]:
        texts = re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
        if texts:
            found[str(path.relative_to(ROOT))] = texts
    return found


def run(command: list[object], text: str = "") -> str:
    done = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr + text
    return done.stdout


def test_c(tmp_path: Path) -> None:
    found = blocks("c")
    assert {name: len(texts) for name, texts in found.items()} == {name: len(rows) for name, rows in C_BLOCKS.items()}
    program = tmp_path / "program"
    options = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", "-o", program]
    for name, texts in found.items():
        for text, (subject, before, after, printed) in zip(texts, C_BLOCKS[name], strict=True):
            source = C_PROGRAM.replace("SUBJECT", subject).replace("BEFORE", before).replace("AFTER", after).replace("SNIPPET", text)
            run(["gcc", "-x", "c", *options, "-", "-x", "none", LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"], source)
            assert run([program]).strip() == printed, name


def test_java(tmp_path: Path) -> None:
    found = blocks("java")
    assert {name: len(texts) for name, texts in found.items()} == {name: len(rows) for name, rows in JAVA_BLOCKS.items()}
    rows = [(p, t.replace("{ ... }", "{ }")) for name, texts in found.items() for t, p in zip(texts, JAVA_BLOCKS[name], strict=True)]
    methods = [f"  static void block{i}({given}) {{\n{text}  }}\n" for i, (given, text) in enumerate(rows)]
    source = tmp_path / "Blocks.java"
    source.write_text("import io.mars.*;\nimport java.util.Arrays;\n\nclass Blocks {\n" + "".join(methods) + "}\n")
    run(["javac", "-J-XX:TieredStopAtLevel=1", "-proc:none", "--release", "17", "-cp", JAR, "-d", tmp_path, source])
