"""NumPy's own functions called with tensors: those that Mars has stay lazy and give NumPy's values."""

import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor._registry import descriptions

X = np.arange(1, 13, dtype=float).reshape(3, 4) / 16

NAMES = {d["numpy"].removeprefix("numpy.") for d in descriptions.values() if d["namespace"] is not None and d["numpy"]}
UFUNCS = sorted(n for n in NAMES if isinstance(getattr(np, n, None), np.ufunc))


def written(f, a, *arguments):
    """A copy after a function has written to it."""
    a = a.copy()
    f(a, *arguments)
    return a


# How each function is called; anything that takes one array is called with that.
CALLS = {
    "average": lambda f, a: f(a, axis=1, weights=[1, 2, 3, 4]), "argsort": lambda f, a: f(a, axis=0), "array_equal": lambda f, a: f(a, a),
    "allclose": lambda f, a: f(a, a), "isclose": lambda f, a: f(a, a), "array_split": lambda f, a: f(a, 2), "split": lambda f, a: f(a, [1, 2]),
    "astype": lambda f, a: f(a, "float32"), "broadcast_arrays": lambda f, a: f(a, a[0]), "broadcast_to": lambda f, a: f(a, (2, 3, 4)), "clip": lambda f, a: f(a, 0.2, 0.5),
    "column_stack": lambda f, a: f([a, a]), "compress": lambda f, a: f([True, False], a, axis=0), "concat": lambda f, a: f([a, a]), "concatenate": lambda f, a: f([a, a]),
    "cumulative_prod": lambda f, a: f(a, axis=0), "cumulative_sum": lambda f, a: f(a, axis=0), "dot": lambda f, a: f(a, a.T), "dstack": lambda f, a: f([a, a]),
    "expand_dims": lambda f, a: f(a, 1), "extract": lambda f, a: f(a > 0.3, a), "full_like": lambda f, a: f(a, 3), "hstack": lambda f, a: f([a, a]), "inner": lambda f, a: f(a, a),
    "isin": lambda f, a: f(a, [0.25, 0.5]), "meshgrid": lambda f, a: f(a[0], a[1]), "moveaxis": lambda f, a: f(a, 0, 1), "outer": lambda f, a: f(a, a),
    "permute_dims": lambda f, a: f(a, (1, 0)), "repeat": lambda f, a: f(a, 2), "reshape": lambda f, a: f(a, (4, 3)), "roll": lambda f, a: f(a, 2), "searchsorted": lambda f, a: f(a[0], [0.1, 0.2]),
    "stack": lambda f, a: f([a, a]), "swapaxes": lambda f, a: f(a, 0, 1), "take": lambda f, a: f(a, [0, 5]), "take_along_axis": lambda f, a: f(a, np.array([[0], [1], [2]]), axis=1),
    "tensordot": lambda f, a: f(a, a, axes=2), "tile": lambda f, a: f(a, 2), "unravel_index": None, "vdot": lambda f, a: f(a, a), "vecdot": lambda f, a: f(a, a),
    "vstack": lambda f, a: f([a, a]), "where": lambda f, a: f(a > 0.3, a, 0), "matmul": lambda f, a: f(a, a.T),
    "append": lambda f, a: f(a, a), "einsum": lambda f, a: f("ij->j", a), "pad": lambda f, a: f(a, 1), "percentile": lambda f, a: f(a, 30),
    "quantile": lambda f, a: f(a, 0.3), "select": lambda f, a: f([a > 0.3], [a]),
    "linspace": lambda f, a: f(a[0], a[1], 5), "logspace": lambda f, a: f(a[0], a[1], 5), "empty_like": None, "fix": lambda f, a: f(a * 9),
    "argpartition": lambda f, a: f(a, 1), "partition": lambda f, a: f(a, 1), "array_equiv": lambda f, a: f(a, a[:1]),
    "choose": lambda f, a: f((a > 0.3).astype(int), [a, -a]), "delete": lambda f, a: f(a, 1), "insert": lambda f, a: f(a, 1, 9),
    "digitize": lambda f, a: f(a, [0.2, 0.6]), "dsplit": lambda f, a: f(a[None], 2), "hsplit": lambda f, a: f(a, 2),
    "vsplit": lambda f, a: f(a, [1]), "geomspace": lambda f, a: f(a[0] + 1, a[1] + 1, 5), "interp": lambda f, a: f(a, [0, 1], [3, 5]),
    "intersect1d": lambda f, a: f(a, a[0]), "setdiff1d": lambda f, a: f(a, a[0]), "setxor1d": lambda f, a: f(a, a[0]),
    "union1d": lambda f, a: f(a, a[0]), "kron": lambda f, a: f(a, a), "resize": lambda f, a: f(a, (2, 2)), "lexsort": lambda f, a: f((a, a)),
    "diagflat": lambda f, a: f(a[0]), "diag_indices_from": lambda f, a: f(a[:, :3]), "ix_": lambda f, a: f((a[0] * 16).astype(int), [0, 1]),
    "packbits": lambda f, a: f((a * 4).astype(int), axis=1), "unpackbits": lambda f, a: f((a * 100).astype(np.uint8)),
    "bincount": lambda f, a: f((a[0] * 16).astype(int)), "copyto": lambda f, a: written(f, a, a[1]),
    "fill_diagonal": lambda f, a: written(f, a, 9), "place": lambda f, a: written(f, a, a > 0.3, [8, 9]), "put": lambda f, a: written(f, a, [0, 5], 9),
    "put_along_axis": lambda f, a: written(f, a, np.array([[0], [1], [2]]), 9, 1), "putmask": lambda f, a: written(f, a, a > 0.3, [8, 9]), "convolve": lambda f, a: f(a[0], a[1]), "correlate": lambda f, a: f(a[0], a[1], "full"),
    "cross": lambda f, a: f(a[:, :3], a[:, 1:]), "nanpercentile": lambda f, a: f(a, 30),
    "nanquantile": lambda f, a: f(a, 0.3), "polyval": lambda f, a: f([1, 2], a), "rollaxis": lambda f, a: f(a, 1),
    "ravel_multi_index": lambda f, a: f(((a * 16).astype(int), (a * 3).astype(int)), (20, 9)), "trim_zeros": lambda f, a: f(a[0]),
    "vander": lambda f, a: f(a[0]),
}  # fmt: skip
PLAIN = sorted(
    n for n in NAMES if n not in UFUNCS and CALLS.get(n, 0) is not None and hasattr(_f := getattr(np, n, None), "__wrapped__") and n not in ("save", "load")
)  # fmt: skip


