"""Inputs that may be left out: by position, by keyword, through graph files, and what is said of those that may not."""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path

import mars
import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor import _registry

GOLDEN = Path(__file__).parents[1] / "golden/v1/optional_inputs.mars"
X = np.array([[2.0, -1.0, 4.5, 0.25], [1.0, 3.0, -2.0, 8.0], [0.5, 0.0, 7.0, -3.0]])
Y = np.array([[1.0, 5.0, -2.0, 4.0], [0.5, -1.5, 2.0, 9.0]])
COUNTS, SHARES = np.array([1, 3, 2, 1]), np.array([0.5, 2.0, 1.0, 0.25])
MASK = np.array([True, False, True, True])


def subsets(**given):
    """All ways to give some of the arguments."""
    for n in range(len(given) + 1):
        for names in itertools.combinations(given, n):
            yield {k: given[k] for k in names}


def tensors(given):
    return {k: mt.tensor(v, chunk_size=2) if v.ndim else mt.tensor(v) for k, v in given.items()}


CALLS = {
    "cov": (X, {"y": Y, "fweights": COUNTS, "aweights": SHARES}, {}),
    "var": (X, {"where": MASK, "mean": X.mean(1, keepdims=True)}, {"axis": 1, "ddof": 1}),
    "std": (X, {"where": MASK, "mean": X.mean(1, keepdims=True)}, {"axis": 1, "keepdims": True}),
    "nanvar": (np.where(X > 5, np.nan, X), {"where": MASK, "mean": X.mean(0)}, {"axis": 0}),
    "nanstd": (np.where(X > 5, np.nan, X), {"where": MASK, "mean": X.mean(0)}, {"axis": 0, "correction": 1}),
    "diff": (X, {"prepend": X[:, :2], "append": np.array(7)}, {}),
    "ediff1d": (X, {"to_end": Y, "to_begin": np.array([9.0])}, {}),
}


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
@pytest.mark.parametrize("name", CALLS)
def test_any_of_them_may_be_given(name):
    x, optional, more = CALLS[name]
    a = mt.tensor(x, chunk_size=2)
    function, wanted = getattr(mt, name), getattr(np, name)
    for given in subsets(**optional):
        expected = wanted(x, **given, **more)
        made = function(a, **tensors(given), **more)
        np.testing.assert_allclose(made.fetch(), expected, rtol=1e-12)
        # None says the same as nothing, and a graph file keeps what was left out.
        nothing = {k: given.get(k) for k in optional}
        g = mars.Graph()
        g.output("r", function(a, **nothing, **more))
        np.testing.assert_allclose(mars.Graph.parse(g.serialize()).execute()["r"].fetch(), expected, rtol=1e-12)


def test_by_position():
    a = mt.tensor(X)
    np.testing.assert_allclose(mt.cov(a, None, True, False, None, None, SHARES).fetch(), np.cov(X, aweights=SHARES))
    np.testing.assert_allclose(mt.cov(a, mt.tensor(Y), True, True).fetch(), np.cov(X, Y, bias=True))
    np.testing.assert_array_equal(mt.diff(a, 1, -1, None, 5).fetch(), np.diff(X, append=5))
    np.testing.assert_array_equal(mt.ediff1d(a, None, [1.0, 2]).fetch(), np.ediff1d(X, None, [1.0, 2]))
    np.testing.assert_allclose(mt.logspace(0, 2, 5, True, 2).fetch(), np.logspace(0, 2, 5, True, 2))


def test_signatures_are_numpys():
    for name in (*CALLS, "logspace", "quantile", "nanpercentile"):
        ours, theirs = (inspect.signature(getattr(xp, name)).parameters for xp in (mt, np))
        shared = [n for n in theirs if n in ours and theirs[n].kind is not inspect.Parameter.KEYWORD_ONLY]
        assert shared == [n for n in ours if n in shared]
        assert all(ours[n].kind is inspect.Parameter.KEYWORD_ONLY for n in theirs if n in ours and n not in shared), name


def test_a_mask_of_nothing_is_none():
    a = mt.tensor(X)
    # Extremes under a mask need a value to start from; under this one they do not.
    assert mt.max(a, where=True).fetch() == X.max()
    assert mt.nanvar(a, where=True).fetch() == mt.nanvar(a).fetch()
    with pytest.raises(ValueError, match="initial"):
        mt.max(a, where=mt.tensor(MASK)).fetch()


@pytest.mark.parametrize("dtype", ["bool", "i1", "u8", "f2", "f8", "c16"])
def test_limits_one_by_one(dtype):
    x = (np.arange(12) * 11 % 7 - (dtype[0] not in "bu") * 3).astype(dtype)
    a = mt.tensor(x, chunk_size=5)
    for low, high in itertools.product((None, 1, 300, x[4], x[:1]), (None, 2, -5, x[2], x[1:2])):
        given = [None if v is None else v if isinstance(v, int) else mt.tensor(v) for v in (low, high)]
        if low is None and high is None:
            np.testing.assert_array_equal(mt.clip(a, *given).fetch(), x)  # NumPy has none of bool
            continue
        try:
            expected = np.clip(x, low, high)
        except OverflowError:
            with pytest.raises(OverflowError):
                mt.clip(a, *given)
            continue
        made = mt.clip(a, *given)
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made.fetch(), expected)


