"""What the array API standard asks for beside NumPy's functions."""

import mars.tensor as mt
import numpy as np
import pytest


def test_namespace():
    a = mt.ones(3)
    assert a.__array_namespace__() is mt and a.device == "cpu" and a.to_device("cpu") is a
    info = mt.__array_namespace_info__()
    assert info.capabilities()["max dimensions"] == 64 and info.devices() == ("cpu",) and info.default_device() == "cpu"
    assert info.dtypes(kind=("bool", "unsigned integer"))["uint8"] == np.uint8
    assert info.default_dtypes()["integral"] == mt.arange(3).dtype
    with pytest.raises(ValueError):
        info.dtypes(kind="half")
    for make in (mt.zeros, mt.ones, mt.empty, lambda *a, **k: mt.full(3, 1, **k), mt.eye, mt.asarray):
        make(3, device="cpu")
        with pytest.raises(ValueError):
            make(3, device="gpu")
    with pytest.raises(ValueError):
        a.to_device("gpu")


@pytest.mark.parametrize(
    "arguments",
    [
        (np.int8, np.uint8), (np.float32, np.int64), ("bool", "bool"), (np.int8, 1), (np.int8, 1.0), (np.float32, 1j), (1, 2.0),
        (True,), (np.float32, True, 2), (np.uint8, np.int16, np.float16),
    ],
)  # fmt: skip
def test_result_type(arguments):
    assert mt.result_type(*arguments) == np.result_type(*arguments)
    made = [mt.zeros(2, dtype=a) if not isinstance(a, (bool, int, float, complex)) else a for a in arguments]
    assert mt.result_type(*made) == np.result_type(*arguments)


@pytest.mark.parametrize("kind", ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"])
def test_isdtype(kind):
    for d in ("bool", "int8", "uint64", "float16", "float32", "complex128"):
        assert mt.isdtype(d, kind) == np.isdtype(np.dtype(d), kind)
    assert mt.isdtype(np.float32, (kind, "real floating")) and not mt.isdtype(np.float32, np.float64)


def test_limits():
    assert mt.finfo(mt.float32) == mt.finfo(mt.ones(1, "f4")) == np.finfo("f4") != mt.finfo("f8") and mt.finfo("f4") != 4
    assert len({mt.finfo("f4"), mt.finfo(np.float32)}) == 1
    assert type(mt.finfo(mt.float32).eps) is float and mt.finfo(mt.ones(1)).max == np.finfo(float).max
    assert mt.iinfo("int8").max == 127


def test_unique():
    x = np.array([2.0, np.nan, 1.0, 2.0, np.nan])
    for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
        ours, theirs = getattr(mt, name)(mt.tensor(x)), getattr(np, name)(x)
        for o, t in zip(*((ours, theirs) if isinstance(ours, tuple) else ((ours,), (theirs,))), strict=True):
            np.testing.assert_array_equal(o.fetch(), t)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_functions(axis):
    r = np.random.default_rng(3)
    x = r.integers(0, 4, (5, 5)).astype("float32")
    a = mt.tensor(x)
    for descending in (False, True):
        np.testing.assert_array_equal(
            mt.sort(a, axis=axis, descending=descending).fetch(), np.sort(-x if descending else x, axis=axis) * (-1 if descending else 1)
        )
        order = np.argsort(-x if descending else x, axis=axis, stable=True)
        np.testing.assert_array_equal(mt.argsort(a, axis=axis, descending=descending).fetch(), order)
        np.testing.assert_array_equal(mt.take_along_axis(a, order, axis=axis).fetch(), np.take_along_axis(x, order, axis=axis))
    for name in ("cumulative_sum", "cumulative_prod"):
        for start in (False, True):
            np.testing.assert_allclose(
                getattr(mt, name)(a, axis=axis, include_initial=start).fetch(), getattr(np, name)(x, axis=axis, include_initial=start)
            )
    np.testing.assert_allclose(mt.vecdot(a, a[0], axis=-1).fetch(), np.vecdot(x, x[0]), rtol=1e-6)
    np.testing.assert_array_equal(mt.repeat(a, [0, 1, 2, 0, 1], axis=axis).fetch(), np.repeat(x, [0, 1, 2, 0, 1], axis=axis))
    np.testing.assert_array_equal(mt.diff(a, axis=axis, prepend=0, append=x).fetch(), np.diff(x, axis=axis, prepend=0, append=x))
    np.testing.assert_allclose(mt.var(a, axis=axis, correction=1).fetch(), np.var(x, axis=axis, correction=1), rtol=1e-6)
    assert mt.linalg.trace(mt.ones((2, 3, 3), dtype="int8"), dtype="int16").dtype == np.int16


def test_tensordot_and_zero_dimensional_selections():
    x = np.arange(24.0).reshape(2, 3, 4)
    for axes in (1, 0, ((0, 1), (0, 1)), (2, 2), ([0], [0])):
        other = x.T if axes == 1 else x
        np.testing.assert_allclose(mt.tensordot(mt.tensor(x), mt.tensor(other), axes=axes).fetch(), np.tensordot(x, other, axes=axes))
    found = mt.nonzero(mt.tensor(x[0] > 3))[1]
    assert [int(found[i]) for i in range(found.shape[0])] == list(np.nonzero(x[0] > 3)[1])
