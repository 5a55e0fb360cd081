"""Creating, shaping and joining tensors, against NumPy."""

import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor._registry import descriptions

from test_elementwise import DTYPES, same

CREATED = [
    ("zeros", (3,), {}), ("zeros", ((2, 3),), {"dtype": "int8"}), ("ones", ((2, 0),), {}), ("ones", ((),), {"dtype": "complex64"}), ("full", ((2, 2), 7), {}),
    ("full", (3, 2.5), {"dtype": "float32"}), ("full", (2, True), {}), ("arange", (5,), {}), ("arange", (2, 9), {}), ("arange", (1, 10, 3), {}), ("arange", (5, 0, -2), {}),
    ("arange", (0.5, 3, 0.25), {}), ("arange", (3,), {"dtype": "float32"}), ("linspace", (0, 1, 7), {}), ("linspace", (2, -3, 5), {"endpoint": False}),
    ("eye", (4,), {}), ("eye", (3, 5, 1), {}), ("eye", (4,), {"k": -2, "dtype": "int32"}), ("identity", (3,), {}),
]  # fmt: skip


@pytest.mark.parametrize("name, args, kwargs", CREATED, ids=str)
def test_creation(name, args, kwargs):
    if name not in descriptions:
        pytest.skip("not an operator of this library")
    got, expected = getattr(mt, name)(*args, **kwargs), getattr(np, name)(*args, **kwargs)
    assert not got.is_executed
    same(got.to_numpy(), expected, 2 if name == "linspace" else 0)


@pytest.mark.parametrize("name", [n for n in ("zeros_like", "ones_like", "empty_like") if n in descriptions])
def test_like(name):
    a = mt.tensor(np.zeros((2, 3), np.int16))
    got = getattr(mt, name)(a)
    assert got.shape == (2, 3) and got.dtype == np.int16


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (2, 3, 4)])
def test_round_trip(dtype, shape):
    x = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    a = mt.tensor(x)
    assert a.shape == shape and a.dtype == x.dtype
    same(a.to_numpy(), x)
    if x.ndim > 1:
        same(mt.tensor(x.T).fetch(), x.T)
        same(mt.tensor(x[::-1, ::2]).fetch(), x[::-1, ::2])
        same(mt.asarray(x[::-1, ::2]).fetch(), x[::-1, ::2])
    same(mt.tensor(x.astype(x.dtype.newbyteorder(">"))).to_numpy(), x)


def test_what_numpy_takes():
    same(mt.tensor([[1, 2], [3, 4]]).fetch(), np.array([[1, 2], [3, 4]]))
    assert mt.tensor(3).shape == () and mt.tensor([]).shape == (0,) and mt.tensor([1, 2.5]).dtype == np.float64
    assert mt.tensor(range(4)).dtype == np.int64
    same(
        mt.tensor([mt.tensor([1, 2]), mt.tensor([3, 4])]).fetch(),
        np.array([[1, 2], [3, 4]]),
    )
    for bad in (["a"], [object()], np.array(["2020"], "M8[D]"), np.ones(1, np.longdouble)):
        with pytest.raises(TypeError):
            mt.tensor(bad)


