"""scripts/check_layers.py passes on the house and fails on what is forbidden in it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/check_layers.py"


def load():
    spec = importlib.util.spec_from_file_location("check_layers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_layers"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


layers = load()


def run(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--no-manifest", "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the sources, to break."""
    for folder in ("Sources", "Tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.bin"))
    return tmp_path


def test_the_house_stands():
    result = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


FORBIDDEN = [
    ("MarsPlan", "import MarsOps", "MarsOps"),  # machinery names no operator
    ("MarsJIT", "@testable import MarsOps", "MarsOps"),
    ("MarsRuntime", "@_exported import MarsOps", "MarsOps"),
    ("MarsBase", "package import MarsGraph", "MarsGraph"),
    ("MarsGraph", "public import struct MarsNumerics.Thing", "MarsNumerics"),
    ("MarsOps", "import MarsRuntime.Part", "MarsRuntime"),
    ("MarsOps", "@preconcurrency public import Glibc", "Glibc"),
    ("MarsPlan", "let a = 1; import MarsJIT", "MarsJIT"),
    ("MarsBase", "import Foundation", "Foundation"),
    ("MarsSession", "@_spi(Some)\nimport FoundationEssentials", "FoundationEssentials"),
    ("MarsABI", "  internal import MarsRuntime", "MarsRuntime"),
    ("marsgen", "import MarsSession", "MarsSession"),
]


@pytest.mark.parametrize(("target", "line", "module"), FORBIDDEN)
def test_a_forbidden_import_fails(house: Path, target: str, line: str, module: str):
    (house / "Sources" / target / "Broken.swift").write_text(f"/// A file.\n{line}\n")
    result = run(house)
    assert result.returncode == 1
    assert f"{target} must not import {module}" in result.stdout
    assert "Broken.swift:" in result.stdout


@pytest.mark.parametrize("target", ["MarsGraph", "MarsOps", "MarsPlan", "MarsSession", "marsgen"])
@pytest.mark.parametrize(
    "line",
    [
        "func f(_ p: UnsafeMutableRawPointer) {}",
        "func f(_ p: UnsafePointer<Int>?) {}",
        "func f(_ p: UnsafeMutableBufferPointer<Int>) {}",
        "func f(_ p: OpaquePointer) {}",
        "let x = [1].withUnsafeBufferPointer { $0.count }",
        'let x = "\\([1].withUnsafeBytes { $0.count })"',
    ],
)
def test_raw_pointers_fail(house: Path, target: str, line: str):
    (house / "Sources" / target / "Broken.swift").write_text(line + "\n")
    result = run(house)
    assert result.returncode == 1
    assert f"Broken.swift:1: {target} must not use raw pointers" in result.stdout


def test_raw_pointers_may_appear_where_the_table_says(house: Path):
    for target in ("MarsBase", "MarsNumerics", "MarsJIT", "MarsRuntime", "MarsABI"):
        (house / "Sources" / target / "Fine.swift").write_text("func f(_ p: UnsafeMutableRawPointer) {}\n")
    result = run(house)
    assert "Fine.swift" not in result.stdout


def test_comments_and_strings_are_not_code(house: Path):
    text = (
        "// import MarsOps\n/* import MarsOps /* UnsafePointer */ import MarsOps */\n"
        'let a = "import MarsOps; UnsafePointer"\nlet b = """\nimport MarsOps\n"""\nlet c = #"\\(UnsafePointer"#\n'
        'let d = "\\(f(")"))UnsafePointer"\n'
    )
    (house / "Sources/MarsPlan/Fine.swift").write_text(text)
    result = run(house)
    assert "Fine.swift" not in result.stdout


def test_a_target_outside_the_table_fails(house: Path):
    (house / "Sources/MarsElse").mkdir()
    assert "Sources/MarsElse: not in the table" in run(house).stdout


def test_what_tests_share_stands_on_the_lowest_floor(house: Path):
    (house / "Tests/TestSupport/Broken.swift").write_text("import MarsPlan\n")
    assert "TestSupport must not import MarsPlan" in run(house).stdout


def test_the_table_has_no_import_upwards():
    assert layers.check_table() == []


def test_the_manifest_is_compared(tmp_path: Path):
    shutil.copytree(ROOT / "Sources", tmp_path / "Sources")
    shutil.copytree(ROOT / "Tests", tmp_path / "Tests")
    manifest = (ROOT / "Package.swift").read_text()
    row = '.target(name: "MarsPlan", dependencies: ["MarsBase", "MarsGraph"]'
    assert row in manifest
    (tmp_path / "Package.swift").write_text(manifest.replace(row, row.replace('"MarsGraph"]', '"MarsGraph", "MarsOps"]')))
    problems = layers.check_manifest(tmp_path)
    assert problems == ["Package.swift: MarsPlan must not depend on MarsOps"]
