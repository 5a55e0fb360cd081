"""Every operator that equals a ufunc of NumPy, for every dtype, against NumPy: values, dtypes and refusals."""

import platform

import mars
import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor._registry import descriptions

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]  # fmt: skip

UFUNCS = {
    name: getattr(np, d["numpy"].removeprefix("numpy."))
    for name, d in descriptions.items()
    if d["namespace"] == "" and isinstance(getattr(np, d["numpy"].removeprefix("numpy."), None), np.ufunc)
}
# Generalised ufuncs work on whole axes and not element by element.
UFUNCS = {name: f for name, f in UFUNCS.items() if f.signature is None}
UNARY = [n for n, f in UFUNCS.items() if f.nin == 1]
BINARY = [n for n, f in UFUNCS.items() if f.nin == 2]

# Results that the C library and Mars may round differently: units in the last place allowed.


def sample(dtype, seed=0):
    """Numbers of a dtype with its special values among them."""
    r = np.random.default_rng(seed)
    d = np.dtype(dtype)
    if d.kind == "b":
        return r.random(40) < 0.5
    if d.kind in "iu":
        low, high = np.iinfo(d).min, np.iinfo(d).max
        small = r.integers(max(low, -20), 20, 40).astype(d)
        return np.concatenate([small, np.array([0, 1, low, high, high - 1], d)])
    special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, np.inf, -np.inf, np.nan]
    x = np.concatenate([r.normal(0, 3, 40), special])
    if d.kind == "c":
        x = x[:40]
        return (x + 1j * x[::-1]).astype(d)
    return x.astype(d)


def same(ours, theirs, ulp=0):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    if theirs.dtype.kind == "c":
        scale = np.finfo(theirs.dtype).eps * max(ulp, 4)
        np.testing.assert_allclose(ours, theirs, rtol=scale, atol=scale * np.nanmax(np.abs(theirs), initial=0, where=np.isfinite(theirs)))
    elif theirs.dtype.kind == "f" and ulp:
        finite = np.isfinite(theirs)
        np.testing.assert_array_equal(ours[~finite], theirs[~finite])
        np.testing.assert_array_max_ulp(ours[finite], theirs[finite], ulp)
    else:
        np.testing.assert_array_equal(ours, theirs)


