"""Functions of Python that the engine calls with chunks: `Tensor.map_chunk`."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from mars import _abi, _values
from mars._abi import lib
from mars._operators import made, receive
from mars._place import place

_functions: dict[int, tuple[Callable[..., Any], np.dtype[Any], np.dtype[Any]]] = {}


def _look_at(array: Any, dtype: np.dtype[Any], writable: bool) -> np.ndarray[Any, Any]:
    """An array of NumPy over memory that is lent for the time of a call."""
    a = array.contents
    n = a.ndim
    shape = tuple(a.shape[:n])
    size = int(np.prod(shape))
    if not size:
        return np.empty(shape, dtype)
    strides = tuple(a.strides[:n]) if a.strides else None
    span = dtype.itemsize + sum((e - 1) * s for e, s in zip(shape, strides, strict=True)) if strides else size * dtype.itemsize
    memory: Any = (ctypes.c_char * span).from_address(a.data)
    x: np.ndarray[Any, Any] = np.ndarray(shape, dtype, memory, 0, strides)
    if not writable:
        x.flags.writeable = False
    return x


def _call_chunk_function(user: int, source: Any, target: Any, lower: Any, message: Any, message_size: int) -> int:
    try:
        function, source_dtype, target_dtype = _functions[user]
        x = _look_at(source, source_dtype, False)
        result = np.asarray(function(x))
        if result.shape != x.shape:
            raise ValueError(f"the function of map_chunk gave shape {result.shape} for a chunk of shape {x.shape}")
        if not np.can_cast(result.dtype, target_dtype, "same_kind"):
            raise TypeError(
                f"the function of map_chunk gave {result.dtype}, which does not go into {target_dtype}: name its dtype, as in "
                f"map_chunk(function, dtype={result.dtype.name!r})"
            )
        _look_at(target, target_dtype, True)[...] = result
        return 0
    except BaseException as error:
        text = _abi.raised(error)[: max(0, message_size - 1)] + b"\0"
        if message_size:
            ctypes.memmove(message, text, len(text))
        return -1


def _forget_chunk_function(user: int | None, _functions: dict[int, Any] = _functions) -> None:
    _functions.pop(user or 0, None)


_chunk_callback = _abi.for_ever(_abi.ChunkFunction(_call_chunk_function))
_chunk_destroy = _abi.for_ever(_abi.Release(_forget_chunk_function))


def map_chunk(t: Any, function: Callable[..., Any], dtype: Any) -> Any:
    """`function` applied to every chunk of a tensor; it gives arrays of `dtype` (None: the tensor's), or of a kind that goes into it."""
    if not callable(function):
        raise TypeError(f"map_chunk needs a function, not {type(function).__name__}")
    source = t.dtype
    code = _abi.code_of(source if dtype is None else dtype)
    token = next(_values.tokens)
    _functions[token] = (function, source, _abi.dtype_of(code))
    failed = functools.partial(_functions.pop, token, None)
    return made(receive(lib.mars_tensor_map_chunk, t._h, code, _chunk_callback, token, _chunk_destroy, place(), failed=failed))
