"""Histograms: bins that follow from the values, and grids."""

import warnings

import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(2, 3, 500)
POINTS = GENERATOR.normal(size=(200, 3))
ESTIMATORS = ["auto", "doane", "fd", "rice", "scott", "sqrt", "sturges"]


@pytest.mark.parametrize("bins", ESTIMATORS)
def test_estimated_bins(bins):
    for x in (
        X,
        X.astype("f4"),
        (X * 7).astype("i4"),
        X[:2],
        X[:1],
        np.ones(9),
        np.arange(9).repeat(100),
        np.zeros(0),
        np.array([True, False] * 5),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = np.histogram(x, bins)
        for t in (mt.tensor(x), mt.tensor(x, chunk_size=70)):
            for made, wanted in zip(mt.histogram(t, bins), expected, strict=True):
                np.testing.assert_allclose(made.fetch(), wanted, rtol=1e-6)
                assert made.dtype == wanted.dtype
        same(mt.histogram_bin_edges(mt.tensor(x), bins).fetch().shape, expected[1].shape)


def test_estimated_bins_of_a_range():
    expected = np.histogram(X, "auto", range=(0, 4), density=True)
    for made, wanted in zip(mt.histogram(mt.tensor(X), "auto", range=(0, 4), density=True), expected, strict=True):
        np.testing.assert_allclose(made.fetch(), wanted, rtol=1e-12)
    masked = mt.tensor(X)[mt.tensor(X) > 1]
    np.testing.assert_allclose(mt.histogram(masked, "fd")[0].fetch(), np.histogram(X[X > 1], "fd")[0])


def test_what_cannot_be_estimated():
    for m in (np, mt):
        with pytest.raises(ValueError, match="not a valid estimator"):
            m.histogram([1, 2], "mad")
        with pytest.raises(TypeError, match="weighted data"):
            m.histogram([1, 2], "auto", weights=[1, 2])
        with pytest.raises(ValueError, match="not finite"):
            np.asarray(m.histogram([1, 2, np.nan], "sqrt")[0])


@pytest.mark.parametrize(
    "given",
    [
        {}, {"bins": 4}, {"bins": (2, 3, 4)}, {"bins": ([-1, 0, 2], 3, np.linspace(-2, 2, 7))}, {"density": True, "bins": 5},
        {"range": ((-1, 1), (-2, 2), (0, 1)), "bins": 6}, {"weights": np.arange(200.0), "bins": 3}, {"range": (None, (-1, 1), None), "bins": 2},
    ],
)  # fmt: skip
def test_grids(given):
    expected, edges = np.histogramdd(POINTS, **given)
    for t in (mt.tensor(POINTS), mt.tensor(POINTS, chunk_size=(60, 2))):
        for made, found in (mt.histogramdd(t, **given), np.histogramdd(t, **given)):
            same(made.fetch(), expected)
            for e, wanted in zip(found, edges, strict=True):
                same(e.fetch(), wanted)


def test_grids_of_vectors():
    x, y = POINTS[:, 0], POINTS[:, 1]
    for bins in (10, (3, 4), np.linspace(-1, 1, 6), ([-1, 0, 1], 3)):
        for made, wanted in zip(mt.histogram2d(mt.tensor(x), mt.tensor(y), bins), np.histogram2d(x, y, bins), strict=True):
            same(made.fetch(), wanted)
    same(mt.histogramdd([x, y], 3)[0].fetch(), np.histogramdd([x, y], 3)[0])
    same(mt.histogramdd(x, 3)[0].fetch(), np.histogramdd(x, 3)[0])


def test_grids_that_are_refused():
    for m in (np, mt):
        for bad in (
            lambda m: m.histogramdd(POINTS, (2, 3)), lambda m: m.histogramdd(POINTS, 3, range=((0, 1),)), lambda m: m.histogramdd(POINTS, 0),
            lambda m: m.histogramdd(POINTS, ([1, 0], 2, 2)), lambda m: m.histogram2d([1, 2], [1]), lambda m: m.histogramdd(POINTS, 2, weights=[1, 2]),
        ):  # fmt: skip
            with pytest.raises(ValueError):
                bad(m)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4"])
@pytest.mark.parametrize("ends", [(0, 1.5), (0.1, 2.7), (0, True), (-1, 7), (1, 1), None])
@pytest.mark.parametrize("bins", [1, 3, 7, 10])
def test_edges_in_a_range_are_rounded_once(dtype, ends, bins):
    x = (np.random.default_rng(0).random(50) * 3).astype(dtype)
    same(mt.histogram_bin_edges(mt.tensor(x), bins, range=ends).fetch(), np.histogram_bin_edges(x, bins, range=ends))
    for made, wanted in zip(mt.histogram(mt.tensor(x), bins, range=ends), np.histogram(x, bins, range=ends), strict=True):
        same(made.fetch(), wanted)


EDGES = [
    np.linspace(-4, 8, 41),
    np.linspace(-4, 8, 41) ** 3,
    np.sort(GENERATOR.normal(2, 3, 30)),
    np.repeat(np.arange(-3.0, 7), 3),
    np.r_[-np.inf, np.arange(-3.0, 17), np.inf],
]


@pytest.mark.parametrize("edges", EDGES, ids=["even", "cubic", "random", "repeated", "infinite"])
@pytest.mark.parametrize("weights", [None, "i1", "i8", "u8", "f4", "f8", "c8", "c16"])
def test_many_bins(edges, weights):
    x = np.r_[X, edges, np.nextafter(edges, -9), np.nextafter(edges, 9), np.nan, np.inf, -np.inf]
    w = None if weights is None else (GENERATOR.integers(0, 9, x.size)).astype(weights)
    expected = np.histogram(x, edges, weights=w)[0]
    for chunks in (None, 100):
        t, given = mt.tensor(x, chunk_size=chunks), None if w is None else mt.tensor(w)
        made = mt.histogram(t, edges, weights=given)[0]
        if w is None:
            same(made.fetch(), expected)
            same(mt.histogram(t[t > 0], edges)[0].fetch(), np.histogram(x[x > 0], edges)[0])
        else:
            assert made.dtype == w.dtype
            np.testing.assert_array_equal(made.fetch(), expected.astype(w.dtype))


def test_integer_weights_are_summed_exactly():
    x = np.arange(40).repeat(2)
    w = np.full(80, 2**53 + 1)
    same(mt.histogram(x, 20, weights=w)[0].fetch(), np.full(20, 4 * (2**53 + 1)))


@pytest.mark.parametrize("d", ["i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_places_among_numbers_that_are_spaced_evenly(d, side):
    sorted_ones = [np.arange(0, 100, 3), np.linspace(1, 120, 300), np.arange(60).repeat(2), np.arange(5), np.r_[np.arange(40), 90]]
    if d == "i8":
        sorted_ones.append(2**62 + np.arange(50))
    if d[0] == "f":
        sorted_ones += [np.linspace(0, 1, 1000), np.r_[np.arange(50), np.nan, np.nan], np.r_[np.arange(50), np.inf]]
    for a in (s.astype(d) for s in sorted_ones):
        x = np.r_[a, a[:1] - a.dtype.type(1), a[-1:] + a.dtype.type(1), GENERATOR.integers(0, 120, 99).astype(d)]
        if d[0] == "f":
            x = np.r_[x, np.nextafter(a, a.dtype.type(0)), np.nextafter(a, a.dtype.type(99)), np.array([np.nan, np.inf, -np.inf], d)]
        same(mt.searchsorted(a, x, side=side).fetch(), np.searchsorted(a, x, side=side))
