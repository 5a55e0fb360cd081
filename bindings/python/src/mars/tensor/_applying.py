"""Functions of NumPy that call a client's function with parts of a tensor, or with all of it once per axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mars.tensor._arrays import convert
from mars.tensor._registry import function
from mars.tensor._tensor import Tensor


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else convert(x)  # type: ignore[no-any-return]


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Tensor:
    """What a function gives for every vector along an axis, which are tensors; its results lie along that axis.

    The function is called once for each of them before anything runs: for many short vectors a reduction is the better tool.
    """
    arr = _tensor(arr)
    axis = np.lib.array_utils.normalize_axis_index(axis, arr.ndim)
    lines = function("moveaxis")(arr, axis, -1)
    others = lines.shape[:-1]
    made = [_tensor(func1d(lines[place], *args, **kwargs)) for place in np.ndindex(others)]
    if not made:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    # As NumPy: the first result says shape and dtype of all.
    shape, dtype = made[0].shape, made[0].dtype
    parts = [function("broadcast_to")(x.astype(dtype), shape) for x in made]
    result = function("stack")(parts).reshape(others + shape)
    own = range(len(shape))
    return function("moveaxis")(result, [len(others) + i for i in own], [axis + i for i in own])  # type: ignore[no-any-return]


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Tensor:
    """What is left of a tensor when a function of a tensor and an axis has been applied to one axis after the other."""
    value = _tensor(a)
    rank = value.ndim
    for axis in np.atleast_1d(axes).tolist():
        k = axis + rank if axis < 0 else axis
        made = _tensor(func(value, k))
        if made.ndim != value.ndim:
            made = function("expand_dims")(made, k)
            if made.ndim != value.ndim:
                raise ValueError("function is not returning an array of the correct shape")
        value = made
    return value


def mask_indices(n: int, mask_func: Callable[..., Any], k: Any = 0) -> Any:
    """Indices of the elements of an n by n matrix that a function of a matrix and `k` leaves other than 0."""
    return function("nonzero")(_tensor(mask_func(function("ones")((n, n), dtype=int), k)))
