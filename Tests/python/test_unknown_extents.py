"""Tensors whose extents are known only when they have run: views of them, writes to them, selections of selections."""

import mars.tensor as mt
import numpy as np
import pytest

X = np.arange(10.0).reshape(2, 5)
MASK = np.array([True, True, True, False, True])

VIEWS = {
    "reversed": lambda b: b[::-1],
    "reversed sum": lambda b: b[::-1].sum(axis=1),
    "reversed plus": lambda b: b[::-1] + 1,
    "row": lambda b: b[0],
    "transposed": lambda b: b.T,
    "new axis": lambda b: b[None],
    "inner axis": lambda b: b[:, None],
    "rows of transposed": lambda b: b.T[1:],
    "columns reversed": lambda b: b[:, ::-1],
    "twice transposed": lambda b: b.T.T[::-1].T,
    "ravel": lambda b: b.ravel(),
    "reshaped": lambda b: b.T.reshape(4, 2)[::2],
    "part of row": lambda b: b[0][1:],
    "selected again": lambda b: b[b > 3],
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("when", ["never", "before", "after"])
def test_views(name, when):
    b = mt.tensor(X)[:, MASK]
    if when == "before":
        b.execute()
    view = VIEWS[name](b)
    if when == "after":
        view.execute()
        assert view.is_executed and -1 not in view._type()[1]
        repr(view)
    np.testing.assert_array_equal(view.fetch(), VIEWS[name](X[:, MASK]))


def test_selections_of_selections():
    x = np.arange(40)
    a = mt.tensor(x, chunk_size=7)
    b = a[a > 3]
    c = b[b % 3 > 0]
    d = c[c < 30]
    expected = x[(x > 3) & (x % 3 > 0) & (x < 30)]
    np.testing.assert_array_equal(d.fetch(), expected)
    np.testing.assert_array_equal((c[::1] + 1)[c > 20].fetch(), x[(x > 20) & (x % 3 > 0)] + 1)


def test_views_share_after_execution():
    b = mt.tensor(X)[:, MASK]
    turned = b.T
    turned.execute()
    turned += 1
    np.testing.assert_array_equal(b.fetch(), X[:, MASK] + 1)
    turned[0] = 0
    expected = X[:, MASK] + 1
    expected[:, 0] = 0
    np.testing.assert_array_equal(b.fetch(), expected)
    assert b.T.reshape(2, 2, 2).shares_storage(b)


def test_writes_before_extents_are_known():
    a = mt.arange(6)
    b = a[a > 2]
    b += 1
    b[:] = b * 2
    np.testing.assert_array_equal(b.fetch(), [8, 10, 12])
    b = mt.tensor([3, 1, 2])[mt.tensor([True, False, True])]
    b.sort()
    np.testing.assert_array_equal(b.fetch(), [2, 3])
    b = mt.tensor(X)[:, MASK]
    b.T[...] = 7.0
    np.testing.assert_array_equal(b.fetch(), np.full((2, 4), 7.0))
    b = mt.tensor(X)[:, MASK]
    b.T[...] = mt.arange(2.0)
    np.testing.assert_array_equal(b.fetch(), np.array([[0.0] * 4, [1.0] * 4]))


def test_a_write_that_does_not_fit_is_an_error():
    a = mt.arange(6)
    b = a[a > 2]
    b[...] = np.ones(2)
    with pytest.raises(ValueError, match="could not broadcast input array from shape"):
        b.fetch()


def test_writes_after_execution():
    a = mt.arange(6)
    b = a[a > 2].execute()
    b += 1
    np.testing.assert_array_equal(b.fetch(), [4, 5, 6])
    b[1:] = 0
    np.testing.assert_array_equal(b.fetch(), [4, 0, 0])
    b.sort()
    np.testing.assert_array_equal(b.fetch(), [0, 0, 4])
    u = mt.unique(mt.tensor([3, 1, 3])).execute()
    u *= 2
    np.testing.assert_array_equal(u.fetch(), [2, 6])


@pytest.mark.parametrize("kept", [np.s_[:0], np.s_[12:], np.r_[0:3, 31:40]])
def test_chunks_in_which_nothing_is_selected(kept):
    x = np.arange(40)
    mask = np.zeros(40, bool)
    mask[kept] = True
    a = mt.tensor(x).rechunk(5)[mt.tensor(mask)]
    np.testing.assert_array_equal(mt.sort(a).fetch(), x[mask])
    np.testing.assert_array_equal(a.execute().reshape(-1, 1).fetch(), x[mask].reshape(-1, 1))
    np.testing.assert_array_equal((a + 1).fetch(), x[mask] + 1)


def test_read_modify_write_through_masks():
    a, x = mt.arange(10), np.arange(10)
    a[a > 5] *= 2
    x[x > 5] *= 2
    np.testing.assert_array_equal(a.fetch(), x)
    a, x = mt.tensor(X, chunk_size=2), X.copy()
    a[:, MASK] += 1
    x[:, MASK] += 1
    a[:, MASK] = a[:, MASK][::-1]
    x[:, MASK] = x[:, MASK][::-1]
    np.testing.assert_array_equal(a.fetch(), x)
    a, x = mt.arange(10), np.arange(10)
    b, y = a[a > 2], x[x > 2]
    b[b > 5] *= 2
    y[y > 5] *= 2
    np.testing.assert_array_equal(b.fetch(), y)


@pytest.mark.parametrize("key", [np.s_[:, [1]], np.s_[np.array([True, False])], np.s_[:, MASK], np.s_[X > 3]])
@pytest.mark.parametrize("value", [np.ones((2, 3)), np.ones(3), np.ones(4), np.ones(6), np.ones((2, 4)), np.ones(0), np.ones(1), 5.0])
def test_assignments_through_masks(key, value):
    a, x = mt.tensor(X), X.copy()
    try:
        x[key] = value
    except (ValueError, TypeError) as e:
        with pytest.raises(type(e)) as caught:
            a[key] = value
            a.fetch()
        if "indexing" in str(e) and ",-1)" not in str(caught.value):
            assert str(e).split(" [")[0][:40] == str(caught.value)[:40]
        return
    a[key] = value
    np.testing.assert_array_equal(a.fetch(), x)


# ---- functions that have to know extents: they find them, as `shape` and indexing do ----

M = np.array([3.0, -1.0, 2.0, 5.0, -4.0, 1.0])
FUNCTIONS = {
    "median": lambda np, m: np.median(m),
    "percentile": lambda np, m: np.percentile(m, 30),
    "quantile": lambda np, m: np.quantile(m, 0.3),
    "nanmedian": lambda np, m: np.nanmedian(m),
    "diff": lambda np, m: np.diff(m),
    "cov": lambda np, m: np.cov(m),
    "cov of weights": lambda np, m: np.cov(m, aweights=m, fweights=[1, 2, 0, 1]),
    "quantile of weights": lambda np, m: np.quantile([1.0, 2, 3, 4], 0.3, weights=m, method="inverted_cdf"),
    "weighted quantile": lambda np, m: np.quantile(m, 0.3, weights=m, method="inverted_cdf"),
    "histogram2d": lambda np, m: np.histogram2d(m, m, 2, weights=m, density=True)[0],
    "histogramdd": lambda np, m: np.histogramdd(np.stack([m, -m], 1), (2, 3))[0],
    "pad with means": lambda np, m: np.pad(m, 2, "mean"),
    "corrcoef": lambda np, m: np.corrcoef(m, m),
    "roll": lambda np, m: np.roll(m, 1),
    "tile": lambda np, m: np.tile(m, 2),
    "repeat": lambda np, m: np.repeat(m, 2),
    "pad": lambda np, m: np.pad(m, 1),
    "where": lambda np, m: np.where(m > 2)[0],
    "flip": lambda np, m: np.flip(m),
    "interp": lambda np, m: np.interp([1.5], np.sort(m), np.sort(m)),
    "gradient": lambda np, m: np.gradient(m),
    "trapezoid": lambda np, m: np.trapezoid(m),
    "split": lambda np, m: np.split(m, 2)[1],
    "array_split": lambda np, m: np.array_split(m, 3)[2],
    "einsum": lambda np, m: np.einsum("i,j->ij", m, m),
    "isin": lambda np, m: np.isin([1.0, 7.0], m),
    "diag": lambda np, m: np.diag(m),
    "kron": lambda np, m: np.kron(m, m),
    "meshgrid": lambda np, m: np.meshgrid(m, m)[1],
    "lexsort": lambda np, m: np.lexsort((m, -m)),
    "digitize": lambda np, m: np.digitize([1.5], np.sort(m)),
    "array_equal": lambda np, m: np.array_equal(m, m),
    "tensordot": lambda np, m: np.tensordot(m, m, 1),
    "setdiff1d": lambda np, m: np.setdiff1d(m, [2.0]),
    "intersect1d": lambda np, m: np.intersect1d(m, [2.0]),
    "resize": lambda np, m: np.resize(m, 7),
    "choose": lambda np, m: np.choose((m > 2).astype(int), [m, -m]),
    "take": lambda np, m: np.take(m, [1, 9], mode="wrap"),
    "sort in descending order": lambda np, m: np.sort(-m)[::-1],
    "list of it": lambda np, m: np.median(np.stack([m, m]), axis=1),
    "matmul": lambda np, m: m @ m,
    "method": lambda np, m: m.repeat(2),
    "reshape": lambda np, m: m.reshape(2, -1),
    "weights of quantiles": lambda np, m: np.quantile(m, 0.3, weights=m, method="inverted_cdf"),
    "weights of cov": lambda np, m: np.cov(m, aweights=m),
    "pad with a statistic": lambda np, m: np.pad(m, 2, "mean"),
    "a mean at hand": lambda np, m: np.var(m, mean=m.mean()),
    "estimated bins": lambda np, m: np.histogram(m, "auto")[0],
    "a grid": lambda np, m: np.histogram2d(m, m, 2)[0],
    "trim_zeros": lambda np, m: np.trim_zeros(m - 3, "f"),
    "pieces": lambda np, m: np.piecewise(m, [m < 3], [lambda v: -v, 7]),
    "gcd": lambda np, m: np.gcd.reduce(m.astype(int)),
    "running differences": lambda np, m: np.subtract.accumulate(m),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_find_extents(name):
    t = mt.tensor(M)
    expected = FUNCTIONS[name](np, M[M > 0])
    result = FUNCTIONS[name](mt, t[t > 0])
    np.testing.assert_allclose(np.asarray(result), expected)
    np.testing.assert_allclose(np.asarray(FUNCTIONS[name](np, t[t > 0])), expected)


def test_what_waits_for_a_graph_says_so():
    from mars import Graph

    x = Graph().input("x", float, (None,))
    with pytest.raises(NotImplementedError, match="median needs known extents: execute it first"):
        mt.median(x)
    with pytest.raises(NotImplementedError, match="choose needs known extents: execute it first"):
        mt.choose(mt.tensor([0, 1]), [x, x])
    with pytest.raises(NotImplementedError, match="lexsort needs known extents"):
        mt.lexsort((x, x))


def test_views_of_inputs_of_graphs():
    from mars import Graph

    g = Graph()
    x = g.input("x", float, (None, 2))
    y = x * 1
    for view in [y.reshape(-1), y.reshape(2, -1), y[None].reshape(-1, 1), mt.ravel(y)]:
        view[...] += 1
    y.reshape(2, -1)[1] = 0
    g.output("y", y)
    for n in [2, 4]:
        expected = np.full((n, 2), 4.0)
        expected[n // 2 :] = 0
        np.testing.assert_array_equal(g.execute(x=np.zeros((n, 2)))["y"].fetch(), expected)
    turned, column = y.T, y[:, 0]
    for call in [
        lambda: turned.reshape(-1),
        lambda: turned.ravel("K"),
        y.squeeze,
        lambda: mt.broadcast_to(y, (2, 2)),
        lambda: mt.ix_(column),
    ]:
        with pytest.raises(NotImplementedError, match="execute it first"):
            call()


def test_what_is_not_supported_runs_nothing():
    t = mt.tensor(M)
    m = t[t > 0]
    with pytest.raises(NotImplementedError, match="singular values"):
        mt.linalg.norm(mt.ones((2, 2)), 2)
    assert not m.is_executed


def test_an_operator_that_expands_anew_finds_its_inputs():
    # With the extents of x[m] the assignment expands anew, from m itself, which the part that ran before has computed.
    x = mt.tensor(3.0)
    m = x > 2
    y = mt.zeros_like(x)
    y[m] = x[m] * 2
    assert y.fetch() == 6
