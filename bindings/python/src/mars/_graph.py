"""`Graph`: named inputs and outputs, written to and read from graph files."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p, sizeof
from typing import Any

from mars import _abi, _run, _session
from mars._abi import Binding, check, lib
from mars._operators import wrap


class Graph:
    """Tensors under names.

    >>> g = mars.Graph()
    >>> x = g.input("x", "float64", (None, 3))
    >>> g.output("y", (x + 1).sum(axis=1))
    >>> g.execute(x=np.ones((2, 3)))["y"].fetch()
    """

    __slots__ = ("__weakref__", "handle")

    def __init__(self) -> None:
        out = c_void_p()
        check(lib.mars_graph_new(byref(out)))
        self.handle = out.value or 0

    def __del__(self, _release: Any = lib.mars_graph_release) -> None:
        handle = getattr(self, "handle", 0)
        if handle:
            _release(handle)

    def input(self, name: str, dtype: Any, shape: Sequence[int | None]) -> Any:
        """Adds a named placeholder.  An extent of None is unknown until the graph is executed."""
        if not isinstance(shape, Sequence):
            raise TypeError(f"shape must be a sequence of extents, not {shape!r}")
        n = len(shape)
        extents = (c_int64 * max(n, 1))(*[-1 if e is None else e for e in shape])
        out = c_void_p()
        check(lib.mars_graph_input(byref(out), self.handle, _abi.c_text(name, "the name of an input"), _abi.code_of(dtype), extents, n))
        return wrap(out.value or 0)

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
            tensor, name = c_void_p(), c_void_p()
            status = get(byref(tensor), byref(name), self.handle, i)
            text = _abi.text(status, name).decode()
            found[text] = wrap(tensor.value or 0)
        return found

    def serialize(self) -> bytes:
        """The graph file of the inputs, the outputs and all that lies between."""
        out = c_void_p()
        return _abi.text(lib.mars_graph_serialize(byref(out), self.handle), out)

    @staticmethod
    def parse(data: bytes, allow_files: bool = False) -> Graph:
        """Reads a graph file.  Operators that touch files are errors unless allowed; those that call a client back always are."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"Graph.parse needs the bytes of a graph file, not {type(data).__name__}")
        data = bytes(data)
        flags = _abi.PARSE_ALLOW_FILES if allow_files else 0
        out = c_void_p()
        check(lib.mars_graph_parse(byref(out), data, len(data), flags))
        graph = Graph.__new__(Graph)
        graph.handle = out.value or 0
        return graph

    def execute(self, session: _session.Session | None = None, /, **inputs: Any) -> dict[str, Any]:
        """Computes all outputs with data for the inputs, and gives them by name.

        Lists and scalars of Python take the dtype of their input.
        """
        from mars.tensor._arrays import convert, tensor
        from mars.tensor._tensor import Tensor

        declared = self.inputs

        def data(name: str, v: Any) -> Any:
            if isinstance(v, Tensor):
                return v
            if name in declared and not hasattr(v, "dtype"):
                return tensor(v, declared[name].dtype)
            return convert(v)

        given = {k: data(k, v) for k, v in inputs.items()}
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
