"""`reduce` and `accumulate` of ufuncs that have no function of their own for it."""

import mars.tensor as mt
import numpy as np
import pytest

from test_numpy_rules import agree

INTEGERS = ("A([[12, 18, 7], [6, 4, 5]])", "A([[12, 18, 7], [6, 4, 5]], dtype='u1')", "A([[-1, 18, 0], [6, 4, 5]], dtype='i2')")
BOOLS = ("A([[True, False, True], [False, False, True]])",)
FLOATS = ("A([[1.5, np.nan, 2], [3, 0.5, -1]])", "A([[1.5, 4, 2], [3, 0.5, 1]], dtype='f4')")
REDUCTIONS = [
    f"xp.{f}.reduce({a}{more})"
    for f, operands in (
        ("bitwise_and", INTEGERS + BOOLS), ("bitwise_or", INTEGERS + BOOLS + FLOATS[:1]), ("bitwise_xor", INTEGERS + BOOLS),
        ("logical_xor", INTEGERS + BOOLS + FLOATS), ("gcd", INTEGERS), ("lcm", INTEGERS[1:]), ("logaddexp", INTEGERS[:1] + FLOATS),
        ("logaddexp2", FLOATS), ("hypot", INTEGERS[:1] + FLOATS),
    )
    for a in operands
    for more in ("", ", axis=1", ", axis=(0, 1), keepdims=True", ", axis=None, initial=3", ", where=A([True, False, True])")
    if f not in ("logaddexp", "logaddexp2", "hypot") or "(0, 1)" not in more
]  # fmt: skip
EMPTY = [
    f"xp.{f}.reduce(xp.zeros((0, 2), dtype={d!r}))"
    for f, d in (("bitwise_and", "i1"), ("bitwise_or", "u8"), ("gcd", "i4"), ("lcm", "i4"), ("logaddexp", "f4"), ("hypot", "f8"))
]
ACCUMULATIONS = [
    f"xp.{f}.accumulate({a}{more})"
    for f, operands in (
        ("maximum", INTEGERS + FLOATS), ("minimum", BOOLS + FLOATS), ("fmax", INTEGERS + FLOATS), ("fmin", FLOATS),
        ("bitwise_and", INTEGERS + BOOLS), ("bitwise_or", INTEGERS + BOOLS + FLOATS[:1]), ("bitwise_xor", INTEGERS + BOOLS),
        ("logical_and", INTEGERS + BOOLS + FLOATS), ("logical_or", INTEGERS), ("logical_xor", INTEGERS + BOOLS),
        ("subtract", INTEGERS + FLOATS + BOOLS),
    )
    for a in (*operands, "A([[[5, 0, 7]], [[1, 2, 0]]])")
    for more in ("", ", axis=-1", ", axis=5")
] + [f"xp.{f}.accumulate(A([3, 1, 2]), dtype={d!r})" for f in ("maximum", "minimum", "subtract") for d in ("f4", "i1")]  # fmt: skip


@pytest.mark.parametrize("text", REDUCTIONS + EMPTY)
def test_reduce(text):
    agree(text)


@pytest.mark.parametrize("text", ACCUMULATIONS)
def test_accumulate(text):
    agree(text)


def test_chunks_hand_on_what_they_have_come_to():
    x = np.arange(1, 40).reshape(3, 13) * 37 % 64
    for f in ("bitwise_or", "bitwise_and", "bitwise_xor", "logical_or", "subtract", "fmax"):
        made = getattr(np, f).accumulate(mt.tensor(x, chunk_size=4), axis=1)
        np.testing.assert_array_equal(made.fetch(), getattr(np, f).accumulate(x, axis=1))
    for f in ("bitwise_or", "bitwise_and", "bitwise_xor", "gcd"):
        made = getattr(np, f).reduce(mt.tensor(x, chunk_size=4), axis=1)
        np.testing.assert_array_equal(made.fetch(), getattr(np, f).reduce(x, axis=1))
