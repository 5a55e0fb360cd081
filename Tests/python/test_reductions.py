"""Reductions and cumulative functions against NumPy."""

import warnings

import mars
import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor._registry import descriptions

from test_elementwise import DTYPES, same, sample

SHAPE = (4, 5, 6)
AXES = [None, 0, 1, -1, (0, 2), (1,), (-1, 0)]


def has(*names):
    return [n for n in names if n in descriptions]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", has("sum", "prod", "mean", "var", "std", "min", "max", "any", "all", "count_nonzero"))
def test_axes(name, axis, keepdims, rng):
    x = rng.normal(size=SHAPE)
    for f in (getattr(np, name),):
        expected = f(x, axis=axis, keepdims=keepdims)
        got = getattr(mt, name)(mt.tensor(x), axis=axis, keepdims=keepdims)
        assert got.dtype == np.asarray(expected).dtype and got.shape == np.shape(expected)
        np.testing.assert_allclose(got.fetch(), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", has("sum", "prod", "mean", "var", "std", "min", "max", "argmin", "argmax", "any", "all", "count_nonzero", "cumsum", "cumprod")
)
def test_dtypes(name, dtype):
    x = sample(dtype, 3)[:24].reshape(4, 6)
    for axis in (None, 0, 1):
        with np.errstate(all="ignore"):
            try:
                expected = getattr(np, name)(x, axis=axis)
            except TypeError:
                with pytest.raises(TypeError):
                    getattr(mt, name)(mt.tensor(x), axis=axis)
                continue
        got = getattr(mt, name)(mt.tensor(x), axis=axis)
        assert got.dtype == np.asarray(expected).dtype
        tolerance = {"float16": 5e-3, "float32": 1e-5, "complex64": 1e-5}.get(str(np.asarray(expected).dtype), 1e-12)
        np.testing.assert_allclose(got.fetch(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", has("sum", "min", "max", "prod", "any", "argmax", "mean"))
def test_nan_and_empty(name):
    x = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, -6.0]])
    np.testing.assert_array_equal(getattr(mt, name)(mt.tensor(x), axis=1).fetch(), getattr(np, name)(x, axis=1))
    empty = np.zeros((0, 3))
    try:
        with np.errstate(all="ignore"), __import__("warnings").catch_warnings():
            __import__("warnings").simplefilter("ignore")
            expected = getattr(np, name)(empty, axis=0)
    except ValueError:
        with pytest.raises(ValueError):
            getattr(mt, name)(mt.tensor(empty), axis=0).fetch()
    else:
        np.testing.assert_array_equal(getattr(mt, name)(mt.tensor(empty), axis=0).fetch(), expected)


def test_options(rng):
    x = rng.integers(0, 9, (4, 5))
    a = mt.tensor(x)
    same(a.sum(dtype="float32").fetch(), x.sum(dtype="float32"))
    same(a.sum(initial=10).fetch(), x.sum(initial=10))
    same(a.max(axis=0, initial=6).fetch(), x.max(axis=0, initial=6))
    same(a.sum(axis=1, where=mt.tensor(x > 3)).fetch(), x.sum(axis=1, where=x > 3))
    np.testing.assert_allclose(a.var(axis=0, ddof=1).fetch(), x.var(axis=0, ddof=1))


@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_complex_spread_of_reals(name, dtype, rng):
    for x in (rng.random((4, 5)), rng.integers(0, 9, (4, 5)), rng.random((4, 5)) * 1j):
        for axis in (None, 0):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                expected = getattr(np, name)(x, axis=axis, dtype=dtype)
            got = getattr(mt, name)(mt.tensor(x), axis=axis, dtype=dtype).fetch()
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_the_mean_of_a_deviation_is_shared(rng):
    x = rng.random((300, 40))
    with mars.Session(workers=1):
        t = mt.tensor(x).execute()
        for axis in (None, 0, 1):
            mean, std = t.mean(axis=axis), t.std(axis=axis)
            text = mars.explain(mean, std)
            assert len([line for line in text.splitlines() if line.startswith("stage") and "[mean]" in line]) == 1, text
            mars.execute(mean, std)
            np.testing.assert_allclose(mean.fetch(), x.mean(axis=axis))
            np.testing.assert_allclose(std.fetch(), x.std(axis=axis))


def test_errors():
    a = mt.ones((2, 3))
    with pytest.raises(np.exceptions.AxisError, match="axis 2 is out of bounds for array of dimension 2"):
        a.sum(axis=2)
    with pytest.raises(ValueError, match="duplicate value in 'axis'"):
        a.sum(axis=(0, 0))


@pytest.mark.parametrize("chunk", [1, 3, (2, 7), None])
def test_chunked(chunk, rng):
    x = rng.integers(-50, 50, (23, 17))
    a = mt.tensor(x, chunk_size=chunk)
    for axis in (None, 0, 1):
        same(a.sum(axis=axis).fetch(), x.sum(axis=axis))
        same(a.argmax(axis=axis).fetch(), x.argmax(axis=axis))
        same(a.argmin(axis=axis).fetch(), x.argmin(axis=axis))
    np.testing.assert_allclose(a.mean(axis=0).fetch(), x.mean(axis=0))
    if "cumsum" in descriptions:
        same(a.cumsum(axis=1).fetch(), x.cumsum(axis=1))
