"""`insert` and `delete`: places as integers, slices, masks and tensors, at hand and yet to be computed."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("collected")

I = np.arange(6)  # noqa: E741
A = np.arange(12).reshape(3, 4)
PLACES = [
    1, -1, 7, -7, [1, 3], [3, 1, 1], [0, 4], [-4], [], slice(None), slice(1, None, 2), slice(None, None, -1), slice(4, 1, -2), slice(9, 2),
    np.array([True, False, True, False]), np.array([True, False, True, True, False, True]), np.array([True, False]), np.array([], int), np.array(2), np.array([1.5]),
    np.array([[1, 2]]), [9, 1],
]  # fmt: skip
VALUES = [7, [7], [7, 8], [7, 8, 9], [[1], [2], [3]], []]


def at_hand(x):
    return mt.tensor(x)


def computed(x):
    return mt.tensor(x).copy()[mt.tensor(np.ones(len(x), bool))] if np.ndim(x) == 1 and len(x) else mt.tensor(x)


def compare(call, places):
    try:
        expected = call(np, places)
    except (ValueError, IndexError, TypeError) as theirs:
        with pytest.raises((ValueError, IndexError, TypeError)) as ours:
            call(mt, places).fetch()
        # NumPy forgets to check the dtype of a single integer; of values and places that are both wrong it names the one or the other.
        assert ours.type is type(theirs) or "__index__" in str(theirs) or "broadcast" in str(ours.value) or "boolean" in str(ours.value)
        return
    made = call(mt, places)
    assert isinstance(made, mt.Tensor)
    np.testing.assert_array_equal(made.fetch(), expected)
    assert made.dtype == expected.dtype


@pytest.mark.parametrize("places", PLACES, ids=str)
@pytest.mark.parametrize("kind", [lambda x: x, at_hand, computed], ids=["plain", "at_hand", "computed"])
def test_as_numpy(places, kind):
    def given(xp, o):
        return kind(o) if xp is mt and isinstance(o, (list, np.ndarray)) and np.size(o) else o

    compare(lambda xp, o: xp.delete(I, given(xp, o)), places)
    compare(lambda xp, o: xp.delete(A, given(xp, o), 1), places)
    for values in VALUES:
        compare(lambda xp, o, v=values: xp.insert(I, given(xp, o), v), places)
        compare(lambda xp, o, v=values: xp.insert(A, given(xp, o), v, axis=1), places)
        compare(lambda xp, o, v=values: xp.insert(A, given(xp, o), v, axis=-2), places)


@pytest.mark.parametrize("places", [slice(3, 40_000, 3), np.arange(0, 40_000, 3), np.arange(40_000, 0, -7)], ids=["slice", "up", "down"])
def test_many_places(places, rng, tmp_path):
    x = rng.random(50_000)
    n = len(range(*places.indices(len(x)))) if isinstance(places, slice) else len(places)
    values = rng.random(n)
    with mars.Session(chunk_bytes=20_000, workers=2, spill_dir=tmp_path):
        a = mt.tensor(x)
        kinds = [places] if isinstance(places, slice) else [places, mt.tensor(places), mt.tensor(places) * 1]
        for o in kinds:
            np.testing.assert_array_equal(mt.delete(a, o).fetch(), np.delete(x, places))
            np.testing.assert_array_equal(mt.insert(a, o, values).fetch(), np.insert(x, places, values))


def test_nothing_runs_at_the_call():
    places = mt.arange(3) * 2
    made = mt.delete(mt.arange(9), places), mt.insert(mt.arange(9), places, 7), mt.insert(mt.arange(4), mt.arange(4) > 2, [5])
    assert not places.is_executed
    np.testing.assert_array_equal(made[0].fetch(), [1, 3, 5, 6, 7, 8])
    np.testing.assert_array_equal(made[1].fetch(), [7, 0, 1, 7, 2, 3, 7, 4, 5, 6, 7, 8])
    np.testing.assert_array_equal(made[2].fetch(), [0, 1, 2, 5, 3])


def test_places_out_of_bounds_are_found_at_the_call_or_when_they_are_known():
    with pytest.raises(IndexError, match=r"^index 9 is out of bounds for axis 0 with size 6$"):
        mt.delete(I, [9])
    for made in (mt.delete(I, mt.tensor([9]) * 1), mt.insert(I, mt.tensor([9, 2]) * 1, 1)):
        with pytest.raises(IndexError, match=r"index 9 is out of bounds for axis 0 with size 6 \[operator (insert|delete), created at"):
            made.fetch()


@pytest.mark.parametrize("values", [[[7, 8]], [[[7, 8]]], [[7]], [[1], [2]]])
@pytest.mark.parametrize("places", [[1, 2], slice(0, 2), [1], 1])
def test_values_with_axes_of_one_element_in_front(values, places):
    x = np.arange(4)
    try:
        expected = np.insert(x, places, values)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            mt.insert(mt.tensor(x), places, values)
        return
    np.testing.assert_array_equal(mt.insert(mt.tensor(x), places, values).fetch(), expected)


@pytest.mark.parametrize("dtype", ["?", "i1", "f4"])
@pytest.mark.parametrize("places", [1, [1, 2], slice(0, 2)])
def test_integers_of_any_size_are_put_in(dtype, places):
    x = np.array([1, 0, 1]).astype(dtype)
    for number in (2**63, 2**70, -(2**70), 2**1024):
        try:
            expected = np.insert(x, places, number)
        except OverflowError as theirs:
            with pytest.raises(OverflowError) as caught:
                mt.insert(mt.tensor(x), places, number)
            assert str(caught.value) == str(theirs)
            continue
        np.testing.assert_array_equal(mt.insert(mt.tensor(x), places, number).fetch(), expected)
