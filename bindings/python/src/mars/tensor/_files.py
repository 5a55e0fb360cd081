"""Tensors in .npy files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mars._graph import apply
from mars.tensor._arrays import convert
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor


def save(file: str | os.PathLike[str], arr: Any) -> None:
    """Writes a tensor to an .npy file, chunk by chunk; executes."""
    name = os.fspath(file)
    name = name if name.endswith(".npy") else name + ".npy"
    t = arr if isinstance(arr, Tensor) else convert(arr)
    apply(op("save_npy"), (t,), (name,)).execute()


def load(file: str | os.PathLike[str], chunk_size: int | Sequence[int] | None = None) -> Tensor:
    """A tensor of an .npy file, which is read when it is executed."""
    t = apply(op("load_npy"), (), (os.fspath(file),))
    return t if chunk_size is None else t.rechunk(chunk_size)  # type: ignore[no-any-return]
