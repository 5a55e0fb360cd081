"""Linear algebra."""
from __future__ import annotations

import functools

import numpy as np

from .declaring import ALL, EAGER, MARS, also, work
from .inputs import data, fingerprint_of, spd


@functools.lru_cache(maxsize=2)
def _svd_input(m, k):
    return np.random.default_rng(7).standard_normal((m, k))


def _svd_finish(v):
    ok, s = v
    return {"close": {"value": float(bool(np.asarray(ok)))}, "s": fingerprint_of(np.sort(np.asarray(s, dtype=float))[::-1])}


@work("svd", EAGER, m=2_000_000, k=32, tol=1e-8)
def svd(P, p):
    """U, s, V = svd(x); allclose(U * s @ V, x), x tall and skinny, in memory."""
    xp = P.xp
    x = P.native(_svd_input(p.m, p.k))

    def expr(x):
        u, s, v = xp.linalg.svd(x, full_matrices=False)
        return xp.allclose((u * s) @ v, x, atol=1e-8), s
    return (lambda: tuple(P.to_numpy(t) for t in P.call(expr, x))), _svd_finish


@also("svd", "torch")
def svd_torch(P, p):
    t, x = P.torch, P.native(_svd_input(p.m, p.k))

    def run():
        u, s, v = t.linalg.svd(x, full_matrices=False)
        return t.allclose((u * s) @ v, x, atol=1e-8), s.numpy()
    return run, _svd_finish


@also("svd", "mlx")
def svd_mlx(P, p):
    """MLX's svd makes a full U (m x m), so its QR first, as one would by hand."""
    mx, x = P.xp, P.native(_svd_input(p.m, p.k))

    def expr(x):
        q, r = mx.linalg.qr(x)
        u, s, v = mx.linalg.svd(r)
        return mx.allclose(((q @ u) * s) @ v, x, atol=1e-8), s
    return (lambda: tuple(P.to_numpy(t) for t in P.call(expr, x))), _svd_finish


@also("svd", "scipy")
def svd_scipy(P, p):
    """TSQR by hand on one block: QR, then the SVD of R (what a chunked engine does)."""
    x = _svd_input(p.m, p.k)

    def run():
        q, r = P.scipy.linalg.qr(x, mode="economic", check_finite=False)
        u, s, v = P.scipy.linalg.svd(r, check_finite=False)
        u = q @ u
        return np.allclose((u * s) @ v, x, atol=1e-8), s
    return run, _svd_finish


