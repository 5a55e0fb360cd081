"""`put`, `putmask`, `place`, `put_along_axis`, `fill_diagonal`, `copyto`, `flat`: values, refusals and wording as NumPy's."""

import inspect

import mars
import mars.tensor as mt
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("collected")

I = np.arange(6)  # noqa: E741
M = I % 2 == 0
Z = np.zeros((4, 3), int)
TALL = np.zeros((7, 3), int)

CALLS = [
    ("putmask", I, M, [10, 20, 30, 40, 50, 60]), ("putmask", I, M, [7, 8]), ("putmask", I, M, [1.5]), ("putmask", I, M, []),
    ("putmask", I, [1, 0, 2, 0, 0, 0], 9), ("putmask", I, I * 0.5, 9), ("putmask", I.reshape(2, 3), M, np.arange(30)),
    ("putmask", I, [True], 1), ("putmask", I.astype("u1"), M, 300), ("putmask", I * 1.0, M, np.array([1j])),
    ("place", I, M, [7, 8]), ("place", I, M, [7.5]), ("place", I, M & False, []), ("place", I.reshape(2, 3), M, [[7, 8]]),
    ("place", I, M, []), ("place", I, [True], 1), ("place", I.astype("u1"), M, 300), ("place", I * 1.0, M, np.array([1j])),
    ("put", I, [0, 20], [5, 6], "wrap"), ("put", I, [-3, 20], 5, "clip"), ("put", I * 1.0, 2, 9), ("put", I, [[0, 1], [1, 2]], [7]),
    ("put", I, [0], []), ("put", I, [7], [1]), ("put", I.astype("u1"), [0], 300), ("put", I, [0], 1, "turn"), ("put", I[:0], [0], 1),
    ("put", I, np.array([0.0]), 1),
    ("fill_diagonal", Z, 5), ("fill_diagonal", Z, [1.5, 2]), ("fill_diagonal", Z, []), ("fill_diagonal", TALL, [1, 2], True),
    ("fill_diagonal", TALL, [[1, 2], [3, 4]], True), ("fill_diagonal", TALL.T, 5, True), ("fill_diagonal", Z[:0], 5),
    ("fill_diagonal", np.zeros((3, 3, 3)), [1, 2]), ("fill_diagonal", np.zeros((2, 3, 4)), 1), ("fill_diagonal", np.zeros(3), 1),
    ("fill_diagonal", Z.astype("u1"), 300),
    ("put_along_axis", Z, np.array([[0], [1], [2], [0]]), [[5], [6], [7], [8]], 1), ("put_along_axis", Z, np.array([[0, 1]]), [[5, 6]], 1),
    ("put_along_axis", Z, np.array([1, 2, 5]), [1.5, 2, 3], None), ("put_along_axis", Z, np.array([[3, 1, 0]]), 9, 0),
    ("put_along_axis", Z, np.array([[0], [1]]), 1, 1), ("put_along_axis", Z, np.array([0, 1]), 1, 1),
    ("put_along_axis", Z, np.array([[0.0]]), 1, 1), ("put_along_axis", Z, np.array([[0]]), 1, 3),
    ("put_along_axis", Z, np.array([[9]]), 1, None), ("put_along_axis", Z, np.array([1, 2, 5]), [1, 2], None),
    ("copyto", I, 9), ("copyto", I, [[1], [2]], "same_kind"), ("copyto", I, np.ones(6)), ("copyto", I, 1.5, "unsafe"),
    ("copyto", I.astype("i1"), 300), ("copyto", I, 9, "same_kind", M), ("copyto", I, [1, 2]), ("copyto", I, 1, "same_kind", M[:2]),
    ("copyto", I.reshape(2, 3), [7, 8, 9], "same_kind", np.array([[True], [False]])), ("copyto", I[:0], 1),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda c: f"{c[0]} {c[1:]}".replace("\n", ""))
@pytest.mark.parametrize("chunks", [None, 2])
def test_as_numpy(call, chunks):
    name, x, *arguments = call
    expected = x.copy()
    a = mt.tensor(x, chunk_size=chunks)
    ours = [mt.tensor(v) if isinstance(v, np.ndarray) else v for v in arguments]
    try:
        getattr(np, name)(expected, *arguments)
    except (ValueError, TypeError, IndexError, OverflowError) as theirs:
        with pytest.raises(type(theirs)) as caught:
            getattr(mt, name)(a, *ours)
            a.fetch()
        assert str(caught.value).split(" [operator")[0] == str(theirs).strip()
        return
    view = a.reshape(-1)[1:]
    assert getattr(mt, name)(a, *ours) is None
    np.testing.assert_array_equal(a.fetch(), expected)
    np.testing.assert_array_equal(view.fetch(), expected.reshape(-1)[1:])


FLAT = [
    (np.s_[1:6:2], [7, 8]), (np.s_[1:6:2], []), (np.s_[5:0:-1], [1, 2]), (np.s_[...], [1, 2]), (np.s_[0:0], [1]), (-1, 3), ([-1], 3),
    ([0, 2], [1.5]), (M, [7, 8]), (M, []), (np.array([[0, 1], [2, 3]]), [9, 8]), ([], [1]), ((np.s_[1:3],), 5), (0, [1, 2]), (0, []),
    (9, 1), ([9], 1), (M[:3], 1), ((1, 2), 1), (None, 1),
]  # fmt: skip


