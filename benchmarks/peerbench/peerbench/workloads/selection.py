"""What reads, orders or rearranges elements by value or position."""
from __future__ import annotations

import numpy as np

from .declaring import ALL, also, work
from .inputs import data

SELECTION = ("numpy", "mars")


@work("sel_mask", SELECTION, n=10_000_000)
def sel_mask(P, p):
    """x[x > 0.5]."""
    return lambda x=P.native(data(p.n)): P.call(lambda x: x[x > 0.5], x)


@work("sel_take", SELECTION, n=10_000_000, k=1_000_000)
def sel_take(P, p):
    """x[i] for k random positions i."""
    x, i = P.native(data(p.n)), P.native(np.random.default_rng(3).integers(0, p.n, p.k))
    return lambda: P.call(lambda x, i: x[i], x, i)


@work("sel_argsort", SELECTION, n=10_000_000)
def sel_argsort(P, p):
    """argsort of float64."""
    xp, x = P.xp, P.native(data(p.n))
    return lambda: P.call(lambda x: xp.argsort(x), x)


@work("sel_median", SELECTION, n=10_000_000)
def sel_median(P, p):
    """median of float64."""
    xp, x = P.xp, P.native(data(p.n))
    return lambda: P.scalar(lambda x: xp.median(x), x)


@work("sel_isin", SELECTION, n=10_000_000, k=1000)
def sel_isin(P, p):
    """Which elements are among k others, of which half are there."""
    values = data(p.n)
    among = np.concatenate([values[: p.k // 2], data(p.k - p.k // 2, seed=8)])
    xp, x, others = P.xp, P.native(values), P.native(among)
    return lambda: P.call(lambda x, y: xp.isin(x, y), x, others)


@work("sel_searchsorted", SELECTION, n=10_000_000, k=1000)
def sel_searchsorted(P, p):
    """Places of n elements in a sorted vector of k."""
    xp, x, edges = P.xp, P.native(data(p.n)), P.native(np.sort(data(p.k, seed=8)))
    return lambda: P.call(lambda e, x: xp.searchsorted(e, x), edges, x)


@work("sel_bincount", SELECTION, n=10_000_000, k=1000)
def sel_bincount(P, p):
    """How often each of k integers comes."""
    xp, x = P.xp, P.native(np.random.default_rng(3).integers(0, p.k, p.n))
    return lambda: P.call(lambda x: xp.bincount(x), x)


@work("sel_histogram", SELECTION, n=10_000_000, k=100)
def sel_histogram(P, p):
    """A histogram of k bins of equal width."""
    xp, x = P.xp, P.native(data(p.n))
    return lambda: P.call(lambda x: xp.histogram(x, p.k)[0], x)


# Copies and simple passes of which a plan must not make more than NumPy does.
REARRANGING = {
    "roll": lambda xp, x: xp.roll(x, 5),
    "repeat": lambda xp, x: xp.repeat(x, 3),
    "tile": lambda xp, x: xp.tile(x, 3),
    "stack": lambda xp, x: xp.stack([x, x[::-1]], axis=0),
    "sum_of_products": lambda xp, x: xp.einsum("ij,ij->i", x.reshape(-1, 1000), x.reshape(-1, 1000)),
    "divide_integers": lambda xp, x: x // 7,
}


def _rearranging(name, call):
    @work("re_" + name, ("numpy", "mars"), n=4_000_000)
    def one(P, p):
        x = (data(p.n) * 1e6).astype(np.int64) if name == "divide_integers" else data(p.n)
        return lambda x=P.native(x): P.call(lambda x: call(P.xp, x), x)

    one.__doc__ = f"{name.replace('_', ' ')} of n elements."
    return one


for _name, _call in REARRANGING.items():
    _rearranging(_name, _call)


@work("unique", ("numpy", "torch", "dask", "daskdist", "pymars", "xorbits", "mars"), n=10_000_000, k=100_000)
def unique(P, p):
    """unique of n integers below k; sizes are not known in advance."""
    xp = P.xp
    x = P.native(np.random.default_rng(3).integers(0, p.k, p.n))

    def finish(v):
        v = np.sort(np.asarray(v))
        return {"shape": [int(v.size)], "sum": float(v.sum()), "l2": 0.0, "max": 0.0, "samples": []}
    return (lambda: P.to_numpy(P.call(lambda x: xp.unique(x), x))), finish


@also("unique", "polars")
def unique_polars(P, p):
    s = P.pl.Series("x", np.random.default_rng(3).integers(0, p.k, p.n))

    def finish(v):
        v = np.sort(np.asarray(v))
        return {"shape": [int(v.size)], "sum": float(v.sum()), "l2": 0.0, "max": 0.0, "samples": []}
    return (lambda: s.unique().to_numpy()), finish


@work("cumsum", ALL, n=100_000_000, tol=1e-7)
def cumsum(P, p):
    """cumsum, kept."""
    xp, x = P.xp, P.native(data(p.n))
    return lambda: P.call(lambda x: xp.cumsum(x, axis=0), x)


@also("cumsum", "cubed")
def cumsum_cubed(P, p):
    xp, x = P.xp, P.native(data(p.n))
    return lambda: P.call(lambda x: xp.cumulative_sum(x, axis=0), x)


@work("fft", ("numpy", "jax", "mlx", "dask", "pymars", "xorbits", "mars"), n=1 << 24, tol=1e-9)
def fft(P, p):
    """fft of n real float64 numbers (made complex), kept.  dask and Mars need one chunk for it."""
    xp = P.xp
    one = p.n if P.name in ("dask", "pymars", "mars") else None
    x = P.native(data(p.n).astype(np.complex128), chunks=one)
    return lambda: P.call(lambda x: xp.fft.fft(x), x)


@also("fft", "torch")
def fft_torch(P, p):
    x = P.native(data(p.n).astype(np.complex128))
    return lambda: P.torch.fft.fft(x)


@also("fft", "scipy")
def fft_scipy(P, p):
    x = data(p.n).astype(np.complex128)
    return lambda: P.scipy.fft.fft(x, workers=P.threads)


@work("fft2_batch", ("numpy", "jax", "mlx", "dask", "pymars", "xorbits", "mars"), b=256, n=256, tol=1e-9)
def fft2_batch(P, p):
    """fft2 of a batch of n x n images, kept."""
    xp = P.xp
    x = P.native(data(p.b, p.n, p.n).astype(np.complex128),
                 chunks=(16, p.n, p.n) if P.name in ("dask", "pymars", "mars") else None)
    return lambda: P.call(lambda x: xp.fft.fft2(x, axes=(1, 2)), x)


@also("fft2_batch", "torch")
def fft2_torch(P, p):
    x = P.native(data(p.b, p.n, p.n).astype(np.complex128))
    return lambda: P.torch.fft.fft2(x, dim=(1, 2))


@also("fft2_batch", "scipy")
def fft2_scipy(P, p):
    x = data(p.b, p.n, p.n).astype(np.complex128)
    return lambda: P.scipy.fft.fft2(x, axes=(1, 2), workers=P.threads)
