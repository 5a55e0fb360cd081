"""What Python's own objects become where NumPy wants integers, and where they are written: same values, or the same kind of error.

`xp` is NumPy or Mars; every line is run with both.
"""

import mars.tensor as mt
import numpy as np
import pytest


def outcome(lines, xp):
    names = {"xp": xp, "np": np}
    try:
        with np.errstate(all="ignore"):
            exec(lines, names)
        found = names["r"]
        return np.asarray(found.to_numpy() if isinstance(found, mt.Tensor) else found)
    except Exception as e:
        return e


def agree(lines):
    expected, made = outcome(lines, np), outcome(lines, mt)
    if isinstance(expected, Exception):
        public = next(t for t in type(expected).__mro__ if t.__module__ in ("builtins", "numpy.exceptions"))
        assert isinstance(made, public), f"{lines}: NumPy raises {expected!r}, Mars gives {made!r}"
        return
    assert not isinstance(made, Exception), f"{lines}: {made!r}"
    assert made.dtype == expected.dtype and made.shape == expected.shape, lines
    np.testing.assert_array_equal(made, expected, err_msg=lines)


# What an element, a row and all of an array take: lists are no numbers, and no deeper than what they are written to.
VALUES = ["[1]", "(1,)", "[]", "[1, 2]", "[[1]]", "[True]", "[[1, 2, 3]]", "[1.5]", "[1j]", "None", "'1'", "xp.ones(1)", "xp.ones(())", "2"]
TARGETS = ["a[0]", "a[(0,)]", "a[0, ...]", "a[...]", "a[0:1]", "a[[0]]", "a[xp.asarray([True, False, False])]", "b[0]", "b[1, 2]", "b[...]"]


@pytest.mark.parametrize("dtype", ["float", "int", "bool", "complex"])
def test_objects_that_are_written(dtype):
    for value in VALUES:
        for target in TARGETS:
            if dtype == "complex" and value == "xp.ones(1)" and "0:1" not in target and "..." not in target and "[[" not in target:
                continue  # where NumPy says TypeError, and ValueError for all other dtypes
            agree(f"a, b = xp.zeros(3, {dtype}), xp.zeros((2, 3), {dtype})\n{target} = {value}\nr = {target[0]}")
        if (dtype, value) != ("complex", "xp.ones(1)"):  # TypeError, as above
            agree(f"a = xp.zeros(3, {dtype})\na.fill({value})\nr = a")


