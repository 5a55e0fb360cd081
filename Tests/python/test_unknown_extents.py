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
