"""`bincount`: lazy, its extent follows from the values, sums of weights have the bits of NumPy's loop; counts for `repeat`."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

pytestmark = pytest.mark.usefixtures("collected")


@pytest.mark.parametrize("dtype", ["?", "b", "B", "h", "H", "i", "I", "q", "Q"])
@pytest.mark.parametrize("weights", [None, "?", "i8", "f2", "f8"])
@pytest.mark.parametrize("minlength", [0, 3, 30])
def test_dtypes(dtype, weights, minlength, rng):
    x = rng.integers(0, 2 if dtype == "?" else 9, 40).astype(dtype)
    w = None if weights is None else (rng.random(40) * 9).astype(weights)
    same(mt.bincount(mt.tensor(x), w, minlength).fetch(), np.bincount(x, w, minlength))


def test_nothing_runs_at_the_call():
    x = mt.tensor([1, 5, 1])
    made = mt.bincount(x * 2)
    assert not made.is_executed and "?" in repr(made)
    assert "extents found when it runs" in made.explain()
    np.testing.assert_array_equal((made + 1)[made > 0].fetch(), [3, 2])
    x[0] = 7  # what was written later is not counted
    assert made.shape == (11,)


@pytest.mark.parametrize("bins", [7, 5000])
def test_chunks_add_up_as_one_loop(bins, rng, tmp_path):
    x, w = rng.integers(0, bins, 200_000), rng.random(200_000)
    with mars.Session(chunk_bytes=10_000, workers=2, spill_dir=tmp_path):
        a, b = mt.tensor(x), mt.tensor(w)
        same(mt.bincount(a).fetch(), np.bincount(x))
        same(mt.bincount(a, b).fetch(), np.bincount(x, w))
        kept = x % 3 > 0
        same(mt.bincount(a[mt.tensor(kept)], b[mt.tensor(kept)]).fetch(), np.bincount(x[kept], w[kept]))


def test_of_nothing():
    a = mt.arange(5)
    for x in ([], np.array([], int), a[a > 9]):
        same(mt.bincount(x).fetch(), np.array([], int))
        same(mt.bincount(x, minlength=2).fetch(), np.array([0, 0]))


@pytest.mark.parametrize(
    "arguments",
    [
        (np.array([1.5]),), (np.array([1, 2]), [1]), (np.array([1, 2]), np.array([1j, 2])), (np.array([1]), None, -1), (np.array(3),),
        (np.array([[3]]),), (np.array([3]), np.array([[3]])),
    ],
)  # fmt: skip
def test_refusals_at_the_call(arguments):
    with pytest.raises((TypeError, ValueError)) as theirs:
        np.bincount(*arguments)
    with pytest.raises(theirs.type) as ours:
        mt.bincount(*map(lambda x: mt.tensor(x) if isinstance(x, np.ndarray) else x, arguments))
    if "converting" not in str(theirs.value):
        assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("x", [[-1], [3, -1, 5], [2**63 + 1]])
def test_negative_elements_are_found_when_it_runs(x):
    made = mt.bincount(mt.tensor(np.array(x)))
    with pytest.raises(ValueError, match=r"'list' argument must have no negative elements \[operator bincount, created at .*test_counting"):
        made.fetch()


def test_weights_of_another_unknown_extent_are_refused():
    a = mt.arange(9)
    made = mt.bincount(a[a > 3], a[a > 4])
    with pytest.raises(ValueError, match="The weights and list don't have the same length"):
        made.fetch()


def test_bins_that_no_memory_holds():
    with pytest.raises((MemoryError, ValueError)):
        mt.bincount([2**62]).fetch()
    with pytest.raises((MemoryError, ValueError)):
        mt.bincount([2**63 - 1]).fetch()


@pytest.mark.parametrize("bins", [7, 1000, 200_000])
@pytest.mark.parametrize("chunks", [None, 300_000])
def test_many_elements(bins, chunks, rng):
    x = rng.integers(0, bins, 2_500_000)
    t = mt.tensor(x, chunk_size=chunks)
    same(mt.bincount(t).fetch(), np.bincount(x))
    same(mt.bincount(t[t > 3]).fetch(), np.bincount(x[x > 3]))
    same(mt.bincount(t, t * 0.5).fetch(), np.bincount(x, x * 0.5))


def test_elements_are_looked_at_once_however_many_bins_there_are(rng):
    x = mt.tensor(rng.integers(0, 10**6, 10**6))
    with mars.Session() as session:
        before = session.statistics()["tasks"]
        mt.bincount(x).execute()
        assert session.statistics()["tasks"] - before < 30


def test_more_bins_than_a_task_may_hold(rng, tmp_path):
    x = rng.integers(0, 3 * 10**6, 10**5)
    w = rng.random(10**5)
    with mars.Session(memory_limit="64MiB", spill_dir=tmp_path) as session:
        same(mt.bincount(x).fetch(), np.bincount(x))
        same(mt.bincount(x, w).fetch(), np.bincount(x, w))
        assert session.statistics()["peak_bytes"] <= 64 << 20


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "u4", "i8"])
def test_counts_for_each_element(dtype, rng):
    x = rng.random(30)
    counts = rng.integers(0, 5, 60).astype(dtype)
    for c in (counts[:30], counts[::2], counts[::-1][:30], counts[:30].tolist()):
        same(mt.repeat(x, c).fetch(), np.repeat(x, c))
        same(mt.repeat(mt.tensor(x), mt.tensor(c)).fetch(), np.repeat(x, c))
    with pytest.raises(ValueError, match="negative"):
        mt.repeat(x, np.full(30, -1))
    with pytest.raises(ValueError, match="broadcast"):
        mt.repeat(x, counts)


def test_many_counts_differ_in_the_middle(rng):
    x, counts = np.arange(1000), rng.integers(0, 4, 1000)
    counts[500:502] = 1, 3
    other = counts.copy()
    other[500:502] = 3, 1
    for c in (counts, other):
        same(mt.repeat(x, c).fetch(), np.repeat(x, c))
