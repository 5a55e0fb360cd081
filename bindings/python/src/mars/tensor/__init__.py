"""NumPy's functions over tensors that are computed when they are executed.

>>> import mars.tensor as mt
>>> a = mt.random.rand(1000, 2000)
>>> (a + 1).sum(axis=1).execute()

Beside the functions written here, the module has every operator that the library describes; see `dir(mars.tensor)`.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as _np

from mars import _abi
from mars.tensor import _registry, _signatures
from mars.tensor import random as random
from mars.tensor._applying import apply_along_axis as apply_along_axis
from mars.tensor._applying import apply_over_axes as apply_over_axes
from mars.tensor._applying import mask_indices as mask_indices
from mars.tensor._arrays import asarray as asarray
from mars.tensor._arrays import asarray_chkfinite as asarray_chkfinite
from mars.tensor._arrays import from_dlpack as from_dlpack
from mars.tensor._arrays import frombuffer as frombuffer
from mars.tensor._arrays import fromiter as fromiter
from mars.tensor._arrays import fromstring as fromstring
from mars.tensor._arrays import require as require
from mars.tensor._arrays import tensor as tensor
from mars.tensor._errors import errstate as errstate
from mars.tensor._files import load as load
from mars.tensor._files import save as save
from mars.tensor._grids import block as block
from mars.tensor._grids import fromfunction as fromfunction
from mars.tensor._grids import piecewise as piecewise
from mars.tensor._histograms import histogram2d as histogram2d
from mars.tensor._histograms import histogramdd as histogramdd
from mars.tensor._standard import __array_api_version__ as __array_api_version__
from mars.tensor._standard import __array_namespace_info__ as __array_namespace_info__
from mars.tensor._standard import finfo as finfo
from mars.tensor._standard import iinfo as iinfo
from mars.tensor._standard import isdtype as isdtype
from mars.tensor._standard import min_scalar_type as min_scalar_type
from mars.tensor._standard import promote_types as promote_types
from mars.tensor._standard import result_type as result_type
from mars.tensor._standard import unique_all as unique_all
from mars.tensor._standard import unique_counts as unique_counts
from mars.tensor._standard import unique_inverse as unique_inverse
from mars.tensor._standard import unique_values as unique_values
from mars.tensor._tensor import Tensor as Tensor
from mars.tensor._tricks import c_ as c_
from mars.tensor._tricks import mgrid as mgrid
from mars.tensor._tricks import ogrid as ogrid
from mars.tensor._tricks import r_ as r_

if TYPE_CHECKING:
    # What `__getattr__` finds.
    from numpy import False_ as False_
    from numpy import True_ as True_
    from numpy import array2string as array2string
    from numpy import array_repr as array_repr
    from numpy import array_str as array_str
    from numpy import base_repr as base_repr
    from numpy import binary_repr as binary_repr
    from numpy import bool as bool
    from numpy import bool_ as bool_
    from numpy import broadcast_shapes as broadcast_shapes
    from numpy import byte as byte
    from numpy import cdouble as cdouble
    from numpy import complex64 as complex64
    from numpy import complex128 as complex128
    from numpy import complexfloating as complexfloating
    from numpy import csingle as csingle
    from numpy import double as double
    from numpy import dtype as dtype
    from numpy import exceptions as exceptions
    from numpy import float16 as float16
    from numpy import float32 as float32
    from numpy import float64 as float64
    from numpy import floating as floating
    from numpy import format_float_positional as format_float_positional
    from numpy import format_float_scientific as format_float_scientific
    from numpy import generic as generic
    from numpy import get_printoptions as get_printoptions
    from numpy import half as half
    from numpy import index_exp as index_exp
    from numpy import inexact as inexact
    from numpy import int8 as int8
    from numpy import int16 as int16
    from numpy import int32 as int32
    from numpy import int64 as int64
    from numpy import int_ as int_
    from numpy import intc as intc
    from numpy import integer as integer
    from numpy import intp as intp
    from numpy import isscalar as isscalar
    from numpy import issubdtype as issubdtype
    from numpy import iterable as iterable
    from numpy import long as long
    from numpy import longlong as longlong
    from numpy import mintypecode as mintypecode
    from numpy import ndindex as ndindex
    from numpy import number as number
    from numpy import printoptions as printoptions
    from numpy import s_ as s_
    from numpy import savetxt as savetxt
    from numpy import savez as savez
    from numpy import savez_compressed as savez_compressed
    from numpy import set_printoptions as set_printoptions
    from numpy import short as short
    from numpy import signedinteger as signedinteger
    from numpy import single as single
    from numpy import typecodes as typecodes
    from numpy import typename as typename
    from numpy import ubyte as ubyte
    from numpy import uint as uint
    from numpy import uint8 as uint8
    from numpy import uint16 as uint16
    from numpy import uint32 as uint32
    from numpy import uint64 as uint64
    from numpy import uintc as uintc
    from numpy import uintp as uintp
    from numpy import ulong as ulong
    from numpy import ulonglong as ulonglong
    from numpy import unsignedinteger as unsignedinteger
    from numpy import ushort as ushort

    from mars.tensor import linalg as linalg
    from mars.tensor._described import *  # noqa: F403

    bfloat16: _np.dtype[Any]

ndarray = Tensor
newaxis = None
pi, e, inf, nan, euler_gamma = math.pi, math.e, math.inf, math.nan, 0.5772156649015329

# dtypes and what describes them are NumPy's own.
_FROM_NUMPY = {
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128",
    "intp", "uintp", "int_", "uint", "bool_", "dtype", "broadcast_shapes", "issubdtype", "isscalar", "iterable", "s_", "index_exp",
    "byte", "ubyte", "short", "ushort", "intc", "uintc", "long", "ulong", "longlong", "ulonglong", "half", "single", "double", "csingle",
    "cdouble", "generic", "number", "integer", "signedinteger", "unsignedinteger", "inexact", "floating", "complexfloating", "True_",
    "False_", "ndindex", "printoptions", "get_printoptions", "set_printoptions",
    # Of values, which they fetch, and of numbers.
    "array2string", "array_repr", "array_str", "savetxt", "savez", "savez_compressed", "base_repr", "binary_repr",
    "format_float_positional", "format_float_scientific", "mintypecode", "typecodes", "typename", "exceptions",
}  # fmt: skip


def asanyarray(a: Any, dtype: Any = None, order: str | None = None, *, device: Any = None, copy: builtins.bool | None = None) -> Tensor:
    """As asarray: there are no subclasses."""
    return asarray(a, dtype, order, device=device, copy=copy)


def ascontiguousarray(a: Any, dtype: Any = None) -> Tensor:
    """A tensor of at least one axis; memory order says nothing here."""
    return _registry.function("atleast_1d")(asarray(a, dtype))  # type: ignore[no-any-return]


asfortranarray = ascontiguousarray


def array(
    object: Any, dtype: Any = None, *, copy: builtins.bool | None = True, order: str | None = "K", subok: builtins.bool = False,
    ndmin: int = 0, chunk_size: int | Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """A tensor of the values that an array-like has now; `copy=None` and `copy=False` alias it where they can, as `asarray` does."""
    _signatures.check_order(order)
    copy = _signatures.checked_copy(copy)
    least = _np.array(0, ndmin=ndmin).ndim  # which refuses more axes than there may be before anything is made of them
    made = tensor(object, dtype, chunk_size) if copy else asarray(object, dtype, copy=copy)
    if made.ndim >= least:
        return made
    return made.reshape((1,) * (least - made.ndim) + made.shape)  # type: ignore[no-any-return]


def copy(a: Any, order: str = "K", subok: builtins.bool = False) -> Tensor:
    """The current values as a tensor of its own."""
    _signatures.check_order(order)
    return tensor(a)


def shares_memory(a: Any, b: Any, /, max_work: int | None = None) -> builtins.bool:
    """Whether a write to one tensor can change the other.  `max_work` 0: as far as their first and last elements tell.

    True where it depends on extents that are not known yet, or would take long to find out.
    """
    _np.shares_memory(0, 0, max_work)  # type: ignore[arg-type]  # refuses what is no amount of work
    return isinstance(a, Tensor) and isinstance(b, Tensor) and a._shares_memory(b, max_work != 0)


def may_share_memory(a: Any, b: Any, /, max_work: int | None = None) -> builtins.bool:
    """Whether a write to one tensor can change the other, as far as their first and last elements tell."""
    return shares_memory(a, b, max_work=0 if max_work is None else max_work)


def shape(a: Any) -> tuple[int, ...]:
    """Extents of a tensor, an array or a nested list; runs what is needed to know them."""
    return (a if isinstance(a, Tensor) else _np.asarray(a)).shape


def ndim(a: Any) -> int:
    """The number of axes."""
    return a.ndim if isinstance(a, Tensor) else _np.ndim(a)


def iscomplexobj(x: Any) -> builtins.bool:
    """Whether the dtype is complex."""
    return (x.dtype if hasattr(x, "dtype") else _np.asarray(x).dtype).kind == "c"


def isrealobj(x: Any) -> builtins.bool:
    """Whether the dtype is not complex."""
    return not iscomplexobj(x)


def common_type(*arrays: Any) -> type[Any]:
    """The inexact type in which all arrays, integers as float64, have room."""
    return _np.common_type(*(_np.empty(0, x.dtype if isinstance(x, Tensor) else _np.asarray(x).dtype) for x in arrays))


def size(a: Any, axis: int | tuple[int, ...] | None = None) -> int:
    """The number of elements, or the extent of one or several axes; runs what is needed to know it."""
    extents = shape(a)
    if axis is None:
        return math.prod(extents)
    return math.prod(extents[k] for k in axis) if isinstance(axis, tuple) else extents[axis]


def can_cast(from_: Any, to: Any, casting: str = "safe") -> builtins.bool:
    """Whether a cast may happen under a casting rule, "safe" or "same_kind"."""
    source = from_.dtype if hasattr(from_, "dtype") and not isinstance(from_, type) else from_
    return _abi.can_cast(_abi.code_of(source), _abi.code_of(to), casting)


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


_OF_THIS_FILE = {"annotations", "Any", "Sequence", "TYPE_CHECKING", "builtins", "math"}


def __dir__() -> list[str]:
    written = [n for n in globals() if not n.startswith("_") and n not in _OF_THIS_FILE]
    return sorted({*written, *_registry.names(""), *_FROM_NUMPY, "bfloat16", "bool", "linalg"})
