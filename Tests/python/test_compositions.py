"""Functions that are compositions of others: as NumPy, and the same in any chunks."""

import mars.tensor as mt
import numpy as np
import pytest

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 7))


def same(made, expected, rtol=1e-12):
    expected = np.asarray(expected)
    assert made.dtype == expected.dtype and made.shape == expected.shape
    np.testing.assert_allclose(made.fetch(), expected, rtol=rtol)


def chunked(x, n=2):
    return mt.tensor(x).rechunk(n) if np.ndim(x) else mt.tensor(x)


# ---- quantiles ----


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (1, 0)])
@pytest.mark.parametrize("q", [0.0, 0.5, 1.0, [0.1, 0.25, 0.9], [[0.0, 1.0]], []])
def test_quantile(dtype, axis, q):
    x = (X * 9).astype(dtype)
    rtol = 1e-12 if dtype != "f4" else 2e-6
    for keepdims in (False, True):
        same(mt.quantile(chunked(x), q, axis=axis, keepdims=keepdims), np.quantile(x, q, axis=axis, keepdims=keepdims), rtol)
    p = np.multiply(q, 100) if isinstance(q, list) else q * 100
    same(np.percentile(chunked(x), p, axis=axis), np.percentile(x, p, axis=axis), rtol)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "nearest", "midpoint"])
def test_quantile_methods(method):
    for n in (1, 2, 5, 6):
        x = RNG.normal(size=n)
        q = np.array([0, 0.2, 0.3, 0.5, 0.77, 1])
        same(mt.quantile(mt.tensor(x), q, method=method), np.quantile(x, q, method=method))


def test_quantile_of_special_values():
    x = np.array([[1.0, np.nan, 3.0], [np.inf, 2.0, 5.0], [-np.inf, np.inf, np.inf]])
    # At an element it is that element; NumPy subtracts and has NaN beside an infinite one.
    for q, expected in ((0.0, [np.nan, 2, -np.inf]), (0.5, [np.nan, 5, np.inf]), (1.0, [np.nan, np.inf, np.inf])):
        np.testing.assert_array_equal(mt.quantile(mt.tensor(x), q, axis=1).fetch(), expected)
    assert np.isnan(mt.quantile(mt.ones(0), 0.5).fetch())
    for f, bad in ((mt.quantile, 1.5), (mt.percentile, 101), (mt.quantile, [0.5, -0.1]), (mt.quantile, mt.tensor([2.0]))):
        with pytest.raises(ValueError, match="range"):
            f(mt.ones(3), bad)
    with pytest.raises(ValueError, match="method"):
        mt.quantile(mt.ones(3), 0.5, method="best")
    with pytest.raises(TypeError):
        mt.quantile(mt.ones(3) * 1j, 0.5)


# ---- histograms ----


@pytest.mark.parametrize("x", [X, (X * 9).astype(int), np.zeros(5), np.zeros(0), np.arange(10, dtype="f4")])
@pytest.mark.parametrize("bins", [1, 10, 300, [-1.0, 0.0, 0.5, 3.0], np.linspace(-2, 2, 150)])
@pytest.mark.parametrize("density", [False, True])
def test_histogram(x, bins, density):
    with np.errstate(all="ignore"):
        (h, e), (hx, ex) = np.histogram(chunked(x), bins, density=density), np.histogram(x, bins, density=density)
    same(h, hx)
    same(e, ex, 1e-6 if e.dtype == "f4" else 1e-12)


def test_histogram_of_range_and_weights():
    w = RNG.random(X.shape)
    for bins in (4, 200):
        (h, e), (hx, ex) = mt.histogram(chunked(X), bins, range=(-1, 1), weights=w), np.histogram(X, bins, range=(-1, 1), weights=w)
        same(h, hx)
        same(e, ex)
    same(mt.histogram_bin_edges(chunked(X), 7), np.histogram_bin_edges(X, 7))
    assert mt.histogram([1.0, np.nan, 2.0], [0, 1.5, 3])[0].fetch().tolist() == [1, 1]
    for call in (
        lambda m: m.histogram(X, 0), lambda m: m.histogram(X, 3, range=(2, 1)), lambda m: m.histogram(X, [3, 2, 1]),
        lambda m: m.histogram(X, np.array([3, 2, 1])),
        lambda m: m.histogram(X, 3, weights=[1.0]), lambda m: m.histogram(X, 3, range=(0, np.inf)),
    ):  # fmt: skip
        for m in (np, mt):
            with pytest.raises(ValueError):
                call(m)


