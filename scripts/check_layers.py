#!/usr/bin/env python3
"""Compares every target's imports, and its dependencies in Package.swift, with the house's table of floors.

    check_layers.py [--root FOLDER] [--no-manifest]

A target may import what its row names and nothing else.  Raw pointers may appear only where the row says so.
The exit status is 1 when something is not allowed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """What one target may import."""

    floor: int
    modules: str = ""  # targets of this package
    system: str = ""  # modules of the toolchain
    pointers: bool = False  # raw pointers may appear


# The table.  ARCHITECTURE.md shows the same house as a picture; this is the one that is enforced.
TABLE: dict[str, Row] = {
    "CMars": Row(0),
    "CLLVM": Row(0),
    "CBLAS": Row(0),
    "CVectorSort": Row(0),
    "CGraphProto": Row(0),
    "MarsBase": Row(1, "", "Glibc Synchronization", pointers=True),
    "MarsNumerics": Row(2, "MarsBase CBLAS CVectorSort", "Glibc Synchronization", pointers=True),
    "MarsGraph": Row(2, "MarsBase", "Synchronization"),
    "MarsOps": Row(3, "MarsBase MarsGraph MarsNumerics"),
    # Talks to protobuf-c, whose messages are C structures.
    "MarsFormat": Row(3, "MarsBase MarsGraph CGraphProto", "Glibc", pointers=True),
    "MarsPlan": Row(3, "MarsBase MarsGraph"),
    "MarsJIT": Row(3, "MarsBase MarsGraph CLLVM", "Glibc Synchronization", pointers=True),
    "MarsRuntime": Row(4, "MarsBase MarsGraph MarsNumerics MarsPlan MarsJIT", "Glibc Synchronization", pointers=True),
    "MarsSession": Row(
        5,
        "MarsBase MarsGraph MarsNumerics MarsOps MarsFormat MarsPlan MarsJIT MarsRuntime",
        "Glibc Synchronization",
    ),
    "MarsABI": Row(6, "MarsBase MarsSession CMars", "Glibc Synchronization", pointers=True),
    "marsgen": Row(6, "MarsBase MarsGraph MarsOps", "Glibc"),
}
# A test target may import the target that it tests, all that the target stands on, and these.
TEST_MODULES = {"Testing", "Glibc", "Synchronization", "Foundation", "TestSupport"}
# What test targets share, in Tests; no part of the house.
TEST_SUPPORT = Row(2, "MarsBase")

POINTER = re.compile(
    r"\b(Unsafe\w*Pointer|OpaquePointer|CVaListPointer|Unmanaged|unsafeBitCast|unsafeDowncast"
    r"|withUnsafe\w*|withMemoryRebound|withContiguous(?:Mutable)?StorageIfAvailable)\b"
)
STRING = re.compile(r'(#*)("""|")')
# Where something begins or ends that is not plain code.
EDGE = re.compile(r'//|/\*|#*"|[()]')
IMPORT = re.compile(
    r"(?:^|;)[ \t]*(?:@\w+(?:\([^)\n]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?(?:@\w+(?:\([^)\n]*\))?\s+)*"
    r"import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var|actor|macro)\s+)?`?([A-Za-z_]\w*)`?",
    re.M,
)


def code_only(text: str) -> str:
    """The text with comments and string literals blanked; line breaks stay, so that line numbers hold."""
    out: list[str] = []
    scan_code(text, 0, out, interpolated=False)
    return "".join(out)


def blank(piece: str) -> str:
    return re.sub(r"[^\n]", " ", piece)


def scan_code(text: str, i: int, out: list[str], interpolated: bool) -> int:
    """Copies code from i to the end, or to the parenthesis that closes an interpolation; returns where it stopped."""
    depth = 0
    while edge := EDGE.search(text, i):
        out.append(text[i : edge.start()])
        i = edge.start()
        if text.startswith("//", i):
            j = text.find("\n", i)
            j = len(text) if j < 0 else j
            out.append(blank(text[i:j]))
            i = j
        elif text.startswith("/*", i):
            nested, j = 1, i + 2
            while j < len(text) and nested:  # Swift's comments nest
                if text.startswith(("/*", "*/"), j):
                    nested += 1 if text[j] == "/" else -1
                    j += 1
                j += 1
            out.append(blank(text[i:j]))
            i = j
        elif found := STRING.match(text, i):
            i = scan_string(text, found, out)
        else:
            depth += {"(": 1, ")": -1}.get(text[i], 0)
            if interpolated and depth < 0:
                return i
            out.append(text[i])
            i += 1
    out.append(text[i:])
    return len(text)


