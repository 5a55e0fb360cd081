"""Applying operators: operands and attributes in the form of the C interface.

A call fills a `_Frame`, memory in the layout of mars_operand and mars_attribute that is kept and used again, because a call should cost
about a microsecond.  Frames are taken from and given back to a list, both of which are atomic, so that any thread, and a finalizer that
runs in the middle of a call, gets one of its own.
"""

from __future__ import annotations

import ctypes
import operator
from ctypes import addressof, byref, c_size_t, c_uint64, sizeof
from typing import Any

import numpy as np

from mars import _abi
from mars._abi import Attribute, Operand, fail, lib
from mars._place import place

_MAX_OUTPUTS = 4
_OPERAND_WORDS = sizeof(Operand) // 8
_ATTRIBUTE_WORDS = sizeof(Attribute) // 8
_SCRATCH = 256  # 64-bit integers of a call's attributes

# First word of a mars_operand: struct_size and kind.
_TENSOR, _BOOL, _INT, _UINT, _FLOAT, _COMPLEX, _BIG = (sizeof(Operand) | kind << 32 for kind in range(7))
# First word of a mars_attribute.
_A_NONE, _A_BOOL, _A_INT, _A_FLOAT, _A_STRING, _A_DTYPE, _A_SCALAR, _A_INTS, _A_STRINGS, _A_BYTES = (
    sizeof(Attribute) | kind << 32 for kind in range(10)
)

_apply = _abi.unchecked.mars_graph_apply
_sizes = [c_size_t.from_param(n) for n in range(65)]


def size_argument(n: int) -> Any:
    """`n` as a prepared size_t argument of an unchecked function."""
    return _sizes[n] if n < 65 else c_size_t.from_param(n)


class Handle:
    """Owner of one reference to a mars_tensor.  `_t` caches (dtype, shape) once the shape is known."""

    __slots__ = ("__weakref__", "_h", "_t")

    _h: int
    _t: tuple[np.dtype[Any], tuple[int, ...]] | None

    def __del__(self, _release: Any = lib.mars_tensor_release) -> None:
        _release(self._h)


class _Frame:
    """Memory of one call: see the head of this file."""

    __slots__ = (
        "a", "a_doubles", "a_ints", "a_ref", "calls", "o", "o_doubles", "o_ints", "o_ref", "out", "out_ref", "scratch", "scratch_at",
    )  # fmt: skip

    def __init__(self, operands: int = 16, attributes: int = 24, scratch: int = _SCRATCH, outputs: int = _MAX_OUTPUTS) -> None:
        out = (c_uint64 * outputs)()
        self.out = memoryview(out).cast("B").cast("Q")
        self.out_ref = byref(out)
        inputs = (c_uint64 * (operands * _OPERAND_WORDS))()
        raw = memoryview(inputs).cast("B")
        self.o, self.o_ints, self.o_doubles = raw.cast("Q"), raw.cast("q"), raw.cast("d")
        self.o_ref = byref(inputs)
        values = (c_uint64 * (attributes * _ATTRIBUTE_WORDS))()
        raw = memoryview(values).cast("B")
        self.a, self.a_ints, self.a_doubles = raw.cast("Q"), raw.cast("q"), raw.cast("d")
        self.a_ref = byref(values)
        numbers = (c_uint64 * scratch)()
        self.scratch = memoryview(numbers).cast("B").cast("q")
        self.scratch_at = addressof(numbers)
        self.calls = 0


_frames: list[_Frame] = []


def _frame() -> _Frame:
    try:
        return _frames.pop()
    except IndexError:
        return _Frame()


# ---- what other files of the package put here ----


class _Hooks:
    """Filled in by `mars.tensor` and `mars.options`: the class of results and what to do with what is no tensor."""

    __slots__ = ()
    tensor: type[Any] = Handle
    # Turns an array, a scalar of NumPy or a nested list into a tensor.
    convert: Any = None
    # Executes a tensor at once, in eager mode; None otherwise.
    eager: Any = None
    # Called every _COUNT_EVERY calls of a frame with the place of the call.
    count: Any = None


