"""Functions take the values that arrays have at the call: only asarray, the buffer protocol and DLPack look at a client's memory later."""

import inspect

import mars.tensor as mt
import numpy as np
import pytest

V, M, P = np.arange(1.0, 7), np.arange(12.0).reshape(3, 4), np.array([0, 2, 4])


def written(f):
    """What a tensor holds after a function has written to it."""

    def call(*arrays):
        t = mt.arange(6.0)
        f(t, *arrays)
        return t

    return call


CALLS = {
    "put": (written(mt.put), P, V[:3]),
    "putmask": (written(mt.putmask), V > 2, V),
    "place": (written(mt.place), V > 2, V),
    "put_along_axis": (written(lambda t, i, x: mt.put_along_axis(t, i, x, 0)), P, V[:3]),
    "flat": (written(lambda t, x: setattr(t, "flat", x)), V),
    "copyto": (written(mt.copyto), V),
    "setitem": (written(lambda t, i, x: t.__setitem__(i, x)), P, V[:3]),
    "iadd": (written(lambda t, x: t.__iadd__(x)), V),
    "out": (written(lambda t, x: mt.add(x, 1, out=t)), V),
    "getitem": (lambda i: mt.arange(6.0)[i], P),
    "bincount": (lambda i, x: mt.bincount(i, weights=x), P, V[:3]),
    "block": (lambda x: mt.block([[x], [x]]), M),
    "r_": (lambda x: mt.r_[x, 1:3, x], V),
    "ix_": (mt.ix_, P),
    "insert": (lambda x, y: mt.insert(x, 1, y), V, V[:2]),
    "delete": (mt.delete, V, P),
    "select": (lambda m, x: mt.select([m], [x]), V > 2, V),
    "average": (lambda x, w: mt.average(x, weights=w, returned=True), V, V),
    "diff": (lambda x, y: mt.diff(x, prepend=y), V, V[:1]),
    "searchsorted": (mt.searchsorted, V, V),
}


def values(result):
    return [np.asarray(r) for r in (result if isinstance(result, (tuple, list)) else [result])]


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    f, *given = CALLS[name]
    arrays = [a.copy() for a in given]
    result = f(*arrays)
    for a in arrays:
        a[...] = 0
    for found, wanted in zip(values(result), values(f(*(a.copy() for a in given))), strict=True):
        np.testing.assert_array_equal(found, wanted)


# As NumPy's, these give the array itself where it will do.
ALIASES = {
    "asarray", "asarray_chkfinite", "asanyarray", "ascontiguousarray", "asfortranarray", "frombuffer", "from_dlpack", "require",
}  # fmt: skip


@pytest.mark.parametrize("given", [(V,), (M,), (V, V)], ids=["vector", "matrix", "two vectors"])
def test_every_function(given):
    tried = 0
    for name, f in inspect.getmembers(mt, callable):
        if name.startswith("_") or name in ALIASES | {"load", "save"} or inspect.isclass(f):
            continue
        arrays = [a.copy() for a in given]
        try:
            result, wanted = f(*arrays), values(f(*(a.copy() for a in given)))
        except Exception:  # not a call of this function
            continue
        if not isinstance(result, (mt.Tensor, tuple, list)):
            continue
        if not isinstance(result, mt.Tensor) and any(isinstance(r, np.ndarray) for r in result):  # it was given to write to
            continue
        tried += 1
        for a in arrays:
            a[...] = 5
        if name not in ("empty_like",):
            for found, expected in zip(values(result), wanted, strict=True):
                np.testing.assert_array_equal(found, expected, err_msg=name)
    assert tried > 50
