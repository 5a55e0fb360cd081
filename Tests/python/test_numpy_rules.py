"""Rules of NumPy that are easily missed, each as an expression that NumPy and Mars evaluate: same values, dtypes, shapes, or errors.

`xp` is one of the two, `A` makes an array of it.
"""

import mars.tensor as mt
import numpy as np
import pytest


def evaluated(text, xp):
    def made(*args, **kwargs):
        x = np.array(*args, **kwargs)
        return x if xp is np else mt.tensor(x)

    try:
        with np.errstate(all="ignore"):
            found = eval(text, {"xp": xp, "A": made, "np": np})
            return [np.asarray(x.to_numpy() if isinstance(x, mt.Tensor) else x) for x in (found if isinstance(found, tuple) else (found,))]
    except Exception as e:
        return e


def agree(text):
    expected, made = evaluated(text, np), evaluated(text, mt)
    if isinstance(expected, Exception):
        public = next(t for t in type(expected).__mro__ if t.__module__ in ("builtins", "numpy.exceptions", "numpy.linalg"))
        assert isinstance(made, public), f"{text}: NumPy raises {expected!r}, Mars gives {made!r}"
        return
    assert not isinstance(made, Exception), f"{text}: {made!r}"
    assert len(made) == len(expected)
    for m, e in zip(made, expected, strict=True):
        assert m.dtype == e.dtype and m.shape == e.shape, f"{text}: {m.dtype}{m.shape}, NumPy {e.dtype}{e.shape}"
        np.testing.assert_allclose(m, e, rtol=1e-14 if e.dtype.itemsize >= 8 else 1e-6, err_msg=text)


POWERS = [
    f"{x} {op} {y}" if op == "**" else f"xp.power({x}, {y})"
    for x in ("A([True, False])", "A([2, 3])", "A([1, 2], dtype='i1')", "A([1, 4], dtype='f2')", "A([2, 3], dtype='u1')")
    for op in ("**", "power")
    for y in ("2", "2.0", "1", "0.5", "-1", "-1.0", "0", "True", "np.int64(2)", "np.float32(2)")
]
OUT = [
    f"xp.{f}(A({a}), out=A({out}))"
    for f in ("sum", "prod", "max", "min", "mean", "var", "std", "any", "nansum", "nanprod", "nanmax", "median", "add.reduce")
    for a in ("[1.5, 2]", "[3, 4], dtype='i1'", "[True, True]")
    for out in ("0", "0.0", "0, dtype='i1'")
]
QUANTILES = [
    f"xp.{f}(A({a}), {q}, method={m!r}, axis={axis})"
    for f, q in (("quantile", "[0, 0.1, 0.25, 0.5, 0.9, 1]"), ("percentile", "40"))
    for a in ("[[1, 5, 2], [7, 3, 3]], dtype='i1'", "[[1.5, 5, 2, 9], [7, 3, np.nan, 3]], dtype='f4'")
    for m in ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
              "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest")
    for axis in (0, 1, (0, 1))
]  # fmt: skip

