"""What NumPy refuses is refused here in its words: values that do not fit, parameters without sense, attributes beyond all bounds."""

import mars.tensor as mt
import numpy as np
import pytest


def same_error(ours, theirs, words=True):
    """Both raise the same kind of error, with the same words; or both give the same values."""
    try:
        expected = theirs()
    except Exception as e:
        with pytest.raises(type(e)) as caught:
            made = ours()
            for t in made if isinstance(made, (tuple, list)) else [made]:
                t.fetch()
        if words:
            assert str(caught.value).split(" [operator")[0] == str(e)
        return
    made = ours()
    if isinstance(expected, tuple):
        for o, t in zip(made, expected, strict=True):
            np.testing.assert_array_equal(o.fetch(), t)
        return
    got = made.fetch()
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.asarray(expected).dtype


# ---- scalars that are stored ----

SCALARS = [300, -1, 2**40, 300.0, -1.5, 1e30, float("nan"), float("inf"), 1j, 1 + 0j, True]


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "u8", "f2", "f4", "c8", "?"])
@pytest.mark.parametrize("value", SCALARS)
@pytest.mark.filterwarnings("ignore")
def test_stored_scalars(dtype, value):
    def store(m, index):
        a = m.zeros(3, dtype)
        a[index] = value
        return a

    if dtype == "u8" and isinstance(value, float) and value < 0:
        return  # out of range for C: NumPy's answer depends on the machine
    for index in (0, slice(None)):
        same_error(lambda i=index: store(mt, i), lambda i=index: store(np, i))
    mask = np.array([True, False, True])
    same_error(lambda: store(mt, mask), lambda: store(np, mask))


@pytest.mark.parametrize("value", [300, -1, 7, 300.0])
def test_full_of_integers_that_do_not_fit(value):
    same_error(lambda: mt.full(3, value, "u1"), lambda: np.full(3, value, "u1"))
    like = np.zeros(3, "u1")
    same_error(lambda: mt.full_like(mt.tensor(like), value), lambda: np.full_like(like, value))


def test_unsigned_fill():
    same_error(lambda: mt.full(2, 2**63), lambda: np.full(2, 2**63))


# ---- views that may only be read ----


@pytest.mark.parametrize(
    "make", [lambda m: m.ones((2, 2)).diagonal(), lambda m: m.broadcast_to(m.ones(1), (3,)), lambda m: m.broadcast_to(5, (3,))]
)
def test_read_only_views(make):
    for write in (lambda v: v.__setitem__(0, 1), lambda v: v[1:].__setitem__(0, 1), lambda v: v.fill(2)):
        with pytest.raises(ValueError, match="assignment destination is read-only"):
            write(make(np))
        with pytest.raises(ValueError, match="assignment destination is read-only"):
            write(make(mt))
    with pytest.raises(ValueError, match="is read-only"):
        a = make(mt)
        a += 1
    copy = make(mt).copy()
    copy[0] = 9
    assert copy.fetch()[0] == 9


# ---- random parameters ----

