"""Calls made up at random, with seeds: results, dtypes, shapes and errors are NumPy's."""

import random

import mars.tensor as mt
import numpy as np
import pytest

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
SEEDS = range(6)
CALLS = 30


def shape_of(r, most=4, least=0):
    return tuple(r.choice([0, 1, 1, 2, 2, 3, 4]) for _ in range(r.randint(least, most)))


def array_of(r, shape=None, dtype=None):
    d = np.dtype(dtype or r.choice(DTYPES))
    rng = np.random.default_rng(r.getrandbits(32))
    x = rng.integers(0 if d.kind == "u" else -4, 5, shape_of(r) if shape is None else shape)
    return np.asarray(x / 4 + (x[::-1] / 2 * 1j if d.kind == "c" and x.ndim else 0) if d.kind in "fc" else x).astype(d)


def narrowed(r, shape):
    """A shape that broadcasts to this one."""
    some = tuple(n if r.random() < 0.7 else 1 for n in shape)
    return some[r.randint(0, len(some)) :] if r.random() < 0.4 else some


def reduction(r):
    name = r.choice(
        ["sum", "prod", "min", "max", "mean", "any", "all", "argmin", "argmax", "nansum", "nanmax", "count_nonzero", "ptp", "median"]
    )
    a, given = array_of(r), {}
    if name == "median" and not a.size:  # NumPy stumbles over shapes
        name = "mean"
    axes = r.sample(range(a.ndim), r.randint(0, a.ndim))
    if name.startswith("arg"):
        given["axis"] = r.choice([None, *range(-a.ndim, a.ndim)])
    elif r.random() < 0.8 and (axes or name != "median"):
        given["axis"] = tuple(k - a.ndim if r.random() < 0.4 else k for k in axes)
    if r.random() < 0.5:
        given["keepdims"] = True
    if name in ("sum", "prod", "min", "max", "nansum", "nanmax") and r.random() < 0.4:
        given["initial"] = r.choice([0, 1, 2.5, True, -1, np.float32(2)])
    if name in ("sum", "prod", "min", "max", "mean", "any", "all", "nansum") and r.random() < 0.4:
        given["where"] = array_of(r, narrowed(r, a.shape), r.choice(["?", "?", "?", "u1"]))
    if name in ("sum", "prod", "nansum") and r.random() < 0.3 and a.dtype.kind != "c":
        given["dtype"] = np.dtype(r.choice(["i2", "i8", "f4", "f8", "c16"]))
    return name, lambda m, a, **k: getattr(m, name)(a, **k), [a], given


UFUNCS = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "maximum",
    "fmin",
    "hypot",
    "arctan2",
    "copysign",
    "heaviside",
    "equal",
    "less",
    "logical_and",
    "logical_xor",
    "bitwise_or",
    "left_shift",
    "gcd",
    "float_power",
    "logaddexp",
]
SCALARS = [0, 1, -1, 3, 127, 200, 300, -129, 2**31, 2**40, 2**63, 2**64 - 1, 1.5, -0.0, True, 1j, np.int8(3), np.float32(1.5), np.uint64(5)]


def ufunc(r):
    name, shape = r.choice(UFUNCS), shape_of(r, 3)
    operands = [array_of(r, narrowed(r, shape)), array_of(r, narrowed(r, shape)) if r.random() < 0.6 else r.choice(SCALARS)]
    if isinstance(operands[1], int) and operands[1] >= 2**63 and (operands[0].dtype == bool or name.startswith("logical")):
        operands[1] = 2  # NumPy overflows, whatever is asked
    if r.random() < 0.4:
        operands.reverse()
    given = {"casting": r.choice(["safe", "unsafe", "no", "same_kind", "bad"])} if r.random() < 0.2 else {}
    return name, lambda m, *x, **k: getattr(m, name)(*x, **k), operands, given


def key_of(r, shape):
    items, axis = [], 0
    rng = np.random.default_rng(r.getrandbits(32))
    common = tuple(min(n, 3) for n in shape_of(r, 2))
    while axis < len(shape) and r.random() < 0.9:
        kind, n = r.choice(["slice", "slice", "integer", "none", "dots", "array", "mask", "bool", "list"]), shape[axis]
        if kind == "slice":
            bounds = [None, 0, 1, -1, 2, -2, n, n + 3, -n - 2]
            items.append(slice(r.choice(bounds), r.choice(bounds), r.choice([None, 1, 2, -1, -2, 3])))
        elif kind == "integer":
            items.append(r.randint(-n, n) if r.random() < 0.1 or not n else r.randint(-n, n - 1))
        elif kind == "none":
            items.append(None)
        elif kind == "dots" and Ellipsis not in [i for i in items if i is Ellipsis]:
            items.append(...)
            axis += r.randint(0, len(shape) - axis)
        elif kind in ("array", "list") and n:
            index = rng.integers(-n, n, tuple(e if r.random() < 0.8 else 1 for e in common)).astype(r.choice(["i8", "i4", "i1"]))
            items.append(index.tolist() if kind == "list" and index.size else index)
        elif kind == "mask":
            width = r.randint(1, len(shape) - axis)
            items.append(rng.integers(0, 2, shape[axis : axis + width]).astype(bool))
            axis += width - 1
        elif kind == "bool":
            items.append(r.choice([True, False, np.True_]))
        else:
            items.append(slice(None))
        axis += items[-1] is not None and items[-1] is not ... and not isinstance(items[-1], (bool, np.bool_))
    return items[0] if len(items) == 1 and r.random() < 0.5 else tuple(items)


