"""`errstate`: NumPy's switch for warnings about divisions by zero and the like."""

from __future__ import annotations

import contextlib
from typing import Any

_KINDS = ("all", "divide", "over", "under", "invalid")


class errstate(contextlib.ContextDecorator):
    """Kept for programs that are written for NumPy: nothing warns here, so "ignore" and "warn" change nothing.

    What would have to act on single elements ("raise", "call", "print", "log") is refused: elements are computed later and elsewhere.
    """

    def __init__(self, *, call: Any = None, **kinds: str | None) -> None:
        for kind, action in kinds.items():
            if kind not in _KINDS:
                raise TypeError(f"errstate() got an unexpected keyword argument {kind!r}")
            if action not in (None, "ignore", "warn"):
                raise NotImplementedError(f"errstate({kind}={action!r}) is not supported: elements are computed without looking at flags")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None