# ---- padding, joining, choosing ----


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("width", [1, (2, 3), ((1, 0), (0, 9)), ((0, 0), (20, 13))])
def test_pad(mode, width):
    for x in (X, (X * 9).astype("i2"), X[:1, :1]):
        same(mt.pad(chunked(x), width, mode), np.pad(x, width, mode))
        same(np.pad(chunked(x), width, mode=mode), np.pad(x, width, mode))


def test_pad_values():
    for values in (7, (1, 2), ((1, 2), (3, 4))):
        same(mt.pad(chunked(X), 2, constant_values=values), np.pad(X, 2, constant_values=values))
    same(mt.pad(chunked(X), {1: (1, 2)}), np.pad(X, ((0, 0), (1, 2))))
    same(mt.pad(mt.zeros((0, 2)), 1), np.pad(np.zeros((0, 2)), 1))
    for bad in (
        lambda m: m.pad(X, -1), lambda m: m.pad(np.zeros((0, 2)), 1, "edge"), lambda m: m.pad(X, 1, "strange"),
        lambda m: m.pad(X, 1, "edge", constant_values=1),
    ):  # fmt: skip
        for m in (np, mt):
            with pytest.raises(ValueError):
                bad(m)
    with pytest.raises(TypeError):
        mt.pad(X, 1.5)


@pytest.mark.parametrize("mode", ["maximum", "minimum", "mean", "median"])
@pytest.mark.parametrize("length", [None, 1, (2, 3), ((1, 2), (9, 2))])
def test_pad_with_statistics(mode, length):
    given = {} if length is None else {"stat_length": length}
    for x in (X, (X * 9).astype("i2"), X > 0.5, X + 0j, X[:1, :1]):
        for width in (1, ((3, 0), (2, 5))):
            same(mt.pad(chunked(x), width, mode, **given), np.pad(x, width, mode, **given))


def test_pad_with_ramps():
    for x in (X, (X * 9).astype("i2"), (X * 9).astype("u1"), X.astype("f2")):
        same(mt.pad(chunked(x), ((3, 1), (0, 4)), "linear_ramp"), np.pad(x, ((3, 1), (0, 4)), "linear_ramp"))
        for ends in (200, (3.5, -7), ((1, 2), (3, 4))):
            # Ends of every axis of their own have no dtype in NumPy, which then computes in half precision.
            if (x.dtype.kind != "u" or np.min(ends) >= 0) and (x.dtype != "f2" or np.ndim(ends) < 2):
                same(mt.pad(chunked(x), 3, "linear_ramp", end_values=ends), np.pad(x, 3, "linear_ramp", end_values=ends))


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
@pytest.mark.parametrize("width", [1, (2, 3), ((1, 0), (0, 9)), ((0, 40), (20, 13))])
def test_pad_mirrored_in_points(mode, width):
    for x in (X, (X * 9).astype("i2"), X > 0.5, X[:1, :1]):
        same(mt.pad(chunked(x), width, mode, reflect_type="odd"), np.pad(x, width, mode, reflect_type="odd"))
        same(mt.pad(chunked(x), width, mode, reflect_type="even"), np.pad(x, width, mode, reflect_type="even"))


def test_pad_refuses_what_its_mode_does_not_know():
    for bad in (
        lambda m: m.pad(X, 1, "edge", end_values=1), lambda m: m.pad(X, 1, "constant", end_values=1),
        lambda m: m.pad(X, 1, "linear_ramp", constant_values=1), lambda m: m.pad(X, 1, "wrap", reflect_type="odd"),
        lambda m: m.pad(X, 1, "constant", stat_length=2), lambda m: m.pad(X, 1, "mean", stat_length=-2),
        lambda m: m.pad(X, 0, "maximum", stat_length=0), lambda m: m.pad(np.zeros((0, 2)), 1, "mean"),
    ):  # fmt: skip
        for m in (np, mt):
            with pytest.raises(ValueError):
                bad(m)
    same(mt.pad(np.zeros((2, 0)), ((1, 2), (0, 0)), "maximum"), np.pad(np.zeros((2, 0)), ((1, 2), (0, 0)), "maximum"))


