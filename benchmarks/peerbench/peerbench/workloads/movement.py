"""What moves elements."""
from __future__ import annotations

import numpy as np

from .declaring import ALL, also, work
from .inputs import data


@work("transpose_add", ALL, n=10000, scaled={"n": 0.5})
def transpose_add(P, p):
    """x + x.T, kept."""
    x = P.native(data(p.n, p.n))
    return lambda: P.call(lambda x: x + x.T, x)


@work("rechunk", ("numpy",), n=10000, scaled={"n": 0.5})
def rechunk(P, p):
    """Row blocks to column blocks (for the unchunked: to column-major order), kept."""
    x = P.native(data(p.n, p.n))
    return lambda: np.asfortranarray(x)


@also("rechunk", "torch")
def rechunk_torch(P, p):
    x = P.native(data(p.n, p.n))
    return lambda: x.T.contiguous().T


@also("rechunk", "dask", "daskdist", "mars", "pymars")
def rechunk_chunked(P, p):
    x = P.native(data(p.n, p.n), chunks=(-(-p.n // 8), p.n))
    return lambda: P.call(lambda x: x.rechunk((p.n, -(-p.n // 8))), x)


@also("rechunk", "cubed")
def rechunk_cubed(P, p):
    x = P.native(data(p.n, p.n), chunks=(-(-p.n // 8), p.n))
    return lambda: P.call(lambda x: x.rechunk((p.n, -(-p.n // 8))), x)


@work("reshape_sum", ALL, n=10000, scaled={"n": 0.5})
def reshape_sum(P, p):
    """x.reshape(n * n / 16, 16).sum(axis=0), n made a multiple of 4."""
    xp, n = P.xp, max(4, p.n // 4 * 4)
    x = P.native(data(n, n))

    def expr(x):
        return xp.sum(xp.reshape(x, (-1, 16)), axis=0)
    return lambda: P.scalar(expr, x)


@work("mask_mean", ("numpy", "torch", "dask", "daskdist", "pymars", "xorbits", "mars"), n=100_000_000)
def mask_mean(P, p):
    """x[x > 0.5].mean()."""
    x = P.native(data(p.n))
    return lambda: P.scalar(lambda x: x[x > 0.5].mean(), x)


@also("mask_mean", "jax")
def mask_mean_jax(P, p):
    """The jit-able idiom: a mean with where=."""
    x = P.native(data(p.n))
    return lambda: P.scalar(lambda x: P.xp.mean(x, where=x > 0.5), x)


@also("mask_mean", "mlx")
def mask_mean_mlx(P, p):
    mx, x = P.xp, P.native(data(p.n))
    return lambda: P.scalar(lambda x: mx.where(x > 0.5, x, 0.0).sum() / (x > 0.5).sum(), x)


@also("mask_mean", "npthreads")
def mask_mean_threads(P, p):
    x = data(p.n)

    def one(b):
        v = x[b[0]:b[1]]
        v = v[v > 0.5]
        return v.sum(), v.size

    def run():
        r = P.map(one, P.blocks(p.n))
        return np.float64(sum(a for a, _ in r) / sum(b for _, b in r))
    return run


@work("sort", ("numpy", "jax", "torch", "mlx", "pymars", "mars"), n=10_000_000)
def sort(P, p):
    """sort of float64, kept."""
    xp, x = P.xp, P.native(data(p.n))
    return lambda: P.call(lambda x: xp.sort(x), x)


@also("sort", "torch")
def sort_torch(P, p):
    x = P.native(data(p.n))
    return lambda: P.torch.sort(x).values


@also("sort", "polars")
def sort_polars(P, p):
    s = P.pl.Series("x", data(p.n))
    return lambda: s.sort().to_numpy()