def reading(r):
    a = array_of(r)
    key = key_of(r, a.shape)
    return f"[{key}]", lambda m, a: a[key], [a], {}


def writing(r):
    a = array_of(r, shape_of(r, 4, 1))
    key = key_of(r, a.shape)
    try:
        shape = np.shape(a[key])
    except IndexError:
        shape = (1,)
    whole = not shape or a.size == 0 or 0 in shape  # values that NumPy does not look at
    value = (
        r.choice([1, 2.5, True, np.float32(2)])
        if whole or r.random() < 0.4
        else np.abs(array_of(r, narrowed(r, shape), r.choice(["i1", "f4"])))
    )

    def write(m, a, value):
        a[key] = value
        return a

    return f"[{key}] =", write, [a, value], {}


def shaping(r):
    a = array_of(r)
    n = r.choice([1, 2, 3])
    axis = r.choice([None, 0, -1, 1])
    some = {
        "reshape": ((a, r.choice([(-1,), (-1, 1), a.shape[::-1], (2, -1)])), {"order": r.choice("CFA")}),
        "squeeze": ((a,), {"axis": axis}), "flip": ((a,), {"axis": axis}), "roll": ((a, r.choice([1, -2, 2**70])), {"axis": axis}),
        "repeat": ((a, n), {"axis": axis}), "tile": ((a, r.choice([n, (1, n), (n, 0)])), {}), "take": ((a, [0, -1]), {"axis": axis}),
        "concatenate": (([a, a, array_of(r, a.shape)],), {"axis": axis}), "stack": (([a, array_of(r, a.shape)],), {"axis": axis or 0}),
        "cumsum": ((a,), {"axis": axis}), "expand_dims": ((a, r.choice([0, -1, (0, 2)])), {}), "atleast_3d": ((a,), {}),
        "moveaxis": ((a, r.choice([0, (0, 1)]), r.choice([-1, (1, 0)])), {}), "diagonal": ((a,), {"offset": r.choice([0, 1, -1])}),
        "triu": ((a,), {"k": r.choice([0, 1, -2])}), "delete": ((a, r.choice([0, [0, 1], [], slice(None, None, 2)])), {"axis": axis}),
        "sort": ((a,), {"axis": axis}), "unique": ((a,), {"axis": axis if a.dtype.kind != "c" else None}), "swapaxes": ((a, 0, -1), {}),
        "broadcast_to": ((a, (n, *a.shape)), {}), "append": ((a, a), {"axis": axis}), "rot90": ((a, n), {}), "packbits": ((a,), {"axis": axis}),
    }  # fmt: skip
    name = r.choice(sorted(some))
    operands, given = some[name]
    return name, lambda m, *x, **k: getattr(m, name)(*x, **k), list(operands), given


def tensors(x):
    """Arguments with tensors in place of arrays, some of them in chunks."""
    if isinstance(x, np.ndarray):
        return mt.tensor(x, chunk_size=2 if x.size % 2 and x.ndim else None)
    return type(x)(map(tensors, x)) if isinstance(x, (list, tuple)) else x


def arrays(x):
    return list(map(np.asarray, x)) if isinstance(x, (list, tuple)) else [np.asarray(x)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("made_up", [reduction, ufunc, reading, writing, shaping])
@pytest.mark.parametrize("seed", SEEDS)
def test_calls(made_up, seed):
    r = random.Random(f"{made_up.__name__} {seed}")
    for _ in range(CALLS):
        name, call, operands, given = made_up(r)
        said = f"{name} {operands!r} {given!r}"
        mine = [tensors(x) for x in operands], {k: tensors(v) for k, v in given.items()}
        try:
            wanted = arrays(call(np, *operands, **given))
        except Exception as error:
            with pytest.raises(Exception) as raised:
                arrays(call(mt, *mine[0], **mine[1]))
            assert isinstance(error, raised.type) or issubclass(raised.type, type(error)), (said, raised.value, error)
            continue
        try:
            found = arrays(call(mt, *mine[0], **mine[1]))
        except Exception as error:
            raise AssertionError(said) from error
        assert [(x.dtype, x.shape) for x in found] == [(x.dtype, x.shape) for x in wanted], said
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-2 if x.dtype == np.float16 else 1e-5, err_msg=said)
