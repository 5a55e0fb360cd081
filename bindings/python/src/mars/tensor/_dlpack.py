"""Tensors in and out by DLPack's versioned capsules."""

from __future__ import annotations

import collections
import ctypes
import sys
from ctypes import byref, c_char_p, c_int, c_void_p, py_object
from typing import Any

import numpy as np

from mars import _abi, _session
from mars._operators import Handle, receive

# Prototypes of our own: those of ctypes.pythonapi belong to everyone.
_python = ctypes.PyDLL(None)
_is_valid = _python.PyCapsule_IsValid
_is_valid.argtypes, _is_valid.restype = [c_void_p, c_char_p], c_int
_pointer = _python.PyCapsule_GetPointer
_pointer.argtypes, _pointer.restype = [c_void_p, c_char_p], c_void_p
_set_name = _python.PyCapsule_SetName
_set_name.argtypes, _set_name.restype = [c_void_p, c_char_p], c_int
_new = _python.PyCapsule_New
_new.argtypes, _new.restype = [c_void_p, c_char_p, c_void_p], py_object

_VERSIONED = b"dltensor_versioned"
_USED = b"used_dltensor_versioned"
# Offset of `deleter` in DLManagedTensorVersioned: after the version and manager_ctx.
_DELETER_OFFSET = 16


def import_tensor(x: Any) -> Any:
    """A tensor over the memory of an object that exports DLPack."""
    from mars.tensor._arrays import asarray

    try:
        capsule = x.__dlpack__(max_version=(1, 0))
    except TypeError:  # an object of the time before versions
        return asarray(np.from_dlpack(x))
    if not _is_valid(id(capsule), _VERSIONED):
        return asarray(np.from_dlpack(x))
    t = receive(_abi.lib.mars_tensor_from_dlpack, _pointer(id(capsule), _VERSIONED))
    _set_name(id(capsule), _USED)
    return t


class _Lent:
    """Memory of an array that must not be written to, for consumers whom nothing can tell so."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self._values = values
        interface = dict(values.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


# Capsules that were exported.  A destructor of Python cannot free what nobody took: it would run while the error waits with which the
# consumer refused the capsule, and lose both.
_exported: collections.deque[Any] = collections.deque()


def _delete(managed: int) -> None:
    deleter = c_void_p.from_address(managed + _DELETER_OFFSET).value
    if deleter:
        ctypes.CFUNCTYPE(None, c_void_p)(deleter)(managed)


def _free_refused() -> None:
    """Frees what nobody took out of capsules that nobody has any more."""
    for _ in range(len(_exported)):
        capsule = _exported.popleft()
        if sys.getrefcount(capsule) > 2:  # more than the name here and the argument there
            _exported.append(capsule)
        elif _is_valid(id(capsule), _VERSIONED):
            _delete(_pointer(id(capsule), _VERSIONED))


def export(t: Handle, stream: Any, options: dict[str, Any]) -> Any:
    """What __dlpack__ gives: NumPy's capsule of the values where NumPy can make one."""
    if stream is not None:
        raise BufferError("tensors in main memory have no stream")
    if t.dtype.kind != "V":  # type: ignore[attr-defined]
        values = t.to_numpy()  # type: ignore[attr-defined]
        if not values.flags.writeable and (options.get("max_version") or (0, 0)) < (1, 0):
            # The old capsule cannot say that memory must not be written to: a copy, unless the caller insists on this memory.
            values = values.copy() if options.get("copy") is not False else np.asarray(_Lent(values))
        return values.__dlpack__(**options)
    if (options.get("max_version") or (0, 0)) < (1, 0) or options.get("copy"):
        raise BufferError("bfloat16 is exported in place and in DLPack 1.0 only")
    _free_refused()
    managed = c_void_p()
    try:
        _abi.check(_abi.lib.mars_tensor_to_dlpack(byref(managed), _session.current().handle, t._h))
        capsule = _new(managed, _VERSIONED, None)
    except BaseException:
        if managed.value:  # an interrupt may come when a function returns
            _delete(managed.value)
        raise
    _exported.append(capsule)
    return capsule
