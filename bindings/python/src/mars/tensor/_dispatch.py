"""NumPy's functions called with tensors: they become the library's operators and stay lazy."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from mars.tensor import _registry
from mars.tensor._registry import descriptions, finish, op
from mars.tensor._signatures import check_order


@cache
def _by_numpy_name() -> dict[str, str]:
    """Operators by the NumPy function that they equal: "add", "linalg.norm"."""
    found: dict[str, str] = {}
    for name, d in descriptions.items():
        if d["numpy"].startswith("numpy.") and d["namespace"] is not None:
            found.setdefault(d["numpy"].removeprefix("numpy."), name)
    return found


@cache
def _by_ufunc(method: str) -> dict[str, str]:
    """Operators by the ufunc whose `reduce` or `accumulate` they are."""
    return {ufunc: name for name, d in descriptions.items() for ufunc in d[f"{method}_of"]}


def ufunc(called: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What Tensor.__array_ufunc__ gives."""
    if _are_foreign(type(x) for x in (*inputs, *(kwargs.get("out") or ()))):
        return NotImplemented
    name = _by_numpy_name().get(called.__name__, called.__name__)
    if method != "__call__":
        return ufunc_method(name, method, inputs, kwargs, called.__name__)
    if name not in descriptions:
        raise _missing(f"numpy.{called.__name__}")
    out = kwargs.pop("out", None)
    if out is not None and all(o is None for o in out):
        out = None
    check_order(kwargs.pop("order", "K"))
    kwargs.pop("subok", None)
    _refuse(f"numpy.{called.__name__}", kwargs, {"where", "casting", "dtype"} if descriptions[name]["ufunc"] else {"dtype"})
    if descriptions[name]["ufunc"]:
        return _registry.call_ufunc(op(name), inputs, out=out, **kwargs)
    return finish(_registry.function(name)(*inputs, **kwargs), out, name)


def ufunc_method(name: str, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any], called: str | None = None) -> Any:
    """add.reduce and its like, of an operator that is a ufunc."""
    called = called or name
    out = kwargs.pop("out", None)
    _refuse(f"numpy.{called}.{method}", kwargs, {"axis", "dtype", "keepdims", "initial", "where", "casting", "order", "subok"})
    if method in ("reduce", "accumulate"):
        known = _by_ufunc(method).get(called)
        if known is None:
            raise _missing(f"numpy.{called}.{method}")
        if len(inputs) > 1:
            kwargs.update(zip(("axis", "dtype", "out", "keepdims", "initial", "where"), inputs[1:], strict=False))
            out = kwargs.pop("out", out)
        kwargs.setdefault("axis", 0)
        return finish(_call(known, (_as_tensor(inputs[0]),), kwargs), out, known)
    if method == "outer" and name in descriptions and descriptions[name]["ufunc"]:
        a, b = map(_as_tensor, inputs)
        check_order(kwargs.pop("order", "K"))
        kwargs.pop("subok", None)
        return _registry.call_ufunc(op(name), (a[(..., *[None] * b.ndim)], b), out=out, **kwargs)
    raise _missing(f"numpy.{called}.{method}")


def _missing(name: str) -> TypeError:
    """What is said where Mars lacks something, rather than to compute it in one piece with NumPy."""
    return TypeError(f"{name} is not supported on tensors: Mars has no such operator; NumPy's own works on what fetch() gives")


def _refuse(name: str, kwargs: dict[str, Any], known: set[str]) -> None:
    for k in kwargs:
        if k not in known:
            raise TypeError(f"keyword {k!r} of {name} is not supported on tensors")


def _are_foreign(types: Any) -> bool:
    """Whether one of the types answers NumPy's functions in its own way, so that it may know what to do with a tensor."""
    from mars.tensor._tensor import Tensor

    for t in types:
        own = getattr(t, "__array_ufunc__", None)
        if own is not None and own is not np.ndarray.__array_ufunc__ and not issubclass(t, (Tensor, np.generic)):
            return True
    return False


def _as_tensor(x: Any) -> Any:
    from mars.tensor._arrays import convert
    from mars.tensor._tensor import Tensor

    return x if isinstance(x, Tensor) else convert(x)


# NumPy's functions that show values or write them somewhere else: they want arrays, and get them.
_OF_VALUES = {"array2string", "array_repr", "array_str", "savetxt", "savez", "savez_compressed"}


def _fetched(x: Any) -> Any:
    """Arguments with the values of tensors in their place."""
    from mars.tensor._tensor import Tensor

    if isinstance(x, Tensor):
        return x.to_numpy()
    if isinstance(x, dict):
        return {k: _fetched(v) for k, v in x.items()}
    return (list if isinstance(x, list) else tuple)(map(_fetched, x)) if isinstance(x, (list, tuple)) else x


def function(called: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What Tensor.__array_function__ gives."""
    import mars.tensor
    from mars.tensor._tensor import Tensor

    if called.__module__ == "numpy" and called.__name__ in _OF_VALUES:
        return called(*_fetched(args), **_fetched(kwargs))
    module = called.__module__.removeprefix("numpy").removeprefix(".")
    qualified = f"{module}.{called.__name__}" if module in ("linalg", "fft", "random") else called.__name__
    name = _by_numpy_name().get(qualified, qualified)
    target: Any = mars.tensor
    for part in name.split(".") if name not in descriptions else [name]:
        target = getattr(target, part, None)
    if target is None and name in descriptions:
        target = _registry.function(name)
    if target is None:
        if any(not issubclass(t, (Tensor, np.ndarray)) for t in types):
            return NotImplemented
        raise _missing(f"numpy.{qualified}")
    return _call(target, args, kwargs)


def _call(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls a function without the arguments by which NumPy says that nothing was given."""
    if isinstance(target, str):
        target = _registry.function(target)
    return target(*args, **{k: v for k, v in kwargs.items() if v is not np._NoValue and not (k == "where" and v is True)})
