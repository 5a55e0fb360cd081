"""What the Python array API standard has beside NumPy's functions: questions about dtypes, `unique_*`, and the namespace's description."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np

from mars import _abi
from mars._operators import apply
from mars.tensor import _registry
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor

__array_api_version__ = "2025.12"

# ---- dtypes ----

_KINDS = {
    "bool": ["bool"],
    "signed integer": ["int8", "int16", "int32", "int64"],
    "unsigned integer": ["uint8", "uint16", "uint32", "uint64"],
    "real floating": ["float32", "float64"],
    "complex floating": ["complex64", "complex128"],
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]
# Half types are no part of the standard's table, but they are real floating numbers.
_BEYOND = {"real floating": ("float16", "bfloat16"), "numeric": ("float16", "bfloat16")}


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is another one or of a kind: "bool", "signed integer", "integral", "real floating", "numeric", ..."""
    code = _abi.code_of(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"kind argument is a string, but {kind!r} is not a known kind name.")
        return _abi.dtype_name(code) in (*_KINDS[kind], *_BEYOND.get(kind, ()))
    return code == _abi.code_of(kind)


def promote_types(type1: Any, type2: Any) -> np.dtype[Any]:
    """The smallest dtype to which both can be cast safely."""
    out = ctypes.c_int32()
    _abi.check(_abi.lib.mars_dtype_promote(ctypes.byref(out), _abi.code_of(type1), _abi.code_of(type2)))
    return _abi.dtype_of(out.value)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that an operation on the arguments (tensors, dtypes, Python scalars) gives."""
    if not arrays_and_dtypes:
        raise ValueError("at least one array or dtype is required")
    found: Any = None
    scalars = []
    for x in arrays_and_dtypes:
        if type(x) in (bool, int, float, complex):
            scalars.append(x)
            continue
        d = x.dtype if hasattr(x, "dtype") and not isinstance(x, type) else _abi.dtype_of(_abi.code_of(x))
        found = d if found is None else promote_types(found, d)
    # The library knows what a scalar of Python becomes beside a tensor.
    value: Any = scalars[0] if found is None else _registry.function("zeros")((), found)
    for s in scalars if found is not None or len(scalars) > 1 else scalars * 2:
        value = apply(op("where"), (True, value, type(s)(0)))
    dtype: np.dtype[Any] = value.dtype
    return dtype


def min_scalar_type(a: Any, /) -> np.dtype[Any]:
    """The smallest dtype that holds a value, of something with axes its dtype; runs what a tensor without axes needs."""
    if isinstance(a, Tensor):
        a = np.empty((0,), a.dtype) if a.ndim else a.to_numpy()
    return np.min_scalar_type(a)


class finfo:
    """Limits of a floating dtype, as numbers of Python where NumPy has scalars of the dtype."""

    __slots__ = ("_of",)

    def __init__(self, type: Any) -> None:
        self._of: Any = np.finfo(type.dtype if isinstance(type, Tensor) else type)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that the limits are those of."""
        return self._of.dtype  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._of, name)
        return float(value) if isinstance(value, np.floating) else value

    def __eq__(self, other: object) -> bool:
        return self.dtype == other.dtype if isinstance(other, (finfo, np.finfo)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return repr(self._of)


def iinfo(type: Any) -> np.iinfo[Any]:
    """Limits of an integer dtype."""
    return np.iinfo(type.dtype if isinstance(type, Tensor) else type)


# ---- sets ----


class UniqueAll(NamedTuple):
    """What unique_all gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What unique_counts gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What unique_inverse gives."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Any, /) -> UniqueAll:
    """Distinct values, where each is first, the place of each element among them, and how often each comes.  Every NaN is a value."""
    return UniqueAll(*_registry.function("unique")(x, True, True, True, equal_nan=False))


def unique_counts(x: Any, /) -> UniqueCounts:
    """Distinct values and how often each comes.  Every NaN is a value."""
    return UniqueCounts(*_registry.function("unique")(x, return_counts=True, equal_nan=False))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """Distinct values and the place of each element among them.  Every NaN is a value."""
    return UniqueInverse(*_registry.function("unique")(x, return_inverse=True, equal_nan=False))


def unique_values(x: Any, /) -> Tensor:
    """Distinct values.  Every NaN is a value."""
    return _registry.function("unique")(x, equal_nan=False)  # type: ignore[no-any-return]


# ---- the namespace ----


class Info:
    """What `__array_namespace_info__` tells."""

    def capabilities(self) -> dict[str, Any]:
        """What the standard leaves open: whether masks may index and extents depend on data; most axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": _abi.MAX_DIMS}

    def default_device(self) -> str:
        """The one device."""
        return "cpu"

    def devices(self) -> tuple[str, ...]:
        """All devices."""
        return ("cpu",)

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """dtypes that functions choose where none is asked for, by kind."""
        _registry.check_device(device)
        return {k: np.dtype(d) for k, d in _DEFAULTS.items()}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, np.dtype[Any]]:
        """dtypes by name: all of them, or those of a kind or several."""
        _registry.check_device(device)
        kinds = ("bool", "numeric") if kind is None else kind if isinstance(kind, tuple) else (kind,)
        for k in kinds:
            if k not in _KINDS:
                raise ValueError(f"unsupported kind: {k!r}")
        return {name: np.dtype(name) for k in kinds for name in _KINDS[k]}


_DEFAULTS = {"real floating": "float64", "complex floating": "complex128", "integral": "int64", "indexing": "int64"}


def __array_namespace_info__() -> Info:
    """Capabilities, devices and dtypes of the namespace."""
    return Info()