PARAMETERS = [
    ("normal", (0, -1)), ("normal", (0, -0.0)), ("lognormal", (0, -1)), ("exponential", (-1,)), ("pareto", (-1,)), ("pareto", (0,)),
    ("weibull", (-1,)), ("rayleigh", (-1,)), ("gumbel", (0, -1)), ("logistic", (0, -1)), ("laplace", (0, -1)), ("triangular", (0, 3, 2)),
    ("triangular", (3, 0, 2)), ("triangular", (0, 0, 0)), ("uniform", (0, np.inf)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given"), PARAMETERS)
def test_random_parameters(name, given):
    with pytest.raises((ValueError, OverflowError)) as expected:
        getattr(np.random.default_rng(0), name)(*given)
    with pytest.raises(type(expected.value)) as caught:
        getattr(mt.random, name)(*given)
    assert str(caught.value) == str(expected.value)


def test_random_parameters_that_numpy_takes():
    assert np.isnan(mt.random.normal(0, np.nan).fetch())
    np.testing.assert_array_equal(mt.random.weibull(0, 3).fetch(), np.zeros(3))


@pytest.mark.parametrize(
    ("given", "closed"),
    [((0, 300, 3, "i1"), False), ((-1, 3, 3, "u1"), False), ((-300, 3, 3, "i1"), False), ((0, 3, 3, "?"), False),
     ((0, 256, 3, "u1"), True), ((300, 400, 3, "u1"), False), ((5, 3), False)],
)  # fmt: skip
def test_random_integers_out_of_bounds(given, closed):
    same_error(
        lambda: mt.random.default_rng(0).integers(*given, endpoint=closed),
        lambda: np.random.default_rng(0).integers(*given, endpoint=closed),
    )


def test_random_integers_at_the_bounds():
    assert mt.random.default_rng(0).integers(0, 256, 99, "u1").fetch().dtype == np.uint8
    assert mt.random.default_rng(0).integers(0, 2, 99, "?").fetch().any()


# ---- positions, norms, medians, empty reductions ----


@pytest.mark.parametrize("given", [[100], [-1], 100, [[0, 3]], [0, 4]])
def test_unravel_index(given):
    same_error(lambda: mt.unravel_index(mt.tensor(given), (2, 2)), lambda: np.unravel_index(given, (2, 2)))
    same_error(lambda: mt.unravel_index(mt.tensor([0]), (0, 2)), lambda: np.unravel_index([0], (0, 2)))


@pytest.mark.parametrize("name", ["nanargmin", "nanargmax"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_positions_without_numbers(name, axis):
    x = np.array([[np.nan, np.nan], [1.0, np.nan]])
    same_error(lambda: getattr(mt, name)(mt.tensor(x), axis=axis), lambda: getattr(np, name)(x, axis=axis))
    y = np.array([[np.nan, 3.0], [1.0, np.nan]])
    same_error(lambda: getattr(mt, name)(mt.tensor(y), axis=axis), lambda: getattr(np, name)(y, axis=axis))


@pytest.mark.parametrize("name", ["nanmin", "nanmax"])
@pytest.mark.filterwarnings("ignore")
def test_complex_extremes_without_nan(name):
    x = np.array([[1j, np.nan, 2 - 1j], [np.nan, np.nan, np.nan], [complex(0, np.nan), 3, 3j]])
    for axis in (0, 1, None):
        ours, theirs = getattr(mt, name)(mt.tensor(x), axis=axis).fetch(), getattr(np, name)(x, axis=axis)
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_array_equal(np.nan_to_num(ours) * ~np.isnan(ours), np.nan_to_num(theirs) * ~np.isnan(theirs))


VECTOR, MATRIX = np.array([3.0, -4.0, 0.0]), np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])


@pytest.mark.parametrize("order", [None, 1, -1, 2, 0, 3, -2, 0.5, np.inf, -np.inf, "fro", "abc"])
@pytest.mark.filterwarnings("ignore")
def test_norms(order):
    for x in (VECTOR, MATRIX.astype("f4"), MATRIX[:, :2] * 1j, np.arange(4)):
        for axis in (None, 0, -1, (0, 1), (1, 0)):
            for keepdims in (False, True):
                try:
                    expected = np.linalg.norm(x, order, axis, keepdims)
                except (ValueError, np.exceptions.AxisError) as e:
                    with pytest.raises(type(e)) as caught:
                        mt.linalg.norm(mt.tensor(x), order, axis, keepdims)
                    assert str(caught.value) == str(e)
                    continue
                is_matrix = axis in ((0, 1), (1, 0)) or (axis is None and x.ndim == 2)
                if is_matrix and order in (2, -2):
                    with pytest.raises(NotImplementedError, match="ord="):
                        mt.linalg.norm(mt.tensor(x), order, axis, keepdims)
                    continue
                made = mt.linalg.norm(mt.tensor(x), order, axis, keepdims).fetch()
                assert made.dtype == expected.dtype and np.shape(made) == np.shape(expected)
                np.testing.assert_allclose(made, expected, rtol=1e-6)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_medians(keepdims):
    for x in (np.array([4, 4, -3, 0]), np.zeros((0, 3)), np.zeros((3, 0), "i4"), MATRIX):
        for axis in (None, *range(x.ndim)):
            same_error(
                lambda x=x, k=axis: mt.median(mt.tensor(x), axis=k, keepdims=keepdims),
                lambda x=x, k=axis: np.median(x, axis=k, keepdims=keepdims),
            )


@pytest.mark.parametrize("shape", [(0,), (0, 0), (0, 3), (3, 0), (0, 0, 4), (0, 2, 0)])
@pytest.mark.parametrize("name", ["max", "min", "nanmax", "argmin", "argmax", "nanargmax", "sum", "prod", "any"])
def test_empty_reductions(shape, name):
    x = np.zeros(shape)
    single = [None, *range(len(shape))]
    for axis in single if "arg" in name else [*single, tuple(range(len(shape)))[::2]]:
        same_error(lambda k=axis: getattr(mt, name)(mt.tensor(x), axis=k), lambda k=axis: getattr(np, name)(x, axis=k))


# ---- scalars beside integers ----


@pytest.mark.parametrize("name", ["hypot", "logaddexp", "arctan2", "heaviside", "copysign"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i1", "u8"])
def test_functions_of_floats_take_any_integer(name, dtype):
    x = np.arange(3).astype(dtype)
    for scalar in (-1, 300, 70000):
        for order in (lambda a, b: (a, b), lambda a, b: (b, a)):
            ours = getattr(mt, name)(*order(mt.tensor(x), scalar)).fetch()
            theirs = getattr(np, name)(*order(x, scalar))
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    same_error(lambda: mt.tensor(x) + 2**63, lambda: x + 2**63, words=False)


@pytest.mark.parametrize("limits", [(-5, 300), (300, 400), (None, -1), (-5, -1), (-5, None), (None, 300), (1, 2), (-(2**40), 2**40)])
@pytest.mark.parametrize("dtype", ["u1", "i1", "f4", "u8"])
def test_clip_limits(limits, dtype):
    x = np.arange(5).astype(dtype)
    same_error(lambda: mt.clip(mt.tensor(x), *limits), lambda: np.clip(x, *limits))


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 2**70, -(2**70), 2**1024, -(2**1024)], ids=lambda n: str(n)[:25])
@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "i8", "u8", "f4", "f8", "c8"])
@pytest.mark.filterwarnings("ignore")
def test_clip_limits_of_any_size(number, dtype):
    x = np.arange(5).astype(dtype)
    for limits in ((number, None), (None, number), (1, number), (number, 1), (number, number), (-number, number)):
        same_error(lambda k=limits: mt.clip(mt.tensor(x), *k), lambda k=limits: np.clip(x, *k))
    if dtype == "i1":
        for given in ({"dtype": "i8"}, {"casting": "safe"}):
            for limits in ((0, number), (number, 1)):
                same_error(lambda k=limits, g=given: mt.clip(mt.tensor(x), *k, **g), lambda k=limits, g=given: np.clip(x, *k, **g))


