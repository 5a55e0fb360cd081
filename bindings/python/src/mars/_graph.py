"""`Graph`: named inputs and outputs, written to and read from graph files."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p, sizeof
from typing import Any

import numpy as np

from mars import _abi, _run, _session
from mars._abi import Binding, check, lib
from mars._operators import receive

# The least dtype of each kind of numbers.
_LEAST = {"b": "bool", "i": "uint8", "u": "uint8", "f": "float16", "c": "complex64"}


def _data(name: str, v: Any, dtype: np.dtype[Any] | None) -> Any:
    """A tensor of what is bound to an input; dtype None: the graph has no such input, which the library says."""
    from mars.tensor._arrays import convert, tensor
    from mars.tensor._tensor import Tensor

    if isinstance(v, Tensor):
        return v
    if dtype is None or hasattr(v, "dtype"):
        return convert(v)
    try:
        found = convert(v) if isinstance(v, (list, tuple)) and any(isinstance(i, Tensor) for i in v) else np.asarray(v)
        goes = 0 in found.shape or _goes_into(found.dtype.kind, dtype)
        if not goes and isinstance(found, np.ndarray) and found.dtype.kind in "Of":
            # Integers beyond 64 bits are objects to NumPy, and those on both sides of 2**63 floats.
            goes = _goes_into("i", dtype) and all(isinstance(i, (int, np.integer)) for i in np.asarray(v, object).flat)
        if goes:
            return tensor(v if isinstance(found, np.ndarray) else found, dtype)
    except (ValueError, OverflowError) as error:
        raise type(error)(f"graph input '{name}': {error}") from error
    raise TypeError(f"graph input '{name}' expects {dtype} but is bound to {type(v).__name__} of {found.dtype}, which is not cast to it")


def _goes_into(kind: str, dtype: np.dtype[Any]) -> bool:
    """Whether numbers of Python of a kind are cast to a dtype: they have no width, so the least dtype of the kind tells."""
    return kind in _LEAST and _abi.can_cast(_abi.code_of(_LEAST[kind]), _abi.code_of(dtype), "same_kind")


class Graph:
    """Tensors under names.

    >>> g = mars.Graph()
    >>> x = g.input("x", "float64", (None, 3))
    >>> g.output("y", (x + 1).sum(axis=1))
    >>> g.execute(x=np.ones((2, 3)))["y"].fetch()
    """

    __slots__ = ("__weakref__", "handle")

    def __init__(self) -> None:
        self.handle = 0
        self.handle = _abi.received(lib.mars_graph_release, lib.mars_graph_new)

    __del__ = _abi.finalizer(lib.mars_graph_release)

    def input(self, name: str, dtype: Any, shape: Sequence[int | None]) -> Any:
        """Adds a named placeholder.  An extent of None is unknown until the graph is executed."""
        if not isinstance(shape, Sequence):
            raise TypeError(f"shape must be a sequence of extents, not {shape!r}")
        n = len(shape)
        extents = (c_int64 * max(n, 1))(*[-1 if e is None else e for e in shape])
        text, code = _abi.c_text(name, "the name of an input"), _abi.code_of(dtype)
        return receive(lib.mars_graph_input, self.handle, text, code, extents, n)

    def output(self, name: str, tensor: Any) -> None:
        """Names a result."""
        check(lib.mars_graph_output(self.handle, _abi.c_text(name, "the name of an output"), _session._tensor(tensor)._h))

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs by their names, as tensors that can be used and bound."""
        return self._named(lib.mars_graph_input_count, lib.mars_graph_get_input)

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs by their names."""
        return self._named(lib.mars_graph_output_count, lib.mars_graph_get_output)

    def _named(self, count_of: Any, get: Any) -> dict[str, Any]:
        count = c_int64()
        check(count_of(byref(count), self.handle))
        found: dict[str, Any] = {}
        for i in range(count.value):
            name = c_void_p()
            try:
                tensor = receive(get, byref(name), self.handle, i)
                found[_abi.content(name).decode()] = tensor
            finally:
                lib.mars_string_release(name)
        return found

    def serialize(self) -> bytes:
        """The graph file of the inputs, the outputs and all that lies between."""
        return _abi.text(lib.mars_graph_serialize, self.handle)

    @staticmethod
    def parse(data: bytes, allow_files: bool = False) -> Graph:
        """Reads a graph file.  Operators that touch files are errors unless allowed; those that call a client back always are."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"Graph.parse needs the bytes of a graph file, not {type(data).__name__}")
        data = bytes(data)
        flags = _abi.PARSE_ALLOW_FILES if allow_files else 0
        graph = Graph.__new__(Graph)
        graph.handle = 0
        graph.handle = _abi.received(lib.mars_graph_release, lib.mars_graph_parse, data, len(data), flags)
        return graph

    def execute(self, session: _session.Session | None = None, /, **inputs: Any) -> dict[str, Any]:
        """Computes all outputs with data for the inputs, and gives them by name.

        Tensors and arrays must have the dtype of their input.  Lists and numbers of Python take it where their kind goes into it:
        integers into floats, but not floats into integers.
        """
        declared = self.inputs
        given = {k: _data(k, v, declared[k].dtype if k in declared else None) for k, v in inputs.items()}
        outputs = self.outputs
        names = [_abi.c_text(k, "the name of an input") for k in given]
        bound = [Binding(sizeof(Binding), 0, name, v._h) for name, v in zip(names, given.values(), strict=True)]
        bindings = (Binding * max(len(given), 1))(*bound)
        handles = [t._h for t in outputs.values()]
        in_use = _session.chosen(session)
        if not given:
            _run.run(in_use, handles)
            return outputs
        return dict(zip(outputs, _run.run(in_use, handles, byref(bindings), len(given), results=True), strict=True))

    def __repr__(self) -> str:
        return f"mars.Graph(inputs={list(self.inputs)}, outputs={list(self.outputs)})"


Graph._as_parameter_ = Graph.handle  # type: ignore[attr-defined, misc]  # the slot under the name that ctypes looks for
