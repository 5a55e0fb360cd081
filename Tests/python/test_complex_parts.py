"""Real and imaginary parts: views that are written through, as NumPy's are."""

import mars.tensor as mt
import numpy as np
import pytest


def complex_values(shape, dtype=np.complex128):
    n = np.arange(np.prod(shape)).reshape(shape)
    return (n + 1j * (100 + n)).astype(dtype)


def both(x):
    """An array and a tensor of its values."""
    return x.copy(), mt.tensor(x)


def step(x, what, *args):
    """One of the writes, to an array or to a tensor."""
    match what:
        case "part":
            setattr(x, *args)
        case "add":
            name, value = args
            setattr(x, name, getattr(x, name).__iadd__(value))
        case "item":
            name, key, value = args
            getattr(x, name)[key] = value
        case "of view":
            name, key, value = args
            setattr(x[key], name, value)


WRITES = [
    ("part", "real", 7),
    ("part", "imag", 2.5),
    ("part", "real", True),
    ("part", "imag", np.arange(3.0)),
    ("part", "real", [[1], [2], [3], [4]]),
    ("add", "real", 1),
    ("add", "imag", np.arange(3.0)),
    ("item", "real", (2, 1), 5),
    ("item", "imag", slice(1, 3), -1),
    ("item", "imag", (slice(None, None, -2), 0), np.array([8, 9])),
    ("item", "real", [0, 3], 6),
    ("item", "imag", np.arange(12).reshape(4, 3) % 2 == 0, 0),
    ("of view", "imag", slice(None, None, 3), 4),
    ("of view", "real", (..., 1), -3),
]


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("is_executed", [False, True])
@pytest.mark.parametrize("write", WRITES, ids=str)
def test_writes_to_parts(write, is_executed, dtype):
    x, t = both(complex_values((4, 3), dtype))
    if is_executed:
        t.execute()
    step(x, *write)
    step(t, *write)
    np.testing.assert_array_equal(t.fetch(), x, strict=True)


@pytest.mark.parametrize("name", ["real", "imag"])
def test_parts_follow_and_are_followed(name):
    x, t = both(complex_values((4, 3)))
    mine, theirs = getattr(x, name), getattr(t, name)
    assert theirs.shares_storage(t) and theirs.dtype == mine.dtype
    x += 1 + 1j
    t += 1 + 1j
    np.testing.assert_array_equal(theirs.fetch(), mine)
    for a in (mine, theirs):
        a[1] = 50
        a.reshape(12)[5:7] = 60
        a.T[0] += 2
    np.testing.assert_array_equal(t.fetch(), x)
    np.testing.assert_array_equal(theirs[::-1, 1].fetch(), mine[::-1, 1])
    for a in (mine, theirs):
        a.sort(axis=0)
    np.testing.assert_array_equal(t.fetch(), x)


def test_parts_of_a_view_in_chunks():
    x, t = complex_values((60, 50)), mt.tensor(complex_values((60, 50)), chunk_size=16)
    for a in (x, t):
        a[5:50:3, ::-1].T.imag[2:9] = 1
    np.testing.assert_array_equal(t.fetch(), x)


def test_a_part_given_as_out():
    x, t = both(complex_values((3,)))
    np.add(x.imag, 5, out=x.real)
    np.add(t.imag, 5, out=t.real)
    np.testing.assert_array_equal(t.fetch(), x)


def test_parts_of_unknown_extents():
    x = complex_values((6,))
    t = mt.tensor(x)
    a, b = x[x.imag > 102], t[t.imag > 102]
    for part in (a, b):
        part.real = 3
        part.imag[...] = part.real + 1
    np.testing.assert_array_equal(b.fetch(), a)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_real_tensors(dtype):
    x, t = both(np.array([1, 0, 3]).astype(dtype))
    for a in (x, t):
        a.real = [0, 1, 0]
        a.real[0] = 1
    np.testing.assert_array_equal(t.fetch(), x, strict=True)
    np.testing.assert_array_equal(t.imag.fetch(), x.imag, strict=True)
    for a in (x, t):
        with pytest.raises(TypeError, match="does not have imaginary part to set"):
            a.imag = 1
        with pytest.raises(ValueError, match="read-only"):
            a.imag[0] = 1
    np.testing.assert_array_equal(t.fetch(), x)


def test_refused_writes():
    x, t = both(complex_values((4, 3)))
    for a in (x, t):
        with pytest.raises(TypeError, match="not 'complex'"):
            a.real[0] = 1j
        with pytest.raises(ValueError, match="could not broadcast"):
            a.imag = np.zeros(5)
    np.testing.assert_array_equal(t.fetch(), x)


def test_parts_as_functions():
    t = mt.tensor(complex_values((3,)))
    mt.real(t)[0] = 9
    assert t.fetch()[0] == 9 + 100j
    copied = mt.imag(t) + 0
    copied[0] = 1
    assert t.fetch()[0] == 9 + 100j


@pytest.mark.parametrize("dtype", ["?", "i4", "f8"])
def test_what_is_not_complex_is_its_own_conjugate(dtype):
    for m in (np, mt):
        a = m.ones(3, dtype)
        assert a.conj() is a and a.conjugate() is a
        assert m.conj(a) is not a and m.conj(a).dtype == (np.int8 if dtype == "?" else dtype)
    a, out = mt.ones(3), mt.zeros(3)
    assert a.conj(out) is out and out.fetch().all()
    np.testing.assert_array_equal(mt.array([1 + 2j]).conj().fetch(), [1 - 2j])