@pytest.mark.parametrize("scalar", [2**70, -(2**70), 2**200, -(2**64) - 1])
def test_integers_of_any_size(scalar):
    for x in (np.arange(3), np.arange(3).astype("u1"), np.array([1.0, np.inf, -np.inf]), np.arange(3).astype("f4")):
        for f in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
            same_error(lambda x=x, f=f: getattr(mt, f)(mt.tensor(x), scalar), lambda x=x, f=f: getattr(np, f)(x, scalar))
        same_error(lambda x=x: mt.tensor(x) < scalar, lambda x=x: x < scalar)
        same_error(lambda x=x: scalar >= mt.tensor(x), lambda x=x: scalar >= x)
    x = np.array([1.0, np.inf, -np.inf])
    same_error(lambda: mt.tensor(x) + scalar, lambda: x + scalar)
    same_error(lambda: mt.arange(3) + scalar, lambda: np.arange(3) + scalar)

    def store(m, dtype):
        a = m.zeros(2, dtype)
        a[0] = scalar
        return a

    for dtype in ("f8", "i8", "u1", "c16"):
        same_error(lambda d=dtype: store(mt, d), lambda d=dtype: store(np, d))


@pytest.mark.filterwarnings("ignore")
def test_means_in_integers():
    x = np.array([[1, 2, 4], [200, 100, 50]])
    for dtype in ("i1", "i8", "u2"):
        for axis in (0, 1, None):
            same_error(lambda d=dtype, k=axis: mt.mean(mt.tensor(x), axis=k, dtype=d), lambda d=dtype, k=axis: np.mean(x, axis=k, dtype=d))


@pytest.mark.filterwarnings("ignore")
def test_means_of_complex_infinities():
    x = np.array([[1 + 1j, np.inf], [complex(2, -np.inf), 3]])
    for name in ("mean", "nanmean", "average"):
        same_error(lambda f=name: getattr(mt, f)(mt.tensor(x), axis=1), lambda f=name: getattr(np, f)(x, axis=1))


# ---- beyond all bounds ----


