"""Arguments of NumPy's functions that are seldom given, each as an expression that NumPy and Mars evaluate."""

import mars.tensor as mt
import numpy as np
import pytest

from test_numpy_rules import agree

F2, F4, F8, I1 = "A([[5, 1, 3], [2, 8, 2]], dtype='f2')", "A([[5, 1, 3], [2, 8, 2]], dtype='f4')", "A([[5, 1, 3], [2, 8, 2.5]])", \
    "A([[5, 1, 3], [2, 8, 2]], dtype='i1')"  # fmt: skip
NAN = "A([[5, np.nan, 3], [2, 8, np.nan], [np.nan] * 3])"

# The dtype of fractions is that of what is computed with them; one Python number has none.
PRECISION = [
    f"xp.{f}({a}, {q}, method={m!r}{axis})"
    for f, q in (
        ("quantile", "0.4"), ("quantile", "np.float64(0.4)"), ("quantile", "A([0.4, 1], dtype='f4')"), ("quantile", "A([0.4, 1], dtype='f2')"),
        ("nanquantile", "A([0.4, 1], dtype='f4')"), ("percentile", "40"), ("percentile", "[40, 70]"), ("nanpercentile", "A(40.0)"),
    )
    for a in ("A([15, 20, 35, 40, 50], dtype='f2')", "A([15, 20, 35, 40, 50], dtype='f4')", "A([15, 20, 35, 40, 50])")
    for m in ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "linear", "weibull", "nearest")
    for axis in ("", ", axis=0, keepdims=True")
]  # fmt: skip
WEIGHTS = [
    f"xp.{f}({a}, {q}, weights={w}, method='inverted_cdf'{more})"
    for f, q in (
        ("quantile", "[0, 0.3, 0.5, 1]"),
        ("percentile", "50"),
        ("nanquantile", "A([0.1, 0.7], dtype='f4')"),
        ("nanpercentile", "0"),
    )
    for a in (F4, F8, I1, NAN)
    for w, more in (
        ("xp.ones_like({a})", ""),
        ("A([1, 2, 3.5])", ", axis=1"),
        ("A([1, 0, 2])", ", axis=-1, keepdims=True"),
        ("abs({a}) + 1", ", axis=(1, 0)"),
        ("A([1, 2])", ", axis=1"),
        ("A([1, -1, 2])", ", axis=1"),
        ("A([0, 0, 0])", ", axis=1"),
        ("A([1, 2, 3])", ""),
    )
]
# NumPy's functions that ignore NaN fail with weights of one axis.
WEIGHTS = [t.replace("{a}", a) for t in WEIGHTS for a in (F4, F8, I1, NAN) if a in t and ("nan" not in t[:9] or "weights=A" not in t)]
WEIGHTS += ["xp.quantile(A([1.0, 2]), 0.5, weights=[1, 2])", "xp.quantile(A([1.0, 2]), 0.5, weights=[1, np.inf], method='inverted_cdf')"]
AVERAGES = [
    f"xp.average(xp.reshape(xp.arange(24.0), (2, 3, 4)), axis={axis}, weights={w}, returned={returned}, keepdims={keepdims})"
    for axis, w in (
        ("(0, 1)", "A([[1, 2, 3], [4, 5, 6]])"), ("(1, 0)", "A([[1, 2], [3, 4], [5, 6]])"), ("(0, -1)", "xp.ones((2, 4))"), ("2", "[1, 2, 3, 4]"),
        ("(0, 1)", "A([1, 2])"), ("None", "A([1, 2])"),
    )
    for returned in (False, True)
    for keepdims in (False, True)
]  # fmt: skip
COVARIANCES = [
    f"xp.cov({m}, {given})"
    for m in (F4, F8, "A([1.0, 2, 4])", "A([[1 + 2j, 3, 4j], [5, 2 - 1j, 1]])")
    for given in (
        "fweights=[1, 3, 2]", "aweights=[0.5, 2, 1]", "fweights=A([1, 0, 2]), aweights=A([0.5, 2, 1])", "None, True, True, None, [1, 2, 1]",
        "ddof=0, aweights=[1, 2, 3]", "ddof=2, fweights=[1, 2, 3], dtype='f4'", "A([3, 1, 2.0]), fweights=[2, 1, 1], aweights=[1, 1, 3]",
    )
]  # fmt: skip
SPREADS = [
    f"xp.{f}({a}, axis=1, keepdims={keepdims}, mean=xp.{mean}({a}, axis=1, keepdims=True){more})"
    for f, mean, a in (
        ("var", "mean", F8),
        ("std", "mean", F4),
        ("var", "mean", I1),
        ("nanvar", "nanmean", NAN),
        ("nanstd", "nanmean", NAN),
    )
    for keepdims in (False, True)
    for more in ("", ", ddof=1", ", where=A([True, True, False])")
] + [f"xp.{f}({F8}, dtype='i4')" for f in ("nanmean", "nanvar", "nanstd")]
SEQUENCES = [
    "xp.logspace(0, 2, 5, base=A([2.0, 3]))", "xp.logspace([0, 1], 2, 5, base=A([[2.0], [3]]), axis=-1)", "xp.logspace([0, 1], 2, 3, axis=1)",
    "xp.logspace(A([0.0, 1]), 2, 5, base=np.array([2.0, 3]), dtype='f4')", "xp.geomspace([1, 2], 8, 4, axis=1)", "xp.geomspace(-1, 1, 3, dtype=complex)",
    "xp.geomspace(A([1, 2], dtype='f4'), 8, 4)", "xp.geomspace(1j, 1000j, 4)",
]  # fmt: skip
LINES = [
    f"xp.interp({x}, A([0, 1, 2, 3]), A({f}))"
    for x in ("A([0.5, 1.5, 2.5, 3, -1, np.nan])", "0.5")
    for f in (
        "[0, np.inf, 1, 2]",
        "[0, complex(-np.inf, 1), 1j, 2]",
        "[1j, complex(1, np.nan), 1j, complex(2, np.inf)]",
        "[1 + 2j, 3, 5 - 1j, 0]",
    )
]
JOINS = [
    f"xp.concatenate((A([1, 2], dtype={a!r}), A([3, 4], dtype={b!r})), casting={casting!r}{more})"
    for a, b in (("f4", "f8"), ("i4", "i4"), ("f8", "i8"))
    for casting in ("no", "equiv", "safe", "same_kind", "unsafe")
    for more in ("", ", dtype='f4'", ", out=A([0] * 4, dtype='i4')", ", out=A([0] * 4, dtype='f8')", ", dtype='f4', out=A([0.0] * 4)")
] + [f"xp.{f}(iter([A([1]), A([2])]))" for f in ("concatenate", "stack", "hstack", "vstack", "dstack", "column_stack")] + [
    "xp.concatenate((A([1]), A([[1]])))", "xp.concatenate((A([1]), A([1])), casting='strange')", "xp.stack([A([1.0])], casting='no', dtype='f4')", "xp.hstack([A([1.0])], casting='unsafe', dtype='i4')",
]  # fmt: skip
TRIMS = [
    f"xp.trim_zeros(A({a}), {trim!r}, axis={axis})"
    for a in ("[[0, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0]]", "[[0, 0], [0, 0]]", "[[[0, 1]], [[0, 0]]]", "3", "[0, 1.5, np.nan, 0]")
    for trim in ("fb", "f", "B", "x")
    for axis in ("None", "0", "-1", "(0, 1)", "()")
]
SORTS = [
    f"xp.{f}(A([3, 1, 2]), kind={k!r}{more})"
    for f in ("sort", "argsort")
    for k in ("quick", "Merge", "h", "stable", "", "tim")
    for more in ("", ", stable=True")
] + [f"xp.{f}(xp.zeros({shape}), 3)" for f in ("partition", "argpartition") for shape in ((0,), (2, 0), (0, 4), (2,))]
OTHERS = [
    "xp.select([True], [0], default=[0])", "xp.select([A([True, False]), [False, True]], [1, 2])", "xp.digitize([1, 2], [1, 2, 3 + 1j])",
    "xp.ones(np.array(3))", "xp.zeros((2, 3))[np.newaxis, np.array(1)]", "xp.partition(A([3, 1, 2]), np.array(1))", "xp.roll(A([1, 2, 3]), np.array(1))",
    "xp.einsum('i,i', A([1.5, 2]), A([3, 4.0]), out=A(0), casting='unsafe')", "xp.einsum('i,i', A([1.5, 2]), A([3, 4.0]), out=A(0))",
    "xp.indices((3, 4), sparse=True)", "xp.indices((2, 0, 3), 'f4', True)", "xp.indices((), sparse=True)", "xp.indices((2, 3), dtype='i1')",
    "xp.unique(A([3, 1, 3]), sorted=True)", "xp.zeros((2, 3))[2**64]", "xp.zeros((2, 3))[type('T', (tuple,), {})((0, 1))]",
]  # fmt: skip

