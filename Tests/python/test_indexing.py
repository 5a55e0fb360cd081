"""Indexing and assignment against NumPy, and what shares memory with what."""

import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

KEYS = [
    0, -1, slice(None), slice(1, 3), slice(None, None, -1), slice(None, None, 2), slice(3, 0, -2), slice(10, 20), (1, 2), (slice(1, None), slice(None, -1)),
    (Ellipsis, 0), (Ellipsis, slice(None, None, -2)), (0, Ellipsis, 1), None, (None, 0), (slice(None), None, 1), (Ellipsis, None), (), (1, 2, 3), (-1, -1, -1),
    np.int32(2), (slice(0, 0),), (slice(4, None, -1), slice(None, None, 3)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("chunk", [None, 2])
def test_views(key, chunk, rng):
    x = rng.random((4, 5, 6))
    a = mt.tensor(x, chunk_size=chunk)
    b = a[key]
    assert b.shape == x[key].shape
    same(b.to_numpy(), np.asarray(x[key]))
    same((b + 1)[...].to_numpy(), np.asarray(x[key] + 1))


def test_views_of_views(rng):
    x = rng.random((20, 30))
    a = mt.tensor(x)
    same(a[::-1, 3:][2:15:3].T[::-2, 1:].fetch(), x[::-1, 3:][2:15:3].T[::-2, 1:])


WRONG = [
    4, -5, (0, 5), (0, 0, 0, 0), 1.5, "a", (Ellipsis, Ellipsis), [0.5], slice(None, None, 0), 2**63, 2**64, -(2**63) - 1, slice(1.5), (0, -6), np.ones(2),
    (slice(None), np.ones(2)), np.ones(3, bool), np.ones((4, 6), bool), (0, np.ones(4, bool)), (0, 0, np.ones((6, 2), bool)),
    ([0], slice(None), np.ones(5, bool)), (Ellipsis, np.ones(7, bool)),
]  # fmt: skip


@pytest.mark.parametrize("key", WRONG, ids=str)
def test_errors(key):
    x = np.zeros((4, 5, 6))
    t = mt.tensor(x)
    with pytest.raises(Exception) as theirs:
        x[key]
    with pytest.raises(theirs.type) as ours:
        t[key]
    assert str(ours.value) == str(theirs.value)
    with pytest.raises(theirs.type) as ours:
        t[key] = 1
    assert str(ours.value) == str(theirs.value)


def test_bounds_of_any_size():
    x = np.arange(20)
    t = mt.tensor(x)
    big = 1 << 70
    least, most = -(1 << 63), (1 << 63) - 1
    for s in [
        slice(-big, big),
        slice(big, -big, -1),
        slice(least, most, most),
        slice(most, least, least),
        slice(3, None, -big),
        slice(least, None, 7),
    ]:
        same(t[s].fetch(), x[s])


def test_extents_found_by_running():
    x = np.arange(10.0).reshape(5, 2)
    t = mt.tensor(x)
    b = t[mt.tensor([True, False, True, True, False])]
    c = b[:, 1]
    assert not b.is_executed and "?" in repr(c)
    y = x[[0, 2, 3]]
    same(c.fetch(), y[:, 1])
    d = b[-1]  # from the end: needs the extent
    assert b.is_executed
    same(d.fetch(), y[-1])
    e = t[t[:, 0] > 2]
    e[1:, 0] = 50
    y = x[x[:, 0] > 2]
    y[1:, 0] = 50
    same(e.fetch(), y)


@pytest.mark.parametrize("chunk", [None, 3])
def test_masks(chunk, rng):
    x = rng.normal(size=(8, 9))
    a = mt.tensor(x, chunk_size=chunk)
    same(a[a > 0].fetch(), x[x > 0])
    same(a[mt.tensor(x[:, 0] > 0)].fetch(), x[x[:, 0] > 0])
    same(a[:, x[0] > 0].fetch(), x[:, x[0] > 0])
    same((a[a > 0] * 2).sum().fetch().round(9), (x[x > 0] * 2).sum().round(9))
    assert a[a > 0].shape == x[x > 0].shape
    assert len(a[a > 100]) == 0
    with pytest.raises(IndexError, match="boolean index did not match"):
        a[np.ones(7, bool)]


def test_unknown_extents_print_as_question_marks(rng):
    a = mt.tensor(rng.normal(size=10))
    b = a[a > 0]
    assert "?" in repr(b) and not b.is_executed
    assert not a.is_executed or "?" in repr(b)


def test_integer_arrays(rng):
    x = rng.random((6, 7))
    a = mt.tensor(x)
    i = np.array([3, 0, -1, 3])
    same(a[i].fetch(), x[i])
    same(a[:, i].fetch(), x[:, i])
    same(a[[1, 2]].fetch(), x[[1, 2]])
    same(a[i.reshape(2, 2)].fetch(), x[i.reshape(2, 2)])
    with pytest.raises(IndexError):
        a[[7]].fetch()


# ---- writing ----


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_assignment(key, rng):
    x = rng.random((4, 5, 6))
    a = mt.tensor(x)
    y = x.copy()
    a[key] = 7
    y[key] = 7
    same(a.fetch(), y)
    v = rng.random(np.shape(y[key]))
    a[key] = v
    y[key] = v
    same(a.fetch(), y)


def test_assignment_broadcasts_and_casts(rng):
    x = rng.random((4, 5))
    a, y = mt.tensor(x), x.copy()
    a[1:3] = np.arange(5)
    y[1:3] = np.arange(5)
    same(a.fetch(), y)
    i, j = mt.tensor([1, 2, 3]), np.array([1, 2, 3])
    i[0] = 2.9
    j[0] = 2.9
    same(i.fetch(), j)
    with pytest.raises(ValueError, match="could not broadcast input array from shape"):
        a[0] = np.zeros(4)


def test_mask_assignment(rng):
    x = rng.normal(size=(4, 5))
    a, y = mt.tensor(x), x.copy()
    a[a < 0] = 0
    y[y < 0] = 0
    same(a.fetch(), y)


def test_writes_reach_views_and_bases():
    x = np.arange(6.0)
    a = mt.tensor(x)
    b = a[1:]
    a += 1
    same(b.fetch(), x[1:] + 1)
    b[0] = 100
    assert a.fetch()[1] == 100
    c = a[::2]
    c *= 2
    y = x + 1
    y[1] = 100
    y[::2] *= 2
    same(a.fetch(), y)
    same(b.fetch(), y[1:])


def test_views_of_transposes_and_reshapes():
    x = np.arange(12.0).reshape(3, 4)
    a, y = mt.tensor(x), x.copy()
    a.T[1] = -1
    y.T[1] = -1
    a.reshape(4, 3)[0] = 9
    y.reshape(4, 3)[0] = 9
    same(a.fetch(), y)
    t, u = a.T.reshape(12), y.T.reshape(12)  # a copy
    t[0] = 55
    u[0] = 55
    same(a.fetch(), y)


def test_results_made_before_a_write_keep_their_values():
    a = mt.tensor([1.0, 2.0])
    b = a * 10
    c = a.copy()
    a[0] = 5
    same(b.fetch(), np.array([10.0, 20.0]))
    same(c.fetch(), np.array([1.0, 2.0]))
    same(a.fetch(), np.array([5.0, 2.0]))


def test_overlapping_writes():
    x = np.arange(8.0)
    a, y = mt.tensor(x), x.copy()
    a[1:] = a[:-1]
    y[1:] = y[:-1].copy()
    same(a.fetch(), y)
    a += a[::-1]
    y += y[::-1].copy()
    same(a.fetch(), y)


def test_writes_after_execute():
    a = (mt.ones((4,)) * 3).execute()
    first = a.fetch().copy()
    a[0] = 1
    same(a.fetch(), np.array([1.0, 3, 3, 3]))
    same(first, np.full(4, 3.0))


def test_in_place_refuses_what_numpy_refuses():
    i = mt.tensor([1, 2])
    with pytest.raises(TypeError, match="same_kind"):
        i += 0.5
    with pytest.raises(ValueError, match="non-broadcastable output operand"):
        i += mt.ones((2, 2), dtype="int64")


def test_many_writes():
    a, y = mt.zeros(50), np.zeros(50)
    for k in range(50):
        a[k] = k * 2
        y[k] = k * 2
        a[k:] += 1
        y[k:] += 1
    same(a.fetch(), y)


def test_snapshot_and_alias():
    x = np.ones(3)
    snap, alias = mt.tensor(x), mt.asarray(x)
    x[:] = 2
    same(snap.fetch(), np.ones(3))
    same((alias + 0).fetch(), np.full(3, 2.0))


def test_fetched_values_do_not_follow_writes():
    a = mt.tensor([1.0, 2.0, 3.0])
    x = a.fetch()
    a += 1
    a.execute()
    same(x, np.array([1.0, 2.0, 3.0]))
