#!/usr/bin/env python3
"""Writes Tests/MarsOpsTests/Fixtures/numpy_types.txt: what NumPy's ufuncs and reductions make of every combination of dtypes.

One line per function and arity: the name, then one word per combination of input dtypes (C order over DTYPES): the letters of the output
dtypes, or - where NumPy raises.  Run it with the NumPy release that Mars follows; the file is checked in.  --check compares
instead of writing.
"""

import itertools
import pathlib
import sys
import warnings

import numpy as np

DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
LETTERS = dict(zip(DTYPES, "?bhilBHILefdFD", strict=True))

UNARY = [
    "negative",
    "positive",
    "absolute",
    "abs",
    "fabs",
    "sign",
    "square",
    "reciprocal",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "cbrt",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsin",
    "arccos",
    "arctan",
    "arcsinh",
    "arccosh",
    "arctanh",
    "asin",
    "acos",
    "atan",
    "asinh",
    "acosh",
    "atanh",
    "degrees",
    "radians",
    "rad2deg",
    "deg2rad",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "isfinite",
    "isinf",
    "isnan",
    "signbit",
    "spacing",
    "modf",
    "frexp",
    "conjugate",
    "conj",
    "invert",
    "bitwise_not",
    "bitwise_invert",
    "bitwise_count",
    "logical_not",
    "isposinf",
    "isneginf",
    "real",
    "imag",
    "angle",
    "sinc",
    "round",
    "around",
    "nan_to_num",
    "sum",
    "prod",
    "mean",
    "var",
    "std",
    "min",
    "max",
    "argmin",
    "argmax",
    "any",
    "all",
    "count_nonzero",
    "cumsum",
    "cumprod",
    "ptp",
    "nansum",
    "nanmean",
    "median",
    "sort",
    "argsort",
    "diff",
    "unique",
    "trace",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "remainder",
    "mod",
    "fmod",
    "divmod",
    "power",
    "float_power",
    "heaviside",
    "gcd",
    "lcm",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "arctan2",
    "atan2",
    "hypot",
    "copysign",
    "nextafter",
    "ldexp",
    "logaddexp",
    "logaddexp2",
    "matmul",
    "dot",
    "inner",
    "outer",
    "vdot",
    "isclose",
]


def letters(out: object) -> str:
    outputs = out if isinstance(out, tuple) else (out,)
    return "".join(LETTERS[np.asarray(o).dtype.name] for o in outputs)


def fact(name: str, dtypes: tuple[str, ...]) -> str:
    shape = (2, 2) if name == "trace" else (2,)
    args = [np.ones(shape, d) for d in dtypes]
    f = getattr(np, name)
    try:
        return letters(f(*args))
    except (TypeError, ValueError):
        return "-"


def text() -> str:
    lines = [f"# NumPy {np.__version__}; made by scripts/gen_type_facts.py", "# " + " ".join(DTYPES)]
    for arity, names in ((1, UNARY), (2, BINARY)):
        for name in names:
            words = [fact(name, c) for c in itertools.product(DTYPES, repeat=arity)]
            lines.append(" ".join([name, str(arity), *words]))
    return "\n".join(lines) + "\n"


def main() -> int:
    warnings.simplefilter("ignore")
    root = pathlib.Path(__file__).resolve().parent.parent
    path = root / "Tests/MarsOpsTests/Fixtures/numpy_types.txt"
    if "--check" in sys.argv[1:]:
        return 0 if path.read_text() == text() else 1
    path.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