def check(made, expected):
    if isinstance(expected, (tuple, list)):
        assert len(made) == len(expected)
        for m, e in zip(made, expected, strict=True):
            check(m, e)
        return
    assert isinstance(made, mt.Tensor)
    np.testing.assert_allclose(made.fetch(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", UFUNCS)
def test_ufunc(name):
    f = getattr(np, name)
    if f.signature is not None:
        pytest.skip("a generalised ufunc")
    x = X if "d->" in "".join(t.split("->")[0] + "->" for t in f.types if "d" in t) or "?" in f.types[0] else (X * 16).astype(int)
    arguments = (x,) if f.nin == 1 else (x, (x[0] * 2).astype(int) if name == "ldexp" else x[0])
    try:
        expected = f(*arguments)
    except TypeError:
        arguments = tuple((a * 16).astype(int) for a in arguments)
        expected = f(*arguments)
    check(f(mt.tensor(arguments[0]), *arguments[1:]), expected)
    if f.nin == 2:
        check(f(arguments[0], mt.tensor(arguments[1])), expected)


@pytest.mark.parametrize("name", PLAIN)
def test_function(name):
    f = getattr(np, name)
    call = CALLS.get(name) or (lambda f, a: f(a))
    check(call(f, mt.tensor(X)), call(f, X))