PIECES = [
    f"xp.piecewise({x}, {conditions}, {functions}{more})"
    for x in ("A([-2.5, -1, 0, 1.5])", "A([[-2, 1], [0, 3]])")
    for conditions, functions, more in (
        (f"[{x} < 0]", "[-1]", ""), (f"[{x} < 0, {x} >= 0]", "[-1, 1.5]", ""), (f"[{x} < 0, {x} > 0]", "[lambda v: -v, lambda v: v * 2, 7]", ""),
        (f"{x} < 0", "[lambda v, k, m=0: v * k + m, 3]", ", 2, m=5"), (f"[{x} < 0]", "[1, 2, 3]", ""), (f"[{x} < -9]", "[lambda v: v + 1, 4]", ""),
    )
] + ["xp.piecewise(A([1, 2, 3]), [True, False, True], [9])"]  # fmt: skip


@pytest.mark.parametrize("text", LINES + SEQUENCES + SPREADS + COVARIANCES + AVERAGES + WEIGHTS + PRECISION)
def test_arithmetic(text):
    agree(text)


@pytest.mark.parametrize("text", JOINS + TRIMS + SORTS + PIECES + OTHERS)
def test_shapes_and_orders(text):
    agree(text)


def test_weights_that_are_found_by_running():
    a, w = mt.tensor([1.0, 2, 3, 4]), mt.tensor([1.0, -1, 2, 1])
    with pytest.raises(ValueError, match="non-negative"):
        mt.quantile(a, 0.5, weights=w * 1.0, method="inverted_cdf").execute()
    with pytest.raises(ValueError, match="must be integer"):
        mt.cov(a, fweights=w * 0.5 + 3).execute()
    with pytest.raises(ValueError, match="all zero"):
        mt.quantile(a, 0.5, weights=w * 0.0, method="inverted_cdf").execute()


def test_many_halves():
    # There are more elements than half precision has numbers for.
    x = np.zeros(65521, "f2")
    x[:20_000] = 1
    for f in ("percentile", "nanpercentile"):
        for q in (50, 99, [0, 100]):
            theirs, ours = getattr(np, f)(x, q), getattr(mt, f)(mt.tensor(x), q)
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours.fetch(), theirs)


@pytest.mark.parametrize("casting", [None, "safe", "same_kind", "unsafe"])
def test_einsum_casts_into_out_as_it_is_told(casting):
    given = {} if casting is None else {"casting": casting}
    try:
        expected = np.einsum("i,i->i", np.ones(2), np.ones(2), out=np.empty(2, "f4"), **given)
    except TypeError:
        with pytest.raises(TypeError):
            mt.einsum("i,i->i", mt.ones(2), mt.ones(2), out=mt.empty(2, "f4"), **given)
        return
    np.testing.assert_array_equal(mt.einsum("i,i->i", mt.ones(2), mt.ones(2), out=mt.empty(2, "f4"), **given).fetch(), expected)
