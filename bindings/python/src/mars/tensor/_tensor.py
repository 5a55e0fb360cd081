"""`Tensor`: NumPy's ndarray without the waiting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from ctypes import byref, c_int32
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from mars import _abi, _operators, _run, _session, _values
from mars._abi import check, lib
from mars._operators import Handle, apply, assign, made, needs, receive
from mars.tensor import _chunk_functions, _index, _methods, _objects, _registry, _signatures, _text
from mars.tensor._registry import function, op

if TYPE_CHECKING:
    from mars.tensor._described import TensorMethods
    from mars.tensor._flat import Flat
else:
    TensorMethods = object  # the registry's methods and operators are installed below


class Tensor(Handle, TensorMethods):
    """An array that is computed when it is executed.

    It has NumPy's operators, methods and properties.  `execute()` computes it and gives it back, `fetch()` gives its values.
    Made by `mars.tensor.tensor`, by functions of `mars.tensor`, and by operations on other tensors.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1000.0

    # ---- type ----

    def _type(self) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """dtype, and shape with -1 where unknown; never runs anything."""
        t = self._t
        if t is None:
            code, shape, _ = _values.describe(self)
            t = (_abi.dtype_of(code), shape)
            if -1 not in shape:
                self._t = t
        return t

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents; runs what is needed to know them."""
        shape = self._type()[1]
        if -1 in shape:
            self.execute()
            shape = self._type()[1]
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type, as NumPy has it."""
        return self._type()[0]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._type()[1])

    @property
    def size(self) -> int:
        """The number of elements; runs what is needed to know it."""
        n = 1
        for extent in self.shape:
            n *= extent
        return n

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements; runs what is needed to know them."""
        return self.size * self.itemsize

    @property
    def device(self) -> str:
        """Where it is computed: "cpu"."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """The tensor itself: there is one device, "cpu"."""
        if stream is not None:
            raise ValueError("the CPU has no stream")
        if device != "cpu":
            raise ValueError(f'Unsupported device {device!r}; there is "cpu"')
        return self

    @property
    def is_executed(self) -> bool:
        """Whether the values are at hand."""
        return _values.describe(self)[2]

    @property
    def nsplits(self) -> tuple[tuple[int | None, ...], ...]:
        """Sizes of the chunks along each axis, None where unknown; never runs anything.

        A `ValueError` for what depends on an input of a graph, which has no plan before data is bound.
        """
        session = _session.current()
        splits = json.loads(_run.planned((session, self), lib.mars_tensor_chunks_while, session.handle, self._h))
        return tuple(tuple(axis) if axis is not None else (None,) for axis in splits)

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order, a view."""
        return function("transpose")(self)  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:
        """The tensor with its last two axes exchanged, a view."""
        return function("matrix_transpose")(self)  # type: ignore[no-any-return]

    @property
    def real(self) -> Tensor:
        """The real part, a view; of a real tensor a view of all of it."""
        return function("real")(self)  # type: ignore[no-any-return]

    @real.setter
    def real(self, value: Any) -> None:
        assign(function("real")(self), value)

    @property
    def imag(self) -> Tensor:
        """The imaginary part, a view; of a real tensor zeros that cannot be written to."""
        return function("imag")(self)  # type: ignore[no-any-return]

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        assign(function("imag")(self), value)

    # ---- running ----

    def execute(self, session: _session.Session | None = None) -> Tensor:
        """Computes the tensor, which then holds its values, and gives it back.

        Values of up to half of the memory limit are one piece in memory, which cannot be moved to disk; larger ones are in chunks that can.
        """
        _run.run(_session.chosen(session), (self._h,))
        return self

    def fetch(self, session: _session.Session | None = None) -> Any:
        """The values: an array of NumPy, or a scalar of NumPy for 0-d; executes first if need be.

        A result of up to half of the memory limit is one piece that the array shares: it counts against the limit while either lives.  A
        larger one stays in chunks, and is copied into memory of the array's own, which the limit does not count.
        """
        return _values.values(_session.chosen(session), self, True)

    def to_numpy(self, session: _session.Session | None = None) -> np.ndarray[Any, Any]:
        """The values as an array of NumPy, 0-d too; executes first if need be."""
        return _values.values(_session.chosen(session), self, False)  # type: ignore[no-any-return]

    def explain(self, session: _session.Session | None = None) -> str:
        """Text of the plan that executing the tensor would run; a `ValueError` for what depends on an input of a graph."""
        return _session.chosen(session).explain(self)

    def map_chunk(self, function: Callable[[np.ndarray[Any, Any]], Any], dtype: Any = None) -> Tensor:
        """`function` applied to every chunk as an array of NumPy; it gives an array of the same shape, of `dtype` (as the tensor's)."""
        return _chunk_functions.map_chunk(self, function, dtype)  # type: ignore[no-any-return]

    # ---- methods that are not operators of the library ----

    def copy(self, order: str = "C") -> Tensor:
        """The current values as a tensor of its own, which later writes do not change."""
        _signatures.check_order(order)
        return made(receive(lib.mars_tensor_snapshot, self._h))  # type: ignore[no-any-return]

    def conj(self, out: Any = None) -> Tensor:
        """The complex conjugate; what is not complex is its own, not a copy of it."""
        if out is None and self.dtype.kind != "c":
            return self
        return _registry.function("conjugate")(self, out=out)  # type: ignore[no-any-return]

    conjugate = conj

    def view(self) -> Tensor:
        """The tensor once more: what is written to one is read from the other."""
        return self[...]

    def rechunk(self, chunk_size: int | Sequence[int | Sequence[int]]) -> Tensor:
        """The same values in chunks of the given extents: one for all axes, or for each axis one or the sizes of all its chunks."""
        return _registry.rechunked(self, chunk_size)  # type: ignore[no-any-return]

    def fill(self, value: Any) -> None:
        """Writes one value everywhere."""
        # As NumPy: a bool takes the truth of an array of one.
        if getattr(value, "ndim", 0) and not (self.dtype == bool and value.size == 1):
            raise ValueError("setting an array element with a sequence: fill() takes one value")
        assign(self, _objects.number(value, self.dtype))

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        """Sorts in place.  There is one method, and it is stable: `kind` and `stable` say nothing."""
        if order is not None:
            raise ValueError("Cannot specify order when the array has no fields.")
        assign(self, function("sort")(self, axis=index(axis), kind=kind, stable=stable))

    def item(self, *args: Any) -> Any:
        """One element as a Python scalar; executes what it needs of it."""
        if not args:
            if self.size != 1:
                raise ValueError("can only convert an array of size 1 to a Python scalar")
            return self.to_numpy().item()
        key = args[0] if len(args) == 1 else args
        if isinstance(key, tuple) and len(key) == 1:
            (key,) = key
        if not isinstance(key, tuple):
            flat, n = index(key), self.size
            if not -n <= flat < n:
                raise IndexError(f"index {flat} is out of bounds for size {n}")
            key = tuple(int(i) for i in np.unravel_index(flat % n, self.shape))
        if len(key) != self.ndim:
            raise ValueError("incorrect number of indices for array")
        return self[key].to_numpy().item()

    def tolist(self) -> Any:
        """The values as nested lists of Python scalars; executes."""
        return self.to_numpy().tolist()

    @property
    def flat(self) -> Flat:
        """The elements in C order, to read and to write."""
        from mars.tensor._flat import Flat

        return Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        self.flat[...] = values

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Tensor:
        """The slices along an axis at which a vector of conditions holds."""
        return function("compress")(condition, self, axis=axis, out=out)  # type: ignore[no-any-return]

    def choose(self, *choices: Any, out: Any = None, mode: str = "raise") -> Tensor:
        """Elements of the choices, given as one sequence or one by one, by their numbers here."""
        return function("choose")(self, choices[0] if len(choices) == 1 else choices, out=out, mode=mode)  # type: ignore[no-any-return]

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Writes values, over and over again if they are fewer, to places that are counted in C order."""
        function("put")(self, indices, values, mode)

    def partition(self, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None) -> None:
        """Sorts in place, which puts every element where a sort would: also those at `kth`."""
        assign(self, function("partition")(self, kth, axis=index(axis), kind=kind, order=order))

    def tobytes(self, order: Any = "C") -> bytes:
        """The values as bytes; executes."""
        return self.to_numpy().tobytes(order)

    def shares_storage(self, other: Tensor) -> bool:
        """Whether the two are views of one storage; `mars.tensor.shares_memory` says whether they have elements in common."""
        answer = c_int32()
        check(lib.mars_tensor_shares_storage(byref(answer), self._h, other._h))
        return answer.value != 0

    def _shares_memory(self, other: Tensor, exactly: bool) -> bool:
        answer = c_int32()
        check(lib.mars_tensor_shares_memory(byref(answer), self._h, other._h, exactly))
        return answer.value != 0

    # ---- indexing ----

    def __getitem__(self, key: Any) -> Tensor:
        items, arrays = _index.encode(key)
        found = apply(op("index"), (self, *arrays), (items,)) if arrays else apply(op("basic_index"), (self,), (items,))
        if not arrays and _index.has_array(key) and not _values.is_scalar(found):
            return found.copy()  # type: ignore[no-any-return]  # what an array selects is a copy, one without axes too
        return found  # type: ignore[no-any-return]

    def __setitem__(self, key: Any, value: Any) -> None:
        items, arrays = _index.encode(key)
        if not self._type()[1] and _values.is_scalar(self):
            assign(self, value)  # which refuses it
        elif arrays:
            value = _objects.numbers(value, self.dtype)
            assign(self, apply(op("assign_index"), (self, value, *arrays), (items,)))
        else:
            view = apply(op("index_view"), (self,), (items,))
            if isinstance(value, _objects.OTHERS):
                rank = view.ndim
                is_element = not rank and _index.is_element(items)
                value = _objects.number(value, self.dtype) if is_element else _objects.numbers(value, self.dtype, rank)
            elif isinstance(value, np.generic) and value.dtype != self.dtype:
                value = _objects.cell(value, self.dtype)
            assign(view, value)

    def __delitem__(self, key: Any) -> None:
        raise ValueError("cannot delete array elements")

    def __len__(self) -> int:
        if not self._type()[1]:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self._type()[1]:
            raise TypeError("iteration over a 0-d array")
        self.execute()
        if self.ndim == 1:
            return iter(self.to_numpy())
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    # ---- scalars ----

    def __bool__(self) -> bool:
        return bool(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __float__(self) -> float:
        return float(self._one())

    def __complex__(self) -> complex:
        return complex(self._one())

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self._scalar("__round__"), ndigits)

    def __trunc__(self) -> int:
        return int(self._scalar("__trunc__"))

    def _scalar(self, method: str) -> Any:
        """The value of what is a scalar in NumPy: of arrays, these methods are refused."""
        if self._type()[1] or not _values.is_scalar(self):
            raise TypeError(f"type Tensor doesn't define {method} method")
        return self.fetch()

    def __index__(self) -> int:
        d, shape = self._type()
        if shape or d.kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self.fetch())

    def _one(self) -> Any:
        """The one element, as NumPy's conversions to Python scalars want it."""
        d, shape = self._type()
        return self.fetch() if not shape and d.kind != "c" else self.to_numpy()

    # ---- text ----

    def __repr__(self) -> str:
        """Values as NumPy shows them once they are at hand, else dtype and shape; never computes anything."""
        return _text.representation(self)

    def __str__(self) -> str:
        return _text.text(self)

    def __format__(self, spec: str) -> str:
        return _text.formatted(self, spec)

    # ---- protocols ----

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        values = self.to_numpy()
        if dtype is not None and np.dtype(dtype) != values.dtype:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return values.astype(dtype)
        return values.copy() if copy else values

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from mars.tensor import _dispatch

        return _dispatch.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from mars.tensor import _dispatch

        return _dispatch.function(func, types, args, kwargs)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        import mars.tensor

        return mars.tensor

    def __dlpack__(
        self, *, stream: Any = None, max_version: tuple[int, int] | None = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        from mars.tensor import _dlpack

        return _dlpack.export(self, stream, {"max_version": max_version, "dl_device": dl_device, "copy": copy})

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __reduce__(self) -> Any:
        wants = 0 if self.is_executed else needs(self)
        if wants & _abi.NEEDS_INPUTS:
            raise TypeError("cannot pickle a tensor that depends on an input of a graph: write the graph, with Graph.serialize")
        # Files and functions of this process are not there where the pickle is read.
        if self.is_executed or wants:
            return _from_values, (self.to_numpy(),)
        from mars._graph import Graph

        graph = Graph()
        graph.output("out", self)
        return _from_graph, (graph.serialize(),)

    def __copy__(self) -> Tensor:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.copy()


class Tensors(tuple[Tensor, ...]):
    """Several results of one function."""

    __slots__ = ()

    def execute(self, session: _session.Session | None = None) -> Tensors:
        """Computes the tensors together, and gives them back."""
        _session.chosen(session).execute(*self)
        return self

    def fetch(self, session: _session.Session | None = None) -> tuple[Any, ...]:
        """The values of all: arrays of NumPy, and scalars for 0-d; executes first if need be."""
        return _session.chosen(session).fetch(self)  # type: ignore[no-any-return]


def _from_values(values: np.ndarray[Any, Any]) -> Tensor:
    return _values.from_array(values, alias=True)  # type: ignore[no-any-return]


def _from_graph(data: bytes) -> Tensor:
    from mars._graph import Graph

    return Graph.parse(data).outputs["out"]  # type: ignore[no-any-return]


_operators.hooks.tensor = Tensor
_operators.hooks.several = Tensors
_methods.install(Tensor)
