"""Values: what a tensor is and holds as NumPy has it, and arrays of NumPy as tensors."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p, sizeof
from typing import Any

import numpy as np

from mars import _abi
from mars._abi import Array, TensorInfo, fail, lib
from mars._operators import Handle, receive
from mars._run import run

# ---- types and values ----


class _Look:
    """Memory to describe one tensor and to fetch one 0-d value."""

    __slots__ = ("array", "array_ref", "info", "ref", "scalars", "words")

    def __init__(self) -> None:
        self.info = TensorInfo(struct_size=sizeof(TensorInfo))
        self.ref = byref(self.info)
        # struct_size, dtype, ndim, is_executed, then the shape from word 2 on.
        self.words = memoryview(self.info).cast("B").cast("q")
        room = ctypes.create_string_buffer(16)
        self.array = Array(struct_size=sizeof(Array), ndim=0, data=ctypes.addressof(room))
        self.array_ref = byref(self.array)
        self.scalars: dict[int, Any] = {}
        self.scalars[0] = room

    def scalar(self, code: int) -> Any:
        """A 0-d array of NumPy over the room of this object."""
        view = self.scalars.get(code)
        if view is None:
            view = self.scalars[code] = np.ndarray((), _abi.dtype_of(code), self.scalars[0])
        return view


_looks: list[_Look] = []


def _look() -> _Look:
    try:
        return _looks.pop()
    except IndexError:
        return _Look()


def describe(t: Handle) -> tuple[int, tuple[int, ...], bool]:
    """(code of the dtype, shape with -1 where unknown, whether the value is at hand); never runs anything."""
    look = _look()
    status = lib.mars_tensor_describe(look.ref, t._h)
    if status:
        fail(status)
    w = look.words
    ndim = w[1] & 0xFFFFFFFF
    result = (w[0] >> 32, tuple(w[2 : 2 + ndim]), w[1] >> 32 != 0)
    _looks.append(look)
    return result


def is_scalar(t: Handle) -> bool:
    """Whether a tensor without axes is a value that never changes."""
    look = _look()
    _abi.check(lib.mars_tensor_describe(look.ref, t._h))
    answer: int = look.info.is_scalar
    _looks.append(look)
    return answer != 0


class _Memory:
    """Memory of the engine for as long as an array of NumPy looks at it."""

    __slots__ = ("__array_interface__", "_as_parameter_")

    def __init__(self, array: Array, dtype: np.dtype[Any]) -> None:
        self._as_parameter_ = byref(array)
        n = array.ndim
        interface: dict[str, Any] = {
            "version": 3,
            "shape": tuple(array.shape[:n]),
            "typestr": dtype.str if dtype.kind != "V" else f"<V{dtype.itemsize}",
            "data": (array.data or 0, bool(array.flags & _abi.ARRAY_READONLY)),
        }
        if array.strides:
            interface["strides"] = tuple(array.strides[:n])
        self.__array_interface__ = interface

    __del__ = _abi.finalizer(_abi.unchecked.mars_array_release)


def values(session: Any, t: Handle, scalar: bool) -> Any:
    """The values of a tensor, executed first if need be: an array, or, for 0-d and `scalar`, a scalar of NumPy."""
    code, shape, is_executed = describe(t)
    if not is_executed:
        run(session, (t._h,))
    if not shape:
        look = _look()
        view = look.scalar(code)
        look.array.dtype = code
        status = lib.mars_fetch_into(session.handle, t._h, look.array_ref)
        if status:
            fail(status, running=True)
        value = view[()] if scalar else view.copy()
        _looks.append(look)
        return value
    array = Array(struct_size=sizeof(Array))
    try:
        status = lib.mars_fetch(byref(array), session.handle, t._h)
        if status:
            fail(status, running=True)
        dtype = _abi.dtype_of(code)
        memory = _Memory(array, dtype)
    except BaseException:
        lib.mars_array_release(byref(array))  # an interrupt may come when the function returns
        raise
    result = np.asarray(memory)
    return result.view(dtype) if dtype.kind == "V" else result


# ---- arrays going in ----

# Owners of memory that the engine uses in place, by token.
_owners: dict[int, Any] = {}
tokens = iter(range(1, 1 << 62))


def _released(token: int | None, _owners: dict[int, Any] = _owners) -> None:
    _owners.pop(token or 0, None)


_release_callback = _abi.for_ever(_abi.Release(_released))
_release_address = ctypes.cast(_release_callback, c_void_p).value


def has_big_integers(x: np.ndarray[Any, Any]) -> bool:
    """Whether an array holds integers as objects because 64 bits do not hold them."""
    return x.dtype.kind == "O" and x.size > 0 and all(isinstance(i, (int, np.integer)) for i in x.flat)


def from_array(x: np.ndarray[Any, Any], alias: bool, chunks: Sequence[int] | None = None) -> Any:
    """A tensor of an array; `alias`: in the array's own memory, which then must not be changed until the tensor is executed."""
    dtype = x.dtype
    code = _abi._codes.get(dtype)
    if code is None:
        if has_big_integers(x):
            raise TypeError("dtype object is not supported, which is NumPy's for integers beyond 64 bits")
        code = _abi.code_of(dtype)
        native = _abi.dtype_of(code)
        if native != dtype:  # the other byte order
            x, alias = x.astype(native), True
    n = x.ndim
    array = Array(sizeof(Array), code, n, 0, x.__array_interface__["data"][0])
    if n:
        if n > _abi.MAX_DIMS:
            raise ValueError(f"maximum supported dimension for an ndarray is {_abi.MAX_DIMS}, found {n}")
        extents = c_int64 * n
        array.shape = extents(*x.shape)
        if not x.flags.c_contiguous:
            array.strides = extents(*x.strides)
    mode = _abi.COPY
    if alias:
        mode = _abi.ALIAS
        token = next(tokens)
        _owners[token] = x
        array.owner = token
        array.release = _release_address
        if not x.flags.writeable:
            array.flags = _abi.ARRAY_READONLY
    preferred = (c_int64 * max(n, 1))(*chunks) if chunks is not None else None
    failed = functools.partial(_owners.pop, token, None) if alias else None
    return receive(lib.mars_tensor_from_array, byref(array), mode, preferred, failed=failed)
