"""scripts/tally.py counts honestly: nothing that went wrong in a runner may look like a pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = '<testcase name="a"/>'
BAD = '<testcase name="b"><failure message="no"/></testcase>'


def tally(tmp_path: Path, xml: str | None, status: str | None = "0") -> tuple[str, int]:
    folder = tmp_path / "runner"
    folder.mkdir()
    if xml is not None:
        (folder / "report.xml").write_text(xml)
    if status is not None:
        (folder / "status").write_text(status + "\n")
    command = [sys.executable, str(ROOT / "scripts/tally.py"), str(tmp_path), "runner"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.splitlines()[-1], result.returncode


def suite(*cases: str) -> str:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


def program(output: str, bad: bool = False) -> str:
    inner = f"<system-out>{output}</system-out>" + ('<failure message="exit"/>' if bad else "")
    return f'<testcase name="p" status="{"fail" if bad else "run"}">{inner}</testcase>'


@pytest.mark.parametrize(
    ("xml", "status", "line", "code"),
    [
        (suite(GOOD, GOOD), "0", "2 passed, 0 failed", 0),
        (suite(GOOD, BAD), "1", "1 passed, 1 failed", 1),
        (suite(GOOD, BAD), "0", "1 passed, 1 failed", 1),  # a runner that hides its failure
        (suite(GOOD, '<testcase name="s"><skipped/></testcase>'), "0", "1 passed, 0 failed", 0),
        (suite('<testcase name="s"><skipped/></testcase>'), "0", "0 passed, 1 failed", 1),  # skipping all is not passing
        (suite(GOOD), "139", "1 passed, 1 failed", 1),  # crashed at the end
        (suite(GOOD), None, "1 passed, 1 failed", 1),
        (suite(), "0", "0 passed, 1 failed", 1),
        (None, "0", "0 passed, 1 failed", 1),
        (None, "1", "0 passed, 1 failed", 1),
        ("<testsuites><testsuite>", "0", "0 passed, 1 failed", 1),  # cut off
        (suite(program("ok a\n5 passed, 0 failed\n")), "0", "5 passed, 0 failed", 0),
        (suite(program("3 passed, 2 failed\n", bad=True)), "8", "3 passed, 2 failed", 1),
        (suite(program("3 passed, 0 failed\n", bad=True)), "8", "3 passed, 1 failed", 1),
        (suite(program("0 passed, 0 failed\n")), "0", "0 passed, 1 failed", 1),
        (suite(program("ok a\n", bad=True)), "8", "0 passed, 1 failed", 1),
        (suite(program("[         7 tests successful      ]\n[         0 tests failed          ]\n")), "0", "7 passed, 0 failed", 0),
    ],
)
def test_counts(tmp_path: Path, xml: str | None, status: str | None, line: str, code: int):
    assert tally(tmp_path, xml, status) == (line, code)