def test_limits_and_dtypes():
    for limits, dtype, casting in itertools.product(
        ((None, 4), (1, None), (1, 4), (None, None)), ("f4", "f8", "i2"), ("same_kind", "unsafe")
    ):
        try:
            expected = np.clip(X, *limits, dtype=dtype, casting=casting)
        except TypeError:
            with pytest.raises(TypeError):
                mt.clip(mt.tensor(X), *limits, dtype=dtype, casting=casting)
            continue
        made = mt.clip(mt.tensor(X), *limits, dtype=dtype, casting=casting)
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made.fetch(), expected)


def test_calls_that_leave_out_other_inputs_are_not_one():
    limit = mt.tensor(np.array([1.0]))
    a = mt.tensor(X)
    low, high = mt.clip(a, limit), mt.clip(a, None, limit)
    mars.execute([low, high])
    np.testing.assert_array_equal(low.fetch(), np.maximum(X, 1))
    np.testing.assert_array_equal(high.fetch(), np.minimum(X, 1))
    # Small graphs are planned once: each by itself.
    for _ in range(4):
        np.testing.assert_array_equal(mt.clip(a, limit).fetch(), np.maximum(X, 1))
        np.testing.assert_array_equal(mt.clip(a, None, limit).fetch(), np.minimum(X, 1))


def test_bases_and_what_they_meet():
    for dtype in ("f4", "f8"):
        ends = np.array([0.0, 1.0], dtype), np.array([2.0, 3.0], dtype)
        for base in (2, 2.5, 10.0, np.array([[2.0], [3.0]], "f4")):
            made = mt.logspace(*map(mt.tensor, ends), 4, base=base if np.ndim(base) == 0 else mt.tensor(base))
            expected = np.logspace(*ends, 4, base=base)
            assert made.dtype == expected.dtype
            np.testing.assert_allclose(made.fetch(), expected, rtol=1e-6)
    # Numbers of Python meet bases of their own dtype only in the power.
    expected = np.logspace(0, 2, 5, base=np.array([2.0, 3], "f4"))
    made = mt.logspace(0, 2, 5, base=mt.tensor(np.array([2.0, 3], "f4")))
    assert made.dtype == expected.dtype
    np.testing.assert_allclose(made.fetch(), expected)


def test_both_names_of_one_correction():
    for name in ("var", "std", "nanvar", "nanstd"):
        for xp, x in ((np, X), (mt, mt.tensor(X))):
            with pytest.raises(ValueError, match="ddof and correction can't be provided simultaneously"):
                getattr(xp, name)(x, ddof=1, correction=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: mt.cov(None, a), "cov(): input 'm' may not be left out"),
        (lambda a: mt.add(a, None), "add(): input 'x2' may not be left out"),
        (lambda a: mt.quantile(a, None), "quantile(): input 'q' may not be left out"),
        (lambda a: mt.concatenate([a, None]), "concatenate(): none of the inputs 'arrays' may be left out"),
    ],
)
def test_inputs_that_must_be_given(call, message):
    with pytest.raises(TypeError) as raised:
        call(mt.tensor(X))
    assert message in str(raised.value)


def test_weights_of_points():
    points, weights = np.stack([X.ravel(), X.ravel()[::-1]], 1), np.arange(12.0)
    for given in ({}, {"weights": weights}, {"weights": weights, "density": True}):
        made, edges = mt.histogramdd(mt.tensor(points), (3, 4), **{k: mt.tensor(v) if k == "weights" else v for k, v in given.items()})
        expected, expected_edges = np.histogramdd(points, (3, 4), **given)
        np.testing.assert_allclose(made.fetch(), expected)
        for a, b in zip(edges, expected_edges, strict=True):
            np.testing.assert_allclose(a.fetch(), b)


def test_pads_of_both_kinds():
    a = mt.tensor(X)
    for xp, x in ((np, X), (mt, a)):
        for mode in ("constant", "linear_ramp"):
            with pytest.raises(ValueError, match="unsupported keyword arguments for mode"):
                xp.pad(x, 1, mode, constant_values=1, end_values=2)


def test_operators_say_which():
    described = {i["name"]: i["optional"] for i in _registry.descriptions["cov"]["inputs"]}
    assert described == {"m": False, "y": True, "fweights": True, "aweights": True}


def golden():
    g = mars.Graph()
    m, w = g.input("m", "float64", (3, 4)), g.input("w", "float64", (4,))
    g.output("cov", mt.cov(m, aweights=w))
    g.output("var", mt.var(m, axis=1, mean=mt.mean(m, axis=1, keepdims=True)))
    g.output("diff", mt.diff(m, append=0))
    g.output("counts", mt.histogramdd(m, [[-5.0, 0, 9]] * 4)[0])
    return g


def test_the_golden_file():
    """Written once by `golden().serialize()`: what later versions read is what this one wrote."""
    read = mars.Graph.parse(GOLDEN.read_bytes())
    found = read.execute(m=X, w=SHARES)
    np.testing.assert_allclose(found["cov"].fetch(), np.cov(X, aweights=SHARES))
    np.testing.assert_allclose(found["var"].fetch(), np.var(X, axis=1))
    np.testing.assert_array_equal(found["diff"].fetch(), np.diff(X, append=0))
    np.testing.assert_array_equal(found["counts"].fetch(), np.histogramdd(X, [[-5.0, 0, 9]] * 4)[0])
    assert list(read.outputs) == list(golden().outputs)