def test_an_element_takes_no_array_through_its_place():
    a = mt.zeros((2, 3))
    with pytest.raises(ValueError, match="setting an array element with a sequence"):
        a[1, 2] = mt.ones((1, 1))
    a[1, ...] = mt.ones((1, 1))
    a[1:2, 2] = mt.ones((1, 1))
    with pytest.raises(ValueError, match="Error setting single item"):
        a.flat[0] = np.ones(1)
    assert a.to_numpy().tolist() == [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("make", ["xp.asarray(s)", "xp.array(s)", "xp.asarray(s, copy=True)", "xp.array(s, dtype='float32')", "xp.copy(s)"])
def test_an_array_of_a_scalar_may_be_written_to(make):
    agree(f"s = xp.arange(4.0).sum()\nr = {make}\nr[...] = 7")
    agree(f"s = xp.arange(4.0).sum()\na = {make}\na[...] = 7\nr = s")


TRUTHS = [
    "xp.zeros(T)", "xp.ones((2, T))", "xp.full([T], 3)", "xp.eye(T)", "xp.eye(3, T)", "xp.eye(3, k=T)", "xp.identity(T)", "xp.tri(T)",
    "xp.tri(3, k=T)", "xp.tril(xp.ones((3, 3)), T)", "xp.diag(xp.ones(3), T)", "xp.indices((2, T))", "xp.reshape(xp.ones(1), T)",
    "xp.ones(1).reshape(1, T)", "xp.broadcast_to(xp.ones(1), T)", "xp.resize(xp.ones(2), (2, T))", "xp.full_like(xp.ones(2), 1, shape=T)",
    "xp.sum(xp.ones((2, 3)), axis=T)", "xp.sum(xp.ones((2, 3)), axis=(T,))", "xp.max(xp.ones((2, 3)), axis=T)",
    "xp.argmax(xp.ones((2, 3)), axis=T)", "xp.cumsum(xp.ones((2, 3)), axis=T)", "xp.sort(xp.ones((2, 3)), axis=T)",
    "xp.argsort(xp.ones((2, 3)), axis=T)", "xp.median(xp.ones((2, 3)), axis=T)", "xp.average(xp.ones((2, 3)), axis=T)",
    "xp.percentile(xp.ones((2, 3)), 50, axis=T)", "xp.take(xp.ones((2, 3)), 0, axis=T)", "xp.take(xp.arange(3), T)",
    "xp.concatenate([xp.ones((2, 3))] * 2, axis=T)", "xp.stack([xp.ones((2, 3))] * 2, axis=T)", "xp.repeat(xp.arange(3), T)",
    "xp.repeat(xp.arange(3), [1, 2, 3], axis=T)", "xp.tile(xp.arange(3), T)", "xp.diff(xp.arange(9).reshape(3, 3), T)",
    "xp.diff(xp.arange(9).reshape(3, 3), axis=T)", "xp.round(xp.asarray([1.26]), T)", "xp.roll(xp.arange(6), T)",
    "xp.roll(xp.ones((2, 3)), 1, T)", "xp.transpose(xp.ones((2, 3)), (T, 0))", "xp.swapaxes(xp.ones((2, 3)), T, 0)",
    "xp.moveaxis(xp.ones((2, 3)), T, 0)", "xp.expand_dims(xp.ones((2, 3)), T)", "xp.squeeze(xp.ones((1, 1)), T)",
    "xp.flip(xp.ones((2, 3)), axis=T)", "xp.rot90(xp.ones((2, 3)), T)", "xp.linspace(0, 1, T)", "xp.bincount(xp.asarray([1]), minlength=T)",
    "xp.unravel_index(1, (T, 3))", "xp.ravel_multi_index((0, 0), (2, T))", "xp.vander(xp.arange(3), T)", "xp.random.rand(2, 3).size + T",
    "xp.random.random(size=T)",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUTHS)
def test_truth_values_in_place_of_integers(text):
    # Not False where it would be an extent or axis that the function refuses anyway.
    agree("r = " + text.replace("T", "True"))


@pytest.mark.parametrize("text", ["xp.zeros(N)", "xp.ones((2, N))", "xp.eye(N)", "xp.random.random(N)", "xp.reshape(xp.ones(1), N)"])
def test_extents_that_64_bits_do_not_hold(text):
    agree("r = " + text.replace("N", "2**63"))


@pytest.mark.parametrize("k", ["2**63", "2**80", "-(2**63) - 1", "2**63 - 1"])
def test_diagonals_that_64_bits_do_not_number(k):
    agree(f"r = xp.eye(3, k={k})")


# ---- out ----

DTYPES = ["bool", "int8", "int64", "uint8", "uint64", "float16", "float64", "complex64"]
INTO = [
    "xp.argmin(x.reshape(1, 3), axis=0, out=r)", "xp.nanargmax(x.reshape(1, 3), axis=0, out=r)", "xp.take(x, [0, 1, 2], out=r)",
    "xp.compress([True] * 3, x, out=r)", "xp.dot(xp.ones((3, 3), dtype=x.dtype), x, out=r)", "xp.mean(x.reshape(1, 3), axis=0, out=r)",
    "xp.std(x.reshape(1, 3), axis=0, out=r)", "xp.cumsum(x, out=r)", "xp.add(x, x, out=r)",
]  # fmt: skip


@pytest.mark.parametrize("call", INTO)
def test_dtypes_of_out(call):
    for a in DTYPES:
        for b in DTYPES:
            agree(f"x = xp.asarray([0, 1, 1], dtype='{a}')\nr = xp.zeros(3, dtype='{b}')\n{call}")


@pytest.mark.parametrize("name", ["nanmean", "nanvar", "nanstd"])
def test_out_of_means_without_nan_is_inexact(name):
    for dtype in DTYPES:
        agree(f"x = xp.asarray([[0, 1, 1.5]])\nr = xp.zeros(3, dtype='{dtype}')\nxp.{name}(x, axis=0, out=r)")


def test_an_array_of_numpy_takes_what_a_tensor_takes():
    out = np.zeros(3, np.float32)
    with pytest.raises(TypeError, match="according to the rule 'safe'"):
        mt.argmax(mt.ones((2, 3)), axis=0, out=out)
    into = np.full(3, 7, np.uint8)
    assert mt.argmax(mt.ones((2, 3)), axis=0, out=into) is into
    assert into.tolist() == [0, 0, 0]


# ---- casts of values that stay ----

SAME = [
    ("float64", "[1.0, -2.0]", "int8"), ("float64", "[1.5]", "int8"), ("float64", "[300.0]", "uint8"), ("float64", "[np.nan, 0.5]", "float32"),
    ("float64", "[0.1]", "float32"), ("float64", "[np.nan]", "int64"), ("float64", "[2.0**63]", "int64"), ("float64", "[-(2.0**63)]", "int64"),
    ("float64", "[1e300]", "float16"), ("float64", "[-0.0]", "float32"), ("int64", "[2**53 + 1]", "float64"), ("int64", "[2**53]", "float64"),
    ("int64", "[-1]", "uint64"), ("uint64", "[2**64 - 1]", "int64"), ("uint8", "[200]", "int8"), ("int64", "[0, 7]", "bool"),
    ("float16", "[-np.inf]", "int64"), ("int64", "[-(2**63)]", "float16"), ("int32", "[-(2**31)]", "float16"),
    ("complex128", "[complex(np.nan, 1)]", "float64"), ("complex128", "[complex(np.nan, 0)]", "float64"),
    ("complex128", "[complex(np.nan, 0.1)]", "complex64"), ("complex128", "[complex(0.5, np.nan)]", "complex64"), ("float32", "[0.1]", "complex128"),
    ("int64", "[2**53 + 1]", "complex128"), ("complex128", "[2 + 1j]", "int8"), ("complex128", "[1 + 0j]", "float64"), ("complex128", "[1 + 1j]", "float64"), ("int8", "[]", "uint8"),
]  # fmt: skip


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="NumPy has it since 2.4")
@pytest.mark.parametrize(("dtype", "values", "to"), SAME)
def test_casts_that_keep_values(dtype, values, to):
    agree(f"r = xp.asarray(np.array({values}, '{dtype}')).astype('{to}', casting='same_value')")


