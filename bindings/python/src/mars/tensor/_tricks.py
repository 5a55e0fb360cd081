"""`mgrid`, `ogrid`, `r_` and `c_`: what stands between their brackets becomes calls of the library's functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from mars.tensor._arrays import convert
from mars.tensor._registry import function
from mars.tensor._tensor import Tensor


def _range(s: slice) -> Tensor:
    """A slice as numbers: an imaginary step is how many there are, with both ends."""
    start = 0 if s.start is None else s.start
    step = 1 if s.step is None else s.step
    if isinstance(step, (complex, np.complexfloating)):
        return function("linspace")(start, s.stop, int(abs(complex(step))))  # type: ignore[no-any-return]
    if s.stop is None:
        raise TypeError("a slice between these brackets needs an end")
    return function("arange")(start, s.stop, step)  # type: ignore[no-any-return]


class _Grid:
    """Grids of numbers, as numpy.mgrid (dense) and numpy.ogrid (open) make them of slices."""

    __slots__ = ("_sparse",)

    def __init__(self, sparse: bool) -> None:
        self._sparse = sparse

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, tuple):
            return _range(key)
        lines = [_range(s) for s in key]
        if not lines:
            return ()
        # As NumPy: numbers without a dtype of their own take part as such; an imaginary step makes floats.
        given: list[Any] = [abs(x) if isinstance(x, (complex, np.complexfloating)) else x for s in key for x in (s.start, s.stop, s.step)]
        common = np.result_type(0, *[x for x in given if x is not None])
        made = function("meshgrid")(*[x.astype(common) for x in lines], indexing="ij", sparse=self._sparse)
        return tuple(made) if self._sparse else function("stack")(made)


class _Concatenator:
    """numpy.r_ and numpy.c_: what stands between the brackets, one after the other."""

    __slots__ = ("_axis", "_ndmin", "_place")

    def __init__(self, axis: int, ndmin: int = 1, place: int = -1) -> None:
        self._axis, self._ndmin, self._place = axis, ndmin, place

    def __getitem__(self, key: Any) -> Tensor:
        items = list(key) if isinstance(key, tuple) else [key]
        axis, ndmin, place = self._axis, self._ndmin, self._place
        if items and isinstance(items[0], str):
            text = items.pop(0)
            if text in ("r", "c"):
                raise TypeError("matrices are not supported")
            numbers = [int(n) for n in text.split(",")]
            axis, ndmin, place = (*numbers, *(ndmin, place)[len(numbers) - 1 :])[:3]
        if any(isinstance(x, str) for x in items):
            raise ValueError("special directives must be the first entry.")
        # Numbers take part in promotion as Python's scalars do.
        scalars = [type(x) in (int, float, complex) for x in items]
        made = [_range(x) if isinstance(x, slice) else x if isinstance(x, Tensor) else convert(x) for x in items]
        common = None
        if any(scalars) and not all(scalars):
            common = np.result_type(*[x if is_scalar else t.dtype for x, t, is_scalar in zip(items, made, scalars, strict=True)])
            # A number that this does not hold is an error.
            made = [convert(np.asarray(x, common)) if is_scalar else t for x, t, is_scalar in zip(items, made, scalars, strict=True)]
        parts = [self._raised(x if common is None else x.astype(common), ndmin, place) for x in made]
        return function("concatenate")(parts, axis=axis)  # type: ignore[no-any-return]

    @staticmethod
    def _raised(x: Tensor, ndmin: int, place: int) -> Tensor:
        """With leading axes up to `ndmin`, its own ones before place `place` of them."""
        missing = ndmin - x.ndim
        if missing <= 0:
            return x
        first = place if place >= 0 else missing + 1 + place
        return x.reshape((1,) * first + x.shape + (1,) * (missing - first))  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return 0


mgrid, ogrid = _Grid(False), _Grid(True)
r_, c_ = _Concatenator(0), _Concatenator(-1, 2, 0)