SHAPED = [
    ("reshape", lambda m, a: m.reshape(a, (4, 6))), ("reshape -1", lambda m, a: m.reshape(a, (2, -1))), ("ravel", lambda m, a: m.ravel(a)),
    ("transpose", lambda m, a: m.transpose(a)), ("transpose axes", lambda m, a: m.transpose(a, (1, 2, 0))), ("swapaxes", lambda m, a: m.swapaxes(a, 0, 2)),
    ("moveaxis", lambda m, a: m.moveaxis(a, 0, -1)), ("expand_dims", lambda m, a: m.expand_dims(a, 1)), ("squeeze", lambda m, a: m.squeeze(m.expand_dims(a, 0))),
    ("broadcast_to", lambda m, a: m.broadcast_to(a, (5, 2, 3, 4))), ("concatenate", lambda m, a: m.concatenate([a, a + 1], axis=1)), ("stack", lambda m, a: m.stack([a, a], axis=-1)),
    ("vstack", lambda m, a: m.vstack([a, a])), ("hstack", lambda m, a: m.hstack([a, a])), ("dstack", lambda m, a: m.dstack([a, a])), ("flip", lambda m, a: m.flip(a, axis=1)),
    ("roll", lambda m, a: m.roll(a, 2, axis=0)), ("tile", lambda m, a: m.tile(a, (2, 1, 1))), ("repeat", lambda m, a: m.repeat(a, 2, axis=1)), ("diff", lambda m, a: m.diff(a)),
]  # fmt: skip


@pytest.mark.parametrize("name, f", SHAPED, ids=[n for n, _ in SHAPED])
@pytest.mark.parametrize("chunk", [None, 1, 2])
def test_shaping(name, f, chunk, rng):
    if name.split()[0] not in descriptions:
        pytest.skip("not an operator of this library")
    x = rng.random((2, 3, 4))
    same(f(mt, mt.tensor(x, chunk_size=chunk)).fetch(), f(np, x))


def test_methods(rng):
    x = rng.random((2, 6))
    a = mt.tensor(x)
    same(a.reshape(3, 4).fetch(), x.reshape(3, 4))
    same(a.reshape((4, -1)).fetch(), x.reshape(4, -1))
    same(a.transpose(1, 0).fetch(), x.T)
    same(a.transpose().fetch(), x.T)
    same(a.astype("float32").fetch(), x.astype("float32"))
    same(a.T.ravel().fetch(), x.T.ravel())
    same(a.copy().fetch(), x)
    b = mt.zeros(3)
    b.fill(2)
    same(b.fetch(), np.full(3, 2.0))
    with pytest.raises(ValueError, match="cannot reshape array of size 12 into shape"):
        a.reshape(5, 2)


@pytest.mark.parametrize(
    "shapes", [((4, 5), (5, 6)), ((5,), (5,)), ((4, 5), (5,)), ((5,), (5, 3)), ((2, 4, 5), (5, 3)), ((2, 4, 5), (2, 5, 3))]
)
def test_matmul(shapes, rng):
    x, y = (rng.random(s) for s in shapes)
    np.testing.assert_allclose((mt.tensor(x) @ mt.tensor(y)).fetch(), x @ y)
    np.testing.assert_allclose((mt.tensor(x, chunk_size=2) @ mt.tensor(y, chunk_size=2)).fetch(), x @ y)


def test_matmul_errors():
    with pytest.raises(ValueError):
        mt.ones((2, 3)) @ mt.ones((2, 3))


def test_unique_and_nonzero(rng):
    x = rng.integers(0, 5, 50)
    a = mt.tensor(x, chunk_size=7)
    same(mt.unique(a).fetch(), np.unique(x))
    for got, expected in zip(mt.nonzero(a), np.nonzero(x), strict=True):
        same(got.fetch(), expected)


@pytest.mark.parametrize("make", ["array", "asarray"])
def test_a_text_is_no_answer_to_whether_to_copy(make):
    for m in (np, mt):
        with pytest.raises(ValueError, match="strings are not allowed for 'copy' keyword"):
            getattr(m, make)([1, 2], copy="no")


@pytest.mark.parametrize("no", [False, np.False_, 0], ids=repr)
@pytest.mark.parametrize("make", ["array", "asarray"])
def test_what_has_no_memory_of_its_own_is_not_taken_without_a_copy(make, no):
    for m in (np, mt):
        for x in (1, 2.5, np.float32(1), [1, 2]):
            with pytest.raises(ValueError, match="Unable to avoid copy"):
                getattr(m, make)(x, copy=no)
        assert getattr(m, make)(np.ones(3), copy=no).shape == (3,)
