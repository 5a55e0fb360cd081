"""Sorting and what follows from it along axes that one task cannot hold."""

import subprocess
import sys

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

pytestmark = pytest.mark.usefixtures("collected")


@pytest.mark.parametrize("workers", [1, 2])
def test_eight_times_the_memory_limit_is_sorted(workers, tmp_path):
    n, limit = 8 << 20, 8 << 20  # 64 MiB of values
    mt.random.seed(3)
    x = mt.random.rand(n).fetch().copy()
    with mars.Session(memory_limit=limit, workers=workers, spill_dir=tmp_path) as session:
        mt.random.seed(3)
        before = session.statistics()["spilled_bytes"]  # of the process
        t = mt.sort(mt.random.rand(n))
        t.execute()
        # Pieces of runs and what is merged of them go to disk once; what the next tasks read stays.
        # Eviction that asks a block too early for its next use writes 3.7 times as much as there is.
        assert n * 8 < session.statistics()["spilled_bytes"] - before < 2.2 * n * 8
        expected = np.sort(x)
        for start in range(0, n, 1 << 17):
            np.testing.assert_array_equal(t[start : start + (1 << 17)].copy().fetch(), expected[start : start + (1 << 17)])
        assert session.statistics()["peak_bytes"] <= limit


def test_resident_memory_of_a_long_sort(tmp_path):
    # Twenty times the limit, in nearly 10^5 pieces which every part of a merge could read: what the engine knows of them is not counted.
    limit, allowance = 16 << 20, 150_000_000
    program = f"""
import resource
import mars
import mars.tensor as mt

def most():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

mars.new_session(memory_limit={limit}, workers=2, spill_dir={str(tmp_path)!r})
mt.sort(mt.random.rand(100)).fetch()
before = most()
t = mt.sort(mt.random.rand(40_000_000)).execute()
print(most() - before, float(t[20_000_000].fetch()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    above, middle = map(float, done.stdout.split())
    assert abs(middle - 0.5) < 1e-3
    assert above < limit + allowance


def test_the_order_of_more_than_memory(rng, tmp_path):
    x = rng.integers(0, 1000, 1 << 20)
    with mars.Session(memory_limit="4MiB", workers=2, spill_dir=tmp_path) as session:
        same(mt.argsort(mt.tensor(x)).fetch(), np.argsort(x, kind="stable"))
        assert session.statistics()["peak_bytes"] <= 4 << 20


@pytest.mark.parametrize("dtype", ["?", "b", "H", "q", "e", "f", "d", "F", "D"])
@pytest.mark.parametrize("chunk_bytes", [1000, 7000])
def test_bits_do_not_follow_chunks(dtype, chunk_bytes, rng, tmp_path):
    x = (rng.integers(-9, 9, 3000) * rng.integers(0, 2, 3000)).astype("f8")
    if dtype in "efdFD":
        x[rng.integers(0, 3000, 100)] = np.nan
        x[rng.integers(0, 3000, 100)] = -0.0
        x[rng.integers(0, 3000, 50)] = -np.inf
    x = x.astype(dtype)
    if dtype in "FD":
        x[rng.integers(0, 3000, 300)] *= 1j
    for kwargs in ({}, {"descending": True}):
        whole, order = (f(mt.tensor(x), **kwargs).fetch() for f in (mt.sort, mt.argsort))
        with mars.Session(chunk_bytes=chunk_bytes, spill_dir=tmp_path):
            t = mt.tensor(x)
            for a in (t, t.rechunk(700), mt.concatenate([t[:1], t[1:]])):
                assert mt.sort(a, **kwargs).fetch().tobytes() == whole.tobytes()
                same(mt.argsort(a, **kwargs).fetch(), order)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_lanes_of_a_tensor(axis, rng, tmp_path):
    shape = [3, 2, 4]
    shape[axis] = 5000
    x = rng.random(shape)
    with mars.Session(chunk_bytes=4000, spill_dir=tmp_path):
        t = mt.tensor(x)
        same(mt.sort(t, axis=axis).fetch(), np.sort(x, axis=axis))
        same(mt.argsort(t + 0, axis=axis).fetch(), np.argsort(x, axis=axis))


@pytest.mark.parametrize("n", [40_000, 200_000])
def test_lanes_larger_than_the_limit(n, rng, tmp_path):
    x = rng.random((n, 3))
    with mars.Session(memory_limit="1MiB", workers=2, spill_dir=tmp_path) as session:
        s = mt.sort(mt.asarray(x) * 1, axis=0)
        s.execute()
        np.testing.assert_array_equal(s[::97].copy().fetch(), np.sort(x, axis=0)[::97])
        assert session.statistics()["peak_bytes"] <= 1 << 20


@pytest.mark.parametrize("values", [lambda i: i * 0, lambda i: i, lambda i: -i, lambda i: i % 3, lambda i: i // 1000 % 2])
def test_values_that_fool_samples(values, tmp_path):
    x = values(np.arange(300_000))
    with mars.Session(memory_limit="1MiB", workers=2, spill_dir=tmp_path) as session:
        t = mt.argsort(mt.asarray(x))
        np.testing.assert_array_equal(t[::101].copy().fetch(), np.argsort(x, kind="stable")[::101])
        assert session.statistics()["peak_bytes"] <= 1 << 20


def test_few_columns_do_not_make_many_tasks(rng, tmp_path):
    x = rng.random((100_000, 40))
    with mars.Session(memory_limit="16MiB", workers=2, spill_dir=tmp_path) as session:
        p = mt.percentile(mt.asarray(x) + 1, [30, 60], axis=0)
        text = p.explain()
        assert "one task needs" not in text
        assert int(text.split("tasks: ")[-1].split(",")[0]) < 500
        np.testing.assert_allclose(p.fetch(), np.percentile(x + 1, [30, 60], axis=0), rtol=1e-15)
        assert session.statistics()["peak_bytes"] <= 16 << 20


@pytest.mark.parametrize("n", [600_000])
@pytest.mark.parametrize("function", ["median", "nanmedian", "percentile", "nanpercentile"])
@pytest.mark.parametrize("holes", [False, True])
def test_order_statistics_of_more_than_memory(n, function, holes, rng, tmp_path):
    x = rng.normal(size=n) * 10.0 ** rng.integers(-300, 300, n)
    x[rng.integers(0, n, 5000)] = 0.125
    if holes:
        x[rng.integers(0, n, 1000)] = np.nan
    q = () if "median" in function else ([0, 3, 50, 99.9, 100],)
    expected = getattr(np, function)(x, *q)
    with mars.Session(memory_limit="1MiB", workers=2, spill_dir=tmp_path) as session:
        np.testing.assert_array_equal(getattr(mt, function)(mt.asarray(x), *q).fetch(), expected)
        mine = getattr(mt, function)(mt.asarray(x) * 1, *q)
        np.testing.assert_array_equal(mine.fetch(), expected)
        assert session.statistics()["peak_bytes"] <= 1 << 20


@pytest.mark.parametrize("dtype", ["?", "b", "H", "q", "e", "f", "d"])
@pytest.mark.parametrize("chunk_bytes", [300, 1000])
def test_order_statistics_do_not_follow_chunks(dtype, chunk_bytes, rng, tmp_path):
    x = (rng.integers(-9, 9, 3000) * rng.integers(0, 2, 3000)).astype("f8")
    if dtype in "efd":
        x[rng.integers(0, 3000, 100)] = -0.0
        x[rng.integers(0, 3000, 50)] = -np.inf
    x = x.astype(dtype)
    q = [0, 10, 25, 50, 51.7, 99, 100]
    calls = [
        lambda t: mt.percentile(t, q, method="lower"),
        lambda t: mt.partition(t, [5, 1000]),
        lambda t: mt.argpartition(t, 7),
        lambda t: mt.unique(t),
    ]
    if dtype != "?":
        calls.append(mt.median)
    whole = [f(mt.tensor(x)).fetch() for f in calls]
    with mars.Session(chunk_bytes=chunk_bytes, spill_dir=tmp_path):
        for f, w in zip(calls, whole, strict=True):
            assert np.asarray(f(mt.tensor(x)).fetch()).tobytes() == np.asarray(w).tobytes()


@pytest.mark.parametrize("axis", [0, 1])
def test_medians_of_lanes_larger_than_the_limit(axis, rng, tmp_path):
    x = rng.random((200_000, 3) if axis == 0 else (3, 200_000))
    with mars.Session(memory_limit="1MiB", workers=2, spill_dir=tmp_path) as session:
        np.testing.assert_array_equal(mt.median(mt.asarray(x) + 0, axis=axis).fetch(), np.median(x, axis=axis))
        assert session.statistics()["peak_bytes"] <= 1 << 20


@pytest.mark.parametrize("dtype", ["d", "D", "q"])
def test_more_distinct_values_than_memory(dtype, rng, tmp_path):
    x = rng.permutation(800_000).astype(dtype)
    if dtype in "dD":
        x[:100] = np.nan
    with mars.Session(memory_limit="6MiB", workers=2, spill_dir=tmp_path) as session:
        found = mt.unique(mt.asarray(x))
        found.execute()
        np.testing.assert_array_equal(found[::53].copy().fetch(), np.unique(x)[::53])
        assert session.statistics()["peak_bytes"] <= 6 << 20


def test_a_long_lane_that_fits_keeps_all_workers_busy(rng):
    x = rng.random(5_000_000).astype("f4")
    t = mt.sort(mt.asarray(x))
    assert "sort_runs" in t.explain()
    same(t.fetch(), np.sort(x))
    same(mt.argsort(mt.asarray(x)).fetch(), np.argsort(x, kind="stable"))


def test_columns_of_rows_on_disk(rng, tmp_path):
    # What lies in rows is cut into blocks before columns are put together: no task holds all rows.
    x = rng.random((60_000, 30))
    with mars.Session(memory_limit="4MiB", workers=2, spill_dir=tmp_path) as session:
        t = mt.tensor(x)
        np.testing.assert_array_equal(mt.median(t, axis=0).fetch(), np.median(x, axis=0))
        np.testing.assert_array_equal(mt.sort(t, axis=0)[::7].copy().fetch(), np.sort(x, axis=0)[::7])
        assert session.statistics()["peak_bytes"] <= 4 << 20


def test_index_vectors_count_against_the_limit(rng, tmp_path):
    counts = rng.integers(0, 120_000, 10)
    with mars.Session(memory_limit="1MiB", workers=2, spill_dir=tmp_path) as session:
        before = session.statistics()["spilled_bytes"]  # of the process
        r = mt.repeat(mt.arange(10), counts.tolist())
        r.execute()
        np.testing.assert_array_equal(r[::31].copy().fetch(), np.repeat(np.arange(10), counts)[::31])
        statistics = session.statistics()
        # The positions are as large as the result: together they are more than memory.
        assert statistics["peak_bytes"] <= 1 << 20 < statistics["spilled_bytes"] - before
