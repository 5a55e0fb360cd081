"""Type checkers see the functions that the binding makes when it is imported: what a program that uses Mars gets from `mypy --strict`."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import mars
import pytest

HERE = Path(__file__).parent / "typing"


def mypy(path: Path, cache: Path) -> list[str]:
    """What mypy says about a program."""
    package = Path(mars.__file__).parent.parent
    environment = dict(os.environ)
    if "site-packages" not in package.parts:  # the binding in its source folder
        environment["MYPYPATH"] = str(package)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cache, check=False)
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if ": error: " in line]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_right_calls_are_accepted(cache: Path) -> None:
    assert mypy(HERE / "right.py", cache) == []
    runpy.run_path(str(HERE / "right.py"))


def test_wrong_calls_are_found(cache: Path) -> None:
    path = HERE / "wrong.py"
    expected = {n: m[1] for n, line in enumerate(path.read_text().splitlines(), 1) if (m := re.search(r"  # ([a-z-]+)$", line))}
    found = {}
    for line in mypy(path, cache):
        m = re.search(r"wrong\.py:(\d+): error: .*\[([a-z-]+)\]$", line)
        assert m, line
        found[int(m[1])] = m[2]
    assert found == expected