def scan_string(text: str, start: re.Match[str], out: list[str]) -> int:
    """Blanks a string literal, except for the code that it interpolates; returns where it ended."""
    hashes, quote = start.groups()
    end, escape = quote + hashes, "\\" + hashes
    i = start.end()
    out.append(blank(start.group()))
    while i < len(text):
        if text.startswith(end, i):
            out.append(blank(end))
            return i + len(end)
        if text.startswith(escape + "(", i):
            out.append(blank(escape + "("))
            i = scan_code(text, i + len(escape) + 1, out, interpolated=True)
        elif text.startswith(escape, i):
            step = len(escape) + 1
            out.append(blank(text[i : i + step]))
            i += step
        elif quote == '"' and text[i] == "\n":
            return i  # not a string after all
        else:
            out.append(blank(text[i]))
            i += 1
    return i


def below(target: str) -> set[str]:
    """A target and all that it may import, transitively."""
    seen: set[str] = set()
    todo = [target]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += TABLE[name].modules.split()
    return seen


def check_file(path: Path, target: str, allowed: set[str], pointers: bool, shown: str) -> list[str]:
    code = code_only(path.read_text(encoding="utf-8"))
    problems = []
    for found in IMPORT.finditer(code):
        module, line = found.group(1), code.count("\n", 0, found.start(1)) + 1
        if module not in allowed:
            problems.append(f"{shown}:{line}: {target} must not import {module}")
    if not pointers:
        for found in POINTER.finditer(code):
            line = code.count("\n", 0, found.start()) + 1
            problems.append(f"{shown}:{line}: {target} must not use raw pointers ({found.group(1)})")
    return problems


def check_sources(root: Path) -> list[str]:
    problems = []
    for folder in sorted(p for p in (root / "Sources").iterdir() if p.is_dir()):
        row = TABLE.get(folder.name)
        if row is None:
            problems.append(f"Sources/{folder.name}: not in the table of scripts/check_layers.py")
            continue
        allowed = {"Swift", *row.modules.split(), *row.system.split()}
        for path in sorted(folder.rglob("*.swift")):
            problems += check_file(path, folder.name, allowed, row.pointers, str(path.relative_to(root)))
    for folder in sorted((root / "Tests").glob("*Tests")):
        target = folder.name.removesuffix("Tests")
        if target not in TABLE:
            problems.append(f"Tests/{folder.name}: tests no target of the table")
            continue
        # Tests of the laws run operators through the whole house, so a test may stand on any floor up to the session.
        allowed = below("MarsSession") | below(target) | TEST_MODULES
        for path in sorted(folder.rglob("*.swift")):
            problems += check_file(path, folder.name, allowed, True, str(path.relative_to(root)))
    for path in sorted((root / "Tests/TestSupport").glob("*.swift")):
        allowed = {"Swift", *TEST_SUPPORT.modules.split(), *TEST_MODULES} - {"TestSupport"}
        problems += check_file(path, "TestSupport", allowed, True, str(path.relative_to(root)))
    return problems


def check_table() -> list[str]:
    """No target imports upwards, or one of its own floor."""
    return [
        f"table: {name} (floor {row.floor}) must not import {other} (floor {TABLE[other].floor})"
        for name, row in TABLE.items()
        for other in row.modules.split()
        if TABLE[other].floor >= row.floor
    ]


def check_manifest(root: Path) -> list[str]:
    out = subprocess.run(
        ["swift", "package", "--package-path", str(root), "dump-package"], check=True, capture_output=True, text=True
    ).stdout
    problems = []
    for target in json.loads(out)["targets"]:
        row = TEST_SUPPORT if target["name"] == "TestSupport" else TABLE.get(target["name"])
        if target["type"] == "test":
            continue
        if row is None:
            problems.append(f"Package.swift: {target['name']} is not in the table of scripts/check_layers.py")
            continue
        names = {next(iter(d.values()))[0] for d in target["dependencies"]}
        for extra in sorted(names - set(row.modules.split())):
            problems.append(f"Package.swift: {target['name']} must not depend on {extra}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--no-manifest", action="store_true", help="look at the sources only")
    arguments = parser.parse_args()
    problems = check_table() + check_sources(arguments.root)
    if not arguments.no_manifest:
        problems += check_manifest(arguments.root)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print(f"{len(TABLE)} targets import only what their floor may")
    return 0


if __name__ == "__main__":
    sys.exit(main())
