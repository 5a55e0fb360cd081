"""NumPy's keywords and methods of ufuncs, and what is said where Mars has no operator for one."""

import mars.tensor as mt
import numpy as np
import pytest

X = np.array([1.5, -2.5, 0.5, 4.0])


def same(made, expected):
    values = made.fetch() if isinstance(made, mt.Tensor) else made
    assert np.asarray(values).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("name", "other", "dtype"),
    [
        ("less", 2, bool), ("equal", 1.2, bool), ("logical_and", 0.5, bool), ("add", 1, "f4"), ("add", 1, "c16"), ("power", 2, "f4"),
        ("arctan2", 2, "f2"),
    ],
)  # fmt: skip
def test_dtype_selects_the_loop(name, other, dtype):
    f, g = getattr(np, name), getattr(mt, name)
    same(f(mt.tensor(X), other, dtype=dtype), f(X, other, dtype=dtype))
    same(g(mt.tensor(X), other, dtype=dtype), f(X, other, dtype=dtype))


def test_dtype_of_one_input():
    x = np.array([4, 9], "i1")
    same(np.sqrt(mt.tensor(x), dtype="f8"), np.sqrt(x, dtype="f8"))
    same(np.isnan(mt.tensor(X), dtype=bool), np.isnan(X))
    same(np.abs(mt.tensor(X * 1j), dtype="f8"), np.abs(X * 1j))


@pytest.mark.parametrize(
    "call",
    [
        lambda np_, x: np.add(x, 1, dtype=int), lambda np_, x: np.sin(x, dtype=int), lambda np_, x: np.add(x, 1.5, dtype="i4"),
        lambda np_, x: np.add(x, 1, signature="dd->d", casting="never"), lambda np_, x: np.add(x, x.astype("f4"), casting="no"),
    ],
)  # fmt: skip
def test_casts_that_are_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call(np, X)
    with pytest.raises((TypeError, ValueError)):
        call(np, mt.tensor(X))


def test_unsafe_casting():
    same(np.add(mt.tensor(X), 1, dtype="i4", casting="unsafe"), np.add(X, 1, dtype="i4", casting="unsafe"))


def test_where():
    mask = np.array([True, False, True, False])
    out, expected = mt.zeros(4) + 7, np.full(4, 7.0)
    same(np.add(mt.tensor(X), 1, out=out, where=mask), np.add(X, 1, out=expected, where=mask))
    same(mt.add(mt.tensor(X), 1, where=mask).fetch()[mask], X[mask] + 1)
    target = np.full(4, 7.0)
    assert np.add(mt.tensor(X), 1, out=target, where=mask) is target
    np.testing.assert_array_equal(target, expected)
    with pytest.raises(TypeError, match="same_kind"):
        mt.add(mt.tensor(X), 1, out=mt.zeros(4, dtype=int), where=mask)


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_reduce_and_accumulate(name, axis):
    x = np.array([[3.0, -1.0, np.nan, 2.0], [1.0, 5.0, 4.0, -2.0], [0.0, 6.0, 1.0, 9.0]])
    f, g = getattr(np, name), getattr(mt, name)
    for method in ("reduce", "accumulate"):
        same(getattr(f, method)(mt.tensor(x), axis=axis), getattr(f, method)(x, axis=axis))
        same(getattr(g, method)(mt.tensor(x), axis), getattr(f, method)(x, axis))
    assert np.add.reduce(mt.tensor(x), axis=None, keepdims=True).shape == (1, 1)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", "f8"])
def test_running_extremes(dtype):
    x = (np.arange(24) * 7 % 11).astype(dtype).reshape(4, 6)
    for f in (np.maximum, np.minimum):
        same(f.accumulate(mt.tensor(x).rechunk(2), axis=1), f.accumulate(x, axis=1))


