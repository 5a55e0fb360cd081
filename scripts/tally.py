#!/usr/bin/env python3
"""Adds up the reports of the test runners; the last line is `N passed, N failed`.

    tally.py REPORTS RUNNER...

REPORTS/RUNNER holds JUnit files (*.xml, in any depth) and `status`, the runner's exit status.  A runner that ran no test, that left
no readable report, or that failed although no test of its did, counts as one failure.  A test of ctest is a program: when it printed
how many tests passed and failed, those are counted instead of it.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# What a program that ctest ran may end with: our own C tests, and JUnit's console.
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)
JUNIT_PASSED = re.compile(r"^\[ +(\d+) tests successful +\]$", re.M)
JUNIT_FAILED = re.compile(r"^\[ +(\d+) tests failed +\]$", re.M)


def inner_counts(output: str) -> tuple[int, int] | None:
    """Passed and failed as a program printed them."""
    if rows := COUNTS.findall(output):
        return sum(int(p) for p, _ in rows), sum(int(f) for _, f in rows)
    passed, failed = JUNIT_PASSED.findall(output), JUNIT_FAILED.findall(output)
    if passed and failed:
        return sum(map(int, passed)), sum(map(int, failed))
    return None


def count_file(path: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a JUnit file."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
            continue
        inner = inner_counts(case.findtext("system-out") or "")
        if inner is None:
            passed, failed = passed + (not bad), failed + bad
        else:
            passed += inner[0]
            # A program that failed after all its tests passed (a crash at exit) is a failure of its own.
            failed += inner[1] or int(bad)
            if inner == (0, 0) and not bad:
                failed += 1  # a test program without a test
    return passed, failed, skipped


def count_runner(folder: Path) -> tuple[int, int, int, str]:
    passed = failed = skipped = 0
    notes = []
    for path in sorted(folder.rglob("*.xml")):
        try:
            p, f, s = count_file(path)
        except ElementTree.ParseError as error:
            p, f, s = 0, 1, 0
            notes.append(f"{path.name}: {error}")
        passed, failed, skipped = passed + p, failed + f, skipped + s
    try:
        status = (folder / "status").read_text(encoding="utf-8").strip()
    except OSError:
        status = "unknown"
    if status != "0" and failed == 0:
        failed += 1
        notes.append(f"exit status {status}")
    elif passed + failed == 0:
        failed += 1
        notes.append("ran no test")
    return passed, failed, skipped, "; ".join(notes)


def main() -> int:
    reports, runners = Path(sys.argv[1]), sys.argv[2:]
    passed = failed = 0
    for runner in runners:
        p, f, s, note = count_runner(reports / runner)
        passed, failed = passed + p, failed + f
        print(f"{runner:8} {p:6} passed {f:4} failed" + (f" {s:4} skipped" if s else "") + (f"  ({note})" if note else ""))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not runners else 0


if __name__ == "__main__":
    sys.exit(main())
