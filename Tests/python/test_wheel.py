"""The wheel: what is in it, and that it works where nothing else of Mars is."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import mars
import numpy as np
import pytest
from mars import _abi

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this checkout's binding and the library that the tests use, made as scripts/build.sh makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, ROOT / "bindings/python",
        env={**os.environ, "MARS_LIBRARY": os.path.realpath(_abi._path)},
    )  # fmt: skip
    (made,) = folder.iterdir()
    return made


def test_the_wheel_names_its_platform(wheel):
    assert wheel.name == f"mars-{mars.__version__}-py3-none-linux_x86_64.whl"
    with zipfile.ZipFile(wheel) as files:
        text = files.read(f"mars-{mars.__version__}.dist-info/WHEEL").decode().splitlines()
    assert "Tag: py3-none-linux_x86_64" in text and "Root-Is-Purelib: false" in text


def test_the_wheel_holds_library_types_and_licence(wheel):
    with zipfile.ZipFile(wheel) as files:
        info = f"mars-{mars.__version__}.dist-info"
        assert {"mars/libmars.so", "mars/py.typed", "mars/tensor/_described.pyi"} <= set(files.namelist())
        assert files.read("mars/libmars.so") == Path(_abi._path).read_bytes()
        assert files.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        metadata = files.read(f"{info}/METADATA").decode().splitlines()
    assert "License-Expression: Apache-2.0" in metadata and "License-File: LICENSE" in metadata


def test_the_wheel_works_alone(wheel, tmp_path):
    """In an environment where there is NumPy, and no Mars but the wheel's."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path)
    python = tmp_path / "bin/python"
    run(sys.executable, "-m", "pip", "-q", "--python", python, "install", "--no-deps", "--no-index", wheel)
    (site,) = tmp_path.glob("lib/python*/site-packages")
    for part in Path(np.__file__).parents[1].glob("numpy*"):  # numpy.libs too
        (site / part.name).symlink_to(part)
    lines = run(
        python, "-c", "import mars, mars.tensor as mt; print(mars.__file__); print((mt.ones(3) + 1).sum().fetch())", cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in ("MARS_LIBRARY", "PYTHONPATH")},
    ).splitlines()  # fmt: skip
    assert lines == [str(site / "mars/__init__.py"), "6.0"]