RULES = [
    # scalars of Python beside integers that divide as floats
    "xp.true_divide(A([1, 2], dtype='u1'), -2)", "A([1, 2], dtype='u1') / 300", "-2 / A([1, 2], dtype='u1')", "A([1, 2], dtype='u1') // -2",
    # functions that make arrays of their arguments
    "xp.append(A([1, 2], dtype='u1'), 5)", "xp.append(5j, A([1, 2], dtype='f4'))", "xp.dot(A([1, 2], dtype='u1'), 5)",
    "xp.outer(A([1, 2], dtype='u1'), 5)", "xp.inner(A([1, 2], dtype='f4'), 5.0)", "xp.kron(A([1, 2], dtype='u1'), 5)",
    "xp.hstack([A([1, 2], dtype='u1'), 5])", "xp.vstack([A([1], dtype='f4'), 5.0])", "xp.stack([A(1, dtype='u1'), 5])",
    "xp.concatenate((A([1], dtype='u1'), 5), axis=None)", "xp.union1d(A([1], dtype='u1'), 5)", "xp.setxor1d(A([1], dtype='u1'), 5)",
    "xp.isin(A([1], dtype='u1'), 300)", "xp.searchsorted(A([1], dtype='u1'), 300)", "xp.einsum('i,->i', A([1, 2], dtype='u1'), 5)",
    "xp.tensordot(A([1, 2], dtype='u1'), 5, axes=0)", "xp.vdot(A([1], dtype='u1'), 5)", "xp.where(A([True]), A([1], dtype='u1'), 5)",
    # ranges at the ends of 64 bits
    "xp.arange(2**63 - 2, 2**63)", "xp.arange(5, step=None)", "xp.arange(3, None, None)", "xp.arange(-2**63, 2**63 - 1, 2**62)",
    # too few elements
    "xp.nanvar(A([1., 2]), ddof=2)", "xp.nanvar(A([1., 2]), ddof=3)", "xp.nanstd(A([[1., np.nan], [1, 2]]), axis=1, ddof=1)",
    "xp.var(A([1., 2]), ddof=3)", "xp.nanvar(A([1, 2]), ddof=2)", "xp.nanvar(A([1., np.nan]), ddof=0.5)",
    # casts of results
    "xp.add(A([1], dtype='u4'), A([1], dtype='u4'), casting='safe', out=A([1], dtype='u2'))", "xp.cumsum(A([1.5, 2]), out=A([0, 0]))",
    "xp.add(A([1.5]), A([1.0]), casting='unsafe', out=A([1]))", "xp.add.accumulate(A([1.5, 2]), out=A([0, 0]))",
    "xp.take(A([1.5, 2]), [0], out=A([0]))", "xp.compress([True], A([1.5]), out=A([0]))", "xp.trace(A([[1.5]]), out=A(0))",
    "xp.cumulative_sum(A([1, 2]), out=A([0, 0], dtype='u1'))", "xp.sum(A([1j]), out=A(0.0))", "xp.choose(A([0]), [A([1.5])], out=A([0]))",
    # medians over several axes
    "xp.median(A([[1, 2, 9], [3, 4, 5]]), axis=(0, 1))", "xp.nanmedian(A([[1., np.nan, 9], [3, 4, 5]]), axis=(1, 0), keepdims=True)",
    "xp.median(A(np.arange(24).reshape(2, 3, 4)), axis=(0, 2), keepdims=True)", "xp.median(A([[1, 2]]), axis=(0, 0))",
    "xp.median(A(np.zeros((2, 0))), axis=1)", "xp.nanmedian(A([[np.nan, np.nan], [1, 2]]), axis=1)", "xp.median(A([[1, 2]]), axis=(0, 2))",
    "xp.nanquantile(A([[1., np.nan, 9, 4], [3, 4, 5, 6]]), [0.2, 0.5], axis=1)", "xp.nanpercentile(A([[np.nan], [1.]]), 30, axis=1)",
    "xp.nanpercentile(A([[1., np.nan, 9, 4], [3, 4, 5, 6]], dtype='f4'), 30, axis=0, keepdims=True, method='hazen')",
    # masks of another length, orders, 0-d
    "xp.compress([True, False, False, False], A([1, 2, 3]))", "xp.compress([True, False, False, True], A([1, 2, 3]))",
    "xp.extract([True, False], A([1, 2, 3]))", "xp.extract(A([], dtype=bool), A([1, 2, 3]))", "xp.compress([True], A([[1, 2]]), axis=1)",
    "xp.compress([False, True], A(np.zeros(0)))", "xp.argsort(A(3))", "xp.argsort(A(3), axis=0)", "xp.argsort(A(3), axis=1)", "xp.sort(A(3))",
    "xp.unravel_index(A([3, 5]), (2, 3), order='F')", "xp.unravel_index(A([3]), (2, 3), order='K')",
    "xp.ravel_multi_index(([3, 6, 6], [4, 5, 1]), (7, 6))", "xp.ravel_multi_index(([3, 6, 6], [4, 5, 1]), (7, 6), order='F')",
    "xp.ravel_multi_index(([3, 6, 7], [4, 5, -1]), (4, 6), mode=('clip', 'wrap'))", "xp.ravel_multi_index(([3], [9]), (4, 6))",
    "xp.ravel_multi_index((3, 1, 4, 1), (6, 7, 8, 9))", "xp.ravel_multi_index((3.0, 1), (6, 7))", "A([[[1, 2]]]).transpose(np.array([2, 0, 1]))",
    # sets
    "xp.setdiff1d(A([3, 1, 2]), A([2]), assume_unique=True)", "xp.setdiff1d(A([[3, 1], [2, 3]]), A([2]), assume_unique=True)",
    "xp.intersect1d(A([3, 1, 2, 3]), A([2, 5, 3]), return_indices=True)", "xp.intersect1d(A([], dtype=int), A([2]), return_indices=True)",
    # points on a circle
    "xp.interp(A([-180., -170, 185, 720]), A([190., -190, 350, -350]), A([5., 10, 3, 4]), period=360)",
    "xp.interp(A([0.5]), A([0., 1]), A([2., 3]), period=0)", "xp.interp(A([0.5, 3]), A([0., 1]), A([2., 3]), left=-1, right=9, period=4)",
    # number theory
    "xp.gcd(A([12, 18], dtype='u1'), 8)", "xp.lcm(A([4], dtype='i1'), A([6], dtype='i4'))", "xp.gcd(A([True]), True)",
    "xp.gcd(A([1.5]), 1)", "xp.gcd(A([12, 18]), 8, dtype='i2')", "xp.gcd(A([[12], [18]]), A([8, 9]))",
]  # fmt: skip


