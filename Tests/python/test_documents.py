"""The examples of the documents run."""

import re
from pathlib import Path

import mars
import mars._session as sessions
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
