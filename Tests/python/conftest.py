"""Tests of the Python binding against NumPy.

The library is the one that MARS_LIBRARY names, else build/lib/libmars.so of this checkout; the package is taken from bindings/python unless it
is installed.
"""

import gc
import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if importlib.util.find_spec("mars") is None:
    sys.path.insert(0, str(ROOT / "bindings" / "python" / "src"))
    built = ROOT / "build" / "lib" / "libmars.so"
    if built.exists():
        os.environ.setdefault("MARS_LIBRARY", str(built))

collect_ignore = ["fake"]


@pytest.fixture
def session(tmp_path):
    """A session of its own that is the current one during a test."""
    import mars

    with mars.Session(spill_dir=tmp_path) as s:
        yield s


@pytest.fixture
def collected():
    """No results of earlier tests in reference cycles: they would count against the memory limit, which is the process's."""
    gc.collect()


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(7)
