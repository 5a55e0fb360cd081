"""`Tensor.flat`: the elements in C order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mars import _operators
from mars.tensor import _index, _objects
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor


class Flat:
    """The elements of a tensor in C order: what `Tensor.flat` gives."""

    __slots__ = ("_rest", "base")

    def __init__(self, base: Tensor) -> None:
        self.base = base
        self._rest: Iterator[Any] | None = None

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._rest is None:
            self._rest = iter(self.base.flatten())
        return next(self._rest)

    def copy(self) -> Tensor:
        """The elements as a tensor of their own."""
        return self.base.flatten()

    def __eq__(self, other: Any) -> Any:
        return self.copy() == other

    def __ne__(self, other: Any) -> Any:
        return self.copy() != other

    def __lt__(self, other: Any) -> Any:
        return self.copy() < other

    def __le__(self, other: Any) -> Any:
        return self.copy() <= other

    def __gt__(self, other: Any) -> Any:
        return self.copy() > other

    def __ge__(self, other: Any) -> Any:
        return self.copy() >= other

    def __getitem__(self, key: Any) -> Tensor:
        return self.base.flatten()[key.base.flatten() if isinstance(key, Flat) else key]

    def __setitem__(self, key: Any, values: Any) -> None:
        items, arrays = _index.encode(key.base.flatten() if isinstance(key, Flat) else key)
        # As NumPy: a list has a truth, which is what a single bool takes.
        takes_truth = self.base.dtype == bool and isinstance(key, (int, np.integer))
        values = (_objects.number if takes_truth else _objects.numbers)(values, self.base.dtype)
        _operators.assign(self.base, _operators.apply(op("assign_flat"), (self.base, values, *arrays), (items,)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.base.flatten().__array__(dtype, copy)