@pytest.mark.parametrize("key, value", FLAT, ids=str)
def test_flat(key, value):
    a, x = mt.tensor(I.reshape(2, 3)), I.reshape(2, 3).copy()
    try:
        x.flat[key] = value
    except (ValueError, IndexError) as theirs:
        with pytest.raises(type(theirs)):
            a.flat[mt.tensor(key) if isinstance(key, np.ndarray) else key] = value
            a.fetch()
        return
    a.flat[mt.tensor(key) if isinstance(key, np.ndarray) else key] = value
    np.testing.assert_array_equal(a.fetch(), x)
    np.testing.assert_array_equal(a.flat[key].fetch(), x.flat[key])


def test_functions_are_those_of_the_registry():
    assert list(inspect.signature(mt.putmask).parameters) == ["a", "mask", "values"]
    with pytest.raises(TypeError, match=r"^putmask\(\) argument 1 must be a tensor, not list$"):
        mt.putmask([1, 2], [True, False], 0)
    with pytest.raises(TypeError, match=r"^copyto\(\) argument 1 must be a tensor, not list$"):
        mt.copyto([1, 2], 0)
    x = np.zeros(3)
    mt.copyto(x, mt.arange(3))
    np.testing.assert_array_equal(x, [0, 1, 2])


def test_nothing_runs_at_the_call():
    x = mt.arange(1000.0)
    mask = x > 990
    mt.place(x, mask, [1, 2, 3])
    mt.putmask(x, x == 2, [5])
    x.flat[mask] = -1
    assert not mask.is_executed and not x.is_executed
    expected = np.arange(1000.0)
    expected[expected > 990] = -1
    expected[2] = 5
    np.testing.assert_array_equal(x.fetch(), expected)


def test_through_extents_that_are_not_known():
    a = mt.arange(10)
    b = a[a > 4]
    mt.putmask(b, b > 6, [10, 20, 30, 40, 50])
    mt.put(b, a[a < 2], [-1, -2])
    np.testing.assert_array_equal(b.fetch(), [-1, -2, 30, 40, 50])
    b = a[a > 4]
    mt.putmask(b, [True, False], 1)
    with pytest.raises(ValueError, match="putmask: mask and data must be the same size"):
        b.fetch()


def test_large(rng, tmp_path):
    x, mask, values = rng.random(300_000), rng.random(300_000) < 0.3, rng.random(1000)
    with mars.Session(chunk_bytes=20_000, workers=2, spill_dir=tmp_path):
        for name in ("place", "putmask"):
            a, expected = mt.tensor(x), x.copy()
            getattr(mt, name)(a, mt.tensor(mask), values)
            getattr(np, name)(expected, mask, values)
            np.testing.assert_array_equal(a.fetch(), expected)
        a, expected = mt.tensor(x).reshape(500, 600), x.reshape(500, 600).copy()
        mt.fill_diagonal(a, values)
        np.fill_diagonal(expected, values)
        np.testing.assert_array_equal(a.fetch(), expected)


def test_numbers_as_places_of_floats():
    x = mt.arange(6.0)
    assert mt.take(x, 2).fetch() == 2
    mt.put(x, 1, 7)
    np.testing.assert_array_equal(x.fetch(), [0, 7, 2, 3, 4, 5])


def written(m, name, x, values):
    a = m.array(x)
    if name == "fill_diagonal":
        a = a.reshape(2, 2)
        m.fill_diagonal(a, values)
    elif name == "put_along_axis":
        m.put_along_axis(a, np.array([0, 2]), values, 0)
    elif name == "item":
        a[[0, 2]] = values
    elif name == "method":
        a.put([0, 2], values)
    else:
        getattr(m, name)(a, [0, 2] if name == "put" else [True, False, False, True], values)
    return np.asarray(a)


NUMBERS = [300, -1, 2**40, 2**63, 2**64, 2**70, -(2**70), 2**1024, 1.5, 1e300, float("nan"), 1j, True, None]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["put", "method", "place", "putmask", "put_along_axis", "fill_diagonal", "item"])
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i8", "u8", "f2", "f4", "c8"])
def test_numbers_are_stored_as_numpy_stores_them(name, dtype):
    x = np.array([0, 1, 1, 0]).astype(dtype)
    for number in NUMBERS:
        for values in (number, [number], (number,), [number, 1]):
            try:
                expected = written(np, name, x, values)
            except (ValueError, TypeError, OverflowError) as theirs:
                with pytest.raises(type(theirs)) as caught:
                    written(mt, name, x, values)
                assert str(caught.value).split(" [operator")[0] == str(theirs)
                continue
            ours = written(mt, name, x, values)
            assert ours.dtype == expected.dtype
            np.testing.assert_array_equal(ours, expected, err_msg=f"{values}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["put", "place", "putmask", "put_along_axis", "fill_diagonal"])
@pytest.mark.parametrize("to", ["?", "i1", "u8", "f4", "c8"])
@pytest.mark.parametrize("dtype", ["?", "i2", "u8", "f4", "f8", "c16"])
def test_arrays_are_cast_by_the_rule_of_the_function(name, to, dtype):
    x, values = np.array([0, 1, 1, 0]).astype(to), np.array([1, 0]).astype(dtype)
    try:
        expected = written(np, name, x, values)
    except TypeError as theirs:
        with pytest.raises(TypeError) as caught:
            written(mt, name, x, mt.tensor(values))
        assert str(caught.value).split(" [operator")[0] == str(theirs)
        return
    np.testing.assert_array_equal(written(mt, name, x, mt.tensor(values)), expected)


def test_the_wording_for_what_a_dtype_does_not_hold():
    a = mt.zeros(3, "i1")
    with pytest.raises(OverflowError, match=r"^Python integer 300 out of bounds for int8"):
        mt.put(a, [0], [300])
    assert a.fetch().tolist() == [0, 0, 0]
