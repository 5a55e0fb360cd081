"""Arguments stand where NumPy has them: by position, by name, and where they ask for nothing here."""

import inspect

import mars.tensor as mt
import numpy as np
import pytest

X = np.arange(6.0).reshape(2, 3)
I = np.arange(6).reshape(2, 3)  # noqa: E741

CALLS = [
    lambda xp, x: xp.sum(x, 0, None, None, True),
    lambda xp, x: xp.sum(x, 0, "f4", None, False, 5),
    lambda xp, x: xp.prod(x, 1, None, None, True, 2.0),
    lambda xp, x: xp.max(x, 0, None, True),
    lambda xp, x: xp.min(x, 1, None, False, -3),
    lambda xp, x: xp.amax(x, 1, None, True),
    lambda xp, x: xp.nanmin(x, 1, None, True),
    lambda xp, x: xp.mean(x, 0, None, None, True),
    lambda xp, x: xp.nanmean(x, 0, "f4", None, True),
    lambda xp, x: xp.any(x, 0, None, True),
    lambda xp, x: xp.all(x, 0, None, True),
    lambda xp, x: xp.ptp(x, 0, None, True),
    lambda xp, x: xp.median(x, 0, None, False, True),
    lambda xp, x: xp.argmax(x, 0, None, keepdims=True),
    lambda xp, x: xp.average(x, 1, [1, 2, 3]),
    lambda xp, x: xp.take(x, [0, 5], None, None, "clip"),
    lambda xp, x: xp.concatenate([x, x], 1, None, dtype="f4"),
    lambda xp, x: xp.concatenate([x, x], dtype="i4", casting="unsafe"),
    lambda xp, x: xp.stack([x, x], 0, None, dtype="f4"),
    lambda xp, x: xp.hstack([x, x], dtype="f4"),
    lambda xp, x: xp.vstack((x, x), dtype="c8"),
    lambda xp, x: xp.zeros((2, 3), "i2", "F"),
    lambda xp, x: xp.ones(3, order="C"),
    lambda xp, x: xp.full((2, 2), 7, "f4", "C"),
    lambda xp, x: xp.eye(2, 3, 1, "i4", "F"),
    lambda xp, x: xp.eye(2, k=2**70),
    lambda xp, x: xp.zeros_like(x, "i4", "C", False, (4,)),
    lambda xp, x: xp.full_like(x, 3, order="F"),
    lambda xp, x: xp.logspace(0, 2, 3, True, 2),
    lambda xp, x: xp.linspace(0, 1, 5, True, False, "f4"),
    lambda xp, x: xp.linspace([0, 1], [2, 3], 4, axis=-1),
    lambda xp, x: xp.meshgrid([1, 2], [3, 4, 5], sparse=True, copy=False)[1],
    lambda xp, x: xp.sort(x, -1, "quicksort", None),
    lambda xp, x: xp.argsort(x, 0, "stable", None),
    lambda xp, x: xp.isin(x, [1, 2], True, True),
    lambda xp, x: xp.cov(x, x[::-1]),
    lambda xp, x: xp.cov(x, None, False, True, dtype="f4"),
    lambda xp, x: xp.corrcoef(x, x[::-1] ** 2 + x),
    lambda xp, x: xp.broadcast_to(x, (2, 2, 3), False),
    lambda xp, x: xp.clip(x, 1, 4, dtype="f4"),
    lambda xp, x: x.astype(dtype="f4", order="C"),
    lambda xp, x: xp.array(x, "f4", copy=True, order="C", ndmin=3),
    lambda xp, x: xp.array(x, ndmin=1),
    lambda xp, x: xp.asarray(x, None, "C"),
    lambda xp, x: xp.copy(x, "F"),
    lambda xp, x: xp.sum(x, where=True),
    lambda xp, x: xp.min(x, where=True),
    lambda xp, x: xp.sum(x, where=False),
    lambda xp, x: xp.einsum(x, [0, 1], x, [0, 1], [0]),
    lambda xp, x: xp.split(x, np.array([1]), axis=1)[1],
    lambda xp, x: xp.nan_to_num(x, True, 1.0),
    lambda xp, x: xp.size(x, (0, 1)),
    lambda xp, x: xp.arange(stop=3),
    lambda xp, x: xp.arange(2, stop=7, step=2),
    lambda xp, x: xp.array_equal(x * np.nan, x * np.nan, True),
]


@pytest.mark.parametrize("call", CALLS)
def test_arguments(call):
    made, expected = call(mt, mt.tensor(X)), call(np, X)
    made = made.to_numpy() if isinstance(made, mt.Tensor) else made
    assert np.asarray(made).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(made, expected, rtol=1e-6)
    assert np.shape(made) == np.shape(expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, x: xp.zeros(3, order="X"), lambda xp, x: xp.sort(x, kind="bogus"), lambda xp, x: xp.sort(x, order="C"),
        lambda xp, x: xp.concatenate([x, x], dtype="i4"), lambda xp, x: xp.stack([x], dtype="i4"),
        lambda xp, x: xp.mean(x, 0, None, None, True, True), lambda xp, x: xp.sum(x, bogus=1), lambda xp, x: xp.cumulative_sum(x, 0),
    ],
)  # fmt: skip
def test_refusals(call):
    with pytest.raises((TypeError, ValueError)) as expected:
        call(np, X)
    with pytest.raises(expected.type):
        call(mt, mt.tensor(X))


def test_order_of_parameters_is_that_of_numpy():
    differing = []
    for name in dir(mt):
        theirs = getattr(np, name, None)
        if not callable(theirs) or isinstance(theirs, (type, np.ufunc)) or theirs is getattr(mt, name):
            continue
        try:
            wanted = list(inspect.signature(theirs).parameters.values())
        except ValueError:
            continue
        ours = inspect.signature(getattr(mt, name)).parameters
        places = [p.name for p in wanted if p.kind is not p.KEYWORD_ONLY and p.name in ours]
        made = [p.name for p in ours.values() if p.kind is not p.KEYWORD_ONLY and p.name in places]
        if [p for p in places if p in made] != made:
            differing.append(name)
    assert not set(differing) - {"clip"}  # a_min and a_max of NumPy are min and max


def test_reductions_of_one_value():
    for name in ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin"):
        for axis in (0, -1):
            assert getattr(mt, name)(mt.tensor(3.5), axis=axis).fetch() == getattr(np, name)(np.array(3.5), axis=axis)
    for name, axis in (("sum", 1), ("argmax", 1), ("mean", 0), ("std", 0), ("var", -1)):
        for xp, x in ((np, np.array(3.5)), (mt, mt.tensor(3.5))):
            with pytest.raises(np.exceptions.AxisError):
                getattr(xp, name)(x, axis=axis)


def test_in_place_nan_to_num():
    a = mt.tensor([1.0, np.nan])
    b = a[1:]
    mt.nan_to_num(a, copy=False)
    assert b.fetch().tolist() == [0.0]


def test_capsules_without_a_copy():
    a = mt.tensor(X).execute()
    assert type(a.__dlpack__(copy=False)).__name__ == "PyCapsule"
    a.__dlpack__(copy=False, max_version=(1, 0))
    np.testing.assert_array_equal(np.from_dlpack(a), X)
