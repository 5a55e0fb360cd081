#!/usr/bin/env python3
"""Writes what NumPy's element-wise functions give where every bit is determined: exact and correctly rounded operations.

Each line of the fixture is a function, the dtype of its operands and of its result, and the bits of operands and results as hexadecimal
little-endian bytes:
    add float64 float64 <x1> <x2> -> <out>
`--check` compares instead of writing.  Runs with the pinned NumPy.
"""

import itertools
import pathlib
import sys
import warnings
from typing import Any

import numpy as np

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "Tests/MarsOpsTests/Fixtures/numpy_values.txt"
UNARY = (
    "negative positive absolute sign square reciprocal floor ceil trunc rint sqrt signbit isnan isinf isfinite spacing logical_not invert "
    "bitwise_count"
)
BINARY = (
    "add subtract multiply divide floor_divide remainder fmod maximum minimum fmax fmin equal not_equal less less_equal greater "
    "greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift right_shift copysign nextafter "
    "heaviside gcd lcm power"
)
VALUES: dict[str, list[Any]] = {
    "bool": [False, True],
    "int8": [0, 1, -1, 2, -7, 127, -128],
    "uint16": [0, 1, 9, 16, 65535, 32768],
    "int64": [0, 1, -1, 7, -7, 64, 2**63 - 1, -(2**63)],
    "float32": [0.0, -0.0, 1, -2.5, 7.25, np.inf, -np.inf, np.nan, 3.4e38, 1e-45],
    "float64": [0.0, -0.0, 1, -2.5, 7.25, np.inf, -np.inf, np.nan, 1.7e308, 5e-324, -1e17],
}


def text() -> str:
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    lines = []
    for names, arity in ((UNARY, 1), (BINARY, 2)):
        for name, (dtype, values) in itertools.product(names.split(), VALUES.items()):
            if name == "power" and dtype.startswith("float"):
                continue  # not correctly rounded
            x = np.array(list(itertools.product(values, repeat=arity)), dtype).T.copy()
            if name == "power":
                x = x[:, x[1] >= 0]  # integers to negative powers are errors in NumPy
            try:
                out = getattr(np, name)(*x)
            except TypeError:
                continue
            lines.append(f"{name} {dtype} {out.dtype.name} {' '.join(a.tobytes().hex() for a in x)} -> {out.tobytes().hex()}\n")
    return "".join(lines)


def main() -> int:
    if "--check" in sys.argv[1:]:
        return 0 if FIXTURE.read_text() == text() else 1
    FIXTURE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
