"""Histograms over grids: bins and ranges, which NumPy takes in many forms, become edges along each axis."""

from __future__ import annotations

from typing import Any

from mars._graph import apply, hooks
from mars.tensor import _registry
from mars.tensor._arrays import convert
from mars.tensor._tensor import Tensor


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    """How many points lie in each cell of a grid over two axes, and the edges along both.

    `bins`: a number of bins or an array of edges for both axes, or a pair of these.  `range`: a pair of ends for each axis.

    As numpy.histogram2d.
    """
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, (along_x, along_y) = _grid([x, y], bins, range, density, weights)
    return hooks.several((counts, along_x, along_y))  # type: ignore[no-any-return]


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """How many points lie in each cell of a grid, and a tuple of the edges along each axis.

    `sample`: a matrix of one row for each point, or a list of one vector for each axis.  `bins`: a number of bins for all axes, or for each
    axis a number of bins or an array of edges.  `range`: for each axis a pair of ends, or None.

    As numpy.histogramdd.
    """
    points = sample if hasattr(sample, "ndim") else list(sample)
    if not isinstance(points, list):
        points = _tensor(points)
        points = [points] if points.ndim == 1 else [points[:, k] for k in _axes(points.shape[1])]
    return _grid(points, bins, range, density, weights)


_axes = range


def _grid(points: list[Any], bins: Any, ends: Any, density: Any, weights: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    # Places along all axes have one dtype, as a matrix of points has.
    rows = _registry.function("stack")([_tensor(x) for x in points])
    count = rows.shape[0]
    places = [rows[k] for k in _axes(count)]
    each = list(bins) if hasattr(bins, "__len__") and getattr(bins, "ndim", True) else [bins] * count
    if len(each) != count:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    pairs = [None] * count if ends is None else list(ends)
    if len(pairs) != count:
        raise ValueError("range argument must have one entry per dimension")
    edges = tuple(_registry.function("histogram_bin_edges")(x, b, r) for x, b, r in zip(places, each, pairs, strict=True))
    made = _registry.op("histogram_grid")
    given = {"weighted": weights is not None, "density": bool(density)}
    operands = [*places, *edges] if weights is None else [*places, *edges, _tensor(weights)]
    return apply(made, operands, [given[a.name] for a in made.own]), hooks.several(edges)


def _tensor(x: Any) -> Any:
    return x if isinstance(x, Tensor) else convert(x)
