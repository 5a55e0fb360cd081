"""Operands and attributes of a call in the form of the C interface.

A call fills a `Frame`, memory in the layout of mars_operand and mars_attribute that is kept and used again, because a call should cost
about a microsecond.  Frames are taken from and given back to a list, both of which are atomic, so that any thread, and a finalizer that
runs in the middle of a call, gets one of its own.
"""

from __future__ import annotations

import ctypes
import math
import operator
from collections.abc import Callable
from ctypes import addressof, byref, c_size_t, c_uint64, c_void_p, sizeof
from typing import Any

import numpy as np

from mars import _abi
from mars._abi import Attribute, Operand, lib

MAX_OUTPUTS = 4
OPERAND_WORDS = sizeof(Operand) // 8
ATTRIBUTE_WORDS = sizeof(Attribute) // 8
_SCRATCH = 256  # 64-bit integers of a call's attributes

# First word of a mars_operand: struct_size and kind.
TENSOR, BOOL, INT, UINT, FLOAT, COMPLEX, BIG, NONE = (sizeof(Operand) | kind << 32 for kind in range(8))
# First word of a mars_attribute.
A_NONE, _A_BOOL, _A_INT, _A_FLOAT, _A_STRING, _A_DTYPE, _A_SCALAR, _A_INTS, _A_STRINGS, _A_BYTES = (
    sizeof(Attribute) | kind << 32 for kind in range(10)
)

sizes = [c_size_t.from_param(n) for n in range(65)]


def size_argument(n: int) -> Any:
    """`n` as a prepared size_t argument of an unchecked function."""
    return sizes[n] if n < 65 else c_size_t.from_param(n)


class Handle:
    """Owner of one reference to a mars_tensor.  `_t` caches (dtype, shape) once the shape is known."""

    __slots__ = ("__weakref__", "_h", "_t")

    _h: int
    _t: tuple[np.dtype[Any], tuple[int, ...]] | None

    __del__ = _abi.finalizer(lib.mars_tensor_release)


Handle._as_parameter_ = Handle._h  # type: ignore[attr-defined, misc]  # the slot under the name that ctypes looks for


class Frame:
    """Memory of one call: see the head of this file."""

    __slots__ = (
        "a", "a_doubles", "a_ints", "a_ref", "calls", "o", "o_doubles", "o_ints", "o_ref", "out", "out_ref", "scratch", "scratch_at",
    )  # fmt: skip

    def __init__(self, operands: int = 16, attributes: int = 24, scratch: int = _SCRATCH, outputs: int = MAX_OUTPUTS) -> None:
        out = (c_uint64 * outputs)()
        self.out = memoryview(out).cast("B").cast("Q")
        self.out_ref = byref(out)
        inputs = (c_uint64 * (operands * OPERAND_WORDS))()
        raw = memoryview(inputs).cast("B")
        self.o, self.o_ints, self.o_doubles = raw.cast("Q"), raw.cast("q"), raw.cast("d")
        self.o_ref = byref(inputs)
        values = (c_uint64 * (attributes * ATTRIBUTE_WORDS))()
        raw = memoryview(values).cast("B")
        self.a, self.a_ints, self.a_doubles = raw.cast("Q"), raw.cast("q"), raw.cast("d")
        self.a_ref = byref(values)
        numbers = (c_uint64 * scratch)()
        self.scratch = memoryview(numbers).cast("B").cast("q")
        self.scratch_at = addressof(numbers)
        self.calls = 0


frames: list[Frame] = []


def frame() -> Frame:
    try:
        return frames.pop()
    except IndexError:
        return Frame()


_COUNT_EVERY = 1 << 14


def forget_outputs(f: Frame) -> None:
    """Releases what a call wrote and nobody took, because an interrupt came when it returned.

    Who takes an output writes 0 in its place.
    """
    for i, h in enumerate(f.out):
        if h:
            f.out[i] = 0
            lib.mars_tensor_release(h)


def give_back(f: Frame) -> None:
    """For the next call; every so many calls somebody looks how many nodes wait."""
    f.calls += 1
    if f.calls >= _COUNT_EVERY:
        f.calls = 0
        if hooks.count is not None:
            hooks.count()
    frames.append(f)


# ---- what other files of the package put here ----


class _Hooks:
    """Filled in by `mars.tensor` and `mars.options`: the class of results and what to do with what is no tensor."""

    __slots__ = ()
    tensor: type[Any] = Handle
    # The class of several results.
    several: type[Any] = tuple
    # Turns an array, a scalar of NumPy or a nested list into a tensor.
    convert: Any = None
    # What an operator of the language leaves to its other operand.
    leave: Any = None
    # Executes a tensor at once, in eager mode; None otherwise.
    eager: Any = None
    # Executes tensors in the session in use.
    execute: Any = None
    # Called every _COUNT_EVERY calls of a frame with the place of the call.
    count: Any = None


