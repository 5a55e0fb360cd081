"""Tensors in .npy files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from mars._operators import apply
from mars.tensor._arrays import convert
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor


def save(file: str | os.PathLike[str] | IO[bytes], arr: Any, allow_pickle: bool = True) -> None:
    """Writes a tensor to an .npy file, chunk by chunk; executes.  Into an open file its values are written in one piece.

    `allow_pickle` says nothing: tensors hold no objects.
    """
    if hasattr(file, "write"):
        np.save(file, arr.to_numpy() if isinstance(arr, Tensor) else np.asarray(arr))
        return
    name = os.fspath(file)
    name = name if name.endswith(".npy") else name + ".npy"
    t = arr if isinstance(arr, Tensor) else convert(arr)
    apply(op("save_npy"), (t,), (name,)).execute()


def load(file: str | os.PathLike[str], chunk_size: int | Sequence[int] | None = None) -> Tensor:
    """A tensor of an .npy file, which is read when it is executed."""
    t = apply(op("load_npy"), (), (os.fspath(file),))
    return t if chunk_size is None else t.rechunk(chunk_size)  # type: ignore[no-any-return]
