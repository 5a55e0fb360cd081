"""NumPy's functions called with tensors: they become the library's operators and stay lazy."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from mars._graph import apply
from mars.tensor import _registry
from mars.tensor._registry import descriptions, finish, op


@cache
def _by_numpy_name() -> dict[str, str]:
    """Operators by the NumPy function that they equal: "add", "linalg.norm"."""
    found: dict[str, str] = {}
    for name, d in descriptions.items():
        if d["numpy"].startswith("numpy.") and d["namespace"] is not None:
            found.setdefault(d["numpy"].removeprefix("numpy."), name)
    return found


# ufunc.reduce and ufunc.accumulate that are functions of NumPy.
_REDUCTIONS = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any",
}  # fmt: skip
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}


def ufunc(called: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What Tensor.__array_ufunc__ gives."""
    name = _by_numpy_name().get(called.__name__, called.__name__)
    out = kwargs.pop("out", None)
    if out is not None and all(o is None for o in out):
        out = None
    if method == "__call__":
        if name not in descriptions:
            return NotImplemented
        where = kwargs.pop("where", True)
        dtype = kwargs.pop("dtype", None)
        casting = kwargs.pop("casting", "same_kind")
        if kwargs or casting not in ("same_kind", "unsafe"):
            return NotImplemented
        if dtype is not None:
            inputs = tuple(_registry.function("astype")(_as_tensor(x), dtype) for x in inputs)
        result = apply(op(name), inputs)
        if where is not True:
            if out is None or isinstance(result, tuple):
                raise NotImplementedError("`where` of a ufunc needs `out`")
            result = _registry.function("where")(where, result, out[0])
    elif method == "reduce" and called.__name__ in _REDUCTIONS:
        kwargs.setdefault("axis", 0)
        result = _call(_REDUCTIONS[called.__name__], inputs, kwargs)
    elif method == "accumulate" and called.__name__ in _ACCUMULATIONS:
        kwargs.setdefault("axis", 0)
        result = _call(_ACCUMULATIONS[called.__name__], inputs, kwargs)
    elif method == "outer" and not kwargs and name in descriptions:
        a, b = map(_as_tensor, inputs)
        result = apply(op(name), (a[(..., *[None] * b.ndim)], b))
    else:
        return NotImplemented
    return finish(result, out)


def _as_tensor(x: Any) -> Any:
    from mars.tensor._tensor import Tensor, convert

    return x if isinstance(x, Tensor) else convert(x)


def function(called: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What Tensor.__array_function__ gives."""
    import mars.tensor

    module = called.__module__.removeprefix("numpy").removeprefix(".")
    qualified = f"{module}.{called.__name__}" if module in ("linalg", "fft", "random") else called.__name__
    name = _by_numpy_name().get(qualified, qualified)
    target: Any = mars.tensor
    for part in name.split(".") if name not in descriptions else [name]:
        target = getattr(target, part, None)
    if target is None and name in descriptions:
        target = _registry.function(name)
    if target is None:
        return NotImplemented
    return _call(target, args, kwargs)


def _call(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls a function without the arguments by which NumPy says that nothing was given."""
    if isinstance(target, str):
        target = _registry.function(target)
    return target(*args, **{k: v for k, v in kwargs.items() if v is not np._NoValue and not (k == "where" and v is True)})
