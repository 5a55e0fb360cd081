"""Writes the graph of (a + 1).sum(axis=1) with nothing but Google's protobuf package.

usage: build_graph.py DIRECTORY FILE     DIRECTORY holds graph_pb2.py, which protoc --python_out makes of graph.proto.

The placeholder "a" is float64 of shape (3, 4); the result is named "out".
"""

import struct
import sys


def build(pb):
    graph = pb.Graph(format=1, complete=True)
    rows = {}

    def node(op, *inputs):
        if op not in rows:
            rows[op] = len(graph.operators)
            graph.operators.add(name=op, version=1)
        new = graph.nodes.add(op=rows[op])
        for i in inputs:
            new.inputs.extend((i, 0))
        return len(graph.nodes) - 1, new

    a, placeholder = node("input")
    placeholder.attributes.add(name="name", string_value="a")
    placeholder.attributes.add(name="dtype", dtype_value=pb.DTYPE_FLOAT64)
    placeholder.attributes.add(name="shape", ints_value=pb.Ints(values=[3, 4]))
    one, constant = node("constant")
    constant.attributes.add(name="value", scalar_value=pb.Scalar(dtype=pb.DTYPE_FLOAT64, data=struct.pack("<d", 1.0)))
    added, _ = node("add", a, one)
    total, reduction = node("sum", added)
    reduction.attributes.add(name="axis", ints_value=pb.Ints(values=[1]))

    graph.inputs.add(name="a", node=a)
    graph.outputs.add(name="out", node=total)
    return graph


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    import graph_pb2

    with open(sys.argv[2], "wb") as file:
        file.write(build(graph_pb2).SerializeToString(deterministic=True))
