"""Applying operators, and writing to tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import byref
from typing import Any

from mars import _abi
from mars._abi import fail, lib
from mars._arguments import (
    A_NONE,
    ATTRIBUTE_WORDS,
    BOOL,
    COMPLEX,
    FLOAT,
    MAX_OUTPUTS,
    OPERAND_WORDS,
    TENSOR,
    Declared,
    Frame,
    forget_outputs,
    frame,
    frames,
    give_back,
    put_integer,
    put_operand,
    sizes,
    taken,
)
from mars._arguments import Handle as Handle
from mars._arguments import hooks as hooks
from mars._arguments import receive as receive
from mars._arguments import receive_several as receive_several
from mars._arguments import size_argument as size_argument
from mars._place import place

_apply = _abi.unchecked.mars_graph_apply


def made(result: Any) -> Any:
    """A new tensor, or a tuple of them, on its way to the client: in eager mode it is executed."""
    if hooks.eager is not None:
        hooks.eager(result)
    return result


def needs(t: Handle) -> int:
    """What executing a tensor needs beside its own data: bits `_abi.NEEDS_`."""
    answer = ctypes.c_int32()
    _abi.check(lib.mars_tensor_needs(byref(answer), t._h))
    return answer.value


_AS_THEY_ARE = (float, int, bool, complex, type(None))


def _knowing(status: int, tensors: tuple[Any, ...]) -> None:
    """After a call has failed: finds the extents that tensors have not known till now, or raises what the call reported.

    `shape` runs what it needs; so does this.
    """
    if status == _abi.UNKNOWN_EXTENTS:
        unknown = [t for t in tensors if isinstance(t, hooks.tensor) and -1 in t._type()[1]]
        if unknown and not any(needs(t) & _abi.NEEDS_INPUTS for t in unknown):
            hooks.execute(unknown)
            return
    fail(status)


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
        declared = [Declared(a["name"], a["kind"], a.get("default", _REQUIRED), a.get("role", "number")) for a in info["attributes"]]
        self.own = tuple(declared)
        if info.get("ufunc"):
            # What the library takes of every ufunc, after what each declares.
            declared += [Declared("dtype", "dtype", None), Declared("casting", "string", SAME_KIND)]
        self._attributes = tuple(declared)

    def __repr__(self) -> str:
        return f"<operator {self.name}>"

    def positions(self, *names: str) -> list[int]:
        """Places of attributes among the attribute values of `apply`."""
        all_names = [a.name for a in self._attributes]
        return [all_names.index(n) for n in names]


def apply(op: Op, operands: Any, values: Any = (), room: int = 0) -> Any:
    """Applies an operator to operands (tensors, arrays, scalars) and attribute values in the order of their declaration.

    None in place of an operand leaves that input out, where it may be; the library says which may.
    A value that is the declared default itself is left to the library.  Gives a tensor; a tuple of them where the operator has several
    outputs.  `room`: for how many outputs there is room, where their number follows from the arguments.  Operands whose extents the
    operator has to know, and that are not known, are executed.
    """
    count = len(operands)
    is_kept = count <= 16 and room <= MAX_OUTPUTS
    f = frame() if is_kept else Frame(max(count, 1), outputs=max(room, MAX_OUTPUTS))
    kept: list[Any] = []
    for i, x in enumerate(operands):
        put_operand(f, i, x, kept)
    k = at = given = 0
    a = f.a
    for declared, v in zip(op._attributes, values, strict=False):
        if v is declared.default:
            continue
        a[k + 1] = declared.name_at
        if v is None:
            a[k] = A_NONE
        else:
            at = declared.put(f, k, v, at, kept)
        k += ATTRIBUTE_WORDS
        given += 1
    outputs = room or op.out_count
    try:
        status = _apply(f.out_ref, size_argument(outputs), None, op.number, f.o_ref, size_argument(count), f.a_ref, sizes[given], place())
        if status:
            _knowing(status, (*operands, *kept))
            converted = iter(kept)  # operands stand first in it, in their order
            return apply(op, [x if type(x) in _AS_THEY_ARE or type(x) is hooks.tensor else next(converted) for x in operands], values, room)
        if outputs == 1 and not room:
            result: Any = taken(f, 0)
        else:
            result = hooks.several([taken(f, i) for i in range(outputs) if f.out[i]])
    except BaseException:
        forget_outputs(f)
        raise
    if is_kept:
        give_back(f)
    return made(result)


def unary(op: Op) -> Any:
    """`f(tensor)` for an operator of one input, without attributes: the short way."""
    number = op.number
    one, none = sizes[1], sizes[0]

    def call(self: Any) -> Any:
        try:
            f = frames.pop()
        except IndexError:
            f = Frame()
        o = f.o
        o[0] = TENSOR
        o[1] = self._h
        try:
            status = _apply(f.out_ref, one, None, number, f.o_ref, one, None, none, place())
            if status:
                _knowing(status, (self,))
                return call(self)
            # `taken`, written out here and below: calling it takes a twentieth of the whole call.
            t = hooks.tensor()
            t._h = f.out[0]
            f.out[0] = 0
            t._t = None
        except BaseException:
            forget_outputs(f)
            raise
        give_back(f)
        return t if hooks.eager is None else made(t)

    return call


def binary(op: Op, reflected: bool = False, in_place: bool = False) -> Any:
    """`f(tensor, other)` for an operator of two inputs, without attributes: the short way.

    `reflected`: the tensor is the second input.  What `hooks.leave` leaves to the other operand is that one's answer, and what
    `hooks.convert` cannot turn into a tensor gives NotImplemented.
    """
    number = op.number
    one, two, none = sizes[1], sizes[2], sizes[0]
    mine, theirs = (OPERAND_WORDS, 0) if reflected else (0, OPERAND_WORDS)

    def call(self: Any, other: Any) -> Any:
        try:
            f = frames.pop()
        except IndexError:
            f = Frame()
        o = f.o
        o[mine] = TENSOR
        o[mine + 1] = self._h
        kind = type(other)
        t = other
        if kind is hooks.tensor:
            o[theirs] = TENSOR
            o[theirs + 1] = other._h
        elif kind is float:
            o[theirs] = FLOAT
            f.o_doubles[theirs + 3] = other
        elif kind is int:
            put_integer(f, theirs, other)
        elif kind is bool:
            o[theirs] = BOOL
            o[theirs + 2] = other
        elif kind is complex:
            o[theirs] = COMPLEX
            f.o_doubles[theirs + 3] = other.real
            f.o_doubles[theirs + 4] = other.imag
        else:
            if not isinstance(other, Handle):
                t = hooks.leave(op.name, self, other, reflected, in_place)
                if t is not None:
                    frames.append(f)
                    return t
                t = hooks.convert(other, True)
                if t is NotImplemented:
                    frames.append(f)
                    return t
            o[theirs] = TENSOR
            o[theirs + 1] = t._h
        try:
            status = _apply(f.out_ref, one, None, number, f.o_ref, two, None, none, place())
            if status:
                _knowing(status, (self, t))
                return call(self, t)
            t = hooks.tensor()
            t._h = f.out[0]
            f.out[0] = 0
            t._t = None
        except BaseException:
            forget_outputs(f)
            raise
        give_back(f)
        return t if hooks.eager is None else made(t)

    return call


def assign(target: Handle, value: Any) -> None:
    """target[...] = value, broadcast and cast, through the target's view into its storage."""
    f = frame()
    kept: list[Any] = []
    put_operand(f, 0, value, kept)
    _write((target,), lambda: lib.mars_tensor_assign(target._h, f.o_ref, place()))
    frames.append(f)
    if hooks.eager is not None:
        hooks.eager(target)


def _write(tensors: tuple[Handle, ...], write: Callable[[], int]) -> None:
    """Writes to a tensor; where that needs extents that are found by running, the tensors that decide it are executed first."""
    status = write()
    if status == _abi.UNKNOWN_EXTENTS and not any(needs(t) & _abi.NEEDS_INPUTS for t in tensors):
        hooks.execute(list(tensors))
        status = write()
    if status:
        fail(status)


def store(target: Handle, result: Handle, function: str | None = None, casting: str | None = None) -> None:
    """target[...] = result as `out=` and `a += b` store what a function (an operator's name) gave: of one shape, cast by the rule.

    `casting` None: by the function's own.
    """
    name, rule = (text.encode() if text is not None else None for text in (function, casting))
    _write((target, result), lambda: lib.mars_tensor_store(target._h, result._h, name, rule, place()))
    if hooks.eager is not None:
        hooks.eager(target)
