"""NumPy's functions over tensors that are computed when they are executed.

>>> import mars.tensor as mt
>>> a = mt.random.rand(1000, 2000)
>>> (a + 1).sum(axis=1).execute()

Beside the functions written here, the module has every operator that the library describes; see `dir(mars.tensor)`.
"""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING, Any

import numpy as _np

from mars import _abi, _graph
from mars.tensor import _registry
from mars.tensor import random as random
from mars.tensor._arrays import asarray as asarray
from mars.tensor._arrays import from_dlpack as from_dlpack
from mars.tensor._arrays import tensor as tensor
from mars.tensor._files import load as load
from mars.tensor._files import save as save
from mars.tensor._standard import __array_api_version__ as __array_api_version__
from mars.tensor._standard import __array_namespace_info__ as __array_namespace_info__
from mars.tensor._standard import finfo as finfo
from mars.tensor._standard import iinfo as iinfo
from mars.tensor._standard import isdtype as isdtype
from mars.tensor._standard import promote_types as promote_types
from mars.tensor._standard import result_type as result_type
from mars.tensor._standard import unique_all as unique_all
from mars.tensor._standard import unique_counts as unique_counts
from mars.tensor._standard import unique_inverse as unique_inverse
from mars.tensor._standard import unique_values as unique_values
from mars.tensor._tensor import Tensor as Tensor

if TYPE_CHECKING:
    # What `__getattr__` finds.
    from numpy import bool as bool
    from numpy import bool_ as bool_
    from numpy import broadcast_shapes as broadcast_shapes
    from numpy import complex64 as complex64
    from numpy import complex128 as complex128
    from numpy import dtype as dtype
    from numpy import float16 as float16
    from numpy import float32 as float32
    from numpy import float64 as float64
    from numpy import index_exp as index_exp
    from numpy import int8 as int8
    from numpy import int16 as int16
    from numpy import int32 as int32
    from numpy import int64 as int64
    from numpy import int_ as int_
    from numpy import intp as intp
    from numpy import isscalar as isscalar
    from numpy import issubdtype as issubdtype
    from numpy import s_ as s_
    from numpy import uint as uint
    from numpy import uint8 as uint8
    from numpy import uint16 as uint16
    from numpy import uint32 as uint32
    from numpy import uint64 as uint64

    from mars.tensor import linalg as linalg
    from mars.tensor._described import *  # noqa: F403

    bfloat16: _np.dtype[Any]

array = tensor
newaxis = None
pi, e, inf, nan, euler_gamma = math.pi, math.e, math.inf, math.nan, 0.5772156649015329

# dtypes and what describes them are NumPy's own.
_FROM_NUMPY = {
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128",
    "intp", "int_", "uint", "bool_", "dtype", "broadcast_shapes", "issubdtype", "isscalar", "s_", "index_exp",
}  # fmt: skip


def asanyarray(a: Any, dtype: Any = None) -> Tensor:
    return asarray(a, dtype)


def copy(a: Any) -> Tensor:
    """The current values as a tensor of its own."""
    return tensor(a)


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Writes values into a tensor, or those of a tensor into an array: dst[...] = src, where the mask holds."""
    if not isinstance(dst, Tensor):
        if not isinstance(dst, _np.ndarray):
            raise TypeError(f"copyto() argument 1 must be a tensor or an array, not {type(dst).__name__}")
        _np.copyto(dst, _np.asarray(src), casting=casting, where=_np.asarray(where))  # type: ignore[arg-type]
        return
    if not isinstance(src, (int, float, complex)):
        src = src if isinstance(src, Tensor) else tensor(src)
        src = _registry.function("astype")(src, dst.dtype, casting=casting)
    if where is not True:
        src = _registry.function("astype")(_registry.function("where")(where, src, dst), dst.dtype, casting=casting)
    dst[...] = src


def put(a: Tensor, ind: Any, v: Any, mode: str = "raise") -> None:
    """Writes values, over and over again if they are fewer, to places that are counted in C order."""
    if not isinstance(a, Tensor):
        raise TypeError(f"argument 1 must be a tensor, not {type(a).__name__}")
    _graph.assign(a, _graph.apply(_registry.op("assign_places"), (a, asarray(ind), v), (mode,)))


def shape(a: Any) -> tuple[int, ...]:
    return (a if isinstance(a, Tensor) else _np.asarray(a)).shape


def ndim(a: Any) -> int:
    return a.ndim if isinstance(a, Tensor) else _np.ndim(a)


def iscomplexobj(x: Any) -> builtins.bool:
    """Whether the dtype is complex."""
    return (x.dtype if isinstance(x, Tensor) else _np.asarray(x).dtype).kind == "c"


def isrealobj(x: Any) -> builtins.bool:
    """Whether the dtype is not complex."""
    return not iscomplexobj(x)


def size(a: Any, axis: int | None = None) -> int:
    return shape(a)[axis] if axis is not None else math.prod(shape(a))


def can_cast(from_: Any, to: Any, casting: str = "safe") -> builtins.bool:
    """Whether a cast may happen under a casting rule, "safe" or "same_kind"."""
    from mars._run import can_cast as ask

    return ask(_abi.code_of(from_.dtype if hasattr(from_, "dtype") and not isinstance(from_, type) else from_), _abi.code_of(to), casting)


if not TYPE_CHECKING:  # for type checkers, a name that is not declared is an error

    def __getattr__(name: str) -> Any:
        description = _registry.descriptions.get(name)
        if description is not None and description["namespace"] == "":
            found: Any = _registry.function(name)
        elif name in _FROM_NUMPY:
            found = getattr(_np, name)
        elif name == "bool":
            found = _np.bool_
        elif name == "bfloat16":
            found = _abi.dtype_of(_abi.BFLOAT16)
        elif name == "linalg":
            import importlib

            found = importlib.import_module("mars.tensor.linalg")
        else:
            raise AttributeError(f"module 'mars.tensor' has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    written = [n for n in globals() if not n.startswith("_") and n not in ("annotations", "Any", "TYPE_CHECKING", "builtins", "math")]
    return sorted({*written, *_registry.names(""), *_FROM_NUMPY, "bfloat16", "bool", "linalg"})
