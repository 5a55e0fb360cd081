"""The examples of the documents run."""

import re
from pathlib import Path

import mars
import mars._session as sessions
import mars.tensor as mt
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path, monkeypatch):
    """An example's files, default session and options end with it."""
    monkeypatch.chdir(tmp_path)
    before = mars.current_session()
    yield
    mars.options.eager_mode = False
    if sessions._default is before:
        before.set_option("memory_limit", 0)
    else:
        sessions._default._claim(False)
        before._claim(True)
        sessions._default = before


@pytest.mark.parametrize("name", ["README.md", "docs/guide.md", "bindings/python/README.md"])
def test_examples_run(name):
    scope = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, name, "exec"), scope)


def test_what_is_said_to_be_missing_is():
    text = (ROOT / "docs/differences.md").read_text()
    functions, of_random, of_tensors = re.search(r"^\* Functions: (.*?)^\* ", text, re.MULTILINE | re.DOTALL)[1].split(";")
    assert "of `random`:" in of_random and "of tensors:" in of_tensors
    for place, said in ((mt, functions), (mt.random, of_random.partition(":")[2]), (mt.Tensor, of_tensors.partition(":")[2])):
        names = re.findall(r"`(\w+)`", said)
        assert names and [n for n in names if hasattr(place, n)] == []


# What is about NumPy's own installation and C interface, and types of what is said to be missing.
OF_NUMPY_ITSELF = {"get_include", "info", "show_config", "show_runtime", "test", "ufunc", "busdaycalendar", "recarray", "record"}


@pytest.mark.parametrize(("mine", "numpys"), [
    (mt, np), (mt.linalg, np.linalg), (mt.random, np.random), (mt.Tensor, np.ndarray), (mt.random.Generator(0), np.random.default_rng(0)),
    (mt.random.RandomState(0), np.random.RandomState(0)),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_missing_is_said(mine, numpys):
    said = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", (ROOT / "docs/differences.md").read_text()))))
    names = {n for n in dir(numpys) if not n.startswith("_") and (numpys is np.ndarray or callable(getattr(numpys, n)))}
    # Bit generators, and dtypes that are named by their kinds.
    kinds = {
        n for n in names if isinstance(getattr(numpys, n), type) and issubclass(getattr(numpys, n), (np.generic, np.random.BitGenerator))
    }
    assert {n for n in names - kinds - OF_NUMPY_ITSELF if not hasattr(mine, n)} - said == set()
