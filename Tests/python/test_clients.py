"""Graphs of programs that know nothing of Mars but graph.proto (Tests/clients) are read and run."""

import os
import subprocess
import sys
from pathlib import Path

import mars
import numpy as np
import pytest

TESTS = Path(__file__).resolve().parents[1]
GOLDEN = TESTS / "golden/v1/client.mars"


def check(data):
    """The bytes are the graph of (a + 1).sum(axis=1)."""
    graph = mars.Graph.parse(data)
    assert {n: (x.shape, x.dtype) for n, x in graph.inputs.items()} == {"a": ((3, 4), np.float64)}
    for a in (np.arange(12.0).reshape(3, 4) ** 2, np.full((3, 4), -0.5)):
        values = graph.execute(a=a)
        assert list(values) == ["out"]
        np.testing.assert_array_equal(values["out"].fetch(), (a + 1).sum(axis=1), strict=True)


@pytest.mark.parametrize("client", ["c", "python", "java"])
def test_a_graph_written_with_protobuf_alone(client, tmp_path):
    done = subprocess.run(
        [TESTS / "clients/build.sh", tmp_path, client],
        env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    # The script also compares the file with the golden one: all clients write the same bytes.
    assert done.returncode == 0, done.stdout + done.stderr
    check((tmp_path / f"{client}.mars").read_bytes())


def test_the_graph_that_clients_wrote_once():
    check(GOLDEN.read_bytes())
