"""Graphs with named inputs: what is bound, written to, and put into files."""

import array

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same


@pytest.mark.parametrize("late", [False, True])
def test_an_input_that_was_written_to(late):
    g = mars.Graph()
    x = g.input("x", "float64", (3,))
    if late:
        g.output("y", x)
    x -= x.mean()
    if not late:
        g.output("y", x)
    data = np.array([1.0, 2.0, 6.0])
    same(g.execute(x=data)["y"].fetch(), data - 3)
    again = mars.Graph.parse(g.serialize())
    assert list(again.inputs) == ["x"]
    same(again.execute(x=data)["y"].fetch(), data - 3)
    # The copy's input may be written to as well.
    own = again.inputs["x"]
    own *= 2
    same(mars.Graph.parse(again.serialize()).execute(x=data)["y"].fetch(), data - 3)


def test_inputs_that_no_output_needs():
    g = mars.Graph()
    x = g.input("x", "float64", (3,))
    g.input("w", "float64", (2,))
    g.output("y", x + 1)
    same(g.execute(x=[1, 2, 3], w=[1, 2])["y"].fetch(), np.array([2.0, 3.0, 4.0]))
    same(mars.Graph.parse(g.serialize()).execute(x=[1, 2, 3], w=[1, 2])["y"].fetch(), np.array([2.0, 3.0, 4.0]))
    with pytest.raises(ValueError, match="no input 'v'"):
        g.execute(x=[1, 2, 3], v=[1])
    with pytest.raises(ValueError, match="'x' is not bound"):
        g.execute(w=[1, 2])
    other = mars.Graph()
    other.input("v", "float64", (1,))
    with pytest.raises(ValueError, match="no input 'v'"):
        g.execute(x=[1, 2, 3], v=[1])


def test_names_may_not_be_empty():
    g = mars.Graph()
    with pytest.raises(ValueError, match="name"):
        g.input("", "float64", (3,))
    x = g.input("x", "float64", (3,))
    with pytest.raises(ValueError, match="name"):
        g.output("", x)
    g.output("y", x)
    assert list(mars.Graph.parse(g.serialize()).outputs) == ["y"]


def bound(value, dtype, shape=(None,)):
    g = mars.Graph()
    g.output("y", g.input("k", dtype, shape))
    return g.execute(k=value)["y"].fetch()


@pytest.mark.parametrize(("value", "dtype"), [
    ([True], "bool"), ([True], "int8"), ([1, 2], "uint8"), ([1, 2], "float16"), ([1, 2], "complex64"), ([1.5], "float32"),
    ([1.5], "complex64"), ([1j], "complex128"), ([], "int64"), ([2**70], "float64"), ([2**63, 1], "uint64"), (range(3), "int64"),
    ((1, 2), "int64"),
    (array.array("d", [1.5]), "float32"), (np.array([1, 2]), "int64"), ([np.float32(1.5)], "float16"),
])  # fmt: skip
def test_what_an_input_takes(value, dtype):
    same(bound(value, dtype), np.asarray(value, dtype))


def test_lists_of_tensors_take_the_dtype_of_their_input():
    same(bound([mt.tensor(1), 2], "float64"), np.array([1.0, 2.0]))
    with pytest.raises(TypeError, match="'k' expects int64"):
        bound([mt.tensor(1.7), 2], "int64")


@pytest.mark.parametrize(("value", "dtype"), [
    ([1.7, 2.9], "int64"), (1.0, "int64"), (["3"], "int64"), ("4", "float64"), (b"4", "int64"), (5, "bool"), ([1.5], "bool"),
    ([1j], "float64"), (None, "float64"), ([None], "float64"), ({1: 2}, "int64"), ([2**70, 1.5], "int64"), (array.array("d", [1]), "int64"),
])  # fmt: skip
def test_what_an_input_does_not_take(value, dtype):
    with pytest.raises(
        TypeError, match=f"graph input 'k' expects {dtype} but is bound to {type(value).__name__} of .*, which is not cast to it"
    ):
        bound(value, dtype, np.shape(value))


def test_integers_that_an_input_has_no_room_for():
    for value, dtype in (([300], "uint8"), ([-1], "uint64"), ([2**70], "int64")):
        with pytest.raises(OverflowError, match="graph input 'k'"):
            bound(value, dtype)
    with pytest.raises(ValueError, match=r"graph input 'k'.*inhomogeneous"):
        bound([[1], [1, 2]], "int64")
    with pytest.raises(ValueError, match="expects float64"):
        bound(np.arange(3), "float64")


def test_what_depends_on_an_input_has_no_plan():
    t = mars.Graph().input("k", "int64", (None,)) + 1
    for plan in (lambda: t.nsplits, t.explain):
        with pytest.raises(ValueError, match="graph input 'k' is not bound"):
            plan()
    assert repr(t) == "Tensor(shape=(?,), dtype=int64)"


def test_functions_of_the_client_are_no_part_of_a_graph():
    t = mt.arange(4).map_chunk(lambda a: a + 1)
    graph = mars.Graph()
    graph.output("y", t + 1)
    with pytest.raises(NotImplementedError, match="a graph, which holds no code: execute what it computes first"):
        graph.serialize()
    t.execute()
    graph = mars.Graph()
    graph.output("y", t + 1)
    assert mars.Graph.parse(graph.serialize()).outputs["y"].fetch().tolist() == [2, 3, 4, 5]