def test_joins_of_one_tensor_are_copies():
    for join in (
        lambda m, a: m.concatenate([a]), lambda m, a: m.stack([a]), lambda m, a: m.vstack([a]), lambda m, a: m.hstack([a]),
        lambda m, a: m.dstack([a]), lambda m, a: m.column_stack([a]), lambda m, a: m.pad(a, 0), lambda m, a: m.insert(a, [], 1, axis=0),
        lambda m, a: m.unwrap(a[:, :1]),
    ):  # fmt: skip
        for m, a in ((np, np.ones((2, 2))), (mt, mt.ones((2, 2)))):
            made = join(m, a)
            made[...] = 7
            assert (np.asarray(a) == 1).all()


def test_append():
    same(mt.append(chunked(X), [1, 2]), np.append(X, [1, 2]))
    same(np.append(chunked(X), X[:1], axis=0), np.append(X, X[:1], axis=0))
    with pytest.raises(ValueError):
        mt.append(X, X[:, :1], axis=0)


def test_select():
    t = chunked(X)
    same(mt.select([t < -1, t > 1], [t, t * t], 7), np.select([X < -1, X > 1], [X, X * X], 7))
    same(np.select([t > 0], [1]), np.select([X > 0], [1]))
    for bad in (([t > 0], []), ([], []), ([t > 0, t > 1, t > 2], [t])):
        with pytest.raises(ValueError):
            mt.select(*bad)
    with pytest.raises(TypeError, match="condlist"):
        mt.select([t], [t])


def test_copyto_and_put():
    for where in (True, X > 0):
        t, x = mt.tensor(X), X.copy()
        np.copyto(t, np.arange(7), where=where)
        np.copyto(x, np.arange(7), where=where)
        same(t, x)
        np.copyto(x, t * 2)
        same(t * 2, x)
    with pytest.raises(TypeError, match="same_kind"):
        mt.copyto(mt.zeros(2, dtype=int), [1.5, 2.5])
    for mode, places in (("raise", [0, -1, 40]), ("wrap", [100, -50]), ("clip", [100, -50])):
        t, x = mt.tensor(X), X.copy()
        mt.put(t, places, [1, 2], mode)
        np.put(x, places, [1, 2], mode)
        same(t, x)


# ---- einsum ----


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)]), ("ij,jk", [(3, 4), (4, 5)]), ("ba,bc", [(3, 4), (3, 5)]), ("ii", [(4, 4)]), ("ii->i", [(4, 4)]),
        ("ij->ji", [(3, 4)]), ("ij->", [(3, 4)]), ("ij->j", [(3, 4)]), ("i,i", [(5,), (5,)]), ("i,j->ij", [(5,), (3,)]), ("ij,ij->ij", [(3, 4), (3, 4)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("...ij,...jk->...ik", [(2, 1, 3, 4), (6, 4, 5)]), ("...ij,...jk", [(2, 3, 4), (4, 5)]),
        ("ij,jk,kl->il", [(3, 4), (4, 5), (5, 2)]), ("i,j,k->", [(3,), (4,), (5,)]), ("ijk,ik->j", [(3, 4, 5), (3, 5)]), ("i...->...", [(3, 4, 5)]),
        ("ij,ij", [(3, 4), (1, 4)]), ("iij->ij", [(3, 3, 4)]), ("iij,jk->ik", [(3, 3, 4), (4, 2)]), (",ij->ij", [(), (3, 4)]), ("ij,jk->ik", [(3, 0), (0, 5)]),
        ("abcd,dcef->abef", [(2, 3, 4, 5), (5, 4, 3, 2)]), ("i", [(4,)]), ("", [()]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["f8", "i8", "c16", "f2"])
def test_einsum(subscripts, shapes, dtype):
    operands = [np.asarray(RNG.integers(-4, 5, s)).astype(dtype) for s in shapes]
    expected = np.einsum(subscripts, *operands)
    same(mt.einsum(subscripts, *map(chunked, operands)), expected)
    same(np.einsum(subscripts, *map(mt.tensor, operands)), expected)


def test_einsum_rounds_half_types_once():
    a, b, c = np.array([300, 300], "f2"), np.array([300, -300], "f2"), np.full(4096, 1e-4, "f2")
    for subscripts, operands in (("i,i->", (a, b)), ("i,i->", (c, c)), ("ij,ij->i", (a[None], b[None])), ("i,i,i->", (a, b, a))):
        same(mt.einsum(subscripts, *map(mt.tensor, operands)), np.einsum(subscripts, *operands))


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk", [(3, 4), (5, 6)]),
        ("ij", [(3,)]),
        ("i", [(3, 4)]),
        ("i->k", [(3,)]),
        ("i,j", [(3,)]),
        ("i-j", [(3,)]),
        ("i->ii", [(3,)]),
        ("i1", [(3, 3)]),
    ],
)
def test_einsum_errors(subscripts, shapes):
    for m in (np, mt):
        with pytest.raises(ValueError):
            m.einsum(subscripts, *(np.ones(s) for s in shapes))


