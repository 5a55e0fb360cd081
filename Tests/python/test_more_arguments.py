"""Arguments that say more than a function's first ones: an axis of unique and linspace, retstep, returned, ends of diff, sorter, grids."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("collected")

A = np.array([3, 1, 2])
B = np.array([[1, 2, 1], [1, 2, 1], [0, 5, 0]])
N = np.array([[1, np.nan], [1, np.nan], [0, 5.0], [0, 5.0]])
ALL = dict.fromkeys(("return_index", "return_inverse", "return_counts"), True)

CALLS = [
    lambda xp, T: xp.unique(T(B), axis=0, **ALL), lambda xp, T: xp.unique(T(B), axis=-1, **ALL),
    lambda xp, T: xp.unique(T(B.reshape(3, 1, 3)), axis=2, **ALL), lambda xp, T: xp.unique(T(N), axis=0, **ALL),
    lambda xp, T: xp.unique(T(N * 1j), axis=0, return_counts=True), lambda xp, T: xp.unique(T(B > 1), axis=1, return_inverse=True),
    lambda xp, T: xp.unique(T(np.zeros((3, 0))), axis=0, **ALL), lambda xp, T: xp.unique(T(np.zeros((0, 3))), axis=0, **ALL),
    lambda xp, T: xp.unique(T(np.zeros((3, 0))), axis=1, **ALL), lambda xp, T: xp.unique(T(A), axis=0, **ALL),
    lambda xp, T: xp.unique(T(N[:, 1]), axis=0, **ALL), lambda xp, T: xp.unique(T(N[:, 1]), axis=0, equal_nan=False),
    lambda xp, T: xp.unique(T(B), axis=2), lambda xp, T: xp.unique(T(np.array(3)), axis=0),
    lambda xp, T: xp.unique(T(B.astype("f4")), axis=0), lambda xp, T: xp.unique(T(B), axis=0),
    lambda xp, T: xp.linspace(0, 1, 5, retstep=True), lambda xp, T: xp.linspace([0, 1], 1, 1, retstep=True),
    lambda xp, T: xp.linspace(0, 1, 0, retstep=True), lambda xp, T: xp.linspace(T(A), 5, 4, axis=-1, endpoint=False, retstep=True),
    lambda xp, T: xp.linspace(T(B), 5, 4, axis=1), lambda xp, T: xp.linspace(0, 10, 5, retstep=True, dtype=int),
    lambda xp, T: xp.linspace(T(A.astype("f4")), T(A.astype("f4") + 1), 4, retstep=True),
    lambda xp, T: xp.linspace(0, 1, 5, axis=1), lambda xp, T: xp.linspace(T(A), 1, 3, axis=5),
    lambda xp, T: xp.average(T(A), returned=True), lambda xp, T: xp.average(T(B), axis=0, weights=[1.0, 2, 3], returned=True),
    lambda xp, T: xp.average(T(B.astype("f4")), axis=1, weights=T(B), returned=True, keepdims=True),
    lambda xp, T: xp.average(T(B), axis=(0, 1), returned=True), lambda xp, T: xp.average(T(B), weights=[1, 2, 3], returned=True),
    lambda xp, T: xp.diff(T(A), prepend=0, append=[5, 6]), lambda xp, T: xp.diff(T(B), axis=0, prepend=0, append=T(B)),
    lambda xp, T: xp.diff(T(A), append=np.array(0.5)), lambda xp, T: xp.diff(T(A.astype("u1")), prepend=0),
    lambda xp, T: xp.diff(T(A), n=2, append=7), lambda xp, T: xp.diff(T(A), n=0, prepend=7), lambda xp, T: xp.diff(T(A), prepend=[[1]]),
    lambda xp, T: xp.searchsorted(T(A), [2, 9], sorter=T(np.array([1, 2, 0], "u1"))),
    lambda xp, T: xp.searchsorted(T(A * 0.5), 1, "right", [1, 2, 0]), lambda xp, T: xp.searchsorted(T(A), [2], sorter=T(np.array([0.5, 1, 2]))),
    lambda xp, T: xp.searchsorted(T(A), [2], sorter=[1, 2]), lambda xp, T: xp.searchsorted(T(A), [2], sorter=[[1, 2, 0]]),
    lambda xp, T: xp.pad(T(B), 1), lambda xp, T: xp.pad(T(B), (1, 2)), lambda xp, T: xp.pad(T(B), [[1], [2]]),
    lambda xp, T: xp.pad(T(B), ((1, 2), (0, 3))), lambda xp, T: xp.pad(T(B), [1, 2, 3]), lambda xp, T: xp.pad(T(A), [2]),
    lambda xp, T: xp.diag_indices(3), lambda xp, T: xp.diag_indices(2, 3), lambda xp, T: xp.diag_indices_from(T(B)),
    lambda xp, T: xp.diag_indices_from(T(B[:2])), lambda xp, T: xp.diag_indices_from(T(A)), lambda xp, T: xp.tril_indices_from(T(B[:2]), 1),
    lambda xp, T: xp.triu_indices_from(T(B[:2]), -1), lambda xp, T: xp.tril_indices_from(T(A)), lambda xp, T: xp.ix_([0, 2], T(A)),
    lambda xp, T: xp.ix_(T(A > 1), [], [1]), lambda xp, T: xp.ix_([1, 0]), lambda xp, T: xp.ix_(T(B)),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("chunks", [None, 2])
def test_as_numpy(call, chunks):
    def tensor(x):
        return mt.tensor(x, chunk_size=chunks)

    try:
        expected = call(np, np.array)
    except (ValueError, TypeError) as theirs:
        with pytest.raises(type(theirs)):
            call(mt, tensor)
        return
    ours = call(mt, tensor)
    assert isinstance(ours, tuple) == isinstance(expected, tuple)
    if not isinstance(ours, tuple):
        ours, expected = (ours,), (expected,)
    assert len(ours) == len(expected)
    for o, e in zip(ours, expected, strict=True):
        assert o.dtype == np.asarray(e).dtype
        np.testing.assert_allclose(o.fetch(), e, rtol=1e-6)
        assert o.shape == np.shape(e)


def test_rows_of_many_chunks(rng, tmp_path):
    x = rng.integers(0, 4, (3000, 4))
    with mars.Session(chunk_bytes=4000, workers=2, spill_dir=tmp_path):
        for ours, theirs in zip(mt.unique(mt.tensor(x), axis=0, **ALL), np.unique(x, axis=0, **ALL), strict=True):
            np.testing.assert_array_equal(ours.fetch(), theirs)


def test_nothing_runs_at_the_call():
    x = mt.tensor(B) + 0
    values, counts = mt.unique(x, axis=0, return_counts=True)
    assert not x.is_executed and "?" in repr(values)
    np.testing.assert_array_equal((values * 2).fetch(), [[0, 10, 0], [2, 4, 2]])
    np.testing.assert_array_equal(counts.fetch(), [1, 2])