def test_outer():
    same(np.subtract.outer(mt.tensor(X), [1, 2]), np.subtract.outer(X, [1, 2]))
    same(mt.add.outer(mt.tensor(X), X, dtype="f4"), np.add.outer(X, X, dtype="f4"))


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("numpy.subtract.reduce", lambda t: np.subtract.reduce(t)), ("numpy.add.reduceat", lambda t: np.add.reduceat(t, [0, 1])),
        ("numpy.logaddexp.accumulate", lambda t: np.logaddexp.accumulate(t)), ("numpy.add.at", lambda t: np.add.at(t, [0], 1)),
        ("numpy.spacing", lambda t: np.spacing(t)),
        ("signature", lambda t: np.add(t, 1, signature="dd->d")), ("add.reduceat", lambda t: mt.add.reduceat(t, [0])),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(missing, call):
    t = mt.tensor(X) + 1
    try:
        made = call(t)
    except TypeError as error:
        assert missing in str(error)
    else:
        assert isinstance(made, mt.Tensor)  # there is an operator by now
    assert not t.is_executed


def test_another_library_may_answer():
    class Other:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return "other"

    assert np.add(mt.tensor(X), Other()) == "other"


# ---- keywords of functions and methods ----


def test_sort_kind():
    t = mt.tensor(X)
    same(np.sort(t, kind="stable"), np.sort(X))
    t.sort(kind="stable")
    same(t, np.sort(X))
    with pytest.raises(ValueError, match="order"):
        t.sort(order="a")


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_take_mode(mode):
    x = np.arange(12).reshape(3, 4)
    for indices in ([5, -1, -9, 2], [[0, 1]], 3, -4):
        for axis in (None, 0, 1):
            try:
                expected = np.take(x, indices, axis, mode=mode)
            except IndexError:
                with pytest.raises(IndexError):
                    np.take(mt.tensor(x), indices, axis, mode=mode).fetch()
            else:
                same(np.take(mt.tensor(x), indices, axis, mode=mode), expected)
    with pytest.raises(ValueError, match="clipmode"):
        mt.take(mt.tensor(x), [0], mode="bad")


def test_astype_keywords():
    t = mt.tensor(X)
    same(t.astype("i4", order="C", copy=False), X.astype("i4"))
    same(t.astype("f4", casting="same_kind"), X.astype("f4"))
    assert t.astype("f8", copy=False) is t
    for casting in ("safe", "same_kind", "no"):
        with pytest.raises(TypeError, match="according to the rule"):
            t.astype("i4", casting=casting)


def test_rechunk_by_sizes():
    a = mt.ones((5, 6)).rechunk(((2, 3), (1, 5)))
    assert a.nsplits == ((2, 3), (1, 5))
    assert mt.ones((5, 6)).rechunk(((2, 3), 4)).nsplits == ((2, 3), (4, 2))
    assert mt.ones((5, 6)).rechunk(a.nsplits).nsplits == a.nsplits
    with pytest.raises(ValueError, match="add up"):
        mt.ones((5, 6)).rechunk(((2, 2), (1, 5)))


# ---- text, comparisons with what is no number, seeds ----


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3,), (1000,), (1001,), (7, 200), (40, 30, 1), (2000, 3)])
def test_text_is_that_of_numpy(shape):
    x = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) / 4)
    t = mt.tensor(x)
    assert str(t) == str(x) == f"{t}"
    assert repr(t).replace("Tensor(", "array(", 1).replace("\n ", "\n").split(", dtype")[0] == repr(x).removesuffix(")").split(", dtype")[0]


def test_text_runs_nothing():
    t = mt.ones((2, 3)) + 1
    assert repr(t) == str(t) == f"{t}" == "Tensor(shape=(2, 3), dtype=float64)"
    assert not t.is_executed


def test_format_of_one_number():
    assert f"{mt.tensor(3.14159):.2f}" == f"{mt.ones(4).sum() / 3:.2f}".replace("1.33", "3.14") == "3.14"
    with pytest.raises(TypeError, match="format"):
        format(mt.ones(3), ".2f")


@pytest.mark.parametrize("other", [None, "a", b"a"])
def test_equality_with_what_is_no_number(other):
    t = mt.tensor(X)
    same(t == other, np.zeros(4, bool))
    same(t != other, np.ones(4, bool))


def test_seeds():
    for bad in ("abc", b"abc", 1.5, [1, "a"]):
        with pytest.raises(TypeError, match="seed"):
            mt.random.default_rng(bad)
    a, b = (mt.random.default_rng(np.random.SeedSequence(5)).random(3).fetch() for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert mt.random.default_rng(np.array([1, 2])).random(1).fetch() == mt.random.default_rng([1, 2]).random(1).fetch()