# Functions of vectors, windows and grids.
VECTORS = [
    "xp.ediff1d(A([1,2,4,7]))",
    "xp.ediff1d(A([1,2,4,7]),to_begin=-99,to_end=A([88,99]))",
    "xp.ediff1d(A([[1,2],[4,7]]),to_end=5)",
    "xp.ediff1d(A([1]))",
    "xp.ediff1d(A([1,2,4],dtype='i1'),to_end=1.5)",
    "xp.unwrap(A([0.,6,12,3]))",
    "xp.unwrap(A([[0.,1,2,-1,0],[3,1,4,1,5]]),period=4)",
    "xp.unwrap(A([2,3,4,5,2,3,4,5]),period=4)",
    "xp.unwrap(A([0.,3.2,9]),discont=4.)",
    "xp.cross(A([1,2,3]),A([4,5,6]))",
    "xp.cross(A([1,2]),A([4,5]))",
    "xp.cross(A([1,2]),A([4,5,6]))",
    "xp.cross(A([1,2,3]),A([4,5]))",
    "xp.cross(A([[1,2,3],[4,5,6]]),A([[4,5,6],[1,2,3]]),axisc=0)",
    "xp.cross(A([[1,2,3],[4,5,6],[7,8,9]]),A([[7,8,9],[4,5,6],[1,2,3]]),axisa=0,axisb=0)",
    "xp.vander(A([1,2,3,5]))",
    "xp.vander(A([1,2,3,5]),3,increasing=True)",
    "xp.vander(A([1.5,2]),0)",
    "xp.polyval([3,0,1],5)",
    "xp.polyval(A([3,0,1]),A([[5,2.]]))",
    "xp.convolve(A([1,2,3]),A([0,1,0.5]))",
    "xp.convolve(A([1,2,3]),A([0,1,0.5]),'same')",
    "xp.convolve(A([1,2,3]),A([0,1,0.5]),mode='valid')",
    "xp.convolve(A([1,2]),A([0,1,0.5,4,5]),'same')",
    "xp.convolve(A([1,2]),A([0,1,0.5,4,5,6]),'valid')",
    "xp.convolve(A([1j,2]),A([0,1,0.5j]))",
    "xp.convolve(A([1,2]),5)",
    "xp.convolve(A([]),A([1]))",
    "xp.correlate(A([1,2,3]),A([0,1,0.5]))",
    "xp.correlate(A([1,2,3]),A([0,1,0.5]),'same')",
    "xp.correlate(A([1,2,3]),A([0,1,0.5]),'full')",
    "xp.correlate(A([1,2]),A([0,1,0.5,4,5]),'same')",
    "xp.correlate(A([1,2]),A([0,1,0.5,4,5,6]),'same')",
    "xp.correlate(A([1,2]),A([0,1,0.5,4,5]),'full')",
    "xp.correlate(A([1,2]),A([0,1,0.5,4,5]))",
    "xp.correlate(A([1j,2]),A([0,1,0.5j]),'full')",
    "xp.correlate(A([1,2,3j,4]),A([0,1j]),'same')",
    "xp.hanning(5)",
    "xp.hanning(1)",
    "xp.hanning(0)",
    "xp.hamming(6)",
    "xp.blackman(7)",
    "xp.bartlett(7)",
    "xp.kaiser(7,3)",
    "xp.kaiser(1,3.5)",
    "xp.sort_complex(A([3,1,2]))",
    "xp.sort_complex(A([3,1,2],dtype='i1'))",
    "xp.trim_zeros(A([0,0,1,0,2,0]))",
    "xp.trim_zeros(A([0,0,1,0,2,0]),'f')",
    "xp.trim_zeros(A([0,0,0]),'b')",
    "xp.mgrid[0:5,0:3]",
    "xp.mgrid[-1:1:5j]",
    "xp.mgrid[0:1:3j,0:2]",
    "xp.ogrid[0:5,0:3]",
    "xp.ogrid[0:1:3j,0:2]",
    "xp.r_[A([1,2]),0,0,A([4])]",
    "xp.r_[0:5]",
    "xp.r_[-1:1:6j,[0]*3,5,6]",
    "xp.r_['-1',A([[1,2]]),A([[3]])]",
    "xp.r_['0,2',A([1,2]),A([3,4])]",
    "xp.r_['0,2,0',A([1,2]),A([3,4])]",
    "xp.r_['1,2,0',A([1,2]),A([3,4])]",
    "xp.c_[A([1,2]),A([3,4])]",
    "xp.c_[A([[1,2]]),0,0,A([[3]])]",
    "xp.r_[A([1],dtype='u1'),5]",
    "xp.r_[5,6.5]",
    "xp.unwrap(A([0,5,9,2,3]),period=5)",
    "xp.unwrap(A([0,5,9,2,3]),period=7)",
    "xp.unwrap(A([0,5,9,2,3],dtype='i1'),period=6)",
    "xp.zeros(3,order='c')",
    "xp.ravel(A([[1,2],[3,4]]),order='f')",
    "xp.rollaxis(A(np.zeros((2, 3, 4))), 2)", "xp.rollaxis(A(np.zeros((2, 3, 4))), 0, 3)", "xp.rollaxis(A(np.zeros((2, 3, 4))), 3)",
    "np.lib.stride_tricks.sliding_window_view(A(np.arange(20.0).reshape(4, 5)), (2, 2))",
    "np.lib.stride_tricks.sliding_window_view(A(np.arange(20).reshape(4, 5)), 3, axis=1)",
    "np.lib.stride_tricks.sliding_window_view(A(np.arange(20).reshape(4, 5)), (2, 2), axis=(0, 0))",
    "np.lib.stride_tricks.sliding_window_view(A(np.arange(20).reshape(4, 5)), (0,), axis=(1,))",
    "np.lib.stride_tricks.sliding_window_view(A(np.arange(20).reshape(4, 5)), (5, 1))",
]  # fmt: skip


