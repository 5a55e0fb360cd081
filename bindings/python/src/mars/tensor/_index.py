"""What stands between brackets, as the items that the library's index operators take: see Sources/MarsOps/IndexItems.swift.

Here Python's objects are told apart; what they mean for a tensor is the library's to say.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from mars import _values
from mars._operators import Handle

_WRONG = "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices"
_INTEGER, _ALL, _SLICE, _NEW_AXIS, _ELLIPSIS, _ARRAY = range(6)
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def encode(key: Any) -> tuple[list[int], list[Any]]:
    """The items of an index as integers, and its masks and integer arrays (of NumPy or tensors)."""
    items: list[int] = []
    arrays: list[Any] = []
    for i in key if isinstance(key, tuple) else (key,):
        kind = type(i)
        if kind is not int and kind is not slice and i is not None and i is not Ellipsis:
            i = _item(i)
            kind = type(i)
        if kind is int:
            if not _LEAST <= i < 1 << 64:  # NumPy has no dtype for it
                raise IndexError(_WRONG)
            items += (_INTEGER, i)
        elif kind is slice:
            start, stop, step = i.start, i.stop, i.step
            if start is None and stop is None and step is None:
                items.append(_ALL)
            else:
                given = (start is not None) | (stop is not None) << 1 | (step is not None) << 2
                items += (_SLICE, given, _bound(start), _bound(stop), _bound(step))
        elif i is None:
            items.append(_NEW_AXIS)
        elif i is Ellipsis:
            items.append(_ELLIPSIS)
        else:
            items.append(_ARRAY)
            arrays.append(i)
    return items, arrays


def has_array(key: Any) -> bool:
    """Whether an index has arrays in it: of NumPy, or tensors that are no scalars."""
    for i in key if type(key) is tuple else (key,):
        kind = type(i)
        if kind is int or kind is slice or i is None or i is Ellipsis:
            continue
        if isinstance(i, np.ndarray) or (isinstance(i, Handle) and not _values.is_scalar(i)):
            return True
    return False


def is_element(items: list[int]) -> bool:
    """Whether items that leave no axis are integers alone: an ellipsis leaves an array without axes."""
    return _ELLIPSIS not in items[::2]


def _bound(x: Any) -> int:
    """A slice's bound: as in Python, one that 64 bits do not hold is as good as the last that they do."""
    if x is None:
        return 0
    if not hasattr(x, "__index__"):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    n = operator.index(x)
    return n if _LEAST <= n <= _MOST else _LEAST if n < 0 else _MOST


def _item(i: Any) -> Any:
    """One item that is none of Python's own as an integer or an array (of NumPy or a tensor)."""
    if isinstance(i, (bool, np.bool_)):
        return np.asarray(i)
    if isinstance(i, Handle):
        d: np.dtype[Any] = i.dtype  # type: ignore[attr-defined]
        return int(i) if d.kind in "iu" and i.ndim == 0 else i  # type: ignore[attr-defined,call-overload]
    if hasattr(i, "__index__") and not isinstance(i, np.ndarray):
        return operator.index(i)
    if isinstance(i, np.ndarray):
        return int(i) if i.ndim == 0 and i.dtype.kind in "iu" else i
    if isinstance(i, (list, tuple, range)):
        x = np.asarray(i)
        if x.size == 0:
            x = x.astype(np.intp)
        if x.dtype != np.bool_ and x.dtype.kind not in "iu":
            raise IndexError(_WRONG)
        return int(x) if x.ndim == 0 and x.dtype != np.bool_ else x
    raise IndexError(_WRONG)
