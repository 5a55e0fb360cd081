"""Runs one subtask in a process of its own: `subtask_runner.py GRAPH INPUTS OUTPUTS`, a graph file and two files of arrays by name."""

import sys
from pathlib import Path

import mars
import numpy as np


def main(graph_file: str, inputs_file: str, outputs_file: str) -> None:
    graph = mars.Graph.parse(Path(graph_file).read_bytes())
    with np.load(inputs_file) as inputs:
        outputs = graph.execute(**{name: inputs[name] for name in inputs.files})
    np.savez(outputs_file, **{name: tensor.fetch() for name, tensor in outputs.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
