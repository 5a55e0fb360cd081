"""mars.h is clean C and C++; the library exports what it declares, and stands alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MARS_BUILD", ROOT / "build"))
LIBRARY = BUILD / "lib/libmars.so"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wstrict-prototypes"]
LANGUAGES = [("gcc", "c", "c99"), ("gcc", "c", "c17"), ("g++", "c++", "c++11"), ("g++", "c++", "c++20")]

sys.path.insert(0, str(ROOT / "scripts"))
import gen_exports  # noqa: E402


def options(language: str) -> list[str]:
    return [w for w in WARNINGS if not (language == "c++" and w == "-Wstrict-prototypes")]


@pytest.mark.parametrize(("compiler", "language", "standard"), LANGUAGES)
@pytest.mark.parametrize("header", sorted(p.name for p in (ROOT / "include/mars").glob("*.h")))
def test_header_alone(compiler: str, language: str, standard: str, header: str):
    source = f"#include <mars/{header}>\n#include <mars/{header}>\nint unused_but_not_empty;\n"
    command = [compiler, "-x", language, f"-std={standard}", *options(language), f"-I{ROOT}/include", "-fsyntax-only", "-"]
    result = subprocess.run(command, input=source, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("compiler", "language", "standard"), LANGUAGES)
def test_every_function_links(tmp_path: Path, compiler: str, language: str, standard: str):
    names = gen_exports.functions()
    program = tmp_path / "program"
    command = [compiler, "-x", language, f"-std={standard}", *options(language), f"-I{ROOT}/include", "-", "-x", "none"]
    command += [str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}", "-o", str(program)]
    result = subprocess.run(command, input=gen_exports.link_test(names), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == f"{len(names)} functions\n"


def test_exactly_the_header_is_exported():
    assert gen_exports.exported(LIBRARY) == gen_exports.functions()


def test_only_our_prefix_is_exported():
    assert [name for name in gen_exports.exported(LIBRARY) if not name.startswith("mars_")] == []


def test_the_library_needs_only_system_libraries():
    out = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True, check=True).stdout
    needed = [line.split("[")[1].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line]
    allowed = {
        "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2",
        "libopenblas.so.0", "libprotobuf-c.so.1", "libsleef.so.3",
    }  # fmt: skip
    # Neither Swift's runtime (it is inside), nor Foundation, nor LLVM (loaded at the first compile).
    assert set(needed) <= allowed
    assert "Library soname: [libmars.so.0]" in out
    assert "NODELETE" in out


def test_no_foundation_inside():
    text = LIBRARY.read_bytes()
    assert b"FoundationEssentials" not in text and b"_FoundationICU" not in text


def test_a_function_is_found_in_every_form(tmp_path: Path):
    header = tmp_path / "mars.h"
    header.write_text(
        '#define M(x) \\\n  mars_macro(x);\n/* int mars_comment(void); */ // int mars_other(void);\nextern "C" {\n'
        "typedef int (*mars_callback)(int); typedef struct mars_box { int (*mars_member)(int); } mars_box;\n"
        "struct mars_plain { int a; };\nint mars_one(int a,\n  int b);\nconst char *mars_two(void);\n"
        "static inline int mars_inline(int a) { return mars_one(a, a); }\nstruct mars_plain *mars_three(mars_callback f);\n}\n"
    )
    assert gen_exports.functions(header) == ["mars_one", "mars_three", "mars_two"]
