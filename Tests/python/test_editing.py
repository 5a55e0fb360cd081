"""Slices put in and taken out, sets, partitions, interpolation, index tuples and writing functions, against NumPy."""

import mars.tensor as mt
import numpy as np
import pytest

R = np.random.default_rng(5)
V = R.integers(0, 9, 12)
M = R.random((3, 4))
N = np.where(R.random((3, 5)) < 0.3, np.nan, R.random((3, 5)))


def values(x):
    if isinstance(x, (tuple, list)):
        return [values(i) for i in x]
    return x.to_numpy() if isinstance(x, mt.Tensor) else x


def check(call, exact=True):
    made, expected = values(call(mt, mt.tensor)), values(call(np, np.array))
    made, expected = ((made,), (expected,)) if not isinstance(expected, list) else (made, expected)
    assert len(made) == len(expected)
    for m, e in zip(made, expected, strict=True):
        assert np.asarray(m).dtype == np.asarray(e).dtype and np.shape(m) == np.shape(e)
        if exact:
            np.testing.assert_array_equal(m, e)
        else:
            np.testing.assert_allclose(m, e, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, T: xp.delete(T(V), 3), lambda xp, T: xp.delete(T(V), [0, -1, 0]), lambda xp, T: xp.delete(T(M), 1, axis=1),
        lambda xp, T: xp.delete(T(V), slice(None, None, 2)), lambda xp, T: xp.delete(T(M), 5), lambda xp, T: xp.delete(T(V), []),
        lambda xp, T: xp.delete(T(V), V > 4), lambda xp, T: xp.insert(T(V), 2, 99), lambda xp, T: xp.insert(T(V), [0, 5, 5], [7, 8, 9]),
        lambda xp, T: xp.insert(T(V), 12, [1, 2]), lambda xp, T: xp.insert(T(M), 1, 5, axis=1),
        lambda xp, T: xp.insert(T(M), 1, [1, 2, 3], axis=1), lambda xp, T: xp.insert(T(M), [1], [[1], [2], [3]], axis=1),
        lambda xp, T: xp.insert(T(M), [0, 2], [1, 2, 3, 4], axis=0), lambda xp, T: xp.insert(T(V), slice(1, 4), 7),
        lambda xp, T: xp.choose(T([0, 1, 0]), [T([1, 2, 3]), 9.5]), lambda xp, T: xp.choose([3, -1], [[1, 2], [3, 4]], mode="wrap"),
        lambda xp, T: xp.choose([3, -1], [[1, 2], [3, 4]], mode="clip"), lambda xp, T: T([0, 1]).choose([10, 20]),
        lambda xp, T: xp.resize(T(V), (3, 7)), lambda xp, T: xp.resize(T(M), 2), lambda xp, T: xp.resize(T([]), (2,)),
        lambda xp, T: xp.hsplit(T(M), 2), lambda xp, T: xp.hsplit(T(V), [2, 5]), lambda xp, T: xp.vsplit(T(M), 3),
        lambda xp, T: xp.dsplit(T(M.reshape(1, 3, 4)), 2), lambda xp, T: xp.array_equiv(T([1, 2]), [[1, 2], [1, 2]]),
        lambda xp, T: xp.array_equiv(T([1, 2]), [1, 2, 3]), lambda xp, T: xp.intersect1d(T(V), [1, 2, 3, 3]),
        lambda xp, T: xp.union1d(T(V), [1.5, 2.0]), lambda xp, T: xp.setdiff1d(T(V), [1, 2]), lambda xp, T: xp.setxor1d(T(V), [1, 2, 77]),
        lambda xp, T: xp.setxor1d(T([np.nan, 1.0]), [np.nan, 2.0]), lambda xp, T: xp.setdiff1d(T([np.nan, 1.0, np.nan]), [1.0]),
        lambda xp, T: xp.intersect1d(T(V), []), lambda xp, T: xp.lexsort((T(V), T(V[::-1] % 3))), lambda xp, T: xp.lexsort(T(M)),
        lambda xp, T: xp.sort(xp.partition(T(V), 3)[:3]), lambda xp, T: xp.partition(T(M), (1, 2), axis=0)[1],
        lambda xp, T: T(M)[0][T(M)[0].argpartition(2)[2]], lambda xp, T: xp.diagflat(T([[1, 2], [3, 4]]), 1),
        lambda xp, T: xp.tril_indices(3, 1, 4), lambda xp, T: xp.triu_indices(3, -1), lambda xp, T: xp.triu_indices_from(T(M), 1),
        lambda xp, T: xp.tril_indices_from(T(M)), lambda xp, T: xp.diag_indices(3, 3), lambda xp, T: xp.diag_indices_from(T(M[:, :3])),
        lambda xp, T: xp.ix_([0, 2], T([1, 3])), lambda xp, T: xp.ix_([True, False, True], []), lambda xp, T: xp.kron(T([1, 10]), T(M)),
        lambda xp, T: xp.kron(T(V), 3), lambda xp, T: xp.block([[T(M), xp.ones((3, 1))], [xp.zeros((1, 5))]]), lambda xp, T: xp.block([T(V), 7]),
        lambda xp, T: xp.fromfunction(lambda i, j: i * 10 + j, (2, 3)), lambda xp, T: xp.digitize(T(V), [2, 4, 6]),
        lambda xp, T: xp.digitize(T(V), [6, 4, 2]), lambda xp, T: xp.digitize(T(V), T([2, 4, 6]), right=True),
        lambda xp, T: xp.digitize(3.0, [6, 4, 3], True), lambda xp, T: xp.nancumsum(T(N), axis=1), lambda xp, T: xp.nancumprod(T(N)),
        lambda xp, T: list(T(M).flat)[5], lambda xp, T: T(M).flat[2:9:3], lambda xp, T: len(T(M).flat),
        lambda xp, T: xp.bincount(T(V)), lambda xp, T: xp.bincount(T(V), minlength=20), lambda xp, T: xp.bincount(T(V), V / 4),
        lambda xp, T: xp.bincount([]), lambda xp, T: xp.bincount(T([5])), lambda xp, T: xp.bincount([True, False], minlength=1),
        lambda xp, T: T(V).compress(V > 3), lambda xp, T: xp.ascontiguousarray(5), lambda xp, T: xp.int64(3) + T(V),
    ],
)  # fmt: skip
def test_same_bits(call):
    check(call)


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, T: xp.interp(T([-1.0, 0, 0.5, 1.5, 2, 3, np.nan]), [0, 1, 2], [0.0, 10, 20]),
        lambda xp, T: xp.interp(T(M), T([0.2, 0.5, 0.7]), T([1.0, 5, 2]), left=-1, right=99), lambda xp, T: xp.interp(0.5, [0.5], [3]),
        lambda xp, T: xp.interp(T([0.5, 2]), [0, 1], [1j, 2]), lambda xp, T: xp.interp([0.5], [0, 1], [np.inf, np.inf]),
        lambda xp, T: xp.trapezoid(T(M)), lambda xp, T: xp.trapezoid(T(M), axis=0, dx=0.5), lambda xp, T: xp.trapezoid(T(M), [0, 1, 3, 4]),
        lambda xp, T: xp.trapezoid(T(V)), lambda xp, T: xp.trapezoid(T(M), x=M**2, axis=0), lambda xp, T: xp.gradient(T(V)),
        lambda xp, T: xp.gradient(T(M)), lambda xp, T: xp.gradient(T(M), 2.0, axis=1), lambda xp, T: xp.gradient(T(M), 2.0, [0, 1, 3, 7]),
        lambda xp, T: xp.gradient(T(M), axis=0, edge_order=2), lambda xp, T: xp.gradient(T(M[0]), [0, 1, 3, 4], edge_order=2),
        lambda xp, T: xp.gradient(T(M.astype("f4")), axis=(1, 0)), lambda xp, T: xp.geomspace(1, 1000, 4),
        lambda xp, T: xp.geomspace(-1000, -1, 5), lambda xp, T: xp.geomspace(1, 256, 9, dtype=int),
        lambda xp, T: xp.geomspace(1, 1000, 3, endpoint=False), lambda xp, T: xp.geomspace([1, 2], 16, 3),
        lambda xp, T: xp.average(T(M), 1, [1, 2, 3, 4], True), lambda xp, T: xp.average(T(M), returned=True),
        lambda xp, T: xp.average(T(M), weights=M, returned=True, keepdims=True), lambda xp, T: xp.average(T(V), 0, V + 1, returned=True),
        lambda xp, T: xp.nanmedian(T(N), axis=1), lambda xp, T: xp.nanmedian(T(N)), lambda xp, T: xp.nanmedian(T(N), axis=0, keepdims=True),
        lambda xp, T: xp.nanmedian(T([np.nan, np.nan])), lambda xp, T: xp.nanmedian(T(V)), lambda xp, T: xp.matvec(T(M), [1, 2, 3, 4]),
        lambda xp, T: xp.vecmat(T([1j, 2, 3]), T(M)), lambda xp, T: xp.matvec(T(np.ones((2, 3, 4), "f4")), T(np.ones((2, 4), "f4"))),
    ],
)  # fmt: skip
def test_close(call):
    check(call, exact=False)


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, T: xp.delete(T(V), 12), lambda xp, T: xp.insert(T(V), 14, 1), lambda xp, T: xp.choose(T([0, 5]), [1, 2]),
        lambda xp, T: xp.choose(T([0.5]), [1, 2]), lambda xp, T: xp.vsplit(T(V), 2), lambda xp, T: xp.hsplit(T(V), 5),
        lambda xp, T: xp.partition(T(V), 12), lambda xp, T: xp.lexsort(()), lambda xp, T: xp.ix_(M), lambda xp, T: xp.block(((1,), (2,))),
        lambda xp, T: xp.digitize(T(V), [1, 3, 2]), lambda xp, T: xp.interp([1.0], [], []), lambda xp, T: xp.interp([1.0], [1, 2], [1]),
        lambda xp, T: xp.gradient(T([1.0])), lambda xp, T: xp.gradient(T(M), 1, 2, 3), lambda xp, T: xp.gradient(T(M), [1, 2]),
        lambda xp, T: xp.geomspace(0, 10), lambda xp, T: xp.resize(T(V), -1), lambda xp, T: xp.matvec(T(V), T(V)),
        lambda xp, T: (a := T(V), xp.put(a, [99], 1))[0], lambda xp, T: xp.fill_diagonal(T(V), 1), lambda xp, T: xp.putmask(T(V), [True], 1),
        lambda xp, T: xp.tril_indices_from(T(V)), lambda xp, T: xp.bincount(T([-1])), lambda xp, T: xp.bincount(T([1.5])),
        lambda xp, T: xp.bincount(T(V), [1]), lambda xp, T: xp.bincount(T(M)),
    ],
)  # fmt: skip
def test_refusals(call):
    with pytest.raises((TypeError, ValueError, IndexError)) as expected:
        call(np, np.array)
    with pytest.raises(expected.type):
        values(call(mt, mt.tensor))