# ---- random orders and samples ----


def test_permutation_and_shuffle():
    rng = mt.random.default_rng(3)
    p = rng.permutation(1000).fetch()
    assert sorted(p) == list(range(1000)) and not (p == np.arange(1000)).all()
    x = np.arange(12).reshape(3, 4)
    made = rng.permutation(mt.tensor(x), axis=1).fetch()
    assert sorted(made[0]) == [0, 1, 2, 3] and (made - made[0] == x[:, :1]).all()
    t = mt.arange(50)
    mt.random.seed(1)
    assert mt.random.shuffle(t) is None
    assert sorted(t.fetch()) == list(range(50)) and t.fetch().tolist() != list(range(50))
    a, b = (mt.random.default_rng(9).permutation(mt.arange(40).rechunk(n)).fetch() for n in (40, 7))
    np.testing.assert_array_equal(a, b)
    # Every order comes about equally often.
    counts = np.unique([tuple(rng.permutation(3).fetch()) for _ in range(600)], axis=0, return_counts=True)[1]
    assert len(counts) == 6 and counts.min() > 60


def test_choice():
    rng = mt.random.default_rng(4)
    drawn = rng.choice(5, 20000).fetch()
    np.testing.assert_allclose(np.bincount(drawn) / 20000, 0.2, atol=0.02)
    p = [0.1, 0.0, 0.6, 0.3]
    drawn = rng.choice([10, 20, 30, 40], size=(100, 200), p=p).fetch()
    assert drawn.shape == (100, 200)
    np.testing.assert_allclose([(drawn == v).mean() for v in (10, 20, 30, 40)], p, atol=0.02)
    few = rng.choice(10, 10, replace=False).fetch()
    assert sorted(few) == list(range(10))
    first = np.array([rng.choice(4, 3, replace=False, p=p).fetch() for _ in range(500)])
    assert (np.sort(first) == [0, 2, 3]).all()
    np.testing.assert_allclose((first[:, 0] == 2).mean(), 0.6, atol=0.08)
    assert rng.choice(7).shape == () and rng.choice(X, 4, axis=1).shape == (6, 4)
    for bad in (
        lambda: rng.choice(3, 4, replace=False), lambda: rng.choice(0, 1), lambda: rng.choice(2, 1, p=[0.5, 0.6]),
        lambda: rng.choice(2, 1, p=[1.0]),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            bad()


def third(dtype):
    """Probabilities whose sum is 1 as nearly as the dtype can tell."""
    return (np.ones(3) / 3).astype(dtype)


@pytest.mark.parametrize(
    "p, options",
    [
        ([0.5, 0.6, 0.0], {}), ([-1.0, 2.0, 0.0], {}), ([0.0, 1.0, 0.0], {"size": 2, "replace": False}), ([0.5, np.nan, 0.5], {}),
        ([0, 1, 1], {}), (np.array([0.5, 0.5, 0.01], np.float32), {}), (np.array([1.0, 0, 0, 0, 0.5, 0])[::2], {"size": 2, "replace": False}),
    ],
    ids=str,
)  # fmt: skip
def test_probabilities_are_checked(p, options):
    with pytest.raises(ValueError) as theirs:
        np.random.default_rng(1).choice(3, p=p, **options)
    with pytest.raises(ValueError) as ours:  # at the call: they are at hand
        mt.random.default_rng(1).choice(3, p=p, **options)
    assert str(ours.value) == str(theirs.value)
    drawn = mt.random.default_rng(1).choice(3, p=mt.tensor(p) * 1, **options)
    with pytest.raises(ValueError) as ours:  # when they have been computed
        drawn.fetch()
    assert str(theirs.value) in str(ours.value)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_probabilities_are_as_exact_as_their_dtype(dtype):
    assert mt.random.default_rng(1).choice(3, size=4, p=third(dtype)).fetch().max() < 3
    assert mt.random.default_rng(1).choice(3, size=4, p=mt.tensor(third(dtype)) + dtype(0)).fetch().max() < 3
