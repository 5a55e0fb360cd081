"""Plans cut into subtasks that run in processes of their own."""

import base64
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mars
import mars.tensor as mt
import numpy as np
import pytest

RUNNER = Path(__file__).with_name("subtask_runner.py")


def run_elsewhere(cut, directory):
    """Runs every subtask in a process as soon as those that it comes after have ended; gives the results."""
    chunks = {}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}

    def run(number, piece):
        graph, inputs, outputs = (directory / f"{number}.{kind}" for kind in ("graph", "in.npz", "out.npz"))
        graph.write_bytes(base64.b64decode(piece["graph"]))
        np.savez(inputs, **{name: chunks[name] for name in piece["inputs"]})
        subprocess.run([sys.executable, RUNNER, graph, inputs, outputs], check=True, env=environment, timeout=120)
        with np.load(outputs) as made:
            return {name: made[name] for name in made.files}

    waiting = dict(enumerate(cut["subtasks"]))
    done = set()
    with ThreadPoolExecutor(2) as pool:
        while waiting:
            ready = [n for n, piece in waiting.items() if done.issuperset(piece["after"])]
            assert ready, "subtasks wait for each other"
            for made in list(pool.map(run, ready, [waiting.pop(n) for n in ready])):
                chunks.update(made)
            done.update(ready)
    results = []
    for r in cut["results"]:
        whole = np.empty(r["shape"], r["dtype"])
        for chunk in r["chunks"]:
            window = tuple(slice(low, low + n) for low, n in zip(chunk["lower"], chunk["shape"], strict=True))
            whole[window] = chunks[chunk["name"]]
        results.append(whole)
    return results


def element_wise():
    x = mt.arange(1200.0).reshape(40, 30)
    return [mt.sqrt(x[::-1]) * x.T.copy().T + 1]


def random_and_reduced():
    x = mt.random.default_rng(3).random((60, 50))
    return [mt.log(x), x.sum(axis=0), x.max(), x.argmin(axis=1)]


def reshaped_data():
    kept, given = mt.tensor(np.arange(1200.0).reshape(40, 30)).execute(), mt.asarray(np.arange(600))
    return [kept.reshape(-1)[5:] * 2, kept.reshape(100, 12).sum(axis=1), given.reshape(30, 20).max(axis=0)]


def matrix_product():
    rng = mt.random.default_rng(4)
    return [mt.matmul(rng.random((48, 40)), rng.random((36, 40)).T)]


def joined():
    x = mt.random.default_rng(5).random((20, 15))
    y = x + 1
    y[1:9:2] = 7
    return [mt.concatenate([x, y])[::-3]]


def running():
    x = mt.random.default_rng(6).random((90, 40))
    return [x.cumsum(axis=0), (mt.arange(2000) * 3).cumsum(), mt.maximum.accumulate(x, axis=1)]


@pytest.mark.parametrize("pieces", [1, 3, 7])
@pytest.mark.parametrize("job", [element_wise, random_and_reduced, reshaped_data, matrix_product, joined, running])
def test_pieces_make_the_whole(job, pieces, tmp_path):
    with mars.Session(chunk_bytes=2000) as session:
        expected = [np.asarray(a) for a in session.fetch(*job())] if len(job()) > 1 else [session.fetch(job()[0])]
        cut = session.cut(*job(), pieces=pieces)
    assert 1 <= len(cut["subtasks"]) <= pieces
    # Chunk names are all that joins the pieces.
    made = {name for piece in cut["subtasks"] for name in piece["outputs"]}
    assert all(set(piece["inputs"]) <= made for piece in cut["subtasks"])
    for found, wanted in zip(run_elsewhere(cut, tmp_path), expected, strict=True):
        assert found.dtype == wanted.dtype
        if job in (element_wise, joined, running) or wanted.dtype.kind != "f":
            assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()
        else:
            # Sums of chunks are added in another order: 64 ULP for 60 terms.
            assert np.all(np.abs(found - wanted) <= 64 * np.spacing(np.abs(wanted)))


@pytest.mark.parametrize("limit", ["8MiB", "1GiB"])
def test_data_that_the_engine_keeps(limit, tmp_path):
    # One piece, or chunks where it is large for the limit: each graph carries what its tasks read, and nobody waits for it.
    x = np.arange(200_000.0).reshape(400, 500)
    with mars.Session(chunk_bytes=100_000, memory_limit=limit, spill_dir=tmp_path) as session:
        t = mt.tensor(x)
        cut = session.cut(t[::-1] * 2, mt.sqrt(t).max(axis=1), pieces=3)
    made = {name for piece in cut["subtasks"] for name in piece["outputs"]}
    assert all(set(piece["inputs"]) <= made for piece in cut["subtasks"])
    assert sum(len(base64.b64decode(piece["graph"])) for piece in cut["subtasks"]) < 2.5 * x.nbytes
    double, largest = run_elsewhere(cut, tmp_path)
    np.testing.assert_array_equal(double, x[::-1] * 2)
    np.testing.assert_array_equal(largest, np.sqrt(x).max(axis=1))


def test_refusals():
    session = mars.current_session()
    x = mt.arange(10)
    with pytest.raises(ValueError):
        session.cut(x + 1, pieces=0)
    with pytest.raises(NotImplementedError):
        session.cut(x[x > 3] + 1, pieces=2)
    with pytest.raises(NotImplementedError):
        session.cut(mt.ones(4, chunk_size=2).map_chunk(lambda a: a), pieces=2)


def test_errors_name_the_operator_that_was_applied():
    t = mt.take(mt.arange(10), mt.tensor([3, 19]) + 1)
    with pytest.raises(IndexError, match=r"\[operator take[,\]]"):
        t.fetch()
    cut = mars.current_session().cut(mt.take(mt.arange(10), mt.tensor([3, 19]) + 1), pieces=1)
    graph = mars.Graph.parse(base64.b64decode(cut["subtasks"][0]["graph"]))
    with pytest.raises(IndexError, match=r"\[operator take[,\]]"):
        [tensor.fetch() for tensor in graph.execute().values()]
