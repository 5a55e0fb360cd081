"""Arguments at the edges of what NumPy's functions take: results, dtypes and errors are NumPy's."""

import tracemalloc

import mars.tensor as mt
import numpy as np
import pytest


def outcome(text, m):
    """What a call gives: arrays, or the kinds of errors that NumPy's or Mars's may be."""
    try:
        made = eval(text, {"m": m, "np": np})
        return [np.asarray(x) for x in (made if isinstance(made, (tuple, list)) else [made])]
    except Exception as error:
        return error


def check(text, says=None):
    """Compares a call with NumPy's; of errors the kind, and a part of what they say."""
    mine, theirs = outcome(text, mt), outcome(text, np)
    if isinstance(theirs, Exception):
        assert isinstance(mine, Exception), f"no {theirs!r}"
        assert isinstance(theirs, type(mine)), (mine, theirs)
        if says:
            assert says in str(mine) and says in str(theirs), (mine, theirs)
        return
    assert not isinstance(mine, Exception), repr(mine)
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-6) if a.dtype.kind in "fc" else np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["hanning", "hamming", "blackman", "bartlett", "kaiser"])
@pytest.mark.parametrize("points", ["0", "1", "-3", "0.5", "2.5", "7.0", "np.float32(5)", "m.array(6.0)", "np.uint8(4)"])
def test_windows_of_any_number(name, points):
    check(f"m.{name}({points}{', 3' if name == 'kaiser' else ''})")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("how", ["", "axis=0", "initial=-0.0", "where=m.array(True)"])
@pytest.mark.parametrize("n", [0, 1, 7, 150])
def test_sums_start_from_zero(dtype, how, n):
    zeros = np.array([complex(-0.0, -0.0) if dtype[0] == "c" else -0.0] * n, dtype)
    for f in ("sum", "nansum", *(["mean"] if n and "initial" not in how else [])):
        mine = np.asarray(eval(f"m.{f}(x, {how})", {"m": mt, "x": mt.tensor(zeros)}))
        theirs = np.asarray(eval(f"m.{f}(x, {how})", {"m": np, "x": zeros}))
        assert (np.signbit(mine.real), np.signbit(mine.imag)) == (np.signbit(theirs.real), np.signbit(theirs.imag)), f


@pytest.mark.parametrize(
    "text",
    [
        "isclose([2.1] * 4, [2.0] * 4, rtol=[1e-8, 1e-8, 0.06, 0.04], atol=[0.11, 0.09, 1e-8, 1e-8])", "isclose(1, 1)",
        "isclose(m.array([1, 2], 'i1'), 300)", "isclose(m.array([1, 2], 'i1'), 2**70)", "isclose(m.array([1], 'u1'), -1)",
        "isclose(m.array(1 - 2e-16, 'f4'), 1 - 2.3e-16, atol=0, rtol=0)", "isclose(m.array(1, 'f4'), 2, atol=0, rtol=(1 - 2.2e-16) / 2)",
        "isclose(m.array(1, 'f4'), np.float32(0), atol=np.float64(1 - 2.2e-16))", "isclose(m.array([np.nan, 1]), np.nan, equal_nan=True)",
        "isclose(m.array([1]), m.array([1, 2, 3]), atol=m.array([1, 2]))", "isclose(m.array([np.inf, 1]), m.array([np.inf, np.inf]))",
        "allclose(m.array([1, 2.0]), m.array([1, 2.1]), rtol=m.array([0, 0.1]))", "isclose(m.array([1j]), m.array([1j + 1e-9]))",
        "isclose(m.array([1, 2], 'i4'), m.array([1, 2.5], 'f4'), rtol=m.array([0.1], 'f2'))", "isclose(m.array([True, False]), True)",
    ],
)  # fmt: skip
def test_closeness(text):
    check("m." + text)