# What scripts for other array libraries lean on.
SCALARS = [
    f"xp.arange(np.{a}(0), np.{b}(5), np.{c}(2))"
    for a, b, c in (("uint8", "uint8", "uint8"), ("float32", "int8", "int8"), ("float16", "float16", "float16"), ("uint64", "int8", "uint8"))
] + ["xp.arange(-2**56 - 9, -2**56 - 2, 1.0)", "xp.arange(-2**56 - 9, -2**56 - 2, 1.5)", "xp.arange(0.0, 2**63 - 1, 2**62)"]  # fmt: skip
PLACES = [
    "xp.add(A([1., 2]), 1, out=A(np.zeros((3, 2))))", "xp.negative(A([1, 2]), A(np.zeros((2, 2))))", "xp.add(A([1., 2]), 1, out=A([0.]))",
    "xp.multiply(A([1, 2]), 2, out=A(np.zeros((2, 2))), where=A([True, False]))", "xp.sum(A([1., 2]), out=A([0., 0]))",
    "xp.modf(A([1.5, -2.25]), A([0., 0]), A([0., 0]))", "xp.frexp(A([1.5, 8]), None, A([0, 0]))", "xp.divmod(A([7, 8]), 3, A([0, 0]))",
    "xp.modf(A([1.5]), A([0.]), out=(A([0.]), A([0.])))", "xp.divmod(A([7, 8]), 3, out=(A([5, 5]), A([6, 6])), where=A([False, True]))",
    "xp.modf(A([1.5, 2.5]), where=True)", "xp.add(A([1]), 1, order='B')", "xp.add.outer(A([1]), A([1]), order='B')", "xp.sin(A([1.]), order='c')",
    "np.multiply(A([1]), 1, order='B')",
]  # fmt: skip
EDGES = [
    "xp.histogram_bin_edges(A([1., 2]), [3, 2, 1])", "xp.histogram_bin_edges(A([1., 2]), np.ones((2, 2)))", "xp.histogram(A([1., 2]), [1])",
    "xp.histogram_bin_edges(A([1., 2]), [1, 2, 5])", "xp.histogram(A([1., 2]), np.array([]))", "xp.histogram(A([1., 2]), np.ones((2, 3)))",
    "xp.histogram(A([1., 2]), A(3))", "xp.histogram_bin_edges(A([1., 2]), A(3))", "xp.histogram(A([1., 2]), 2.5)",
]  # fmt: skip
ASKED = [
    "xp.std(A([0., 1, 2, 3, 4]), dtype='i8')", "xp.std(A([0.5, 3.7, 9]), dtype='i4')", "xp.std(A([1., 2], dtype='f2'))",
    "xp.select([True], [0])", "xp.select([np.True_, [True, False]], [0, 1.5])", "xp.meshgrid(A(np.ones((2, 3))), 4, A([1, 2]))",
    "xp.meshgrid(A([[1, 2]]), A([[3], [4]]), indexing='ij', sparse=True)", "xp.r_[:3, 'wrong']",
    *(f"xp.quantile(A([1, 2, 4], dtype='{a}'), A([.25], dtype='{q}'))" for a in ("i1", "i2", "u4", "f2") for q in ("f2", "f4", "f8")),
]  # fmt: skip
PADS = [
    f"xp.pad(A([[1, 5, 2], [7, 3, 4]], dtype='{d}'), {width}, {mode})"
    for d in ("f8", "i4", "u1", "f4")
    for width in ("2", "(0, 3)", "((1, 2), (3, 0))")
    for mode in ("'linear_ramp'", "'linear_ramp', end_values=((1, 9), (3, 4))", "'maximum'", "'mean'", "'median'", "'minimum'",
                 "'mean', stat_length=2", "'maximum', stat_length=((1, 2), (9, 1))", "'median', stat_length=(2,)")
] + [
    "xp.pad(A([1, 2]), 1, 'maximum', stat_length=0)", "xp.pad(A([1, 2]), 1, 'mean', end_values=3)", "xp.pad(A([1, 2]), 1, 'edge', stat_length=3)",
    "xp.pad(A([1, 2]), 1, 'linear_ramp', constant_values=3)", "xp.pad(A([1, 2]), 1, 'mean', stat_length=-1)",
]  # fmt: skip
WEIGHTS = [
    f"xp.{f}(A({a}), {q}, axis={axis}, weights=A({w}), method='inverted_cdf', keepdims={axis == 1})"
    for f, q in (("quantile", "[0, 0.1, 0.5, 1]"), ("nanquantile", "A([[.2, .9]], dtype='f4')"), ("percentile", "40"), ("nanpercentile", "[0, 99]"))
    for a in ("[[1, 5, 2], [7, 3, 3]], dtype='i1'", "[[1.5, 5, 2], [7, 3, np.nan]], dtype='f4'")
    for w in ("[[1., 0, 2], [0, 1, 3]]", "[[0, 0, 2], [3, 1, 0]]")
    for axis in (None, 0, 1, (0, 1))
    # NumPy stumbles over weights of 0 where nothing but NaN is left.
    if not ("nan" in f and "nan" in a)
] + [
    "xp.quantile(A([[1, 5, 2], [7, 3, 3]]), 0.4, axis=1, weights=[1, 2, 3], method='inverted_cdf')",
    "xp.quantile(A(np.arange(24).reshape(2, 3, 4)), 0.4, axis=(2, 0), weights=np.arange(8).reshape(4, 2), method='inverted_cdf')",
    "xp.nanquantile(A([1., np.nan, 3, 2]), [0.2, 0.5, 1], weights=[1, 9, 2, 3], method='inverted_cdf')",
    "xp.quantile(A([1., 2]), 0.5, weights=[1, -1], method='inverted_cdf')", "xp.quantile(A([1., 2]), 0.5, weights=[1, 1])",
    "xp.quantile(A([1., 2]), 0.5, weights=A([1, -1]) * 2, method='inverted_cdf')", "xp.quantile(A([1., 2]), 2, weights=[1, 1], method='inverted_cdf')",
    "xp.quantile(A([1., 2]), 0.5, weights=[0, 0], method='inverted_cdf')", "xp.quantile(A([1., 2]), 0.5, weights=[1, np.inf], method='inverted_cdf')",
    "xp.quantile(A([[1., 2]]), 0.5, weights=[1, 1], method='inverted_cdf')", "xp.quantile(A([[1., 2]]), 0.5, axis=0, weights=[1, 1], method='inverted_cdf')",
    *(f"xp.cov(A({m}), {given})" for m in ("[[1., 4, 2], [3, 3, 5]]", "[1., 4, 2]", "[[1, 4j, 2], [3, 3, 5]]") for given in (
        "fweights=[1, 2, 3]", "aweights=[.5, 2, 1]", "fweights=A([1, 0, 4]), aweights=A([.5, 2, 1])", "ddof=0, aweights=[.5, 2, 1]",
        "A([0., 1, 5]), True, True, fweights=[1, 2, 3]", "fweights=[1, -1, 3]", "aweights=[1, -1, 3]", "fweights=[1, 1.5, 3]", "fweights=[1., 2, 3]",
        "aweights=A([1, -1, 3]) * 1")),
]  # fmt: skip
GRIDS = [
    f"xp.histogram2d(A({x}), A([0.5, 2, 2, 3, 1]), {given})"
    for x in ("[1., 2, np.nan, 4, 4]", "[1, 2, 3, 4, 4], dtype='i4'")
    for given in ("[3, 2], [[0, 4], [0, 3]]", "[[0, 2, 4], 3], [None, (0, 3)]", "[0, 1, 4], density=True", "4, [[0, 4], [1, 3]], weights=A([1., 2, 3, 4, 5])",
                  "[[1, 4], [1, 2, 3]], None, True, [1, 2, 3, 4, 5]", "[[3, 1], 2]", "[np.ones((2, 2)), 2]", "[1, 2], [[0, 1]]")
] + [
    "xp.histogram2d(A([1., 2, 3]), A([4., 5, 9]))", "xp.histogram2d(A([1., 2, 3]), A([4., 5, 9]), [2])", "xp.histogramdd(A([1., 2, 3]), 2)[0]",
    "xp.histogramdd(A(np.arange(12.).reshape(4, 3)), (2, 3, 4))[0]", "xp.histogramdd(A(np.arange(12).reshape(4, 3)), 2, density=True)[0]",
    "xp.histogramdd(A(np.arange(12.).reshape(4, 3)), (2, 3, 4))[1][2]", "xp.histogramdd(A(np.arange(12.).reshape(4, 3)), (2, 3))",
    "xp.histogramdd([[1., 2, 3], [3., 2, 2]], [[1, 2, 3], 2])[0]", "xp.histogramdd(A(np.arange(4.).reshape(4, 1)), [A([0., 1, 3])])[0]",
]  # fmt: skip
KNOWN = [
    "A([1, 2, 3])[[3]]",
    "A([1, 2, 3])[[-4]]",
    "A([[1, 2, 3]])[[0, 0], [1, 3]]",
    "xp.take(A([[1, 2]]), [2], axis=1)",
    "A([1, 2])[[-2, 1]]",
    "A([1, 2, 3])[np.array([9], dtype='u1')]",
]


@pytest.mark.parametrize("text", SCALARS + PLACES + EDGES + ASKED + PADS + WEIGHTS + GRIDS + KNOWN)
@pytest.mark.filterwarnings("ignore")
def test_rule_of_scripts(text):
    agree(text)


@pytest.mark.parametrize("text", RULES + POWERS + OUT + QUANTILES + VECTORS)
@pytest.mark.filterwarnings("ignore")
def test_rule(text):
    agree(text)
