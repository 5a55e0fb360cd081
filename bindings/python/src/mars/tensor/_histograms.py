"""Histograms, whose bins NumPy takes in many forms; what they hold is the library's to count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mars._operators import apply, hooks
from mars.tensor import _registry
from mars.tensor._functions import as_tensor, attributes, written
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor


def _is_number(bins: Any) -> bool:
    if hasattr(bins, "__index__") and not getattr(bins, "ndim", 0):
        return True
    if not hasattr(bins, "__len__"):
        raise TypeError("`bins` must be an integer, a string, or an array")
    return False


def _is_one(bins: Any) -> bool:
    """Whether what is given for the bins of several axes is one number for all of them."""
    return not hasattr(bins, "__len__") or getattr(bins, "ndim", 1) == 0


def _ends(range: Any) -> dict[str, Any]:
    low, high = (None, None) if range is None else range
    return {"low": low, "high": high}


@written
def histogram(
    a: Any, bins: Any = 10, range: tuple[float, float] | None = None, density: bool | None = None, weights: Any = None
) -> tuple[Tensor, Tensor]:
    if isinstance(bins, str):
        given = attributes("histogram_estimated", estimator=bins, **_ends(range), density=bool(density))
        return apply(op("histogram_estimated"), (a, weights), given)  # type: ignore[no-any-return]
    if _is_number(bins):
        given = attributes("histogram", bins=bins, **_ends(range), density=bool(density))
        return apply(op("histogram"), (a, weights), given)  # type: ignore[no-any-return]
    edges = as_tensor(bins)
    made = apply(op("histogram_counts"), (a, edges, weights), attributes("histogram_counts", density=bool(density)))
    return hooks.several((made, edges))  # type: ignore[no-any-return]


@written
def histogram_bin_edges(a: Any, bins: Any = 10, range: tuple[float, float] | None = None, weights: Any = None) -> Tensor:
    if isinstance(bins, str):
        given = attributes("histogram_bin_edges_estimated", estimator=bins, **_ends(range))
        return apply(op("histogram_bin_edges_estimated"), (a, weights), given)  # type: ignore[no-any-return]
    if not _is_number(bins):
        return apply(op("histogram_bin_edges"), (a, as_tensor(bins)))  # type: ignore[no-any-return]
    return apply(op("histogram_bin_edges"), (a,), attributes("histogram_bin_edges", bins=bins, **_ends(range)))  # type: ignore[no-any-return]


def histogramdd(
    sample: Any, bins: Any = 10, range: Sequence[Any] | None = None, density: bool | None = None, weights: Any = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """How many points lie in each cell of a grid, and the edges of the cells along every axis; as numpy.histogramdd.

    `sample`: a tensor (points, axes), or one vector per axis.  `bins`: a number or edges, for all axes or for each.
    """
    if getattr(sample, "ndim", 0) != 2:
        sample = _registry.function("transpose")(_registry.function("atleast_2d")(as_tensor(sample)))
    sample = as_tensor(sample)
    axes = sample.shape[1]
    each = [bins] * axes if _is_one(bins) else list(bins)
    if len(each) != axes:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    if range is not None and len(range) != axes:
        raise ValueError("range argument must have one entry per dimension")
    ends = [None] * axes if range is None else range
    edges = tuple(histogram_bin_edges(sample[:, i], b, ends[i]) for i, b in enumerate(each))
    made = apply(op("histogramdd_counts"), (sample, weights, *edges), attributes("histogramdd_counts", density=bool(density)))
    return hooks.several((made, hooks.several(edges)))  # type: ignore[no-any-return]


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Sequence[Any] | None = None, density: bool | None = None, weights: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    """How many points (x, y) lie in each cell of a grid, and the edges of the cells along both axes; as numpy.histogram2d."""
    if len(x) != len(y):
        raise ValueError("x and y must have the same length.")
    if not _is_one(bins) and len(bins) not in (1, 2):
        bins = [bins, bins]
    made, edges = histogramdd([as_tensor(x), as_tensor(y)], bins, range, density, weights)
    return hooks.several((made, edges[0], edges[1]))  # type: ignore[no-any-return]
