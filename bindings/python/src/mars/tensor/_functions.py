"""Functions that NumPy calls in a way of its own: optional first arguments, two names for one, one argument instead of three.

What they compute is the library's; only arguments are put in order here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mars import _abi
from mars._operators import SAME_KIND, apply, assign, hooks
from mars.tensor import _index, _objects, _registry, _signatures
from mars.tensor._arrays import convert
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor

# By the name of their operator.
WRITTEN: dict[str, Callable[..., Any]] = {}


def written(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes `f` the function of the operator of its name."""
    WRITTEN[f.__name__] = f
    return f


def attributes(name: str, **given: Any) -> list[Any]:
    """Attribute values of an operator in the order of their declaration, those not given as declared."""
    return [given.get(a["name"], a.get("default")) for a in _registry.descriptions[name]["attributes"]]


@written
def arange(
    start: Any = None, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None,
    chunk_size: int | Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    _registry.check_device(device)
    step = 1 if step is None else step
    if stop is None:
        start, stop = 0, start
    if stop is None:
        raise TypeError("arange() requires stop to be specified.")
    start = 0 if start is None else start
    made = apply(op("arange"), (), attributes("arange", start=start, stop=stop, step=step, dtype=dtype))
    return _registry.rechunked(made, chunk_size)  # type: ignore[no-any-return]


@written
def eye(
    N: int, M: int | None = None, k: int = 0, dtype: Any = float, order: str = "C", *, device: Any = None,
    chunk_size: int | Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    _registry.check_device(device)
    _signatures.check_order(order)
    made = apply(op("eye"), (), attributes("eye", N=N, M=M, k=k, dtype=dtype))
    return _registry.rechunked(made, chunk_size)  # type: ignore[no-any-return]


@written
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0, *,
    device: Any = None, chunk_size: int | Sequence[int] | None = None,
) -> Any:  # fmt: skip
    _registry.check_device(device)
    given = attributes("linspace", num=num, endpoint=endpoint, dtype=dtype, axis=axis)
    made = _registry.rechunked(apply(op("linspace"), (start, stop), given), chunk_size)
    return hooks.several((made, apply(op("linspace_step"), (start, stop), (num, endpoint)))) if retstep else made


@written
def indices(
    dimensions: Any, dtype: Any = int, sparse: bool = False, *, chunk_size: int | Sequence[int] | None = None
) -> Tensor | tuple[Tensor, ...]:  # fmt: skip
    if not sparse:
        made = apply(op("indices"), (), attributes("indices", dimensions=dimensions, dtype=dtype))
        return _registry.rechunked(made, chunk_size)  # type: ignore[no-any-return]
    lines = [_registry.function("arange")(n, dtype=dtype) for n in dimensions]
    return hooks.several(tuple(_registry.function("meshgrid")(*lines, indexing="ij", sparse=True))) if lines else ()


@written
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None and y is None:
        return _registry.function("nonzero")(condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    return apply(op("where"), (condition, x, y))


@written
def copyto(dst: Any, src: Any, casting: str = SAME_KIND, where: Any = True) -> None:
    if isinstance(dst, np.ndarray):
        np.copyto(dst, np.asarray(src), casting=casting, where=np.asarray(where))  # type: ignore[arg-type]
        return
    _registry.check_target(dst, "copyto")
    assign(dst, apply(op("copyto"), (dst, src, None if where is True else where), (casting,)))


@written
def clip(
    a: Any, min: Any = None, max: Any = None, out: Any = None, *, a_min: Any = None, a_max: Any = None, dtype: Any = None,
    where: Any = True, casting: str = SAME_KIND, order: str = "K", subok: bool = True,
) -> Tensor:  # fmt: skip
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    return _registry.call_ufunc(  # type: ignore[no-any-return]
        op("clip"), (as_tensor(a), low, high), out=out, where=where, casting=casting, dtype=dtype
    )


@written
def astype(
    x: Any, /, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True, *, device: Any = None
) -> Tensor:
    _registry.check_device(device)
    _signatures.check_order(order)
    x = as_tensor(x)
    if not copy and _abi.code_of(dtype) == _abi.code_of(x.dtype):
        return x  # type: ignore[no-any-return]
    if casting == "same_value":
        return apply(op("astype_same_value"), (x,), (dtype,))  # type: ignore[no-any-return]
    return apply(op("astype"), (x,), attributes("astype", dtype=dtype, casting=casting))  # type: ignore[no-any-return]


@written
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    given = attributes("average", axis=axis, keepdims=keepdims)
    made = apply(op("average"), (a, weights), given)
    return hooks.several((made, apply(op("average_weights"), (a, weights), given))) if returned else made


@written
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    a = as_tensor(a)
    made = apply(op("reshape"), (a,), attributes("reshape", shape=shape, order=order))
    if copy:
        return made.copy()  # type: ignore[no-any-return]
    if copy is False and not made.shares_storage(a):
        raise ValueError("Unable to avoid creating a copy while reshaping.")
    return made  # type: ignore[no-any-return]


def _splitting(name: str) -> Callable[..., list[Tensor]]:
    def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
        if hasattr(indices_or_sections, "__index__") and not getattr(indices_or_sections, "ndim", 0):
            given: dict[str, Any] = {"sections": int(indices_or_sections)}
        else:
            given = {"indices": tuple(indices_or_sections)}
        return list(_registry.apply_open(op(name), (ary,), attributes(name, axis=axis, **given)))

    split.__name__ = split.__qualname__ = name
    return split


for _name in ("split", "array_split"):
    written(_splitting(_name))


def _splitting_along(name: str) -> Callable[..., list[Tensor]]:
    split = _splitting(name)

    def along(ary: Any, indices_or_sections: Any) -> list[Tensor]:
        return split(ary, indices_or_sections)

    along.__name__ = along.__qualname__ = name
    return along


for _name in ("hsplit", "vsplit", "dsplit"):
    written(_splitting_along(_name))


def _places(obj: Any) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """What Python has for places along an axis, as attributes or as an input."""
    if isinstance(obj, slice):
        items, _ = _index.encode(obj)
        return {"slice": items[1:] or (0, 0, 0, 0)}, ()
    if hasattr(obj, "__index__") and not isinstance(obj, (Tensor, np.ndarray, bool)):
        return {"obj": (operator.index(obj),)}, ()
    if isinstance(obj, (list, tuple)) and not obj:
        return {"obj": ()}, ()
    return {}, (obj,)


@written
def delete(arr: Any, obj: Any, axis: int | None = None) -> Tensor:
    given, places = _places(obj)
    return apply(op("delete"), (as_tensor(arr), *places), attributes("delete", **given, axis=axis))  # type: ignore[no-any-return]


@written
def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Tensor:
    if isinstance(indices, (list, tuple)):
        # A list without elements has no dtype of its own; as indices it has that of indices.
        indices = convert(indices) if len(indices) else convert(np.zeros(np.shape(indices), np.intp))
    made = apply(op("take"), (a, indices), attributes("take", axis=axis, mode=mode))
    return _registry.finish(made, out, "take")  # type: ignore[no-any-return]


@written
def roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    a = as_tensor(a)

    def within(given: Any) -> int:
        # Every extent divides the number of elements, so that of a number beyond 64 bits the remainder says the same.
        n = operator.index(given)
        return n if -(1 << 63) <= n < 1 << 63 else n % max(int(a.size), 1)

    shifts = tuple(map(within, shift)) if np.ndim(shift) else within(shift)
    return apply(op("roll"), (a,), attributes("roll", shift=shifts, axis=axis))  # type: ignore[no-any-return]


@written
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Tensor:
    given, places = _places(obj)
    arr = as_tensor(arr)
    operands = (arr, _objects.numbers(values, arr.dtype), *places)
    return apply(op("insert"), operands, attributes("insert", **given, axis=axis, single="obj" in given))  # type: ignore[no-any-return]


def _triangle(name: str) -> Callable[..., tuple[Tensor, Tensor]]:
    def triangle(n: int, k: int = 0, m: int | None = None) -> tuple[Tensor, Tensor]:
        return apply(op(name), (), attributes(name, n=n, k=k, columns=m))  # type: ignore[no-any-return]

    triangle.__name__ = triangle.__qualname__ = name
    return triangle


for _name in ("tril_indices", "triu_indices"):
    written(_triangle(_name))


@written
def diag_indices(n: int, ndim: int = 2) -> tuple[Tensor, ...]:
    return _registry.apply_open(op("diag_indices"), (), (n, operator.index(ndim)))  # type: ignore[no-any-return]


@written
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    made = _registry.apply_open(op("gradient"), (f, *varargs), attributes("gradient", axis=axis, edge_order=edge_order))
    return made[0] if len(made) == 1 else made


@written
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    made = apply(op("nan_to_num"), (x,), attributes("nan_to_num", nan=nan, posinf=posinf, neginf=neginf))
    return made if copy or not isinstance(x, Tensor) else _registry.finish(made, x, "nan_to_num")  # type: ignore[no-any-return]


@written
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    if hasattr(axes, "__index__") and not isinstance(axes, (list, tuple)):
        given = {"axes": axes}
    else:
        first, second = axes
        given = {"axes_a": first, "axes_b": second}
    return apply(op("tensordot"), (a, b), attributes("tensordot", **given))  # type: ignore[no-any-return]


@written
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    given = attributes("intersect1d", assume_unique=assume_unique, return_indices=return_indices)
    made = _registry.apply_open(op("intersect1d"), (ar1, ar2), given)
    return made if return_indices else made[0]


@written
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Tensor:
    modes = (mode,) if isinstance(mode, str) else tuple(mode)
    given = attributes("ravel_multi_index", dims=dims, mode=modes, order=order)
    return apply(op("ravel_multi_index"), tuple(multi_index), given)  # type: ignore[no-any-return]


@written
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    x = as_tensor(x)
    count = x.shape[axis] if -x.ndim <= axis < x.ndim else 1
    return apply(op("unstack"), (x,), (axis,), max(count, 1))  # type: ignore[no-any-return]


@written
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None, *,
    equal_nan: bool = True, sorted: bool = True,
) -> Any:  # fmt: skip
    asked = {"return_index": return_index, "return_inverse": return_inverse, "return_counts": return_counts}
    made = _registry.apply_open(op("unique"), (ar,), attributes("unique", **asked, equal_nan=equal_nan, axis=axis))
    return made if any(asked.values()) else made[0]


def _pairs(given: Any, ndim: int, name: str) -> Any:
    """One or two numbers for all axes, or two for each, as integers one after the other.

    Nested lists may leave out what is the same; the library knows what one number and two mean.
    """
    numbers = np.asarray(given)
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must be of integral type.")
    return (np.broadcast_to(numbers, (ndim, 2)) if numbers.ndim > 1 or numbers.size > 2 else numbers).ravel().tolist()


@written
def pad(
    array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = None, end_values: Any = None, stat_length: Any = None,
    reflect_type: str | None = None,
) -> Tensor:  # fmt: skip
    if callable(mode):
        raise TypeError("a function as mode of pad is not supported")
    array = as_tensor(array)
    if isinstance(pad_width, dict):
        widths = [(0, 0)] * array.ndim
        for axis, width in pad_width.items():
            widths[axis] = (width, width) if hasattr(width, "__index__") else width
        pad_width = widths
    given = attributes(
        "pad", pad_width=_pairs(pad_width, array.ndim, "pad_width"), mode=str(mode),
        stat_length=None if stat_length is None else _pairs(stat_length, array.ndim, "stat_length"), reflect_type=reflect_type,
    )  # fmt: skip
    return apply(op("pad"), (array, constant_values, end_values), given)  # type: ignore[no-any-return]


@written
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    conditions, choices = [as_tensor(k) for k in condlist], list(choicelist)
    return apply(op("select"), (default, *conditions, *choices), attributes("select", conditions=len(conditions)))  # type: ignore[no-any-return]


@written
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    given = {"kind": ord} if isinstance(ord, str) else {"ord": ord}
    return apply(op("norm"), (x,), attributes("norm", axis=axis, keepdims=keepdims, **given))  # type: ignore[no-any-return]


def as_tensor(x: Any) -> Any:
    return x if isinstance(x, Tensor) else convert(x)
