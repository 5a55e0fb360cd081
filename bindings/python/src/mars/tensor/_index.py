"""What stands between brackets, in the form of the core's operators.

An index is brought into two steps: a view (an affine map from the axes of the result to those of the tensor, for integers, slices, None
and ...), and then selections by masks and integer arrays along axes of that view.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from mars._graph import Handle

_WRONG = "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices"


class Index(NamedTuple):
    """A view, and selections (axis of the view, number of axes, index) that follow it; `is_identity`: the view changes nothing.

    `position`: where the axes that selections give stand among the axes of the view that are left.
    Per axis of the tensor: `axes` (axis of the view, or -1 where one index is taken), `starts`, `steps`; `shape` is that of the view.
    """

    is_identity: bool
    axes: tuple[int, ...]
    starts: tuple[int, ...]
    steps: tuple[int, ...]
    shape: tuple[int, ...]
    selections: list[tuple[int, int, Any]]
    position: int


def parse(key: Any, shape: tuple[int, ...]) -> Index | None:
    """None where an extent that is not known yet is needed."""
    items = key if type(key) is tuple else (key,)
    items = tuple(_item(i) for i in items)
    ndim = len(shape)
    used = 0
    ellipses = 0
    for i in items:
        if i is Ellipsis:
            ellipses += 1
        elif i is not None:
            used += max(i.ndim, 1) if _is_array(i) and i.dtype == np.bool_ else 1
            if _is_array(i) and i.dtype == np.bool_ and i.ndim == 0:
                used -= 1
    if ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > ndim:
        raise IndexError(f"too many indices for array: array is {ndim}-dimensional, but {used} were indexed")
    if not ellipses:
        items = (*items, Ellipsis)

    axes: list[int] = []
    starts: list[int] = []
    steps: list[int] = []
    out: list[int] = []
    selections: list[tuple[int, int, Any]] = []
    identity = True
    a = 0  # next axis of the tensor
    # NumPy puts the axes of arrays where these stand, or first if anything but an integer stands between them.
    position = -1
    is_apart = was_advanced = False

    def whole(count: int) -> None:
        nonlocal a
        for _ in range(count):
            axes.append(len(out))
            starts.append(0)
            steps.append(1)
            out.append(shape[a])
            a += 1

    for i in items:
        is_advanced = type(i) is int or _is_array(i)
        if is_advanced and position < 0:
            position = len(out)
        elif is_advanced and not was_advanced:
            is_apart = True
        was_advanced = is_advanced
        if i is Ellipsis:
            whole(ndim - used)
        elif i is None:
            out.append(1)
            identity = False
        elif type(i) is int:
            n = shape[a]
            if n < 0:
                return None
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for axis {a} with size {n}")
            axes.append(-1)
            starts.append(i + n if i < 0 else i)
            steps.append(1)
            identity = False
            a += 1
        elif type(i) is slice:
            if i.start is None and i.stop is None and i.step is None:
                whole(1)
                continue
            n = shape[a]
            if n < 0:
                return None
            start, stop, step = i.indices(n)
            count = len(range(start, stop, step))
            if count == 0:
                start, step = 0, 1
            axes.append(len(out))
            starts.append(start)
            steps.append(step)
            out.append(count)
            identity = identity and count == n and step == 1
            a += 1
        else:
            k = i.ndim if i.dtype == np.bool_ else 1
            selections.append((len(out), k, i))
            if k == 0:
                out.append(1)
                identity = False
            whole(k)
    return Index(identity, tuple(axes), tuple(starts), tuple(steps), tuple(out), selections, 0 if is_apart else max(position, 0))


def _is_array(i: Any) -> bool:
    return isinstance(i, (Handle, np.ndarray))


def _item(i: Any) -> Any:
    """One item as int, slice, None, Ellipsis, or array (of NumPy or a tensor) of bool or integers."""
    kind = type(i)
    if kind is int or kind is slice or i is None or i is Ellipsis:
        return i
    if kind is bool or kind is np.bool_:
        return np.asarray(i)
    if isinstance(i, Handle):
        d: np.dtype[Any] = i.dtype  # type: ignore[attr-defined]
        if d != np.bool_ and d.kind not in "iu":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return int(i) if d != np.bool_ and i.ndim == 0 else i  # type: ignore[attr-defined,call-overload]
    if hasattr(i, "__index__") and not isinstance(i, np.ndarray):
        return operator.index(i)
    if isinstance(i, (np.ndarray, list, tuple, range)):
        x = np.asarray(i)
        if x.size == 0 and not isinstance(i, np.ndarray):
            x = x.astype(np.intp)
        if x.dtype != np.bool_ and x.dtype.kind not in "iu":
            if not isinstance(i, np.ndarray):
                raise IndexError(_WRONG)
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return int(x) if x.ndim == 0 and x.dtype != np.bool_ else x
    raise IndexError(_WRONG)