@pytest.mark.parametrize(
    "text",
    [
        "roll(m.arange(5), 2**100)", "roll(m.arange(6).reshape(2, 3), (2**100, -2**90), axis=(0, 1))", "roll(m.arange(5), np.uint64(7))",
        "hypot(m.array([1], 'u8'), 2**70)", "heaviside(2**70, m.array([1], 'i1'))", "divide(m.array([1, 2]), 2**70)", "add(1.0, 2**100)",
        "add(m.array([1]), 2**100)", "float_power(300000.0, m.array([2.0], 'f2'))", "copysign(m.array([1], 'i2'), 2**64)",
        "r_[m.arange(5, dtype='i1'), 255]", "r_[m.arange(5, dtype='i1'), 7]", "min(m.array([1, 2], 'u1'), initial=-1)",
        "max(m.array([1, 2]), initial=np.inf)", "sum(m.array([1], 'u1'), initial=-3)", "min(m.array([1, 2]), initial=1.5)",
        "nanmin(m.array([1, 2]), initial=np.nan)", "prod(m.array([2], 'u8'), initial=-3)", "arange(0, 1, np.inf)", "arange(0, 1e-320, 1)",
        "arange(1, 0, np.inf)", "linspace(m.array([1, 2], 'i1'), 300, 3)", "linspace(-1, m.array([1, 2], 'u1'), 3)",
        "linspace(m.array([1, 2], 'f4'), 300, 3)", "logspace(m.array([1, 2], 'i1'), 300, 2)", "geomspace(m.array([1, 2], 'i1'), 300, 3)",
        "interp(2**70, [0, 1, 2], [3, 4, 5])", "interp(-(2**70), [0, 1, 2], [3, 4, 5])", "interp(2**1024, [0, 1, 2], [3, 4, 5])",
        "interp([-1.0], [0, 1], [1, 2], left=1j)", "histogram([1, 2], range=(0, 1j))", "take(m.array([1, 2]), 2**63, mode='clip')",
        "take(m.array([1, 2]), 2**63)", "gradient(m.array([1, 2, 4], 'i1'), 300)", "gradient(m.array([1, 2, 4], 'u1'), -1)",
        "gradient(m.array([1, 2, 4], 'f4'), 300)", "gradient(m.array([1, 2, 4]), 2**70)", "array_equal(m.array(1, 'i1'), 300)",
        "array_equal(m.array(1, 'u8'), 2**64)", "array_equal(2**70, m.array([1]))", "array_equal(m.array(0.1, 'f4'), 0.1)",
        "array_equiv(m.array([1], 'i1'), 300)", "array_equiv(m.array([1, 1]), 2**70)", "array_equiv(m.array([1, 1], 'u1'), 1)",
        "ldexp(m.array([1], 'i1'), 300)", "ldexp(m.array([1], 'u1'), -300)", "ldexp(m.array([1], 'i1'), 2**40)", "ldexp(300, m.array([1], 'i1'))",
        "setdiff1d(m.array([1, 2], 'i1'), 2**70)", "setdiff1d(m.array([1, 2]), -(2**70))", "setdiff1d(m.array([1, 2], 'i1'), 1)",
        "broadcast_arrays(m.array([1, 2], 'i1'), 300, 1.5, True)", "clip(300, 0, m.array([1, 2], 'i1'))", "clip(2.5, m.array([1], 'f4'), 3)",
        "clip(5, 0, 3)", "clip(True, m.array([1, 2], 'i1'), None)", "tri(-1)", "tri(3, -1)", "tri(-2, 3)", "tril_indices(-1)",
        "triu_indices(3, 0, -1)", "tensordot(m.ones((2, 3)), m.ones((2, 3)), -1)", "tensordot(m.ones(2), m.ones(2), -(2**63))",
        "histogram2d(m.array([1.0, 2]), m.array([1.0, 2]), np.array(2))", "histogramdd(m.ones((4, 1)), np.array(2))[0]",
    ],
)  # fmt: skip
def test_numbers_of_any_size(text):
    check("m." + text)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4", "f8", "c8"])
