"""`bincount`, whose extent follows from the values: it runs what tells the largest of them."""

from __future__ import annotations

from typing import Any

from mars._graph import apply
from mars.tensor._arrays import asarray
from mars.tensor._registry import function, op
from mars.tensor._tensor import Tensor


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, ... comes, or the sum of the weights where it comes; executes the tensor to know the largest."""
    x = asarray(x)
    if x.ndim != 1:
        raise ValueError("object too deep for desired array" if x.ndim else "object of too small depth for desired array")
    if minlength < 0:
        raise ValueError("'minlength' must not be negative")
    if not x.size:
        x = x.astype(int)
    if x.dtype.kind not in "biu" or x.dtype == "uint64":
        raise TypeError(f"Cannot cast array data from dtype('{x.dtype}') to dtype('int64') according to the rule 'safe'")
    beside = () if weights is None else (asarray(weights).astype(float, casting="safe"),)
    if beside and beside[0].shape != x.shape:
        raise ValueError("The weights and list don't have the same length.")
    least, most = (int(x.min()), int(x.max())) if x.size else (0, -1)
    if least < 0:
        raise ValueError("'list' argument must have no negative elements")
    # A bin for each number, and a last edge that no number reaches.
    edges = function("arange")(max(most + 1, minlength) + 1)
    if edges.size == 1:
        return function("zeros")(0, int if weights is None else float)  # type: ignore[no-any-return]
    last = apply(op("equal"), (edges, edges.size - 1))
    bins = function("where")(last, edges + 1, edges)
    return apply(op("histogram_counts"), (x.astype("int64"), bins, *beside))  # type: ignore[no-any-return]
