"""Functions of grids and of pieces, and tensors put together of blocks: clients' functions and nested lists are taken apart here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mars.tensor._arrays import convert
from mars.tensor._registry import function
from mars.tensor._tensor import Tensor


def fromfunction(f: Callable[..., Any], shape: Sequence[int], *, dtype: Any = float, **kwargs: Any) -> Any:
    """What a function gives for the indices of a grid."""
    return f(*function("unstack")(function("indices")(shape, dtype)), **kwargs) if len(shape) else f(**kwargs)


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Tensor:
    """What functions, or values, give for the elements at which their conditions hold; one more than there are: for all others.

    Functions get the elements in a vector, as those of numpy.piecewise do.
    """
    x = x if isinstance(x, Tensor) else convert(x)
    is_one = not np.ndim(condlist) or (not np.ndim(condlist[0]) and x.ndim != 0)
    conditions = [function("astype")(k, bool) for k in ([condlist] if is_one else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~function("any")(function("stack")(conditions), axis=0))
    elif len(funclist) != len(conditions):
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    made: Tensor = function("zeros_like")(x)
    for condition, f in zip(conditions, funclist, strict=True):
        made[condition] = f(x[condition], *args, **kw) if callable(f) else f
    return made


def block(arrays: Any) -> Tensor:
    """A tensor of nested lists of blocks: the innermost ones are joined along the last axis, the next along the one before."""
    depth = _depth(arrays)

    def rank(x: Any) -> int:
        return max(map(rank, x)) if isinstance(x, list) else np.ndim(x)

    axes = max(depth, rank(arrays))

    def joined(x: Any, level: int) -> Tensor:
        if isinstance(x, list):
            return function("concatenate")([joined(i, level + 1) for i in x], axis=level - depth)  # type: ignore[no-any-return]
        x = x if isinstance(x, Tensor) else convert(x)
        return x.reshape((1,) * (axes - x.ndim) + x.shape)  # type: ignore[no-any-return]

    made = joined(arrays, 0)
    return made.copy() if not depth else made


def _depth(x: Any) -> int:
    """How deep lists are nested, the same everywhere."""
    if isinstance(x, tuple):
        raise TypeError("arrays is a tuple. Only lists can be used to arrange blocks, and np.block does not allow implicit conversion.")
    if not isinstance(x, list):
        return 0
    if not x:
        raise ValueError("List depths are mismatched. Elements must not be empty lists")
    depths = {_depth(i) for i in x}
    if len(depths) > 1:
        raise ValueError("List depths are mismatched.")
    return depths.pop() + 1
