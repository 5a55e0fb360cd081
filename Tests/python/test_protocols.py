"""NumPy's and Python's protocols: what stays lazy, what runs, what comes out."""

import copy
import operator
import pickle

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same


def test_numpy_functions_stay_lazy(rng):
    x = rng.random((3, 4))
    a = mt.tensor(x)
    for made, expected in [
        (x + a, x + x),
        (np.float32(2) * a, np.float32(2) * x),
        (np.sin(a), np.sin(x)),
        (np.add(a, 1), x + 1),
        (np.add.reduce(a, axis=1), x.sum(1)),
        (np.add.reduce(a), x.sum(0)),
        (np.multiply.outer(a[0], a[1]), np.multiply.outer(x[0], x[1])),
        (np.sum(a, axis=0), x.sum(0)),
        (np.mean(a), x.mean()),
        (np.concatenate([a, a], axis=1), np.concatenate([x, x], axis=1)),
        (np.where(a > 0.5, a, 0), np.where(x > 0.5, x, 0)),
        # Views of a tensor that holds values hold values too.
        (np.transpose(a * 1), x.T),
        (np.reshape(a * 1, (4, 3)), x.reshape(4, 3)),
    ]:
        assert isinstance(made, mt.Tensor) and not made.is_executed
        np.testing.assert_allclose(made.fetch(), expected, rtol=1e-14)
    n = x.copy()
    n += a
    assert type(n) is np.ndarray
    same(n, x + x)


def test_numpy_function_that_mars_has_not():
    with pytest.raises(TypeError):
        np.busday_count(mt.ones(2), mt.ones(2))


def test_array():
    a = mt.arange(6).reshape(2, 3)
    same(np.asarray(a), np.arange(6).reshape(2, 3))
    same(np.array(a, dtype="float32"), np.arange(6, dtype="float32").reshape(2, 3))
    same(np.array([mt.tensor(1), mt.tensor(2)]), np.array([1, 2]))


def test_dlpack():
    a = mt.arange(6.0).reshape(2, 3)
    assert a.__dlpack_device__() == (1, 0)
    same(np.from_dlpack(a), np.arange(6.0).reshape(2, 3))
    x = np.arange(4.0)
    same((mt.from_dlpack(x) + 1).fetch(), x + 1)
    same(mt.from_dlpack(x[::-2]).fetch(), x[::-2])
    same(mt.from_dlpack(a).fetch(), a.fetch())
    y = mt.from_dlpack(x)
    del x
    same((y * 2).fetch(), np.arange(4.0) * 2)


def test_dlpack_of_bfloat16():
    pytest.importorskip("ml_dtypes")
    c = mt.arange(3).astype("bfloat16")
    same(mt.from_dlpack(c).astype("float32").fetch(), np.arange(3, dtype="float32"))
    c.__dlpack__(max_version=(1, 0))  # taken by nobody
    with pytest.raises(BufferError):
        c.__dlpack__()


def test_scalars():
    assert bool(mt.tensor(True)) is True and int(mt.tensor(3.7)) == 3 and float(mt.tensor(2)) == 2.0 and complex(mt.tensor(1j)) == 1j
    assert [10, 20, 30][mt.tensor(1)] == 20
    assert type(mt.tensor(2.5).fetch()) is np.float64 and type(mt.ones(3, dtype="float32").sum().fetch()) is np.float32
    assert mt.tensor([[7]]).item() == 7 and mt.tensor([1, 2]).item(1) == 2
    assert mt.tensor([[1, 2], [3, 4]]).item(1, 0) == 3 and mt.tensor([[1, 2], [3, 4]]).item((0, 1)) == 2
    # What is not asked for is not computed: all of it would not fit any memory.
    assert mt.arange(10**14).item(7) == 7 and mt.ones((10**7, 10**7)).item(2, -1) == 1
    assert (mt.arange(10**7) + mt.arange(10**7).reshape(-1, 1)).item(10**7 + 2) == 3
    assert mt.arange(10**14).item(-1) == 10**14 - 1
    for call in (lambda: mt.ones(3).item(), lambda: mt.ones((2, 2)).item(0, 0, 0)):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(IndexError):
        mt.ones(3).item(3)
    assert mt.arange(3).tolist() == [0, 1, 2] and mt.tensor(4).tolist() == 4
    with pytest.raises(ValueError):
        bool(mt.tensor([1, 2]))
    with pytest.raises(TypeError):
        [1][mt.tensor(0.0)]
    with pytest.raises(TypeError):
        float(mt.tensor([1.0, 2.0]))
    assert f"{mt.tensor(3.14159):.2f}" == "3.14"


