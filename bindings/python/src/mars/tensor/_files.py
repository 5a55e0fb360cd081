"""Tensors in .npy files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from mars._operators import apply
from mars._values import from_array
from mars.tensor._arrays import convert
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor

_Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def save(file: _Path | IO[bytes], arr: Any, allow_pickle: bool = True) -> None:
    """Writes a tensor to an .npy file, chunk by chunk; executes.  Into an open file its values are written in one piece.

    `allow_pickle` says nothing: tensors hold no objects.
    """
    if hasattr(file, "write"):
        np.save(file, arr.to_numpy() if isinstance(arr, Tensor) else np.asarray(arr))  # type: ignore[arg-type]
        return
    name = os.fsdecode(file)
    name = name if name.endswith(".npy") else name + ".npy"
    t = arr if isinstance(arr, Tensor) else convert(arr)
    apply(op("save_npy"), (t,), (name,)).execute()


def load(
    file: _Path | IO[bytes], chunk_size: int | Sequence[int] | None = None, *, mmap_mode: str | None = None, allow_pickle: bool = False
) -> Tensor:
    """A tensor of an .npy file, which is read chunk by chunk when it is executed; an open file is read at once, into memory.

    `mmap_mode` "r" and "c" say nothing, nor does `allow_pickle`: chunks are read when they are asked for, and tensors hold no objects.
    """
    if mmap_mode not in (None, "r", "c"):
        raise ValueError(f"mmap_mode must be 'r', 'c' or None, not {mmap_mode!r}: writes to a tensor do not go into its file")
    if hasattr(file, "read"):
        # Where it stands and what its path names may have changed when the tensor runs.
        values = np.load(file, allow_pickle=False)
        if not isinstance(values, np.ndarray):
            raise ValueError("an open file must hold one array in .npy format, not an archive of several")
        t = from_array(values, alias=True)
    else:
        t = apply(op("load_npy"), (), (os.fsdecode(file),))
    return t if chunk_size is None else t.rechunk(chunk_size)  # type: ignore[no-any-return]
