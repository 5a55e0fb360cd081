"""Functions that NumPy calls in a way of its own: optional first arguments, None for "no limit", one argument instead of three.

What they compute is the library's; only arguments are put in order here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mars import _abi
from mars._graph import apply
from mars.tensor import _registry
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor, convert


def _attributes(name: str, **given: Any) -> list[Any]:
    """Attribute values of an operator in the order of their declaration, those not given as declared."""
    return [given.get(a["name"], a.get("default")) for a in _registry.descriptions[name]["attributes"]]


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, chunk_size: int | Sequence[int] | None = None) -> Tensor:
    """Values from start (0 where only one argument is given) up to stop, which is not included, with a fixed step."""
    if stop is None:
        start, stop = 0, start
    made = apply(op("arange"), (), _attributes("arange", start=start, stop=stop, step=step, dtype=dtype))
    return _registry.rechunked(made, chunk_size)  # type: ignore[no-any-return]


def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """x where the condition holds, else y; with the condition alone the indices where it holds, as `nonzero`."""
    if x is None and y is None:
        return _registry.function("nonzero")(condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    return apply(op("where"), (condition, x, y))


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    """Limits values to an interval; a limit of None is none."""
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    if low is None and high is None:
        made = a.copy() if isinstance(a, Tensor) else convert(a)
    elif low is None:
        made = apply(op("minimum"), (a, high))
    elif high is None:
        made = apply(op("maximum"), (a, low))
    else:
        made = apply(op("clip"), (a, low, high))
    return _registry.finish(made, out)  # type: ignore[no-any-return]


def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Tensor:
    """Converts to another dtype; with copy=False a tensor that has it already is given back."""
    if not copy and isinstance(x, Tensor) and x.dtype == _abi.dtype_of(_abi.code_of(dtype)):
        return x
    return apply(op("astype"), (x,), _attributes("astype", dtype=dtype))  # type: ignore[no-any-return]


WRITTEN: dict[str, Callable[..., Any]] = {"arange": arange, "where": where, "clip": clip, "astype": astype}
