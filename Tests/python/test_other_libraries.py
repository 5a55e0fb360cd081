"""What scripts written for other libraries of chunked arrays ask for, and NumPy does not have."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

X = np.array([[3.0, 1, 2, 3], [5, np.nan, 4, 5], [0, 0, 0, -1]])


def test_chunks_of_data_may_be_listed():
    for sizes in (((1, 2), (3, 1)), (2, (1, 3)), [[3], [2, 2]]):
        t = mt.tensor(X, chunk_size=sizes)
        assert t.nsplits == mt.tensor(X).rechunk(sizes).nsplits
        np.testing.assert_array_equal(t.fetch(), X)
    assert mt.tensor(X, chunk_size=((1, 2), (3, 1))).nsplits == ((1, 2), (3, 1))
    with pytest.raises(ValueError, match="add up"):
        mt.tensor(X, chunk_size=((1, 1), (3, 1)))


def test_several_tensors_run_and_are_fetched_together():
    a, b = mt.ones(3), mt.zeros(2)
    found = mars.fetch(mars.execute(a, b))
    assert a.is_executed and b.is_executed and isinstance(found, tuple)
    np.testing.assert_array_equal(found[1], np.zeros(2))
    for given in ((a, b), [a, b], (a,)):
        assert len(mars.fetch(given)) == len(mars.execute(given)) == len(given)
    assert isinstance(mars.fetch(a), np.ndarray) and mars.execute(a) is a


def test_several_results_run_together():
    parts = mt.modf(mt.tensor([1.5, 2.25]))
    assert isinstance(parts, tuple) and parts.execute() is parts and all(p.is_executed for p in parts)
    np.testing.assert_array_equal(parts.fetch(), np.modf([1.5, 2.25]))
    (places,) = mt.nonzero(mt.tensor([0, 5, 6])).fetch()
    np.testing.assert_array_equal(places, [1, 2])
    values, counts = mt.unique(mt.tensor([3, 1, 3]), return_counts=True).execute().fetch()
    assert values.tolist() == [1, 3] and counts.tolist() == [1, 2]
    counts, edges = mt.histogram([1.0, 2.0], [0, 1, 2]).fetch()
    assert counts.tolist() == [0, 2] and edges.tolist() == [0, 1, 2]
    mean, weight = mt.average([1.0, 3.0], returned=True).fetch()
    assert (mean, weight) == (2, 2)
    line, step = mt.linspace(0, 1, 3, retstep=True).fetch()
    assert line.tolist() == [0, 0.5, 1] and step == 0.5


def test_several_results_are_an_index():
    x = np.array([[0, 5], [6, 0]])
    t = mt.tensor(x)
    np.testing.assert_array_equal(t[t.nonzero()].fetch(), x[x.nonzero()])
    np.testing.assert_array_equal(t[mt.where(t > 5)].fetch(), [6])
    np.testing.assert_array_equal(t[mt.unravel_index(mt.tensor([1, 2]), (2, 2))].fetch(), [5, 6])
    np.testing.assert_array_equal(x[t.nonzero().fetch()], [5, 6])
    t[t.nonzero()] = 1
    np.testing.assert_array_equal(t.fetch(), [[0, 1], [1, 0]])
    places = mt.nonzero(t)
    assert len(places) == 2 and [*places, 1][2] == 1


def test_view_shares():
    a = mt.zeros(3)
    b = a.view()
    b[0] = 5
    assert a.fetch().tolist() == [5, 0, 0]


@pytest.mark.parametrize("k", [1, 3, -2, 0, 9, -9])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_topk(k, axis):
    x = X.ravel() if axis is None else X
    along = 0 if axis is None else axis
    order = np.argsort(x, axis=along, kind="stable")
    if k >= 0:  # of equal elements the first one comes first there too
        order = x.shape[along] - 1 - np.flip(np.argsort(np.flip(x, along), axis=along, kind="stable"), along)
    order = np.take(order, range(min(abs(k), x.shape[along])), axis=along)
    for t in (mt.tensor(X), mt.tensor(X, chunk_size=2)):
        np.testing.assert_array_equal(mt.argtopk(t, k, axis=axis).fetch(), order)
        np.testing.assert_array_equal(mt.topk(t, k, axis=axis).fetch(), np.take_along_axis(x, order, along))
        np.testing.assert_array_equal(t.topk(-k, axis=axis, largest=False).fetch(), t.topk(k, axis=axis).fetch())


def test_topk_of_a_long_axis(rng):
    x = rng.integers(0, 1000, 300_007)
    order = np.argsort(-x, kind="stable")
    t = mt.tensor(x)
    for k in (1, 10, 2000):
        np.testing.assert_array_equal(mt.argtopk(t, k).fetch(), order[:k])
        np.testing.assert_array_equal(mt.topk(t, k).fetch(), x[order[:k]])
    np.testing.assert_array_equal(t.topk(-5).fetch(), np.sort(x)[:5])
    wide = np.stack([x[:270_000], x[-270_000:]]).astype("f4")
    np.testing.assert_array_equal(mt.topk(mt.tensor(wide.T), 4, axis=0).fetch(), -np.sort(-wide.T, axis=0)[:4])


def test_topk_of_what_a_mask_selects():
    t = mt.tensor([3.0, -1, 2, 5])
    for k, places in ((2, [2, 0]), (9, [2, 0, 1])):
        np.testing.assert_array_equal(mt.argtopk(t[t > 0], k).fetch(), places)
        np.testing.assert_array_equal(t[t > 0].topk(k).fetch(), np.array([3.0, 2, 5])[places])


def test_topk_of_a_long_axis_keeps_to_the_limit(tmp_path, collected):
    with mars.Session(memory_limit="64MiB", spill_dir=tmp_path):
        found = mt.topk(mt.arange(2**24, dtype="f8"), 3).fetch()
    assert found.tolist() == [2**24 - 1, 2**24 - 2, 2**24 - 3]


def test_random_numbers():
    rs = mt.random.RandomState(3)
    assert rs.rand(2, 3, dtype="f4").dtype == np.float32 and rs.randn(4, dtype=np.float32).dtype == np.float32
    assert mt.random.rand(2).dtype == np.float64
    drawn = rs.random_integers(2, 4, size=200).fetch()
    assert sorted(set(drawn.tolist())) == [2, 3, 4]
    assert sorted(set(mt.random.random_integers(2, size=(10, 10)).fetch().ravel().tolist())) == [1, 2]
    with pytest.raises(ValueError, match="a must be 1-dimensional"):
        rs.choice(np.ones((2, 2)))
    assert mt.random.default_rng(1).choice(np.ones((2, 2))).shape == (2,)


def test_wrong_indices_are_errors_of_the_call():
    a = mt.arange(4)
    for wrong in (lambda: a[[4]], lambda: a[np.array([-5])], lambda: mt.take(a, [1, 9])):
        with pytest.raises(IndexError, match="out of bounds for axis 0 with size 4"):
            wrong()
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 1 with size 2"):
        mt.zeros((4, 2))[[0, 0], [1, 3]]
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        a[[4]] = 1
    with pytest.raises(ValueError, match="cannot assign 3 input values to the 2 output values"):
        a[[True, True, False, False]] = [1, 2, 3]
    np.testing.assert_array_equal(a.fetch(), np.arange(4))


def test_one_result_for_each_argument_is_a_tuple():
    for made in (mt.broadcast_arrays(mt.ones(2), mt.ones((3, 1))), mt.meshgrid([1, 2], [3, 4])):
        assert type(made) is tuple and len(made) == 2
