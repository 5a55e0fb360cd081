"""Functions that write into a tensor: `copyto`, `put`, `putmask`, `place`, `put_along_axis`, `fill_diagonal`, and `Tensor.flat`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mars import _graph
from mars.tensor._arrays import asarray, tensor
from mars.tensor._registry import function, op
from mars.tensor._tensor import Tensor


def _written(a: Any, name: str) -> Tensor:
    if not isinstance(a, Tensor):
        raise TypeError(f"{name}() argument 1 must be a tensor, not {type(a).__name__}")
    return a


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Writes values into a tensor, or those of a tensor into an array: dst[...] = src, where the mask holds."""
    if not isinstance(dst, Tensor):
        if not isinstance(dst, np.ndarray):
            raise TypeError(f"copyto() argument 1 must be a tensor or an array, not {type(dst).__name__}")
        np.copyto(dst, np.asarray(src), casting=casting, where=np.asarray(where))  # type: ignore[arg-type]
        return
    if not isinstance(src, (int, float, complex)):
        src = src if isinstance(src, Tensor) else tensor(src)
        src = function("astype")(src, dst.dtype, casting=casting)
    if where is not True:
        src = function("astype")(function("where")(where, src, dst), dst.dtype, casting=casting)
    dst[...] = src


def put(a: Tensor, ind: Any, v: Any, mode: str = "raise") -> None:
    """Writes values, over and over again if they are fewer, to places that are counted in C order."""
    _graph.assign(_written(a, "put"), _graph.apply(op("assign_places"), (a, asarray(ind), asarray(v)), (mode,)))


def putmask(a: Tensor, mask: Any, values: Any) -> None:
    """Writes the values that stand at the same places, in C order and over and over again, where the mask holds."""
    _written(a, "putmask")
    mask, values = asarray(mask), asarray(values)
    if mask.size != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    if values.size:
        values = function("astype")(function("resize")(values, a.shape), a.dtype, casting="same_kind")
        a[...] = function("where")(mask.reshape(a.shape), values, a)


def place(arr: Tensor, mask: Any, vals: Any) -> None:
    """Writes values, one after the other and over and over again, to the places where the mask holds."""
    _written(arr, "place")
    mask, vals = asarray(mask), asarray(vals).reshape(-1)
    if mask.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    chosen = function("flatnonzero")(mask)
    if chosen.size and not vals.size:
        raise ValueError("Cannot insert from an empty array!")
    put(arr, chosen, function("astype")(vals, arr.dtype))


def put_along_axis(arr: Tensor, indices: Any, values: Any, axis: int | None) -> None:
    """Writes values to places along an axis that are given for each of the other places."""
    _written(arr, "put_along_axis")
    indices = asarray(indices)
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        flat = arr.copy().reshape(-1)
        flat[indices] = values
        arr[...] = flat.reshape(arr.shape)
        return
    if indices.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    if not -arr.ndim <= axis < arr.ndim:
        raise np.exceptions.AxisError(axis, arr.ndim)
    lines = function("meshgrid")(*map(function("arange"), arr.shape), indexing="ij", sparse=True)
    arr[tuple(indices if k == axis % arr.ndim else line for k, line in enumerate(lines))] = values


def fill_diagonal(a: Tensor, val: Any, wrap: bool = False) -> None:
    """Writes to the main diagonal; of more than two axes to where all indices are equal."""
    _written(a, "fill_diagonal")
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    step = a.shape[1] + 1 if a.ndim == 2 else 1 + sum(int(np.prod(a.shape[: k + 1])) for k in range(a.ndim - 1))
    end = a.shape[1] ** 2 if a.ndim == 2 and not wrap else a.size
    a.flat[: min(end, a.size) : step] = val


class Flat:
    """The elements of a tensor in C order: what `Tensor.flat` gives."""

    __slots__ = ("base",)

    def __init__(self, base: Tensor) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return iter(self.base.reshape(-1))

    def __getitem__(self, key: Any) -> Tensor:
        return self.base.flatten()[key]

    def __setitem__(self, key: Any, values: Any) -> None:
        n = self.base.size
        put(self.base, function("arange")(n)[key], values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.base.flatten().__array__(dtype, copy)
