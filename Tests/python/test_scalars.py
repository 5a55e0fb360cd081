"""Results without axes: NumPy's scalars never change, whoever else has them; its arrays without axes can be written to."""

import math
import operator
import random

import mars.tensor as mt
import numpy as np
import pytest


def swap(xp):
    a = xp.arange(4)
    a[0], a[1] = a[1], a[0]
    return [a]


def rotate(xp):
    a = xp.arange(4)
    first = a[0]
    a[0] = a[3]
    a[3] = first
    return [a]


def shuffle(xp):
    a = xp.arange(6)
    random.Random(1).shuffle(a)
    return [a]


def bubble_sort(xp):
    a = xp.array([3, 1, 2, 0])
    for i in range(4):
        for j in range(3 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return [a]


def running_total(xp):
    total, seen = 0, []
    for _ in range(3):
        total += xp.ones(3).sum()
        seen.append(total)
    return seen


def element(xp):
    a = xp.arange(4)
    m = a[3]
    m += 1
    return [a, m]


def of_random(xp):
    x = xp.random.default_rng(0).random()
    y = x
    y = y * 0
    x -= x
    return [y, x]


def other_dtype(xp):
    s = xp.arange(4).sum()
    s /= 4
    t = xp.arange(4)[1]
    t *= 0.5
    return [s, t]


def element_of_matrix(xp):
    a = xp.arange(6.0).reshape(2, 3)
    m, row = a[1, 2], a[0]
    a[1, 1] += 5
    a[1, 2] = -1
    row += 1
    return [a, m]


def ellipsis(xp):
    a = xp.arange(4)
    m = a[3, ...]
    m += 1
    return [a, m]


def zeros(xp):
    a = xp.zeros(())
    b = a
    a += 1
    return [b]


def array(xp):
    a = xp.array(5)
    b = a
    a += 1
    return [b]


def reshaped(xp):
    a = xp.arange(1).reshape(())
    b = a
    a += 1
    return [b]


def where(xp):
    a = xp.where(True, 1, 2)
    b = a
    a += 1
    return [b]


def astype(xp):
    a, z = xp.arange(3.0)[1].astype(int), xp.array(1.5).astype(int)
    b, y = a, z
    a += 1
    z += 1
    return [b, y]


def copied(xp):
    a = xp.arange(3.0)[1].copy()
    b = a
    a += 1
    return [b]


def views_of_scalars(xp):
    s = xp.arange(4).sum()
    v = s.reshape(1)
    v[0] = 9
    return [s, v]


CASES = [
    swap, rotate, shuffle, bubble_sort, running_total, element, of_random, other_dtype, element_of_matrix, ellipsis, zeros, array, reshaped,
    where, astype, copied, views_of_scalars,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_as_numpy(case):
    for ours, theirs in zip(case(mt), case(np), strict=True):
        ours = ours.to_numpy() if isinstance(ours, mt.Tensor) else np.asarray(ours)
        assert ours.dtype == np.asarray(theirs).dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("make", [lambda: mt.arange(4).sum(), lambda: mt.arange(4)[1]], ids=["reduction", "element"])
def test_writes_are_refused(make):
    s = make()
    for write in (lambda: s.__setitem__(..., 3), lambda: s.__setitem__((), 3), lambda: s.__setitem__(None, 3), lambda: mt.add(1, 2, out=s)):
        with pytest.raises(TypeError, match="scalar of int64"):
            write()
    np.testing.assert_array_equal(s.fetch(), make().fetch())


# ---- orders that follow memory, and views of extents that are not known ----


def tensors(xp):
    a = xp.arange(24).reshape(2, 3, 4)
    z = xp.arange(6) * 1j
    return [
        a, a.T, a.transpose(1, 0, 2), a[::-1].transpose(1, 2, 0), a[:, ::2], a[:, :, 1], a[1], a[:0], a[..., None], z.imag, xp.arange(10)[::-1],
        xp.arange(10)[::2], xp.arange(6).reshape(2, 3).T,
    ]  # fmt: skip


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
@pytest.mark.parametrize("name", ["ravel", "flatten"])
def test_flattening_is_a_view_where_numpys_is(name, order):
    for ours, theirs in zip(tensors(mt), tensors(np), strict=True):
        flat, wanted = getattr(ours, name)(order), getattr(theirs, name)(order)
        np.testing.assert_array_equal(flat.to_numpy(), wanted)
        if wanted.size:
            flat[0], wanted[0] = 99, 99
            np.testing.assert_array_equal(flat.to_numpy(), wanted)
            np.testing.assert_array_equal(ours.to_numpy(), theirs)


def test_reshape_follows_memory():
    for ours, theirs in zip(tensors(mt), tensors(np), strict=True):
        np.testing.assert_array_equal(ours.reshape(-1, order="A").to_numpy(), theirs.reshape(-1, order="A"))
    for xp in (np, mt):
        with pytest.raises(ValueError, match="order 'K' is not permitted for reshaping"):
            xp.arange(6).reshape(2, 3, order="K")


@pytest.mark.parametrize("executed", [False, True])
def test_reshapes_of_unknown_extents_are_views(executed):
    def through(xp):
        a = xp.arange(6)
        m = a[a > 1]
        if executed and xp is mt:
            m.execute()
        r = m.reshape(2, 2)
        r[0] = 99
        m[3] = -1
        r += 5
        column = m[1:].reshape(3, 1)
        column[1] = 7
        return [m, r, column]

    for ours, theirs in zip(through(mt), through(np), strict=True):
        np.testing.assert_array_equal(ours.to_numpy(), theirs)
    a = mt.arange(6)
    with pytest.raises(ValueError, match=r"cannot reshape array of size 4 into shape \(3,2\)"):
        a[a > 1].reshape(3, 2).fetch()


def test_scalars_are_rounded():
    a = np.array([1.26, 2.5, 3.4])
    t = mt.array(a)
    for x, y in ((a[0], t[0]), (a.sum(), t.sum()), (np.int64(1234), mt.arange(1235)[1234])):
        for digits in ((), (1,), (-2,)):
            expected = round(x, *digits)
            made = round(y, *digits)
            assert made == expected
            assert type(made) is type(expected)
    assert math.trunc(t.sum()) == 7
    for array in (t, mt.array(1.5)):
        with pytest.raises(TypeError, match="__round__"):
            round(array)


BIG = [2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**70, -1, -(2**63), -(2**63) - 1, -(2**70)]
# No double is near these.
BIGGER = [2**1024, -(2**1024), 10**400]


@pytest.mark.parametrize("number", BIG)
def test_comparisons_with_integers_beyond_64_bits_are_exact(number):
    for x in (np.array([2**64 - 1, 0, 5], "u8"), np.array([2**63 - 1, -(2**63), 5]), np.array([2.0**64, -1.0])):
        t = mt.tensor(x)
        for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
            np.testing.assert_array_equal(compare(t, number).fetch(), compare(x, number))
            np.testing.assert_array_equal(compare(number, t).fetch(), compare(number, x))


@pytest.mark.parametrize("number", BIGGER)
def test_comparisons_with_integers_beyond_all_doubles(number):
    compares = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
    for x in (np.array([2**64 - 1, 0], "u8"), np.array([-(2**63), 5]), np.array([1, -2], "i1")):
        t = mt.tensor(x)
        for compare in compares:
            np.testing.assert_array_equal(compare(t, number).fetch(), compare(x, number))
            np.testing.assert_array_equal(compare(number, t).fetch(), compare(number, x))
    for dtype in ("f2", "f4", "f8", "c8", "c16"):
        for compare in (*compares, operator.add):
            for m in (np, mt):
                with pytest.raises(OverflowError, match="int too large to convert to float"):
                    compare(m.ones(2, dtype), number)


@pytest.mark.parametrize("number", [2**70, -(2**70)])
def test_two_integers_beyond_64_bits_are_not_confused(number):
    assert bool(mt.equal(number, 2 * number).fetch()) is False
    with pytest.raises(OverflowError):
        mt.equal(number, number + 1)


@pytest.mark.parametrize("number", [*BIG, *BIGGER], ids=lambda n: f"{n:.3g}" if abs(n) < 2**1000 else f"{len(str(n))} digits")
@pytest.mark.parametrize(
    "x", [np.array([1, 2, 100], "i1"), np.array([0, 2**63 - 1]), np.array([5, 2**64 - 1], "u8")], ids=lambda x: str(x.dtype)
)
def test_integers_of_any_size_are_looked_for(number, x):
    t = mt.tensor(x)
    for side in ("left", "right"):
        np.testing.assert_array_equal(mt.searchsorted(t, number, side=side).fetch(), np.searchsorted(x, number, side=side))
    assert t.searchsorted(number).fetch() == x.searchsorted(number)
    for right in (False, True):
        np.testing.assert_array_equal(mt.digitize(number, t, right=right).fetch(), np.digitize(number, x, right=right))
        np.testing.assert_array_equal(mt.digitize(number, t[::-1], right=right).fetch(), np.digitize(number, x[::-1], right=right))
    for invert in (False, True):
        np.testing.assert_array_equal(mt.isin(t, number, invert=invert).fetch(), np.isin(x, number, invert=invert))
        np.testing.assert_array_equal(mt.isin(number, t, invert=invert).fetch(), np.isin(number, x, invert=invert))


def test_lists_of_integers_beyond_64_bits_are_objects_to_numpy():
    for call in (lambda: mt.isin(mt.arange(3), [1, 2**70]), lambda: mt.searchsorted([1, 2**70], 1), lambda: mt.tensor([2**64])):
        with pytest.raises(TypeError, match="dtype object is not supported, which is NumPy's for integers beyond 64 bits"):
            call()
    with pytest.raises(TypeError, match=r"^dtype object is not supported$"):
        mt.tensor([None, 1])