def test_rank_limit():
    most = mt.ones((1,) * 64)
    for made in (lambda: mt.zeros((1,) * 65), lambda: mt.stack([most]), lambda: mt.expand_dims(most, 0)):
        with pytest.raises(ValueError, match="maximum supported dimension for an ndarray is currently 64, found 65"):
            made()
    with pytest.raises(IndexError, match=r"number of dimensions must be within .0, 64., indexing result would have 65"):
        most[None]
    assert (most + 1).ndim == 64


def test_too_many_chunks():
    wide = mt.broadcast_to(mt.ones(1), (2**59,))
    for made in (lambda: wide.sum().explain(), lambda: wide.sum().fetch(), lambda: mt.sort(wide)[0].fetch(), lambda: wide.rechunk(1)):
        with pytest.raises(MemoryError, match="chunks"):
            made()
    with pytest.raises(MemoryError, match="parts"):
        mt.array_split(mt.arange(3), 2**40)


EXTREMES = [2**63 - 1, -(2**63), 2**62, -(2**62), 2**31, -(2**31), 65, -65, 1, 0, -1]


@pytest.mark.parametrize("n", EXTREMES)
@pytest.mark.filterwarnings("ignore")
def test_extreme_attributes(n):
    x = mt.arange(12.0).reshape(3, 4)
    calls = [
        lambda: mt.diagonal(x, n), lambda: mt.diag(x[0], n), lambda: mt.diag(x, n), lambda: mt.trace(x, n), lambda: mt.tril(x, n),
        lambda: mt.triu(x, n), lambda: mt.round(x, n), lambda: mt.round(mt.arange(3), n), lambda: mt.roll(x, n), lambda: mt.roll(x, n, 0),
        lambda: mt.roll(x, (n, n), (0, 1)), lambda: mt.roll(x, (n, n)), lambda: mt.rot90(x, n), lambda: mt.diff(x, n),
        lambda: mt.sum(x, axis=n), lambda: mt.sort(x, axis=n), lambda: mt.cumsum(x, axis=n), lambda: mt.take(x, [0], axis=n),
        lambda: mt.moveaxis(x, n, 0), lambda: mt.moveaxis(x, 0, n), lambda: mt.swapaxes(x, n, 0), lambda: mt.expand_dims(x, n),
        lambda: mt.squeeze(x, n), lambda: mt.flip(x, n), lambda: mt.transpose(x, (n, 0)), lambda: mt.concatenate([x, x], axis=n),
        lambda: mt.stack([x, x], axis=n), lambda: mt.tensordot(x, x, n), lambda: mt.unravel_index([0], (n, 2))[0],
        lambda: mt.eye(3, k=n), lambda: mt.tri(3, k=n), lambda: x[::n] if n else x, lambda: x[::n][::n] if n else x, lambda: x[n:],
        lambda: x[:n], lambda: x.var(ddof=n), lambda: mt.repeat(x[:0], n), lambda: mt.tile(x[:0], n), lambda: x.rechunk(n),
        lambda: mt.median(x, axis=n), lambda: mt.arange(n, n + 3 if n < 2**62 else n), lambda: mt.arange(0, 5, n),
        lambda: mt.vecdot(x, x, axis=n), lambda: mt.cov(x, ddof=n),
    ]  # fmt: skip
    for call in calls:
        try:
            made = call()
            if made.size < 1000:
                made.fetch()
        except (ValueError, IndexError, MemoryError, OverflowError, NotImplementedError, TypeError):
            continue
    # Too large to be made; a clear error or a lazy tensor is all that is asked for.
    for call in (
        lambda: mt.repeat(x, n), lambda: mt.tile(x, (n, n)), lambda: mt.tile(x, n), lambda: mt.repeat(x, [n, n, n], axis=0),
        lambda: mt.linspace(0, 1, n), lambda: mt.reshape(x, (n, n)), lambda: mt.reshape(x, (n, -1)), lambda: mt.zeros((n, 0, n)),
        lambda: mt.zeros((0, n, n)), lambda: mt.eye(n), lambda: mt.indices((n, n)), lambda: mt.broadcast_to(x, (n, 3, 4)),
        lambda: mt.array_split(x, n), lambda: mt.array_split(x, (n, n)), lambda: mt.zeros((n, n)),
    ):  # fmt: skip
        try:
            call()
        except (ValueError, IndexError, MemoryError, OverflowError, NotImplementedError, TypeError, ZeroDivisionError):
            continue