@pytest.mark.parametrize("ends", ["2 + 3j", "(1j, 2)", "2.5", "m.array([1, 2j])"])
def test_ramps_to_complex_numbers(dtype, ends):
    text = f"pad(m.array([1, 0, 1, 1], '{dtype}'), 2, mode='linear_ramp', end_values={ends})"
    check("m." + text, "ufunc 'floor' not supported for the input types" if dtype in ("u1", "i8") and "j" in ends else None)
    check(f"m.linspace(0, 1j, 3, dtype='{dtype}')")


def test_lists_of_integers_beyond_64_bits_are_no_operands():
    t = mt.arange(3)
    for call in (lambda: t == [2**70], lambda: [1, 2, 2**70] < t, lambda: t + [2**70, 1, 1]):
        with pytest.raises(TypeError, match="NumPy's for integers beyond 64 bits"):
            call()


def test_weak_integers_beside_index_arrays():
    for dtype, value in (("u8", 2**64 - 1), ("i8", 2**63 - 1), ("u1", 255)):
        a = mt.zeros(3, dtype)
        a[[0, 1]] = value
        a[mt.tensor([False, False, True])] = value
        assert a.fetch().tolist() == [value] * 3


@pytest.mark.parametrize(
    "text",
    [
        "take(5, [0, 0], axis=0)", "take(m.array([1, 2]), [])", "take(m.array([1, 2]), m.array([]))", "take(m.array([1, 2]), [True, False])",
        "compress([True], m.array(3), axis=-1)", "repeat(m.array(3), 2, axis=0)", "repeat(m.array(3), 2, axis=1)", "squeeze(m.array(3), axis=0)",
        "squeeze(m.array(3), axis=1)", "sum(m.array(2.0), axis=0)", "mean(m.array(2.0), axis=0)", "nanmean(m.array(2.0), axis=0)",
        "mean(m.array(2), axis=-1, where=m.array(True))", "unravel_index([0], ())", "unravel_index(0, ())",
        "ravel_multi_index(m.zeros((3, 1), int), (2, 1, 0), mode='clip')", "ravel_multi_index(m.zeros((3, 0), int), (2, 1, 0), mode='wrap')",
        "delete([0, 1, 2], [])", "delete([0, 1, 2], m.array([]))", "insert([0, 1, 2], m.array([]), [])", "insert([0, 1, 2], [], 5)",
        "min(m.zeros((0, 2), 'c8'), axis=0, initial=1)", "nanmax(m.zeros((0,), 'c16'), initial=2)", "max(m.zeros(0, 'c8'))",
        "array([[1, 2], [3, 4]]).item((2,))", "array([0, 1]).choose([1, 2], [3, 4])", "array([[2, 1]]).sort(axis=None)",
        "array([[2, 1]]).partition(0, axis=None)", "put(m.zeros((2, 0)), [5, 1], [])", "moveaxis(m.ones((1, 2)), 2, 0)",
        "moveaxis(m.ones((1, 2)), 0, 5)", "searchsorted([1, 2, 3], 4, sorter=[0, 1, 3])", "interp([np.nan, 1], [0.5], [3])",
        "ones((3, 2, 1))[m.array([[False, True], [True, True], [True, False]]), 1:1]",
        "ones((3, 2, 4))[m.array([[False, True], [True, True], [True, False]]), ::2]", "ones((1,) * 64)[None]",
    ],
)  # fmt: skip
def test_shapes_and_places(text):
    check("m." + text)