hooks = _Hooks
_COUNT_EVERY = 1 << 14


def wrap(handle: int) -> Any:
    """A tensor that takes over the reference `handle`."""
    t = hooks.tensor()
    t._h = handle
    t._t = None
    return t


# ---- operands ----


def _put_operand(f: _Frame, k: int, x: Any, kept: list[Any]) -> None:
    """Writes operand number `k`.  What must live until the call is put into `kept`."""
    at = k * _OPERAND_WORDS
    kind = type(x)
    if kind is hooks.tensor:
        f.o[at] = _TENSOR
        f.o[at + 1] = x._h
    elif kind is float:
        f.o[at] = _FLOAT
        f.o_doubles[at + 3] = x
    elif kind is int:
        _put_integer(f, at, x)
    elif kind is bool:
        f.o[at] = _BOOL
        f.o[at + 2] = x
    elif kind is complex:
        f.o[at] = _COMPLEX
        f.o_doubles[at + 3] = x.real
        f.o_doubles[at + 4] = x.imag
    else:
        t = x if isinstance(x, Handle) else hooks.convert(x)
        kept.append(t)
        f.o[at] = _TENSOR
        f.o[at + 1] = t._h


def _put_integer(f: _Frame, at: int, x: int) -> None:
    if -0x8000000000000000 <= x < 0x8000000000000000:
        f.o[at] = _INT
        f.o_ints[at + 2] = x
    elif 0 < x < 0x10000000000000000:
        f.o[at] = _UINT
        f.o[at + 2] = x
    else:
        f.o[at] = _BIG
        f.o_doubles[at + 3] = float(x)


# ---- attributes ----
#
# An encoder writes the value of attribute number `k` (name and first word are its business too).  `at` is the first free place of the
# scratch integers; the encoder returns the new one.


class _Attribute:
    """Declaration of one attribute, with the address of its name."""

    __slots__ = ("_name", "default", "kind", "name", "name_at", "put")

    def __init__(self, name: str, kind: str, default: Any) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self._name = ctypes.create_string_buffer(name.encode())
        self.name_at = addressof(self._name)
        self.put = _encoders[kind]


