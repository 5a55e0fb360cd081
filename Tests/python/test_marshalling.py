"""The binding alone, against a library that only writes down what it is asked (fake/)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "bindings" / "python" / "src"
INCLUDE = HERE.parents[1] / "include"


@pytest.fixture(scope="session")
def fake_library(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("fake") / "libmars.so"
    sources = [str(HERE / "fake" / name) for name in ("fake_mars.c", "fake_rest.c")]
    subprocess.run(
        [compiler, "-std=gnu99", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{INCLUDE}", *sources, "-o", str(path)], check=True
    )
    return path


def test_cases(fake_library):
    environment = {**os.environ, "MARS_LIBRARY": str(fake_library), "PYTHONPATH": str(PACKAGE)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "fake" / "cases.py")],
        env=environment, capture_output=True, text=True, cwd=HERE / "fake",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