@pytest.mark.parametrize(
    "text, says",
    [
        ("sum(m.array([1, 2]), where=m.array([1, 0]))", "according to the rule 'safe'"),
        ("prod(m.array([1, 2]), where=m.array([1, 0]))", "according to the rule 'safe'"),
        ("nansum(m.array([1, 2.0]), where=m.array([1, 0]))", "according to the rule 'safe'"),
        ("add(m.array([1, 2]), 1, where=m.array([1, 0]))", "according to the rule 'safe'"), ("sum(m.array([1, 2]), where=[1, 0])", None),
        ("negative(m.array([1], 'u2'), dtype='f8', casting='equiv')", "casting rule 'equiv'"),
        ("maximum(m.array([1], 'i4'), m.array([1], 'u1'), dtype='f8', casting='no')", "casting rule 'no'"),
        ("add(m.array([1]), True, casting='no')", "casting rule 'no'"), ("logical_or(m.array([1], 'i2'), m.array([2.0]), casting='no')", None),
        ("logical_and(m.array([1, 0], 'i2'), 2**40)", None), ("logical_xor(-5, m.array([4, 0], 'u1'))", None),
        ("ediff1d(m.array([True, False]))", "boolean subtract"), ("gradient(m.array([True, False, True]))", "boolean subtract"),
        ("quantile([True, False], 0.5)", "boolean subtract"), ("quantile([True, False], 0.5, method='lower')", None),
        ("quantile([3, 4], 1)", None), ("quantile([3, 4, 9], m.array([0, 1]))", None), ("nanquantile([3, 4], 1)", None),
        ("percentile([1j], 200)", "a must be an array of real numbers"), ("histogram(m.array([1, 1 + 2e-16] * 10), bins=10)", None),
        ("average([1, 2], weights=m.array([1, 3], 'f4'))", None), ("average(m.array([1, 2], 'f4'), weights=[1, 3])", None),
        ("median(m.array([1 + 0j, 2, np.inf]))", None), ("median(m.array([1 + 0j, 2, 3, np.inf]))", None), ("median([1j, np.nan])", None),
        ("power(m.array([0j] * 5), m.array([1 + 4j, 2 - 3j, -1 + 1j, 1j, 0]))", None), ("pad([1, 2], 1, mode=None)", None),
    ],
)  # fmt: skip
def test_rules(text, says):
    check("m." + text, says)


@pytest.mark.parametrize(
    "text",
    [
        "einsum()", "einsum('', 0, casting='blah')", "einsum('i,i->', m.ones(3), m.ones(3), dtype='i4')",
        "einsum('i,i->', m.ones(3), m.ones(3), dtype='i4', casting='unsafe')", "einsum('ij->ji', m.ones((2, 3)), dtype='i4')",
        "einsum(m.ones((2, 3)), [0, 52], m.ones((3, 4)), [52, 2], [0, 2])", "einsum(m.ones((2, 3)), [-1, 5], m.ones((3, 4)), [5, 2], [-1, 2])",
        "einsum('ii', m.ones((3, 1)))", "einsum('iij->ij', m.ones((2, 1, 3)))", "einsum('i,i->', m.ones(0), m.ones(1))",
        "einsum('ij,jk->ik', m.ones((2, 1)), m.ones((0, 3)))", "einsum('a,ab,b', m.ones(0), m.ones((1, 3)), m.ones(3))",
    ],
)  # fmt: skip
def test_einsum(text):
    check("m." + text)


@pytest.mark.parametrize("order", ["big", "little"])
def test_packed_bits(order):
    rng = np.random.default_rng(1)
    for shape in [(), (8,), (3, 9), (0, 3), (2, 16, 3)]:
        x = rng.integers(-1, 2, shape)
        for axis in (None, *range(-len(shape), len(shape))):
            check_bits("packbits", x, axis=axis, bitorder=order)
            check_bits("packbits", x != 0, axis=axis, bitorder=order)
            for count in (None, 0, 3, -3, 200):
                if x.size or not count:  # of no bytes NumPy leaves those undefined that are asked for
                    check_bits("unpackbits", x.astype(np.uint8) + 130, axis=axis, count=count, bitorder=order)
    check("m.packbits([1.5])", "integer or boolean")
    check("m.unpackbits([1])", "unsigned byte")
    check("m.packbits([1], bitorder='up')", "'order' must be either 'little' or 'big'")


