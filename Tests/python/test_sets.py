"""Distinct values of tensors that are larger than memory."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

pytestmark = pytest.mark.usefixtures("collected")

ALL = dict.fromkeys(("return_index", "return_inverse", "return_counts"), True)


@pytest.mark.parametrize("distinct", [10, 3000, 30_000])
def test_memory_follows_the_number_of_values(distinct, rng, tmp_path):
    x = rng.integers(0, distinct, 600_000) * 3 - 1
    with mars.Session(memory_limit="4MiB", workers=2, spill_dir=tmp_path) as session:
        t = mt.tensor(x)
        for ours, theirs in zip(mt.unique(t, **ALL), np.unique(x, **ALL), strict=True):
            same(ours.fetch(), theirs)
        assert session.statistics()["peak_bytes"] <= 4 << 20


@pytest.mark.parametrize(
    "values", [lambda rng: rng.permutation(400_000), lambda rng: np.tile(rng.random(90_000), 4), lambda rng: np.arange(300_000) // 2]
)
def test_pieces_without_equal_values(values, rng, tmp_path):
    # Chunks have few or no equal values of their own: all that is equal lies far apart.
    x = values(rng)
    with mars.Session(chunk_bytes=100_000, spill_dir=tmp_path):
        for ours, theirs in zip(mt.unique(mt.tensor(x).rechunk(7000), **ALL), np.unique(x, **ALL), strict=True):
            same(ours.fetch(), theirs)


@pytest.mark.parametrize("dtype", ["?", "b", "H", "q", "e", "f", "d", "F", "D"])
@pytest.mark.parametrize("equal_nan", [True, False])
def test_nans_in_many_chunks(dtype, equal_nan, rng, tmp_path):
    x = (rng.integers(0, 9, 90_000) - 2).astype("i8" if dtype in "q" else "f8").astype(dtype if dtype not in "FD" else "D")
    if dtype in "efdFD":
        x[rng.integers(0, len(x), 300)] = np.nan
    if dtype in "FD":
        x[rng.integers(0, len(x), 300)] *= 1j
        x[rng.integers(0, len(x), 300)] = complex(2, np.nan)
    x = x.astype(dtype)
    with mars.Session(chunk_bytes=20_000, spill_dir=tmp_path):
        found = [r.fetch() for r in mt.unique(mt.tensor(x).reshape(300, 300), equal_nan=equal_nan, **ALL)]
    values, index, inverse, counts = found
    theirs = np.unique(x.reshape(300, 300), equal_nan=equal_nan, **ALL)
    np.testing.assert_array_equal(values, theirs[0])
    # Of complex NaNs NumPy keeps them all but counts as of one value, or the other way round: ours is what `values` says.
    if dtype not in "FD":
        for o, t in zip(found, theirs, strict=True):
            np.testing.assert_array_equal(o, t)
    np.testing.assert_array_equal(x[index], values)
    assert inverse.shape == (300, 300) and counts.sum() == x.size
    if not equal_nan or dtype not in "FD":
        np.testing.assert_array_equal(values[inverse.ravel()], x)
    np.testing.assert_array_equal(np.bincount(inverse.ravel(), minlength=len(values)), counts)


def test_of_what_a_mask_leaves(session):
    x = np.arange(200_000) % 70_000
    t = mt.tensor(x).rechunk(30_000)
    for kept in (x > 60_000, x < 0):
        for ours, theirs in zip(mt.unique(t[mt.tensor(kept)], **ALL), np.unique(x[kept], **ALL), strict=True):
            same(ours.fetch(), theirs)


@pytest.mark.parametrize("invert", [False, True])
def test_members_among_integers_with_and_without_a_sign(invert):
    signed = np.array([-1, 0, 5, 2**63 - 1, -(2**63), 2**53 + 1])
    unsigned = np.array([0, 5, 2**63, 2**64 - 1, 2**53], "u8")
    for a, b in ((signed, unsigned), (unsigned, signed), (signed.astype("i1"), unsigned), (unsigned, signed.astype("i1"))):
        expected = [(int(x) in {int(y) for y in b}) != invert for x in a]
        assert mt.isin(mt.tensor(a), mt.tensor(b), invert=invert).fetch().tolist() == expected
