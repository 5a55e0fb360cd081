"""Graphs with named inputs: what is bound, written to, and put into files."""

import mars
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