def check_bits(name, x, **given):
    try:
        wanted = getattr(np, name)(x, **given)
    except ValueError:
        with pytest.raises(ValueError, match="-count larger than number of elements"):
            getattr(mt, name)(mt.tensor(x), **given)
        return
    made = getattr(mt, name)(mt.tensor(x, chunk_size=2) if x.ndim else mt.tensor(x), **given).to_numpy()
    assert made.dtype == wanted.dtype
    np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize(
    "text",
    [
        "apply_along_axis(lambda x: x.sum(), 0, m.arange(6).reshape(2, 3))", "apply_along_axis(lambda x: x[::-1], 1, m.arange(6).reshape(2, 3))",
        "apply_along_axis(lambda x, k: x[:, None] * x + k, 0, m.arange(6).reshape(2, 3), 5)", "apply_along_axis(m.sum, 0, m.ones((2, 0)))",
        "apply_along_axis(m.sort, -1, m.array([[3, 1, 2], [6, 5, 4]]))", "apply_along_axis(m.sum, 2, m.ones((2, 1)))",
        "apply_over_axes(m.sum, m.arange(24).reshape(2, 3, 4), [0, -1])", "apply_over_axes(lambda a, k: a[0, 0], m.ones((2, 2, 2)), 0)",
        "mask_indices(3, m.triu, 1)", "frombuffer(b'abcd', 'u1', 2, 1)", "fromiter((i for i in range(3)), int)", "fromstring('1 2.5', sep=' ')",
        "require([1, 2], 'f4', 'C')", "require([1], requirements='X')", "asarray_chkfinite([1.0, np.inf])", "asarray_chkfinite([1, 2])",
        "mgrid[np.float32(0.1):np.float32(0.33):np.float32(0.1), ]", "mgrid[0:1:3j, 0:2]", "ogrid[0:3, 0:1:0.5]",
    ],
)  # fmt: skip
def test_functions_of_python(text):
    check("m." + text)


def test_names_of_numpy():
    assert mt.common_type(mt.ones(1, "f4"), [1]) is np.common_type(np.ones(1, "f4"), np.array([1])) is np.float64
    assert mt.linalg.LinAlgError is np.linalg.LinAlgError and mt.binary_repr(5) == "101" and mt.array_str(mt.arange(2)) == "[0 1]"
    assert (mt.add.nin, mt.add.nout, mt.divmod.nargs) == (2, 1, 4)
    assert mt.iscomplexobj(type("Duck", (), {"dtype": np.dtype("c8")})())


UNFIT = [float("nan"), float("inf"), 1e30, 2**40, 1j, -1, 300, 2.7, True]


def answered(call, m):
    """What a call gives, or the kind of its error."""
    try:
        return repr(np.asarray(call(m)).tolist())
    except (ValueError, OverflowError, TypeError) as e:
        return next(k for k in (OverflowError, TypeError, ValueError) if isinstance(e, k))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["i4", "i1", "i8", "?", "f8"])
@pytest.mark.parametrize("value", [*UNFIT, [1, 2**40], [float("nan"), 1], 2**70, -(2**70), [2**70], None], ids=str)
def test_numbers_that_a_tensor_cannot_hold_are_refused_where_numpy_does(dtype, value):
    x = np.arange(4).astype(dtype)
    calls = [lambda m: m.insert(m.asarray(x), 1, value)]
    if not isinstance(value, (complex, type(None))) and value not in (2**70, -(2**70), [2**70]):
        calls.append(lambda m: m.pad(m.asarray(x), 1, constant_values=value))
    for call in calls:
        assert answered(call, mt) == answered(call, np)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["i4", "u1", "i8", "?", "f4"])
@pytest.mark.parametrize("value", [np.int64(2**40), np.float64("nan"), np.float32("inf"), np.uint64(2**64 - 1), np.int16(-1)], ids=str)
def test_scalars_of_numpy_are_stored_as_numpy_stores_them(dtype, value):
    for key in (1, slice(1, 3), ...):

        def written(m, key=key):
            x = m.array(np.arange(4).astype(dtype))
            x[key] = value
            return x

        assert answered(written, mt) == answered(written, np)


