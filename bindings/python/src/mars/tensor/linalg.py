"""Linear algebra: the operators that the library describes under this name, and those of the main namespace that belong here too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars.tensor import _registry

if TYPE_CHECKING:
    from mars.tensor._described import matmul as matmul
    from mars.tensor._described import matrix_transpose as matrix_transpose
    from mars.tensor._described import outer as outer
    from mars.tensor._described import tensordot as tensordot
    from mars.tensor._described import vecdot as vecdot
    from mars.tensor._described_linalg import *  # noqa: F403

_SHARED = ("matmul", "tensordot", "matrix_transpose", "vecdot", "outer", "cross")


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Diagonals of matrices in the last two axes."""
    return _registry.function("diagonal")(x, offset=offset, axis1=-2, axis2=-1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sums of the diagonals of matrices in the last two axes."""
    return _registry.function("trace")(x, offset=offset, axis1=-2, axis2=-1, dtype=dtype)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        description = _registry.descriptions.get(name)
        if description is not None and description["namespace"] == ("" if name in _SHARED else "linalg"):
            found = globals()[name] = _registry.function(name)
            return found
        raise AttributeError(f"module 'mars.tensor.linalg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({"diagonal", "trace", *(n for n in _SHARED if n in _registry.descriptions), *_registry.names("linalg")})