@also("svd", "dask", "daskdist")
def svd_dask(P, p):
    da = P.xp
    x = P.native(_svd_input(p.m, p.k), chunks=(max(p.k, p.m // 16), p.k))

    def run():
        u, s, v = da.linalg.svd(x)
        return P.dask.compute(da.allclose((u * s) @ v, x, atol=1e-8), s)
    return run, _svd_finish


@also("svd", "cubed")
def svd_cubed(P, p):
    xp = P.xp
    x = P.native(_svd_input(p.m, p.k))

    def run():
        u, s, v = xp.linalg.svd(x, full_matrices=False)
        worst = xp.max(xp.abs((u * s) @ v - x))
        w, s = P.cubed.compute(worst, s)
        return bool(np.asarray(w) < 1e-8), np.asarray(s)
    return run, _svd_finish


@also("svd", *MARS)
def svd_mars(P, p):
    xp = P.xp
    x = P.native(_svd_input(p.m, p.k))

    def run():
        u, s, v = xp.linalg.svd(x)
        close = xp.allclose((u * s).dot(v), x, atol=1e-8)
        close, s = P.call(lambda: (close, s))
        return P.to_numpy(close), P.to_numpy(s)
    return run, _svd_finish


LINALG = ("numpy", "jax", "torch", "mlx", "dask", "pymars", "mars")


def _lin_chunks(P, p):
    """Square chunks of one size, which dask asks for: n / 4, or n / 2, or n."""
    if P.name not in ("dask", "pymars"):
        return None
    k = next(k for k in (4, 2, 1) if p.n % k == 0)
    return (p.n // k, p.n // k)


@work("matmul", ALL, n=4000, scaled={"n": 0.5}, tol=1e-9)
def matmul(P, p):
    """a @ b, kept."""
    a, b = P.native(data(p.n, p.n)), P.native(data(p.n, p.n, seed=8))
    return lambda: P.call(lambda a, b: a @ b, a, b)


@work("cholesky", LINALG, n=4000, scaled={"n": 0.5}, tol=1e-9)
def cholesky(P, p):
    """cholesky of a positive definite n x n, kept."""
    xp, a = P.xp, P.native(spd(p.n), chunks=_lin_chunks(P, p))
    if P.name == "dask":
        return lambda: P.call(lambda a: xp.linalg.cholesky(a, lower=True), a)
    return lambda: P.call(lambda a: xp.linalg.cholesky(a), a)


@work("solve", LINALG, n=4000, m=64, scaled={"n": 0.5}, tol=1e-8)
def solve(P, p):
    """solve with n x n and m right-hand sides, kept."""
    xp, c = P.xp, _lin_chunks(P, p)
    a, b = P.native(spd(p.n), chunks=c), P.native(data(p.n, p.m, seed=9), chunks=(c[0], p.m) if c else None)
    return lambda: P.call(lambda a, b: xp.linalg.solve(a, b), a, b)


@work("inv", LINALG, n=4000, scaled={"n": 0.5}, tol=1e-8)
def inv(P, p):
    """inverse of n x n, kept."""
    xp, a = P.xp, P.native(spd(p.n), chunks=_lin_chunks(P, p))
    return lambda: P.call(lambda a: xp.linalg.inv(a), a)


def _qr_finish(P):
    def finish(qr):
        r = np.abs(np.asarray(P.to_numpy(qr[1])))  # signs of rows are free
        return fingerprint_of(np.diag(r))
    return finish


@work("qr", ("numpy", "jax", "torch", "mlx", "pymars", "mars"), n=4000, scaled={"n": 0.5}, tol=1e-6)
def qr(P, p):
    """reduced QR of n x n, both factors kept."""
    xp, a = P.xp, P.native(data(p.n, p.n))
    return (lambda: P.call(lambda a: tuple(xp.linalg.qr(a)), a)), _qr_finish(P)


@work("qr_ts", ("numpy", "jax", "torch", "mlx", "dask", "daskdist", "cubed", "pymars", "mars"), m=1_000_000, k=32,
      tol=1e-8)
def qr_ts(P, p):
    """QR of a tall-skinny m x k, both factors kept."""
    xp = P.xp
    chunks = (max(p.k, p.m // 8), p.k) if P.name in ("dask", "daskdist") else None
    a = P.native(_svd_input(p.m, p.k), chunks=chunks)
    return (lambda: P.call(lambda a: tuple(xp.linalg.qr(a)), a)), _qr_finish(P)


@work("tensordot", ALL, n=256, k=64, m=64, tol=1e-9)
def tensordot(P, p):
    """tensordot of (n, k, m) and (k, m, n) over two axes, kept."""
    xp = P.xp
    a, b = P.native(data(p.n, p.k, p.m)), P.native(data(p.k, p.m, p.n))
    if P.name == "torch":
        return lambda: xp.tensordot(a, b, dims=([1, 2], [0, 1]))
    return lambda: P.call(lambda a, b: xp.tensordot(a, b, axes=((1, 2), (0, 1))), a, b)


@work("einsum", ("numpy", "jax", "torch", "mlx", "dask", "pymars", "mars"), b=64, n=256, tol=1e-9)
def einsum(P, p):
    """einsum('bij,bjk->bik'), kept."""
    xp = P.xp
    a, b = P.native(data(p.b, p.n, p.n)), P.native(data(p.b, p.n, p.n, seed=8))
    return lambda: P.call(lambda a, b: xp.einsum("bij,bjk->bik", a, b), a, b)
