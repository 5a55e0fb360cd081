"""Integer arrays and masks in brackets, read and written, against NumPy."""

import mars.tensor as mt
import numpy as np
import pytest

X = np.arange(4 * 5 * 6).reshape(4, 5, 6)
ROWS, COLUMNS = np.array([3, 0, -1]), np.array([[1], [4]])
M = np.array([True, False, True, True, False])

KEYS = [
    ([0, 2],), (ROWS,), (slice(None), ROWS), (ROWS, COLUMNS), (slice(None), ROWS, COLUMNS), (ROWS, slice(None), COLUMNS), (0, slice(None), ROWS), (slice(None), 2, ROWS),
    (slice(1, 3), ROWS), (..., ROWS), (ROWS, ..., COLUMNS), (None, ROWS), (ROWS, None, COLUMNS), (ROWS, 0), (slice(None), M), (slice(None), M, [0, 1, 5]),
    (slice(None), M, 0), (0, M), (X > 50,), (slice(None), X[0] > 7), (X[..., 0] > 40,), (X[..., 0] > 40, 1),
    (slice(None, None, -2), ROWS, slice(None, None, 2)), (np.array(1), slice(None), np.array([2])), (np.zeros((0,), int),), (True,), (False,),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("lazy", [False, True])
def test_read(key, lazy):
    expected = X[key]
    given = tuple(mt.tensor(k) if lazy and isinstance(k, np.ndarray) and k.ndim else k for k in key)
    got = mt.tensor(X)[given]
    assert got.fetch().shape == expected.shape
    np.testing.assert_array_equal(got.fetch(), expected)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_write(key):
    for value in (7, np.arange(X[key].size).reshape(X[key].shape)):
        x, a = X.copy(), mt.tensor(X)
        x[key] = value
        view = a[1:]
        a[key] = value
        np.testing.assert_array_equal(a.fetch(), x)
        np.testing.assert_array_equal(view.fetch(), x[1:])


def test_write_adds_up_as_numpy():
    x, a = np.zeros(3), mt.zeros(3)
    x[[0, 0, 2]] += 1
    a[[0, 0, 2]] += 1
    np.testing.assert_array_equal(a.fetch(), x)


def test_in_chunks():
    x = np.arange(10_000.0).reshape(100, 100)
    i = np.random.default_rng(0).integers(-100, 100, 1000)
    j = np.random.default_rng(1).integers(-100, 100, 1000)
    a = mt.tensor(x).rechunk((30, 40))
    np.testing.assert_array_equal(a[i, j].fetch(), x[i, j])
    np.testing.assert_array_equal(a[i].fetch(), x[i])
    np.testing.assert_array_equal(a[:, mt.tensor(x[0] % 3 == 0).rechunk(30)].fetch(), x[:, x[0] % 3 == 0])
    x[i, j] = -1
    a[i, j] = -1
    np.testing.assert_array_equal(a.fetch(), x)


@pytest.mark.parametrize("key", [([4],), ([0], [5]), ([0, 1], [0, 1, 2]), (M, slice(None))], ids=str)
def test_errors(key):
    with pytest.raises(IndexError):
        X[key]
    with pytest.raises(IndexError):
        mt.tensor(X)[key].fetch()


@pytest.mark.parametrize(
    "shapes", [((2, 1), (2, 0)), ((2, 1), (0, 1)), ((2, 1), (0,)), ((2, 3, 4), (0, 3)), ((0, 1), (0, 0)), ((0,), (0,))], ids=str
)
def test_empty_masks(shapes):
    x, mask = np.ones(shapes[0]), np.zeros(shapes[1], bool)
    a = mt.tensor(x)
    assert a[mask].fetch().shape == x[mask].shape and a[mt.tensor(mask)].fetch().shape == x[mask].shape
    a[mask] = 3
    np.testing.assert_array_equal(a.fetch(), x)


def test_wrong_values():
    a = mt.tensor(X)
    with pytest.raises(ValueError):
        a[[0, 1]] = np.zeros(4)
    with pytest.raises(TypeError, match="requires a 0 or 1-dimensional input"):
        a[a > 3] = np.zeros((2, 2))


# ---- operators whose number of results follows from their arguments ----


def test_open_numbers_of_results():
    x = np.array([3.0, 1.0, 3.0, np.nan, 2.0, np.nan])
    for flags in [(), ("return_index",), ("return_inverse", "return_counts"), ("return_index", "return_inverse", "return_counts")]:
        for equal_nan in (True, False):
            given = {**dict.fromkeys(flags, True), "equal_nan": equal_nan}
            ours, theirs = mt.unique(mt.tensor(x), **given), np.unique(x, **given)
            if not flags:
                ours, theirs = (ours,), (theirs,)
            for o, t in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(o.fetch(), t)
    for count in (1, 3, 70):
        vectors = [np.arange(k % 2 + 1) for k in range(count)]
        for name in ("meshgrid", "broadcast_arrays") if count < 60 else ():
            arrays = vectors if name == "meshgrid" else [v[:1] for v in vectors]
            for o, t in zip(getattr(mt, name)(*arrays), getattr(np, name)(*arrays), strict=True):
                np.testing.assert_array_equal(o.fetch(), t)
    a = np.arange(200).reshape(100, 2)
    for where in (4, 100, [3, 7], [5, 2, 200]):
        for o, t in zip(mt.array_split(mt.tensor(a), where), np.array_split(a, where), strict=True):
            np.testing.assert_array_equal(o.fetch(), t)
    assert len(mt.unstack(mt.tensor(a))) == 100
    assert len(mt.nonzero(mt.ones((1,) * 40))) == 40
    with pytest.raises(ValueError):
        mt.split(mt.tensor(a), 3)


def test_parts_are_views_where_numpy_has_views():
    a = mt.zeros(4)
    first, _ = mt.split(a, 2)
    first += 1
    np.testing.assert_array_equal(a.fetch(), [1, 1, 0, 0])
    grid = mt.meshgrid(a)[0]
    flat = a.flatten()
    a += 1
    np.testing.assert_array_equal(grid.fetch(), [1, 1, 0, 0])
    np.testing.assert_array_equal(flat.fetch(), [1, 1, 0, 0])


def test_large_tensors_are_joined():
    a, b = mt.random.rand(3000, 1000) + 1, mt.random.rand(3000, 1000)
    joined = mt.concatenate([a, b])
    np.testing.assert_allclose(joined.sum().fetch(), (a.sum() + b.sum()).fetch(), rtol=1e-12)


@pytest.mark.parametrize("wrap", [np.array, mt.array], ids=["numpy", "mars"])
@pytest.mark.parametrize("key", [lambda i: i, lambda i: (slice(None), i), lambda i: (..., i), lambda i: (0, i), lambda i: (i, 0, i, ...)])
def test_what_an_array_without_axes_selects_is_a_copy(wrap, key):
    results = []
    for m in (np, mt):
        a = m.array(X)
        part = a[key(wrap(1) if m is mt else np.array(1))]
        part[...] = -1
        results.append((np.asarray(a), np.asarray(part)))
    np.testing.assert_array_equal(results[1][0], results[0][0])
    np.testing.assert_array_equal(results[1][1], results[0][1])


@pytest.mark.parametrize("one", [lambda: 1, lambda: np.int64(1), lambda: mt.argmax(mt.array([1, 2, 0]))], ids=["int", "numpy", "mars"])
def test_what_a_scalar_selects_is_a_view(one):
    a = mt.array(X)
    a[one()][:] = -1
    assert (a.fetch()[1] == -1).all() and (a.fetch()[0] == X[0]).all()


def test_elements_in_order_are_an_index_of_elements_in_order():
    a = mt.arange(9).reshape(3, 3)
    np.testing.assert_array_equal(a.flat[mt.array([[0], [5]]).flat].fetch(), [0, 5])
    a.flat[mt.array([[0], [5]]).flat] = -1
    np.testing.assert_array_equal(a.fetch(), [[-1, 1, 2], [3, 4, -1], [6, 7, 8]])


def test_elements_in_order_are_compared_and_gone_through():
    results = []
    for m in (np, mt):
        a = m.array([[3, 1], [2, 2]])
        f = a.flat
        compared = [np.asarray(r) for r in (f == 2, f != 2, f < 2, f <= 2, f > a.T.flat, f >= [3, 1, 2, 4], 2 == f)]
        own = f.copy()
        own[:] = 0
        results.append((compared, [int(next(f)), int(next(f)), [int(x) for x in f], next(f, None), f[0] == 3, len(f)], np.asarray(a)))
    np.testing.assert_array_equal(results[1][0], results[0][0])
    assert results[1][1] == results[0][1]
    np.testing.assert_array_equal(results[1][2], results[0][2])
