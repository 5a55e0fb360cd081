#!/usr/bin/env python3
"""Writes the result dtypes of NumPy's element-wise functions over all combinations of operand dtypes.

Each line of the fixture is a function, its operand dtypes, and its result dtypes or the name of the error:
    add bool int8 -> int8
Needs NumPy 2.4; run from the root of the repository.
"""

import itertools
import pathlib
import warnings

import numpy as np

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
# Generalised ufuncs and dates.
SKIPPED = {"matmul", "matvec", "vecdot", "vecmat", "isnat"}
# Functions that are not ufuncs, with the number of their operands.
FUNCTIONS = {
    "round": 1, "sinc": 1, "i0": 1, "angle": 1, "nan_to_num": 1, "isposinf": 1, "isneginf": 1, "real": 1, "imag": 1, "iscomplex": 1,
    "isreal": 1, "fix": 1, "isclose": 2,
}


def result(function, dtypes):
    try:
        out = function(*(np.ones(1, d) for d in dtypes))
    except TypeError:
        return "TypeError"
    return " ".join(o.dtype.name for o in (out if isinstance(out, tuple) else (out,)))


def main():
    warnings.simplefilter("ignore")
    arity = dict(FUNCTIONS)
    for name in dir(np):
        f = getattr(np, name)
        if isinstance(f, np.ufunc) and name not in SKIPPED:
            arity[name] = f.nin
    lines = [
        f"{name} {' '.join(ds)} -> {result(getattr(np, name), ds)}"
        for name in sorted(arity)
        for ds in itertools.product(DTYPES, repeat=arity[name])
    ]
    few = ["bool", "int8", "uint64", "float16", "float64", "complex64"]
    lines += [f"clip {' '.join(ds)} -> {result(np.clip, ds)}" for ds in itertools.product(few, repeat=3)]
    lines += [f"where {' '.join(ds)} -> {result(np.where, ds)}" for ds in itertools.product(["bool", "float64"], DTYPES, DTYPES)]
    path = pathlib.Path("Tests/golden/ufunc_types.txt")
    path.write_text("\n".join(lines) + "\n")
    print(f"{path}: {len(lines)} lines")


if __name__ == "__main__":
    main()