def write(name, *args, **kwargs):
    def call(xp, x):
        getattr(xp, name)(x, *args, **kwargs)

    call.__name__ = name
    return call


def by_flat(xp, x):
    x.flat[1:6:2] = [7, 8]


def all_flat(xp, x):
    x.T.flat = [1, 2, 3]


def by_method(xp, x):
    x.put([0, -1], 5)
    x.partition(1, axis=0)


@pytest.mark.parametrize(
    "call",
    [
        write("put", [0, 20], [5, 6], mode="wrap"), write("place", M > 0.5, [1, 2, 3]), write("putmask", M > 0.5, [1.5, 2.5]),
        write("put_along_axis", np.array([[1], [0], [3]]), 9, 1), write("put_along_axis", np.array([3, 5]), [1, 2], None),
        write("fill_diagonal", 7), write("fill_diagonal", [1, 2, 3]), write("copyto", 3, where=M > 0.5), by_flat, all_flat, by_method,
    ],
)  # fmt: skip
def test_writes(call):
    a, x = mt.tensor(M), M.copy()
    view = a[:, 1]
    call(mt, a)
    call(np, x)
    np.testing.assert_array_equal(a.fetch(), x)
    np.testing.assert_array_equal(view.fetch(), x[:, 1])


def test_chunked():
    r = np.random.default_rng(2)
    x, y = r.random(1000), r.integers(0, 50, 1000)
    a, b = mt.tensor(x, chunk_size=70), mt.tensor(y, chunk_size=90)
    np.testing.assert_array_equal(mt.digitize(a, [0.1, 0.5, 0.7]).fetch(), np.digitize(x, [0.1, 0.5, 0.7]))
    np.testing.assert_allclose(mt.interp(a, [0, 0.3, 1], [1, 5, 2]).fetch(), np.interp(x, [0, 0.3, 1], [1, 5, 2]), rtol=1e-12)
    np.testing.assert_array_equal(mt.setxor1d(b, [3, 77]).fetch(), np.setxor1d(y, [3, 77]))
    np.testing.assert_array_equal(mt.lexsort((a, b)).fetch(), np.lexsort((x, y)))
    np.testing.assert_allclose(mt.gradient(a).fetch(), np.gradient(x), rtol=1e-12)
    np.testing.assert_array_equal(mt.insert(a, [0, 500, 1000], 7).fetch(), np.insert(x, [0, 500, 1000], 7))
    np.testing.assert_array_equal(mt.delete(a, slice(10, 900, 3)).fetch(), np.delete(x, slice(10, 900, 3)))


def test_deleting_elements_is_refused():
    with pytest.raises(ValueError, match="cannot delete"):
        del mt.tensor(V)[0]
    with pytest.raises(TypeError):
        float(mt.tensor(1j))