def _put_bool(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_BOOL
    f.a_ints[k + 3] = 1 if v else 0
    return at


def _put_int(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_INT
    f.a_ints[k + 3] = _int64(operator.index(v))
    return at


def _put_float(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_FLOAT
    f.a_doubles[k + 4] = float(v)
    return at


def _put_string(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    if not isinstance(v, str):
        raise TypeError(f"expected a string, not {type(v).__name__}")
    return _put_memory(f, k, _A_STRING, ctypes.create_string_buffer(v.encode()), 1, at, kept)


def _put_dtype(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_DTYPE
    f.a_ints[k + 3] = _abi.code_of(v)
    return at


def _put_scalar(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
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
        python = type(v) if type(v) in (bool, int, float, complex) else type(v + 0)
        f.a[k + 2] = 9 if python is int and v > 0x7FFFFFFFFFFFFFFF else _abi.code_of(python)
    if isinstance(v, int):
        if v > 0x7FFFFFFFFFFFFFFF:
            f.a[k + 3] = v
        else:
            f.a_ints[k + 3] = _int64(v)
    elif isinstance(v, complex):
        f.a_doubles[k + 4], f.a_doubles[k + 5] = v.real, v.imag
    else:
        f.a_doubles[k + 4] = v
    return at


def _put_ints(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    f.a[k] = _A_INTS
    if type(v) is int:
        n = 1
        f.scratch[at] = _int64(v)
    elif type(v) in (tuple, list) and len(v) <= 8 and at <= _SCRATCH - 8:
        n = len(v)
        for i, number in enumerate(v, at):
            f.scratch[i] = _int64(operator.index(number))
    else:
        is_one = hasattr(v, "__index__") and not isinstance(v, (Handle, np.ndarray))
        numbers = (operator.index(v),) if is_one else tuple(map(operator.index, v))
        n = len(numbers)
        if at + n > _SCRATCH:
            memory = (ctypes.c_int64 * n)(*numbers)
            return _put_memory(f, k, _A_INTS, memory, n, at, kept)
        for i, number in enumerate(numbers, at):
            f.scratch[i] = _int64(number)
    f.a[k + 6] = n
    f.a[k + 7] = f.scratch_at + 8 * at
    return at + n


def _put_strings(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    values = [s.encode() for s in ([v] if isinstance(v, str) else v)]
    return _put_memory(f, k, _A_STRINGS, (ctypes.c_char_p * len(values))(*values), len(values), at, kept)


def _put_bytes(f: _Frame, k: int, v: Any, at: int, kept: list[Any]) -> int:
    raw = bytes(v)
    return _put_memory(f, k, _A_BYTES, ctypes.create_string_buffer(raw, max(1, len(raw))), len(raw), at, kept)


def _put_memory(f: _Frame, k: int, head: int, memory: Any, n: int, at: int, kept: list[Any]) -> int:
    kept.append(memory)
    f.a[k] = head
    f.a[k + 6] = n
    f.a[k + 7] = addressof(memory)
    return at


def _int64(v: int) -> int:
    if -0x8000000000000000 <= v < 0x8000000000000000:
        return v
    raise OverflowError("Python int too large to convert to C long")


_encoders = {
    "bool": _put_bool,
    "int": _put_int,
    "float": _put_float,
    "string": _put_string,
    "dtype": _put_dtype,
    "scalar": _put_scalar,
    "ints": _put_ints,
    "strings": _put_strings,
    "bytes": _put_bytes,
}


# ---- operators ----

_REQUIRED = object()
SAME_KIND = "same_kind"


class Op:
    """One operator: its number and how its attributes are written."""

    __slots__ = ("_attributes", "info", "name", "number", "out_count", "own")

    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info
        self.name = info["name"]
        self.out_count = len(info["outputs"])
        number = ctypes.c_int32()
        _abi.check(lib.mars_op_find(byref(number), self.name.encode()))
        self.number = number.value
        declared = [_Attribute(a["name"], a["kind"], a.get("default", _REQUIRED)) for a in info["attributes"]]
        self.own = tuple(declared)
        if info.get("ufunc"):
            # What the library takes of every ufunc, after what each declares.
            declared += [_Attribute("dtype", "dtype", None), _Attribute("casting", "string", SAME_KIND)]
        self._attributes = tuple(declared)

    def __repr__(self) -> str:
        return f"<operator {self.name}>"

    def positions(self, *names: str) -> list[int]:
        """Places of attributes among the attribute values of `apply`."""
        all_names = [a.name for a in self._attributes]
        return [all_names.index(n) for n in names]


def apply(op: Op, operands: Any, values: Any = (), room: int = 0) -> Any:
    """Applies an operator to operands (tensors, arrays, scalars) and attribute values in the order of their declaration.

    A value that is the declared default itself is left to the library.  Gives a tensor; a tuple of them where the operator has several
    outputs.  `room`: for how many outputs there is room, where their number follows from the arguments.
    """
    count = len(operands)
    f = _frame() if count <= 16 and room <= _MAX_OUTPUTS else _Frame(max(count, 1), outputs=max(room, _MAX_OUTPUTS))
    kept: list[Any] = []
    for i, x in enumerate(operands):
        _put_operand(f, i, x, kept)
    k = at = given = 0
    a = f.a
    for declared, v in zip(op._attributes, values, strict=False):
        if v is declared.default:
            continue
        a[k + 1] = declared.name_at
        if v is None:
            a[k] = _A_NONE
        else:
            at = declared.put(f, k, v, at, kept)
        k += _ATTRIBUTE_WORDS
        given += 1
    outputs = room or op.out_count
    status = _apply(f.out_ref, size_argument(outputs), None, op.number, f.o_ref, size_argument(count), f.a_ref, _sizes[given], place())
    if status:
        fail(status)
    if outputs == 1 and not room:
        t = hooks.tensor()
        t._h = f.out[0]
        t._t = None
        result: Any = t
    else:
        result = tuple([wrap(f.out[i]) for i in range(outputs) if f.out[i]])
    if room <= _MAX_OUTPUTS:
        _give_back(f)
    if hooks.eager is not None:
        hooks.eager(result)
    return result


def _give_back(f: _Frame) -> None:
    f.calls += 1
    if f.calls >= _COUNT_EVERY:
        f.calls = 0
        if hooks.count is not None:
            hooks.count()
    _frames.append(f)


def unary(op: Op) -> Any:
    """`f(tensor)` for an operator of one input, without attributes: the short way."""
    number = op.number
    one, none = _sizes[1], _sizes[0]

    def call(self: Any) -> Any:
        try:
            f = _frames.pop()
        except IndexError:
            f = _Frame()
        o = f.o
        o[0] = _TENSOR
        o[1] = self._h
        status = _apply(f.out_ref, one, None, number, f.o_ref, one, None, none, place())
        if status:
            fail(status)
        t = hooks.tensor()
        t._h = f.out[0]
        t._t = None
        _give_back(f)
        if hooks.eager is not None:
            hooks.eager(t)
        return t

    return call


def binary(op: Op, reflected: bool = False) -> Any:
    """`f(tensor, other)` for an operator of two inputs, without attributes: the short way.

    `reflected`: the tensor is the second input.  What `hooks.convert` cannot turn into a tensor gives NotImplemented.
    """
    number = op.number
    one, two, none = _sizes[1], _sizes[2], _sizes[0]
    mine, theirs = (_OPERAND_WORDS, 0) if reflected else (0, _OPERAND_WORDS)

    def call(self: Any, other: Any) -> Any:
        try:
            f = _frames.pop()
        except IndexError:
            f = _Frame()
        o = f.o
        o[mine] = _TENSOR
        o[mine + 1] = self._h
        kind = type(other)
        t = other
        if kind is hooks.tensor:
            o[theirs] = _TENSOR
            o[theirs + 1] = other._h
        elif kind is float:
            o[theirs] = _FLOAT
            f.o_doubles[theirs + 3] = other
        elif kind is int:
            _put_integer(f, theirs, other)
        elif kind is bool:
            o[theirs] = _BOOL
            o[theirs + 2] = other
        elif kind is complex:
            o[theirs] = _COMPLEX
            f.o_doubles[theirs + 3] = other.real
            f.o_doubles[theirs + 4] = other.imag
        else:
            if not isinstance(other, Handle):
                t = hooks.convert(other, True)
                if t is NotImplemented:
                    _frames.append(f)
                    return t
            o[theirs] = _TENSOR
            o[theirs + 1] = t._h
        status = _apply(f.out_ref, one, None, number, f.o_ref, two, None, none, place())
        if status:
            fail(status)
        t = hooks.tensor()
        t._h = f.out[0]
        t._t = None
        _give_back(f)
        if hooks.eager is not None:
            hooks.eager(t)
        return t

    return call


def assign(target: Handle, value: Any) -> None:
    """target[...] = value, broadcast and cast, through the target's view into its storage."""
    f = _frame()
    kept: list[Any] = []
    _put_operand(f, 0, value, kept)
    _abi.check(lib.mars_tensor_assign(target._h, f.o_ref, place()))
    _frames.append(f)
    if hooks.eager is not None:
        hooks.eager(target)


def store(target: Handle, result: Handle, function: str | None = None) -> None:
    """target[...] = result as `out=` and `a += b` store what a function (its name, of a ufunc) gave: of the same shape and kind."""
    name = function.encode() if function is not None else None
    _abi.check(lib.mars_tensor_store(target._h, result._h, name, place()))
    if hooks.eager is not None:
        hooks.eager(target)
