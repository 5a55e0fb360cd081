"""Tensors as texts: values as NumPy writes arrays where they are at hand, else what is known without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mars import _abi, _values
from mars.tensor._registry import function

if TYPE_CHECKING:
    from mars.tensor._tensor import Tensor


def representation(t: Tensor) -> str:
    """What `repr` says: values, or dtype and shape."""
    code, shape, is_executed = _values.describe(t)
    if not is_executed or -1 in shape:
        extents = ", ".join("?" if n < 0 else str(n) for n in shape) + ("," if len(shape) == 1 else "")
        return f"Tensor(shape=({extents}), dtype={_abi.dtype_name(code)}{', executed' if is_executed else ''})"
    shown, options = _shown(t)
    text = np.array2string(shown, separator=", ", prefix="Tensor(", suffix=",", **options)
    if options or (not shown.size and shape != (0,)):
        text = f"{text if shown.size else '[]'}, shape={shape}"
    return f"Tensor({text}, dtype={_abi.dtype_name(code)})"


def text(t: Tensor) -> str:
    """What `str` says: values alone, or what `repr` says."""
    _, shape, is_executed = _values.describe(t)
    if not is_executed or -1 in shape:
        return representation(t)
    if not shape:
        return str(t.fetch())
    shown, options = _shown(t)
    return np.array2string(shown, **options)


def formatted(t: Tensor, spec: str) -> str:
    """What `format` says: a tensor without axes takes what its value takes."""
    if not spec:
        return text(t)
    if t._type()[1]:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    return format(t.fetch(), spec)


def _shown(t: Tensor) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    """The values that are printed, and the options that make NumPy abbreviate them where they are not all of them."""
    given: dict[str, Any] = dict(np.get_printoptions())
    edge = given["edgeitems"]
    if t.size <= given["threshold"]:
        return t.to_numpy(), {}
    # First and last elements of every axis, and one that NumPy replaces by dots: what else there is need not be in memory.
    corners = t
    for axis, extent in enumerate(t.shape):
        if extent > 2 * edge + 1:
            ends = [corners[(*[slice(None)] * axis, s)] for s in (slice(edge + 1), slice(extent - edge, None))]
            corners = function("concatenate")(ends, axis=axis)
    return corners.to_numpy(), {"threshold": 0}
