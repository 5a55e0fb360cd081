"""Operators that read views, and reshapes that stay where they are: the same elements as NumPy, without copies on the way."""

import re

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

CALLS = {
    "roll": lambda np, a: np.roll(a, 5),
    "roll back along an axis": lambda np, a: np.roll(a, -3, axis=1),
    "roll along two": lambda np, a: np.roll(a, (2, 3), axis=(0, 1)),
    "tile": lambda np, a: np.tile(a, (2, 3)),
    "repeat": lambda np, a: np.repeat(a, 3),
    "repeat rows": lambda np, a: np.repeat(a, 3, axis=0),
    "pad by reflection": lambda np, a: np.pad(a, 2, mode="reflect"),
    "slices": lambda np, a: np.concatenate([a[::2], a[::-3], a[5:, :]]),
    "turned": lambda np, a: np.concatenate([a[:, ::-1], a.T[:60, :60]], axis=1),
    "stack": lambda np, a: np.stack([a.T, a.T[::-1]], axis=1),
    "a row": lambda np, a: np.append(a, a[0]),
    "an empty part": lambda np, a: np.concatenate([a[3:3], a[:, ::-1][60:], a[::-1]]),
    "ravel": lambda np, a: np.ravel(a.T),
    "same shape": lambda np, a: np.reshape(a, a.shape) + np.ravel(np.ravel(a))[3],
    "computed": lambda np, a: np.reshape(a * 2, (70, 60)),
    "computed and turned": lambda np, a: np.reshape((a * 2).T, -1),
    "both": lambda np, a: np.concatenate([(a + 1)[::2], a]),
    "sorted views": lambda np, a: np.reshape(np.sort(a[::-2, ::3], axis=0), -1),
    "block": lambda np, a: np.block([[a, a[:, :3]], [a[:2], a[:2, :3]]]),
}


@pytest.mark.parametrize("chunk_size", [None, 5, 16])
@pytest.mark.parametrize("name", CALLS)
def test_values(name, chunk_size):
    a = np.random.default_rng(3).random((60, 70))
    same(CALLS[name](mt, mt.tensor(a, chunk_size=chunk_size)).fetch(), CALLS[name](np, a))


def stages(t):
    return len(re.findall(r"^stage ", t.explain(), re.MULTILINE))


def peak(t):
    return int(re.search(r"peak: (\d+)", t.explain()).group(1))


def test_joined_views_are_read_where_they_lie():
    a = mt.tensor(np.zeros((1000, 1000)))
    for t in (mt.roll(a, 5, axis=0), mt.roll(a, 3, axis=1), mt.concatenate([a[::2], a.T[:100]]), mt.stack([a, a[::-1]], axis=2)):
        assert stages(t) == 1


def test_reshapes_of_what_is_computed_take_no_memory():
    a = mt.tensor(np.zeros((1000, 1000)))
    for t, count in ((mt.repeat(a, 3), 3), (mt.tile(a, (2, 2)), 4), ((a + 1).reshape(-1), 1)):
        assert peak(t) == (1 + count) * a.nbytes
    b = a + 1
    flat = b.reshape(-1)
    mars.execute(b, flat)
    flat[0] = 7
    assert b[0, 0] == 7


def test_sums_of_products_are_one_kernel():
    a = mt.tensor(np.ones((300, 400)))
    assert "matmul" not in mt.einsum("ij,ij->i", a, a).explain()
    same(mt.einsum("ij,ij->j", a, a * 2).fetch(), np.full(400, 600.0))
    same(mt.einsum("ij,ij->", a, a).fetch()[()], np.float64(120000.0))


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_division_of_long_integers(dtype):
    """Doubles divide where all elements are small, and only there."""
    info = np.iinfo(dtype)
    edges = [2**52, 2**52 - 1, 2**52 + 1, 2**53, 2**53 + 1, info.max, info.max - 1, info.min, info.min + 1, 0, 1, 2, 3, 7]
    if info.min < 0:
        edges += [-1, -2, -7, -(2**52), -(2**52) - 1, -(2**53) - 1]
    e = np.array(edges, dtype)
    rng = np.random.default_rng(5)
    for x, y in (
        (np.repeat(e, len(e)), np.tile(e, len(e))),
        (rng.integers(info.min, info.max, 999, dtype=dtype), rng.integers(info.min, info.max, 999, dtype=dtype)),
        (rng.integers(0, 1000, 999).astype(dtype), rng.integers(0, 9, 999).astype(dtype)),
    ):
        with np.errstate(all="ignore"):
            for f in ("floor_divide", "remainder", "fmod"):
                same(getattr(mt, f)(mt.tensor(x), mt.tensor(y)).fetch(), getattr(np, f)(x, y))
