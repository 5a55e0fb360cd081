"""Linear algebra: the operators that the library describes under this name, and those of the main namespace that belong here too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.linalg import LinAlgError as LinAlgError

from mars.tensor import _registry

if TYPE_CHECKING:
    from mars.tensor._described_linalg import *  # noqa: F403


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Diagonals of matrices in the last two axes."""
    return _registry.function("diagonal")(x, offset=offset, axis1=-2, axis2=-1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sums of the diagonals of matrices in the last two axes."""
    return _registry.function("trace")(x, offset=offset, axis1=-2, axis2=-1, dtype=dtype)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _registry.names("linalg"):
            found = globals()[name] = _registry.function(name)
            return found
        raise AttributeError(f"module 'mars.tensor.linalg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({"LinAlgError", "diagonal", "trace", *_registry.names("linalg")})
