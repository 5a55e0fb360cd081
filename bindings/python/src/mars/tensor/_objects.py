"""Objects of Python's own that are written to tensors: NumPy makes numbers of the tensor's dtype of what stands in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mars._operators import Handle

# What is a number of its own, or an array, goes to the library as it is.
OTHERS = (list, tuple, str, bytes, type(None))


def _has_tensors(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(i, Handle) for i in value)


def numbers(value: Any, dtype: np.dtype[Any], ndim: int | None = None) -> Any:
    """A list (a text, None) as an array of a dtype, of at most `ndim` axes; anything else, and a list of tensors, as it is."""
    if not isinstance(value, OTHERS) or _has_tensors(value):
        return value
    # Nothing in a list is looked at that goes to one element.
    is_deeper = ndim == 0 and isinstance(value, (list, tuple))
    made = np.empty(0) if is_deeper else np.asarray(value, dtype)
    if is_deeper or (ndim is not None and made.ndim > ndim):
        raise ValueError(
            f"setting an array element with a sequence. The requested array would exceed the maximum number of dimension of {ndim}."
        )
    return made


def number(value: Any, dtype: np.dtype[Any]) -> Any:
    """A list (a text, None) as one element of a dtype, with NumPy's errors: a list is no number, but it has a truth."""
    if not isinstance(value, OTHERS) or _has_tensors(value):
        return value
    return cell(value, dtype)


def cell(value: Any, dtype: np.dtype[Any]) -> Any:
    """What NumPy stores for an object in one element of a dtype, with its errors."""
    made = np.empty((), dtype)
    made[()] = value
    return made
