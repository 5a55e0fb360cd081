"""Tensors of arrays, of scalars of NumPy and of nested lists: copies, and memory that is used in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mars import _abi, _operators, _values
from mars._operators import Handle
from mars.tensor import _registry, _signatures
from mars.tensor._registry import function
from mars.tensor._tensor import Tensor


def convert(x: Any, operator: bool = False) -> Any:
    """A tensor of an array, a scalar of NumPy or nested lists: a snapshot.

    For an `operator`, what NumPy does not take as numbers gives NotImplemented, so that the other operand may answer; integers that only
    tensors do not take are refused, because Python would compare the two as objects.
    """
    if isinstance(x, np.ndarray):
        return _values.from_array(x, alias=False)
    if isinstance(x, (list, tuple)) and any(isinstance(i, Handle) for i in x):
        return function("stack")([convert(i) if not isinstance(i, Handle) else i for i in x])
    made = None
    try:
        made = np.asarray(x)
        # The array may be the object's own memory, or it is ours alone.
        return _values.from_array(made, alias=isinstance(x, (list, tuple, np.generic, int, float, complex)))
    except (TypeError, ValueError):
        if operator and (made is None or not _values.has_big_integers(made)):
            return NotImplemented
        raise


def tensor(data: Any, dtype: Any = None, chunk_size: int | Sequence[int] | None = None) -> Tensor:
    """A tensor of the values that an array-like has now.

    `chunk_size`: preferred extent of chunks, one integer for all axes or one per axis; -1: an axis in one piece.  Where an axis has the
    sizes of all its chunks, the chunks are those, as `rechunk` makes them.
    """
    if isinstance(data, (list, tuple)) and any(isinstance(i, Handle) for i in data):
        data = convert(data)
    if isinstance(data, Tensor):
        t = _array_of(data)
        t = data.copy() if t is data else t
        if dtype is not None and t.dtype != np.dtype(dtype):
            t = function("astype")(t, dtype)
        return t.rechunk(chunk_size) if chunk_size is not None else t
    x = np.asarray(data, dtype=None if dtype is None else _abi.dtype_of(_abi.code_of(dtype)))
    fresh = x is not data and not hasattr(data, "__array_interface__") and not hasattr(data, "__array__") and not _is_buffer(data)
    preferred = _preferred(chunk_size, x.ndim)
    made = _values.from_array(x, fresh, preferred)
    return made if preferred is not None else _registry.rechunked(made, chunk_size)  # type: ignore[no-any-return]


def asarray(a: Any, dtype: Any = None, order: str | None = None, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that uses an array's memory in place: do not change the array until the tensor is executed."""
    _registry.check_device(device)
    _signatures.check_order(order)
    copy = _signatures.checked_copy(copy)
    data = a
    if isinstance(data, (list, tuple)) and any(isinstance(i, Handle) for i in data):
        data = convert(data)
    if isinstance(data, Tensor):
        data = data if copy is False else _array_of(data)
        if dtype is not None and data.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return function("astype")(data, dtype)  # type: ignore[no-any-return]
        return data.copy() if copy and data is a else data
    if copy:
        return tensor(data, dtype)
    lies_somewhere = hasattr(data, "__array_interface__") or hasattr(data, "__array__") or _is_buffer(data)
    if copy is False and (isinstance(data, np.generic) or not lies_somewhere):
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    x = np.asarray(data, dtype=None if dtype is None else _abi.dtype_of(_abi.code_of(dtype)))
    return _values.from_array(x, alias=True)  # type: ignore[no-any-return]


def _array_of(t: Tensor) -> Tensor:
    """As NumPy, an array of a scalar has no axes, but may be written to; any other tensor is one."""
    return function("full")((), t) if not t._type()[1] and _values.is_scalar(t) else t  # type: ignore[no-any-return]


def frombuffer(buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0) -> Tensor:
    """A tensor that uses a buffer's memory in place: do not change it until the tensor is executed."""
    return asarray(np.frombuffer(buffer, _abi.dtype_of(_abi.code_of(dtype)), count, offset))


def fromiter(iter: Any, dtype: Any, count: int = -1) -> Tensor:
    """A tensor of what an iterable gives now."""
    return tensor(np.fromiter(iter, _abi.dtype_of(_abi.code_of(dtype)), count))


def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Tensor:
    """A tensor of the numbers in a text, between which `sep` stands."""
    return tensor(np.fromstring(string, _abi.dtype_of(_abi.code_of(dtype)), count, sep=sep))


def asarray_chkfinite(a: Any, dtype: Any = None, order: str | None = None) -> Tensor:
    """A tensor as `asarray` makes it; runs what it needs to see that its values are finite."""
    made = asarray(a, dtype, order)
    if made.dtype.kind in "fc" and not bool(function("isfinite")(made).all()):
        raise ValueError("array must not contain infs or NaNs")
    return made


def require(a: Any, dtype: Any = None, requirements: Any = None) -> Tensor:
    """A tensor of a dtype; what NumPy may require beside it is about memory, which tensors do not have."""
    np.require(np.empty(0), None, requirements)  # which refuses what it does not know
    return asarray(a, dtype)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of an object that exports DLPack: do not change it until the tensor is executed."""
    from mars.tensor import _dlpack

    _registry.check_device(device)
    made: Tensor = _dlpack.import_tensor(x)
    return made.copy() if copy else made


def _is_buffer(x: Any) -> bool:
    try:
        memoryview(x)
        return True
    except TypeError:
        return False


def _preferred(chunk_size: Any, ndim: int) -> Sequence[int] | None:
    """One extent per axis; None where nothing is preferred: without `chunk_size`, and where it has the sizes of all chunks."""
    if chunk_size is None:
        return None
    extents = _registry.chunk_extents(chunk_size)
    chunks = [extents] * ndim if isinstance(extents, int) else extents
    if any(isinstance(c, list) for c in chunks):
        return None
    if len(chunks) != ndim:
        raise ValueError(f"chunk_size has {len(chunks)} entries for {ndim} axes")
    return chunks


_operators.hooks.convert = convert