hooks = _Hooks


def taken(f: Frame, i: int) -> Any:
    """A tensor that takes over output `i` of a call."""
    t = hooks.tensor()
    t._h = f.out[i]
    f.out[i] = 0
    t._t = None
    return t


def receive(function: Any, *arguments: Any, failed: Any = None) -> Any:
    """The tensor that a function of the library writes to its first argument; `failed` is called where it writes none."""
    out = c_void_p()
    try:
        status = function(byref(out), *arguments)
        if status:
            if failed is not None:
                failed()
            _abi.fail(status)
        t = hooks.tensor()
        t._h = out.value
        out.value = None
        t._t = None
        return t
    except BaseException:
        lib.mars_tensor_release(out)  # an interrupt may come when the function returns
        raise


def receive_several(n: int, function: Any, *arguments: Any) -> list[Any]:
    """The `n` tensors that a function of the library writes to its first argument."""
    out = (c_void_p * n)()
    received: list[Any] = []
    try:
        _abi.check(function(byref(out), n, *arguments))
        for i in range(n):
            t = hooks.tensor()
            t._h = out[i] or 0
            out[i] = None
            t._t = None
            received.append(t)
    except BaseException:
        for h in out:
            lib.mars_tensor_release(h)
        raise
    return received


# ---- operands ----


def put_operand(f: Frame, k: int, x: Any, kept: list[Any]) -> None:
    """Writes operand number `k`; None: the input is left out.  What must live until the call is put into `kept`."""
    at = k * OPERAND_WORDS
    kind = type(x)
    if kind is hooks.tensor:
        f.o[at] = TENSOR
        f.o[at + 1] = x._h
    elif kind is float:
        f.o[at] = FLOAT
        f.o_doubles[at + 3] = x
    elif kind is int:
        put_integer(f, at, x)
    elif kind is bool:
        f.o[at] = BOOL
        f.o[at + 2] = x
    elif kind is complex:
        f.o[at] = COMPLEX
        f.o_doubles[at + 3] = x.real
        f.o_doubles[at + 4] = x.imag
    elif x is None:
        f.o[at] = NONE
    else:
        t = x if isinstance(x, Handle) else hooks.convert(x)
        kept.append(t)
        f.o[at] = TENSOR
        f.o[at + 1] = t._h


def put_integer(f: Frame, at: int, x: int) -> None:
    if -0x8000000000000000 <= x < 0x8000000000000000:
        f.o[at] = INT
        f.o_ints[at + 2] = x
    elif 0 < x < 0x10000000000000000:
        f.o[at] = UINT
        f.o[at + 2] = x
    else:
        f.o[at] = BIG
        try:
            f.o_doubles[at + 3] = float(x)
        except OverflowError:
            f.o_doubles[at + 3] = math.inf if x > 0 else -math.inf


# ---- attributes ----
#
# An encoder writes the value of attribute number `k` (name and first word are its business too).  `at` is the first free place of the
# scratch integers; the encoder returns the new one.


Encoder = Callable[[Frame, int, Any, int, list[Any]], int]


class Declared:
    """Declaration of one attribute, with the address of its name."""

    __slots__ = ("_name", "default", "kind", "name", "name_at", "put")

    def __init__(self, name: str, kind: str, default: Any, role: str = "number") -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self._name = ctypes.create_string_buffer(name.encode())
        self.name_at = addressof(self._name)
        self.put = _encoders[kind, role] if kind in ("int", "ints") else _encoders[kind]