def test_bools_are_rounded_to_integers_only():
    for m in (np, mt):
        assert np.asarray(m.round(m.asarray([True]))).dtype == np.float16
        for call in (lambda m=m: m.round(m.asarray([True]), 2), lambda m=m: m.asarray([True]).round(-1), lambda m=m: m.around(True, 1)):
            with pytest.raises(TypeError):
                call()


# ---- axes without number ----


@pytest.mark.parametrize("axes", ["65", "10**7", "-5", "64", "'x'", "1.5"])
def test_the_least_number_of_axes(axes):
    check(f"m.array([1.0], ndmin={axes})", "ndmin must be" if axes in ("65", "10**7") else None)


def test_too_many_axes_are_refused_before_anything_is_made_of_them():
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="64"):
            mt.array([1.0], ndmin=10**7)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        for n in (10**7, 2**62):
            with pytest.raises(MemoryError, match=f"diag_indices of {n} axes is not supported: at most 1048576"):
                mt.diag_indices(3, ndim=n)
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n", [1, 64, 65, 300])
def test_a_diagonal_has_indices_for_more_axes_than_a_tensor(n):
    made = mt.diag_indices(3, n)
    assert len(made) == n
    assert all(m.fetch().tolist() == [0, 1, 2] for m in (made[0], made[-1]))


# ---- what is no place, no rule and no amount ----


@pytest.mark.parametrize("call", [
    "m.nonzero(m.ones(3), out=m.ones(3))", "m.divmod(m.ones(3), 2, out=m.ones(3))", "m.frexp(m.ones(3), out=m.ones(3))",
    "m.modf(m.ones(3), out=(m.ones(3),))", "m.modf(m.ones(3), out=(m.ones(3), m.ones(3)))", "m.modf(m.ones(3), 5)",
    "m.divmod(m.ones(3), 2, out=(m.ones(3), None), where=m.array([True, True, True]))",
    "m.divmod(m.ones(3), 2, out=m.ones(3), where=m.array([True, False, True]))",
    "m.modf(m.ones(3), out=(m.ones(3), 5), where=False)", "m.add(1.0, m.ones(3), out=())",
    "m.add(1.0, m.ones(3), out=(m.ones(3), m.ones(3)))",
    "m.add(1.0, m.ones(3), out=5, where=7)", "m.add(1.0, m.ones(3), out=5, where=False)", "m.sin(m.ones(3), out=[1], where=False)",
])  # fmt: skip
def test_places_for_results(call):
    check(call)


def test_results_as_tuples_are_written_where_a_mask_holds():
    def split(m):
        whole, part = m.zeros(3), m.zeros(3)
        m.modf(m.array([1.5, 2.5, 3.5]), out=(part, whole), where=m.array([True, False, True]))
        return np.asarray(part), np.asarray(whole)

    np.testing.assert_array_equal(split(mt), split(np))


@pytest.mark.parametrize("rule", ["m.ones(3)", "None", "5", "'unsafely'", "'sa\\0fe'"])
def test_casting_rules(rule):
    check(f"m.can_cast('i4', 'f4', casting={rule})")


@pytest.mark.parametrize("work", ["m.ones(3)", "m.array(3)", "np.array(0)", "'x'", "1.5", "2**70", "True", "-1", "0", "None"])
@pytest.mark.parametrize("function", ["shares_memory", "may_share_memory"])
def test_amounts_of_work(function, work):
    check(f"m.{function}(m.ones(3), m.ones(3), max_work={work})")
    check(f"m.{function}(3, m.ones(3), max_work={work})")


@pytest.mark.parametrize(
    "value", ["m.ones(3)", "m.array(3)", "m.array(-300)", "m.array(3.7)", "m.array([300])[0]", "m.ones((0, 2), 'f4')", "70000"]
)
@pytest.mark.parametrize("module", ["m", "np"])
def test_the_smallest_dtype_of_a_value(module, value):
    made = [eval(f"{module}.min_scalar_type({value})", {"m": m, "np": np}) for m in (mt, np)]
    assert made[0] == made[1]
