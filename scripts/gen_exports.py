#!/usr/bin/env python3
"""Writes Sources/MarsABI/exports.map, the linker's version script, from include/mars/mars.h.

gen_exports.py                  writes it
gen_exports.py --check          exit status 1 when the file is not what the header says
gen_exports.py --list           prints the names, one per line
gen_exports.py --link-test      prints a C (and C++) program that names every function of the header
gen_exports.py --library LIB    compares the symbols that LIB exports with the list
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/mars/mars.h"
MAP = ROOT / "Sources/MarsABI/exports.map"


def declarations(text: str) -> list[str]:
    """The statements at file scope (and inside `extern "C" {}`), without comments, preprocessor lines and bodies."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", " ", text, flags=re.M)
    text = re.sub(r'extern\s*"C"\s*\{', " ", text)
    statements, depth, current = [], 0, ""
    for c in text:
        if c == "{":
            depth += 1
            continue
        if c == "}":
            depth = max(0, depth - 1)  # the brace that closes extern "C" is one too many
            if depth == 0 and re.search(r"\bstatic\b[^;]*\)\s*$", current):
                current = ""  # an inline function ends without a semicolon
            continue
        if depth:
            continue
        if c == ";":
            statements.append(" ".join(current.split()))
            current = ""
        else:
            current += c
    return statements


def functions(header: Path = HEADER) -> list[str]:
    names = set()
    for statement in declarations(header.read_text(encoding="utf-8")):
        if re.match(r"(typedef|struct|enum|union|static)\b", statement) and not re.match(r"struct\s+\w+\s*\*+\s*mars_", statement):
            continue
        found = re.search(r"\b(mars_\w+)\s*\(", statement)
        if found:
            names.add(found.group(1))
    return sorted(names)


def version_script(names: list[str]) -> str:
    body = "".join(f"    {name};\n" for name in names)
    head = "/* Written by scripts/gen_exports.py from include/mars/mars.h. */\n"
    return f"{head}MARS_0 {{\n  global:\n{body}  local:\n    *;\n}};\n"


def link_test(names: list[str]) -> str:
    """Takes the address of every function: does not link when one is not exported."""
    rows = "".join(f'  {{"{name}", (function)&{name}}},\n' for name in names)
    return f"""#include <mars/mars.h>
#include <stdio.h>

typedef void (*function)(void);
static const struct {{
  const char *name;
  function address;
}} table[] = {{
{rows}}};

int main(void) {{
  size_t i;
  for (i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].address == NULL) {{
      printf("%s is missing\\n", table[i].name);
      return 1;
    }}
  printf("%d functions\\n", (int)i);
  return 0;
}}
"""


def exported(library: Path) -> list[str]:
    out = subprocess.run(["nm", "-D", "--defined-only", str(library)], check=True, capture_output=True, text=True).stdout
    symbols = [line.split() for line in out.splitlines() if line.strip()]
    return sorted({s[-1].split("@")[0] for s in symbols if s[-2] != "A"})  # A: the name of the version itself


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--link-test", action="store_true")
    parser.add_argument("--library", type=Path)
    arguments = parser.parse_args()
    names = functions()
    if not names:
        print(f"{HEADER}: no function found", file=sys.stderr)
        return 1
    if arguments.list:
        print("\n".join(names))
    elif arguments.link_test:
        print(link_test(names), end="")
    elif arguments.library:
        have = exported(arguments.library)
        missing, extra = sorted(set(names) - set(have)), sorted(set(have) - set(names))
        for word, which in (("not exported", missing), ("exported, but not in mars.h", extra)):
            for name in which:
                print(f"{word}: {name}")
        if missing or extra:
            return 1
        print(f"{len(have)} symbols, as mars.h says")
    elif arguments.check:
        if not MAP.exists() or MAP.read_text(encoding="utf-8") != version_script(names):
            print(f"{MAP.relative_to(ROOT)} is not what mars.h says: run scripts/gen_exports.py", file=sys.stderr)
            return 1
    else:
        MAP.write_text(version_script(names), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