def _put_bool(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_BOOL
    f.a_ints[k + 3] = 1 if v else 0
    return at


def _putting_int(integer: Callable[[Any], int]) -> Encoder:
    def put(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
        f.a[k] = _A_INT
        f.a_ints[k + 3] = integer(v)
        return at

    return put


def _put_float(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_FLOAT
    f.a_doubles[k + 4] = float(v)
    return at


def _put_string(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    return _put_memory(f, k, _A_STRING, ctypes.create_string_buffer(_abi.c_text(v, "a text")), 1, at, kept)


def _put_dtype(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_DTYPE
    f.a_ints[k + 3] = _abi.code_of(v)
    return at


def _put_scalar(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    if isinstance(v, (Handle, np.ndarray)):
        v = np.asarray(v).item()
    f.a[k] = _A_SCALAR
    if type(v) is np.uint64:
        f.a[k + 2] = 9
        f.a[k + 3] = int(v)
        return at
    f.a_doubles[k + 4] = f.a_doubles[k + 5] = 0.0
    f.a_ints[k + 3] = 0
    if isinstance(v, np.generic):
        f.a[k + 2] = _abi.code_of(v.dtype)
        v = v.item()
    else:
        python = type(v) if type(v) in (bool, int, float, complex) else _number_type(v)
        if python is int and not -0x8000000000000000 <= v < 0x10000000000000000:
            raise OverflowError("Python int too large to convert to C long")
        f.a[k + 2] = 9 if python is int and v > 0x7FFFFFFFFFFFFFFF else _abi.code_of(python)
    if isinstance(v, int):
        if 0x7FFFFFFFFFFFFFFF < v <= 0xFFFFFFFFFFFFFFFF:
            f.a[k + 3] = v
        else:
            f.a_ints[k + 3] = _int64(v)
    elif isinstance(v, complex):
        f.a_doubles[k + 4], f.a_doubles[k + 5] = v.real, v.imag
    else:
        f.a_doubles[k + 4] = v
    return at


def _number_type(v: Any) -> type[Any]:
    try:
        return type(v + 0)
    except TypeError:
        raise TypeError(f"a number is wanted, not {v!r}") from None


def _putting_ints(integer: Callable[[Any], int]) -> Encoder:
    def put(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
        f.a[k] = _A_INTS
        if type(v) is int:
            n = 1
            f.scratch[at] = integer(v)
        elif type(v) in (tuple, list) and len(v) <= 8 and at <= _SCRATCH - 8:
            n = len(v)
            for i, number in enumerate(v, at):
                f.scratch[i] = integer(number)
        elif (vector := _int64_vector(v)) is not None:
            kept.append(vector)
            f.a[k + 6] = vector.size
            f.a[k + 7] = vector.ctypes.data
            return at
        else:
            is_one = not getattr(v, "ndim", 0) and (hasattr(v, "__index__") or not hasattr(v, "__iter__"))
            numbers = (integer(v),) if is_one else tuple(map(integer, v))
            n = len(numbers)
            if at + n > _SCRATCH:
                memory = (ctypes.c_int64 * n)(*numbers)
                return _put_memory(f, k, _A_INTS, memory, n, at, kept)
            for i, number in enumerate(numbers, at):
                f.scratch[i] = number
        f.a[k + 6] = n
        f.a[k + 7] = f.scratch_at + 8 * at
        return at + n

    return put


def _int64_vector(v: Any) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Integers that lie in one piece of memory, which are many at times; None for anything else."""
    if getattr(v, "ndim", 0) != 1 or not hasattr(v, "dtype") or v.dtype.kind not in "iu" or v.dtype == np.uint64:
        return None
    vector: np.ndarray[Any, np.dtype[np.int64]] = np.ascontiguousarray(np.asarray(v), np.int64)
    return vector


def _put_strings(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    values = [_abi.c_text(s, "a text") for s in ([v] if isinstance(v, str) else v)]
    return _put_memory(f, k, _A_STRINGS, (ctypes.c_char_p * len(values))(*values), len(values), at, kept)


def _put_bytes(f: Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    raw = bytes(v)
    return _put_memory(f, k, _A_BYTES, ctypes.create_string_buffer(raw, max(1, len(raw))), len(raw), at, kept)


def _put_memory(f: Frame, k: int, head: int, memory: Any, n: int, at: int, kept: list[Any]) -> int:
    kept.append(memory)
    f.a[k] = head
    f.a[k + 6] = n
    f.a[k + 7] = addressof(memory)
    return at


def _int64(v: int) -> int:
    if -0x8000000000000000 <= v < 0x8000000000000000:
        return v
    raise OverflowError("Python int too large to convert to C long")


def _number(v: Any) -> int:
    return _int64(operator.index(v))


def _extent(v: Any) -> int:
    if type(v) is bool:
        raise TypeError("an integer is required")
    n = operator.index(v)
    if not -0x8000000000000000 <= n < 0x8000000000000000:
        raise ValueError("Maximum allowed dimension exceeded")
    return n


def _axis(v: Any) -> int:
    if type(v) is bool:
        raise TypeError("an integer is required for the axis")
    return _int64(operator.index(v))


def _diagonal(v: Any) -> int:
    return max(-0x8000000000000000, min(operator.index(v), 0x7FFFFFFFFFFFFFFF))


# How an integer becomes one of 64 bits, by what the library says that it stands for.
_roles: dict[str, Callable[[Any], int]] = {"number": _number, "extent": _extent, "axis": _axis, "diagonal": _diagonal}

_encoders: dict[Any, Encoder] = {
    **{("int", role): _putting_int(integer) for role, integer in _roles.items()},
    **{("ints", role): _putting_ints(integer) for role, integer in _roles.items()},
    "bool": _put_bool,
    "float": _put_float,
    "string": _put_string,
    "dtype": _put_dtype,
    "scalar": _put_scalar,
    "strings": _put_strings,
    "bytes": _put_bytes,
}