def compare(name, *arrays):
    theirs = UFUNCS[name]
    with np.errstate(all="ignore"):
        try:
            expected = theirs(*arrays)
        except (TypeError, ValueError) as error:
            if "negative integer powers" in str(error):
                pytest.skip("NumPy refuses these values")
            with pytest.raises(type(error) if isinstance(error, ValueError) else TypeError):
                getattr(mt, name)(*map(mt.tensor, arrays)).fetch()
            return
    got = getattr(mt, name)(*[mt.tensor(x) for x in arrays])
    if not isinstance(expected, tuple):
        expected, got = (expected,), (got,)
    for g, e in zip(got, expected, strict=True):
        assert g.dtype == e.dtype, f"inferred {g.dtype}, NumPy has {e.dtype}"
        same(g.fetch(), e, ulp=4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, dtype):
    compare(name, sample(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, dtype):
    x, y = sample(dtype, 1), sample(dtype, 2)[::-1].copy()
    if np.dtype(dtype).kind in "iu" and name in ("power", "float_power"):
        y = np.abs(y.astype(np.int64) % 5).astype(dtype)
    if name == "ldexp":
        y = (np.arange(x.size) % 7).astype(np.int32)
    compare(name, x, y)


PAIRS = [("bool", "int8"), ("int8", "uint8"), ("int64", "uint64"), ("int32", "float32"), ("int8", "float16"), ("uint16", "float32"), ("float32", "complex64"), ("float64", "complex64"), ("bool", "float16")]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", [n for n in ("add", "multiply", "true_divide", "divide", "maximum", "less", "arctan2") if n in UFUNCS])
def test_mixed(name, pair):
    x, y = sample(pair[0], 1)[:30], sample(pair[1], 2)[:30]
    compare(name, x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scalar", [True, 3, 2.5, 1j])
def test_weak_scalars(dtype, scalar):
    x = sample(dtype)[:20]
    with np.errstate(all="ignore"):
        for f in (lambda a: a + scalar, lambda a: scalar * a):
            e = f(x)
            g = f(mt.tensor(x))
            assert g.dtype == e.dtype
            same(g.fetch(), e, 4)


def test_weak_integer_out_of_bounds():
    with pytest.raises(OverflowError, match="Python integer 300 out of bounds for uint8"):
        mt.tensor([1], "uint8") + 300


@pytest.mark.parametrize("scalar", [-1, 0, 200, 300, -(2**63), 2**63])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
def test_comparisons_with_integers_of_any_size(dtype, scalar):
    x = sample(dtype)
    t = mt.tensor(x)
    same((t < scalar).fetch(), x < scalar)
    same((t == scalar).fetch(), x == scalar)
    same((scalar <= t).fetch(), scalar <= x)


def test_negative_powers_of_integers():
    x = mt.tensor([1, 2])
    for power in (lambda: x**-1, lambda: 2 ** mt.tensor([1, -1]), lambda: mt.power(x, mt.tensor([-1, 1], "int8"))):
        with pytest.raises(ValueError, match="Integers to negative integer powers are not allowed"):
            power().execute()
    same((x ** mt.tensor([3, 0])).fetch(), np.array([1, 1]))


@pytest.mark.parametrize(
    "shapes", [((3, 1), (1, 4)), ((5,), (3, 5)), ((), (2, 2)), ((0, 3), (3,)), ((2, 1, 3), (4, 1)), ((1,), ()), ((0,), (1,))]
)
def test_broadcast(shapes, rng):
    x, y = (rng.random(s) for s in shapes)
    same((mt.tensor(x) + mt.tensor(y)).to_numpy(), x + y)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"operands could not be broadcast together with shapes \(3,\) \(4,\)"):
        mt.tensor([1, 2, 3]) + mt.tensor([1, 2, 3, 4])


def test_operators(rng):
    x, y = rng.random((3, 4)), rng.random(4) + 1
    a, b = mt.tensor(x), mt.tensor(y)
    i, j = rng.integers(1, 9, 6), rng.integers(1, 5, 6)
    p, q = mt.tensor(i), mt.tensor(j)
    for ours, theirs in [
        (a - b, x - y), (a * b, x * y), (a / b, x / y), (a**2, x**2), (2**a, 2**x), (a // b, x // y), (a % b, x % y), (-a, -x), (+a, +x), (abs(-a), x),
        (p & q, i & j), (p | q, i | j), (p ^ q, i ^ j), (~p, ~i), (p << q, i << j), (p >> q, i >> j), (p // q, i // j), (p % q, i % j),
        (a < b, x < y), (a <= b, x <= y), (a > 0.5, x > 0.5), (a >= b, x >= y), (a == b, x == y), (p != q, i != j), (1 - a, 1 - x), (3 // q, 3 // j),
    ]:  # fmt: skip
        same(ours.fetch(), theirs, 4)
    for ours, theirs in zip(divmod(p, q), divmod(i, j), strict=True):
        same(ours.fetch(), theirs)


def test_chain_is_lazy_and_right(rng):
    x = rng.random((50, 60))
    a = mt.tensor(x)
    r = ((a + 1) * 2 - a.T.T) / 3
    assert not r.is_executed
    same(r.fetch(), ((x + 1) * 2 - x) / 3)


@pytest.mark.parametrize("chunk", [1, 7, (3, 64), (50, 1)])
def test_chunks_do_not_matter(chunk, rng):
    x, y = rng.normal(size=(50, 64)), rng.normal(size=(50, 64))
    a, b = mt.tensor(x, chunk_size=chunk), mt.tensor(y, chunk_size=chunk)
    same((mt.exp(a) * b + mt.sqrt(abs(a))).fetch(), (mt.exp(mt.tensor(x)) * mt.tensor(y) + mt.sqrt(abs(mt.tensor(x)))).fetch())


def test_where_and_clip(rng):
    x, y = rng.normal(size=(3, 4)), rng.normal(size=4)
    same(mt.where(mt.tensor(x) > 0, mt.tensor(x), mt.tensor(y)).fetch(), np.where(x > 0, x, y))
    same(mt.clip(mt.tensor(x), -0.5, 0.5).fetch(), np.clip(x, -0.5, 0.5))


@pytest.mark.parametrize("source", DTYPES)
def test_astype(source):
    x = sample(source)
    if np.dtype(source).kind in "fc":
        x = np.nan_to_num(x, posinf=5, neginf=-5)
    for target in DTYPES:
        with np.errstate(all="ignore"), __import__("warnings").catch_warnings():
            __import__("warnings").simplefilter("ignore")
            if np.dtype(source).kind in "fc" and np.dtype(target).kind in "u":
                e = np.abs(x).astype(target)
                g = mt.tensor(np.abs(x)).astype(target)
            else:
                e, g = x.astype(target), mt.tensor(x).astype(target)
        same(g.fetch(), e)


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.linspace(-3, 3, 50).astype(ml_dtypes.bfloat16)
    a = mt.tensor(x)
    assert a.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal((a * a + a).fetch().view(np.uint16), (x * x + x).view(np.uint16))


def test_out(rng):
    x = rng.random(5)
    o = mt.zeros(5)
    assert mt.add(mt.tensor(x), 1, out=o) is o
    same(o.fetch(), x + 1)
    n = np.zeros(5)
    assert np.add(mt.tensor(x), 1, out=n) is n
    same(n, x + 1)
    with pytest.raises(TypeError):
        mt.add(mt.tensor(x), 1, out=mt.zeros(5, dtype="int64"))
    with pytest.raises(ValueError):
        mt.add(mt.tensor(x), 1, out=mt.zeros(4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    ["sin", "tan", "sinh", "tanh", "arcsin", "arctan", "arcsinh", "arctanh", "expm1", "log1p", "cbrt", "sqrt", "floor", "ceil", "trunc", "rint", "negative", "absolute", "square"],
)  # fmt: skip
def test_sign_of_zero(name, dtype):
    x = np.array([-0.0, 0.0] * 20, dtype)
    np.testing.assert_array_equal(np.signbit(getattr(mt, name)(mt.tensor(x)).fetch()), np.signbit(getattr(np, name)(x)))


@pytest.mark.parametrize("name", ["power", "float_power"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_known_exponents_give_the_same_bits_fused_or_not(name, dtype):
    parts = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan]
    numbers = [complex(re, im) for re in parts for im in parts] if dtype.startswith("c") else parts
    x = np.array(numbers, dtype)
    for exponent in (0, 1, 2, 3, -1, 0.5, 5, 2.5):

        def raised(x=x, exponent=exponent):
            return getattr(mt, name)(mt.tensor(x), exponent).to_numpy()

        with mars.Session(fuse=False):
            alone = raised()
        assert raised().tobytes() == alone.tobytes(), exponent
    for exponent in (0, 1, 2, 3) if dtype == "complex128" else ():
        with np.errstate(all="ignore"):
            expected = np.power(x, np.full(x.shape, exponent, dtype))
        np.testing.assert_array_equal(getattr(mt, name)(mt.tensor(x), mt.full(x.shape, exponent, dtype=dtype)).to_numpy(), expected)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the rule is that of the processor")
@pytest.mark.parametrize("to", ["b", "B", "h", "H", "i", "q", "Q"])
@pytest.mark.parametrize("of", ["f4", "f8"])
def test_floats_beyond_the_range_of_integers(of, to):
    ends = [float(2**k + d) for k in (7, 8, 15, 16, 31, 32, 63, 64) for d in (-1, 0, 1)]
    values = np.array([np.nan, np.inf, 1e20, 3e9, 70000.5, 300.0, 0.5, *ends], of)
    values = np.concatenate([values, -values])
    with np.errstate(invalid="ignore"):
        expected = values.astype(to)
    same(mt.array(values).astype(to).fetch(), expected)
    # Constants are cast where the graph is made.
    same(np.array([mt.full((), v).astype(to).fetch() for v in values]), expected)