def test_containers():
    a = mt.arange(6).reshape(2, 3)
    assert len(a) == 2 and 4 in a and 9 not in a
    assert [list(row) for row in a] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(TypeError, match="len\\(\\) of unsized object"):
        len(mt.tensor(1))
    with pytest.raises(TypeError, match="iteration over a 0-d array"):
        iter(mt.tensor(1))
    with pytest.raises(TypeError):
        hash(a)


def test_properties():
    x = np.zeros((2, 3, 4), np.complex64)
    a = mt.tensor(x)
    for name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize"):
        assert getattr(a, name) == getattr(x, name)
    assert a.T.shape == (4, 3, 2) and a.mT.shape == (2, 4, 3)
    assert a.real.dtype == np.float32 and a.imag.dtype == np.float32
    assert a.__array_namespace__() is mt


def test_repr_never_runs():
    a = mt.ones((2, 3)) + 1
    assert repr(a) == "Tensor(shape=(2, 3), dtype=float64)" and not a.is_executed
    assert repr(a.execute()) == "Tensor([[2., 2., 2.],\n        [2., 2., 2.]], dtype=float64)"
    big = mt.ones((2000, 3)).execute()
    assert repr(big).endswith("...,\n        [1., 1., 1.],\n        [1., 1., 1.],\n        [1., 1., 1.]], shape=(2000, 3), dtype=float64)")
    assert repr(mt.ones(3) + 1) == "Tensor(shape=(3,), dtype=float64)"


def test_splits():
    a = mt.tensor(np.zeros((5, 4)), chunk_size=(2, 4))
    b = a.rechunk((2, 4))
    assert b.nsplits == ((2, 2, 1), (4,)) and not b.is_executed


def test_pickle(rng):
    x = rng.random((3, 4))
    executed = (mt.tensor(x) + 1).execute()
    again = pickle.loads(pickle.dumps(executed))
    assert again.is_executed
    same(again.fetch(), x + 1)
    pending = (mt.arange(10) * 2).sum()
    again = pickle.loads(pickle.dumps(pending))
    assert not again.is_executed and not pending.is_executed
    assert again.fetch() == 90
    for t in (executed, pending):
        same(copy.deepcopy(t).to_numpy(), t.to_numpy())


def test_save_and_load(tmp_path, rng):
    x = rng.random((30, 7))
    np.save(tmp_path / "x.npy", x)
    a = mt.load(tmp_path / "x.npy")
    assert a.shape == (30, 7) and a.dtype == np.float64 and not a.is_executed
    same(a.fetch(), x)
    mt.save(tmp_path / "y.npy", mt.load(tmp_path / "x.npy") * 2)
    same(np.load(tmp_path / "y.npy"), x * 2)
    f = np.asfortranarray(x)
    np.save(tmp_path / "f.npy", f)
    same(mt.load(tmp_path / "f.npy").fetch(), x)
    for mode in (None, "r", "c"):
        same(mt.load(tmp_path / "f.npy", mmap_mode=mode, allow_pickle=True).fetch(), x)
    with pytest.raises(ValueError, match="mmap_mode"):
        mt.load(tmp_path / "f.npy", mmap_mode="r+")
    with pytest.raises(OSError):
        mt.load(tmp_path / "nothing.npy").fetch()
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises((ValueError, OSError)):
        mt.load(tmp_path / "bad.npy").fetch()


