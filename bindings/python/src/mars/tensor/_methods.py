"""What operators are of a tensor: its methods, and the operators of the language.  Both are made when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mars import _values
from mars._operators import Handle, Op, apply, binary, hooks, store, unary
from mars.tensor._registry import descriptions, finish, function, is_open, op


def separate_attribute(description: dict[str, Any]) -> str | None:
    """The attribute whose integers a method takes as arguments of their own: a.reshape(2, 3)."""
    return next((a["name"] for a in description["attributes"] if a["separate"]), None)


def method(name: str) -> Callable[..., Any]:
    """The function of an operator as a method: its first input is the tensor."""
    f = function(name)
    description = descriptions[name]
    spread = separate_attribute(description)
    if spread is not None:

        def several(self: Any, *args: Any, **kwargs: Any) -> Any:
            if len(args) == 1 and (args[0] is None or not hasattr(args[0], "__index__") or getattr(args[0], "ndim", False)):
                kwargs[spread] = args[0]
            elif args:
                kwargs[spread] = args
            return f(self, **kwargs)

        several.__name__, several.__doc__ = name, f.__doc__
        return several
    inputs, outputs = description["inputs"], description["outputs"]
    if not description["attributes"] and len(inputs) == len(outputs) == 1 and not inputs[0]["variadic"] and not is_open(description):
        short = unary(op(name))

        def plain(self: Any, out: Any = None) -> Any:
            return short(self) if out is None else finish(short(self), out, name)

        plain.__name__, plain.__doc__ = name, f.__doc__
        return plain
    return f


class LazyMethod:
    """Stands in a class for a method of an operator until it is first asked for."""

    __slots__ = ("_name", "_operator")

    def __init__(self, operator: str, name: str) -> None:
        self._operator = operator
        self._name = name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        made = method(self._operator)
        setattr(hooks.tensor, self._name, made)
        return made if instance is None else made.__get__(instance, owner)


def install(tensor: type[Any]) -> None:
    """Gives the class NumPy's operators, with reflected and in-place forms, and the methods of the registry."""
    for name, description in descriptions.items():
        for symbol in description["operators"]:
            _install(tensor, symbol, name, description)
        if description["method"] and name not in tensor.__dict__:
            setattr(tensor, name, LazyMethod(name, name))


NOT_REFLECTED = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}


def _install(tensor: type[Any], symbol: str, name: str, description: dict[str, Any]) -> None:
    count = len(description["inputs"])

    def add(attribute: str, make: Callable[[], Any]) -> None:
        # Slots of a class are looked up by the interpreter in the class itself, so what stands there has to be callable.  The first call
        # replaces it: operators are numbered and bound only when used.
        def first(self: Any, *args: Any) -> Any:
            made = make()
            made.__name__ = made.__qualname__ = attribute
            setattr(tensor, attribute, made)
            return made(self, *args)

        first.__name__ = attribute
        first.__doc__ = description["summary"]
        setattr(tensor, attribute, first)

    if count == 1:
        add(symbol, lambda: unary(op(name)))
        return
    many = len(description["outputs"]) > 1
    if many:
        # divmod: two results.
        add(symbol, lambda: lambda self, other: _several(op(name), self, other, False))
        add("__r" + symbol[2:], lambda: lambda self, other: _several(op(name), self, other, True))
        return
    if symbol in ("__eq__", "__ne__"):
        add(symbol, lambda: _equality(op(name), symbol == "__ne__"))
        return
    add(symbol, lambda: binary(op(name)))
    if symbol in NOT_REFLECTED:
        return
    add("__r" + symbol[2:], lambda: binary(op(name), reflected=True))
    add("__i" + symbol[2:], lambda: _in_place(op(name)))


def _equality(o: Op, differs: bool) -> Any:
    """== or !=: what is no number equals no element."""
    compare = binary(o)

    def call(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, (str, bytes)):
            return apply(op("logical_or" if differs else "logical_and"), (self, differs))
        return compare(self, other)

    return call


def _several(o: Op, self: Any, other: Any, reflected: bool) -> Any:
    if not isinstance(other, (Handle, int, float, complex)):
        left = _leave(o.name, self, other, reflected)
        if left is not None:
            return left
        if hooks.convert(other, True) is NotImplemented:
            return NotImplemented
    return apply(o, (other, self) if reflected else (self, other))


_ABSENT = object()


def _leave(name: str, self: Any, other: Any, reflected: bool = False, in_place: bool = False) -> Any:
    """What the operator of a ufunc leaves to its other operand, as NumPy does; None: nothing.

    NotImplemented where that has `__array_ufunc__ = None`, or nothing of this name and a higher priority; what it makes of the ufunc
    where it has an own `__array_ufunc__`, unless that is NotImplemented.
    """
    kind = type(other)
    if kind is np.ndarray or issubclass(kind, (np.generic, list, tuple)):
        return None
    answer = getattr(kind, "__array_ufunc__", _ABSENT)
    if answer is None:
        return NotImplemented
    if answer is _ABSENT:
        priority = 0.0 if reflected else getattr(other, "__array_priority__", 0.0)
        return NotImplemented if isinstance(priority, (int, float)) and priority > self.__array_priority__ else None
    # What is written into a tensor is made a tensor of.
    if in_place or answer is np.ndarray.__array_ufunc__:
        return None
    ufunc = getattr(np, descriptions[name]["numpy"].removeprefix("numpy."))
    left = other.__array_ufunc__(ufunc, "__call__", *((other, self) if reflected else (self, other)))
    return None if left is NotImplemented else left


hooks.leave = _leave


def _in_place(o: Op) -> Any:
    forward = binary(o, in_place=True)

    def call(self: Any, other: Any) -> Any:
        result = forward(self, other)
        if result is NotImplemented:
            return result
        if not self._type()[1] and _values.is_scalar(self):
            # As NumPy's scalars: the name stands for the new value from now on.
            return result
        store(self, result, o.name)
        return self

    return call
