"""Index tuples and grids, and tensors put together of blocks: arguments are put in order here, the library computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mars.tensor._arrays import asarray
from mars.tensor._registry import function
from mars.tensor._tensor import Tensor


def ix_(*args: Any) -> tuple[Tensor, ...]:
    """Sequences as indices of a grid: each along an axis of its own."""
    out = []
    for k, given in enumerate(args):
        x = asarray(given)
        if x.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if x.dtype.kind == "b":
            (x,) = x.nonzero()
        elif not x.size:
            x = x.astype(int)
        out.append(x.reshape([-1 if j == k else 1 for j in range(len(args))]))
    return tuple(out)


def diag_indices(n: int, ndim: int = 2) -> tuple[Tensor, ...]:
    """Indices of the main diagonal of a tensor of `ndim` axes of extent n."""
    return (function("arange")(n),) * ndim


def diag_indices_from(arr: Any) -> tuple[Tensor, ...]:
    """Indices of the main diagonal of a tensor."""
    arr = asarray(arr)
    if arr.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(arr.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    return diag_indices(arr.shape[0], arr.ndim)


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Tensor, ...]:
    """Indices of the elements of a matrix at and below a diagonal."""
    return _triangle_of(arr, k, "tril_indices")


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Tensor, ...]:
    """Indices of the elements of a matrix at and above a diagonal."""
    return _triangle_of(arr, k, "triu_indices")


def _triangle_of(arr: Any, k: int, name: str) -> tuple[Tensor, ...]:
    arr = asarray(arr)
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return function(name)(arr.shape[0], k, arr.shape[1])  # type: ignore[no-any-return]


def fromfunction(f: Callable[..., Any], shape: Sequence[int], *, dtype: Any = float, **kwargs: Any) -> Any:
    """What a function gives for the indices of a grid."""
    return f(*function("unstack")(function("indices")(shape, dtype)), **kwargs) if len(shape) else f(**kwargs)


def block(arrays: Any) -> Tensor:
    """A tensor of nested lists of blocks: the innermost ones are joined along the last axis, the next along the one before."""
    depth = _depth(arrays)

    def rank(x: Any) -> int:
        return max(map(rank, x)) if isinstance(x, list) else asarray(x).ndim

    axes = max(depth, rank(arrays))

    def joined(x: Any, level: int) -> Tensor:
        if isinstance(x, list):
            return function("concatenate")([joined(i, level + 1) for i in x], axis=level - depth)  # type: ignore[no-any-return]
        x = asarray(x)
        return x.reshape((1,) * (axes - x.ndim) + x.shape)  # type: ignore[no-any-return]

    made = joined(arrays, 0)
    return made.copy() if not depth else made


def _depth(x: Any) -> int:
    """How deep lists are nested, the same everywhere."""
    if isinstance(x, tuple):
        raise TypeError("arrays is a tuple. Only lists can be used to arrange blocks, and np.block does not allow implicit conversion.")
    if not isinstance(x, list):
        return 0
    if not x:
        raise ValueError("List depths are mismatched. Elements must not be empty lists")
    depths = {_depth(i) for i in x}
    if len(depths) > 1:
        raise ValueError("List depths are mismatched.")
    return depths.pop() + 1