def test_map_chunk(rng):
    x = rng.random((10, 4))
    a = mt.tensor(x, chunk_size=(3, 4)).rechunk((3, 4))
    seen = []

    def f(chunk):
        seen.append(chunk.shape)
        return np.round(chunk * 10).astype("int32")

    same(a.map_chunk(f, dtype="int32").fetch(), np.round(x * 10).astype("int32"))
    assert sorted(seen) == [(1, 4), (3, 4), (3, 4), (3, 4)]


def test_map_chunk_errors():
    def f(chunk):
        raise KeyError("mine")

    with pytest.raises(RuntimeError, match="mine") as e:
        mt.ones(3).map_chunk(f).fetch()
    assert isinstance(e.value.__cause__, KeyError)
    with pytest.raises(RuntimeError, match="shape"):
        mt.ones(3).map_chunk(lambda c: c[:1]).fetch()


def test_map_chunk_releases_its_function():
    import gc
    import weakref

    class F:
        def __call__(self, chunk):
            return chunk

    f = F()
    r = weakref.ref(f)
    t = mt.ones(3).map_chunk(f)
    del f
    t.execute()
    del t
    gc.collect()
    assert r() is None


def test_graph(rng):
    g = mars.Graph()
    a = g.input("a", "float64", (None, 3))
    b = g.input("b", "float64", (3,))
    g.output("y", (a + b).sum(axis=1))
    g.output("z", a * 2)
    assert list(g.inputs) == ["a", "b"] and list(g.outputs) == ["y", "z"]
    again = mars.Graph.parse(g.serialize())
    for rows in (2, 5):
        x, y = rng.random((rows, 3)), rng.random(3)
        for graph in (g, again):
            r = graph.execute(a=x, b=y)
            np.testing.assert_allclose(r["y"].fetch(), (x + y).sum(1))
            same(r["z"].fetch(), x * 2)
    with pytest.raises(ValueError):
        mars.Graph.parse(b"\xff\x00nonsense")
    with pytest.raises(ValueError):
        mars.Graph.parse(g.serialize()[:-3])


class Foreign:
    """An array of another library, which answers operators itself."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(3)

    def __radd__(self, other):
        return "mine"

    __rpow__ = __rdivmod__ = __gt__ = __radd__


class Refusing(Foreign):
    __array_ufunc__ = None


class Prior(Foreign):
    __array_priority__ = 1e6


class Behind(Foreign):
    __array_priority__ = 10.0


class Answering(Foreign):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc.__name__, method, [type(x) is Answering for x in inputs]


class Shy(Foreign):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return NotImplemented


BINARY = [operator.add, operator.pow, divmod, operator.lt]


@pytest.mark.parametrize("operation", BINARY)
@pytest.mark.parametrize("kind", [Refusing, Prior])
def test_operators_are_left_to_what_asks_for_them(kind, operation):
    if kind is Prior or operation in (operator.add, operator.lt):
        assert operation(np.ones(3), kind()) == "mine"
    assert operation(mt.ones(3), kind()) == operation(mt.ones(3)[0], kind()) == "mine"


@pytest.mark.parametrize("operation", [*BINARY, operator.matmul, operator.eq])
def test_operators_are_the_ufuncs_of_what_has_ufuncs(operation):
    other = Answering()
    assert operation(mt.ones(3), other) == operation(np.ones(3), other)
    assert operation(other, mt.ones(3)) == operation(other, np.ones(3)) if operation is not operator.lt else True


@pytest.mark.parametrize("kind", [Behind, Shy])
def test_operators_take_the_values_of_what_leaves_them(kind):
    np.testing.assert_array_equal((mt.ones(3) + kind()).fetch(), [2, 2, 2])
    np.testing.assert_array_equal((kind() - mt.ones(3)).fetch(), [0, 0, 0])
    np.testing.assert_array_equal(divmod(mt.ones(3), kind())[0].fetch(), [1, 1, 1])


def test_what_is_written_in_place_stays_a_tensor():
    a = mt.ones(3)
    a += Answering()
    np.testing.assert_array_equal(a.fetch(), [2, 2, 2])
    a += Prior()
    assert a == "mine"  # as NumPy's
