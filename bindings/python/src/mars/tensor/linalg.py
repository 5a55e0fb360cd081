"""Linear algebra: the operators that the library describes under this name."""

from __future__ import annotations

from typing import Any

from mars.tensor import _registry


def __getattr__(name: str) -> Any:
    description = _registry.descriptions.get(name)
    if description is None or description["namespace"] != "linalg":
        if name in ("matmul", "tensordot", "matrix_transpose", "vecdot", "outer", "diagonal", "trace", "cross"):
            import mars.tensor

            return getattr(mars.tensor, name)
        raise AttributeError(f"module 'mars.tensor.linalg' has no attribute {name!r}")
    found = globals()[name] = _registry.function(name)
    return found


def __dir__() -> list[str]:
    return sorted(_registry.names("linalg"))