@pytest.mark.parametrize(
    "lines",
    [
        "a = xp.zeros(3, bool)\na.flat[0] = xp.ones(1, int)\nr = a", "a = xp.zeros(3, bool)\na.flat[0] = [1, 2]\nr = a",
        "a = xp.zeros(3)\na.flat[0] = [1]\nr = a", "a = xp.zeros(3)\na.flat[[0]] = [1]\nr = a", "r = xp.argpartition(xp.ones(3), 0, axis=True)",
        "r = xp.zeros(-(2**70))", "r = xp.zeros_like(xp.ones(2), shape=-(2**70))",
        "r = xp.add(xp.ones(3), 1, out=np.empty(3, np.longdouble))",
    ],
)  # fmt: skip
def test_places_axes_extents_and_outs(lines):
    agree(lines)


def test_fractions_of_bounds_are_cut_off():
    assert mt.random.default_rng(1).integers(np.float32(2.5), np.float64(3.9), size=9).to_numpy().tolist() == [2] * 9


def test_a_cast_that_keeps_values_keeps_the_sign_of_zero():
    kept = mt.tensor([-0.0, 0.0]).astype("float32", casting="same_value").to_numpy()
    assert np.signbit(kept).tolist() == [True, False]


# ---- degrees ----


@pytest.mark.parametrize("name", ["deg2rad", "rad2deg", "degrees", "radians"])
def test_half_angles_are_rounded_once(name):
    x = np.arange(0, 400, 0.25, dtype=np.float16)
    exact = getattr(np, name)(x.astype(np.float64))
    np.testing.assert_array_equal(getattr(mt, name)(mt.tensor(x)).to_numpy(), exact.astype(np.float16))


# ---- bounds of random integers ----


@pytest.mark.parametrize("bound", ["2.5", "3.0", "float('nan')", "float('inf')"])
def test_bounds_of_random_integers_that_are_floats(bound):
    expected, made = (outcome(f"r = xp.random.randint({bound})", xp) for xp in (np, mt))
    assert isinstance(made, type(expected)), (expected, made)
    assert isinstance(expected, Exception) or (made.shape, made.dtype) == (expected.shape, expected.dtype)
