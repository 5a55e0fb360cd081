"""The workloads: one function per (workload, peer).

A function gets (P, p): the peer's adapter and the parameters.  It prepares its inputs
(not timed) and returns `run`, or `(run, finish)`: `run()` is timed, and `finish(value)`
turns its value into the fingerprint that the runner compares between peers (the default
is P.fingerprint).  `run()` must leave nothing lazy: use P.call (the result stays in the
engine) or P.scalar (a small result comes to NumPy).

    @work("name", ALL, n=10_000_000, tol=1e-9)            declares a workload
    @also("name", "peer")                                  gives one peer its own function

Parameters are integers; `scaled` says how each follows --scale (exponent of S; default
1 for the first, 0 for the rest); a parameter `limit_mib` sets the memory limit of the
workload.  `run.weight` multiplies the times that are reported (1 / count: time per item),
`run.timing = (wall, cpu)` replaces them.  `absolute`: no ratios.  `truth` (optional) returns what the fingerprint must
be, as (value, absolute tolerance), where randomness forbids comparing peers.
"""
from __future__ import annotations

import functools
import math
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

EAGER = ("numpy", "jax", "torch", "mlx")
MARS = ("mars", "pymars", "xorbits")
CHUNKED = ("dask", "daskdist", "cubed") + MARS
ALL = EAGER + CHUNKED

WORKLOADS = {}
IMPLS = {}


class Params(dict):
    __getattr__ = dict.__getitem__


class Workload:
    def __init__(self, name, params, scaled, tol, truth, group, doc, absolute=False):
        self.name, self.params, self.tol, self.truth, self.group, self.doc = name, params, tol, truth, group, doc
        self.absolute = absolute
        first = next(iter(params), None)
        self.scaled = scaled if scaled is not None else {first: 1.0}

    def sized(self, scale, overrides):
        out = {}
        for k, v in self.params.items():
            out[k] = max(1, int(round(v * scale ** self.scaled.get(k, 0.0))))
        for k, v in overrides.items():
            if k in out:
                out[k] = int(float(v))
        return out


def work(name, peers, scaled=None, tol=1e-9, truth=None, group="array", absolute=False, **params):
    def deco(fn):
        WORKLOADS[name] = Workload(name, params, scaled, tol, truth, group, (fn.__doc__ or "").strip(),
                                   absolute)
        for peer in peers:
            IMPLS[(name, peer)] = fn
        return fn
    return deco


def also(name, *peers):
    def deco(fn):
        for peer in peers:
            IMPLS[(name, peer)] = fn
        return fn
    return deco


def drop(name, *peers):
    for peer in peers:
        IMPLS.pop((name, peer), None)


def lookup(workload, peer):
    return IMPLS.get((workload, peer))


# ------------------------------------------------------------------ inputs (seeded)


@functools.lru_cache(maxsize=4)
def data(*shape, **kw):
    """Uniform [0, 1) float64, the same for every peer."""
    return np.random.default_rng(kw.get("seed", 7)).random(shape)


def npy_file(P, *shape, seed=7):
    """Path of a .npy file with what data(*shape) holds; made once per `run`, outside the timing."""
    path = os.path.join(P.job.get("datadir") or P.workdir, "data-%s-%d.npy" % ("x".join(map(str, shape)), seed))
    if not os.path.exists(path):
        part, rng, left = path + ".%d" % os.getpid(), np.random.default_rng(seed), math.prod(shape)
        with open(part, "wb") as f:
            np.lib.format.write_array_header_1_0(f, {"descr": "<f8", "fortran_order": False, "shape": shape})
            while left:
                k = min(left, 1 << 20)
                rng.random(k).tofile(f)
                left -= k
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    return path


def spd(n):
    a = data(n, n)
    m = a @ a.T
    m[np.diag_indices(n)] += n
    return m


# ------------------------------------------------------------------ Monte Carlo pi


def pi_truth(p):
    return math.pi, 6 * 1.6422 / math.sqrt(p["n"])


def pi_finish(n):
    return lambda v: {"value": 4.0 * float(np.asarray(v)) / n}


@work("mc_pi", ALL, n=10_000_000, truth=pi_truth)
def mc_pi(P, p):
    """4 * mean(sqrt(sum(uniform(-1, 1, (n, 2))**2, axis=1)) < 1), numbers drawn inside."""
    xp, n = P.xp, p.n

    def expr():
        points = P.uniform(-1, 1, (n, 2))
        return (xp.sqrt((points ** 2).sum(axis=1)) < 1).sum()
    return (lambda: P.scalar(expr)), pi_finish(n)


@also("mc_pi", "cubed")
def mc_pi_cubed(P, p):
    xp, n = P.xp, p.n

    def expr():
        points = P.uniform(-1, 1, (n, 2))
        return xp.sum(xp.astype(xp.sqrt(xp.sum(points ** 2, axis=1)) < 1, xp.int64))
    return (lambda: P.scalar(expr)), pi_finish(n)


@also("mc_pi", "mlx")
def mc_pi_mlx(P, p):
    """Without the cast of its float32 numbers to float64 (half the bytes of its peers)."""
    mx, n = P.xp, p.n

    def expr():
        points = mx.random.uniform(-1, 1, (n, 2))
        return (mx.sqrt((points ** 2).sum(axis=1)) < 1).sum()
    return (lambda: P.scalar(expr)), pi_finish(n)


@also("mc_pi", "numexpr")
def mc_pi_numexpr(P, p):
    def run():
        points = P.uniform(-1, 1, (p.n, 2))
        a, b = points[:, 0], points[:, 1]
        return P.ne.evaluate("sum(where(sqrt(a**2 + b**2) < 1, 1, 0))", {"a": a, "b": b})
    return run, pi_finish(p.n)


def _pi_block(rng, n):
    points = rng.uniform(-1, 1, (n, 2))
    return int((np.sqrt((points ** 2).sum(axis=1)) < 1).sum())


def _pieces(n, size):
    return [min(size, n - i) for i in range(0, n, size)]


@also("mc_pi", "nploop")
def mc_pi_loop(P, p):
    rng = P.rng()
    return (lambda: sum(_pi_block(rng, k) for k in _pieces(p.n, 10_000_000))), pi_finish(p.n)


@also("mc_pi", "npthreads")
def mc_pi_threads(P, p):
    """By hand, with blocks that stay in the L2 cache."""
    parts = _pieces(p.n, 32768)
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(12345).spawn(len(parts))] \
        if len(parts) <= 4096 else None
    if rngs is None:
        def run():
            k = -(-len(parts) // P.threads)
            groups = [parts[i:i + k] for i in range(0, len(parts), k)]
            seeds = np.random.SeedSequence(12345).spawn(len(groups))

            def one(job):
                rng = np.random.default_rng(job[0])
                return sum(_pi_block(rng, m) for m in job[1])
            return sum(P.pool.map(one, zip(seeds, groups)))
        return run, pi_finish(p.n)
    return (lambda: sum(P.map(lambda j: _pi_block(*j), zip(rngs, parts)))), pi_finish(p.n)


@also("mc_pi", "numba")
def mc_pi_numba(P, p):
    nb, n = P.nb, p.n

    @nb.njit(parallel=True, fastmath=True)
    def kernel(n, blocks):
        total = 0
        for b in nb.prange(blocks):
            count = 0
            for _ in range(n // blocks):
                x = np.random.uniform(-1.0, 1.0)
                y = np.random.uniform(-1.0, 1.0)
                if math.sqrt(x * x + y * y) < 1.0:
                    count += 1
            total += count
        return total
    blocks = 10
    return (lambda: kernel(n, blocks)), pi_finish(n // blocks * blocks)


@also("mc_pi", "ray")
def mc_pi_ray(P, p):
    remote = P.ray.remote(num_cpus=1)(lambda seed, n: _pi_block(np.random.default_rng(seed), n))

    def run():
        parts = _pieces(p.n, 2_500_000)
        return sum(P.ray.get([remote.remote(i, k) for i, k in enumerate(parts)]))
    return run, pi_finish(p.n)


# ------------------------------------------------------------------ elementwise


def _elementwise(name, expr, doc, ne, n=100_000_000):
    """Declares NAME (result kept) and NAME_sum (result reduced) for every peer."""

    def keep(P, p):
        x = P.native(data(p.n))
        fn = expr(P.xp)
        return lambda: P.call(fn, x)

    def reduce(P, p):
        x = P.native(data(p.n))
        fn = expr(P.xp)
        xp = P.xp

        def total(v):
            return xp.sum(fn(v))
        return lambda: P.scalar(total, x)

    keep.__doc__, reduce.__doc__ = doc + ", result kept", doc + ", result summed"
    work(name, ALL, n=n)(keep)
    work(name + "_sum", ALL, n=n)(reduce)

    def keep_ne(P, p):
        x = data(p.n)
        return lambda: P.ne.evaluate(ne, {"x": x})

    def reduce_ne(P, p):
        x = data(p.n)
        return lambda: P.ne.evaluate("sum(%s)" % ne, {"x": x})
    also(name, "numexpr")(keep_ne)
    also(name + "_sum", "numexpr")(reduce_ne)

    fnp = expr(np)

    def keep_threads(P, p):
        x = data(p.n)

        def run():
            out = np.empty_like(x)

            def one(b):
                out[b[0]:b[1]] = fnp(x[b[0]:b[1]])
            P.map(one, P.blocks(p.n))
            return out
        return run

    def reduce_threads(P, p):
        x = data(p.n)
        return lambda: np.float64(sum(P.map(lambda b: fnp(x[b[0]:b[1]]).sum(), P.blocks(p.n))))
    also(name, "npthreads")(keep_threads)
    also(name + "_sum", "npthreads")(reduce_threads)

    def keep_ray(P, p):
        parts = [P.ray.put(b) for b in np.array_split(data(p.n), 8)]
        f = P.ray.remote(num_cpus=1)(lambda v: fnp(v))

        def run():
            r = [f.remote(v) for v in parts]
            P.ray.wait(r, num_returns=len(r), fetch_local=False)
            return r
        return run, lambda r: {"skipped": 1}

    def reduce_ray(P, p):
        parts = [P.ray.put(b) for b in np.array_split(data(p.n), 8)]
        f = P.ray.remote(num_cpus=1)(lambda v: fnp(v).sum())
        return lambda: np.float64(sum(P.ray.get([f.remote(v) for v in parts])))
    also(name, "ray")(keep_ray)
    also(name + "_sum", "ray")(reduce_ray)


def _chain(xp):
    def fn(x):
        t = x + 1.0
        t = t * 2.0
        t = t - 0.5
        t = t / 3.0
        t = t * t
        t = xp.sqrt(t)
        t = abs(t)
        t = t * x
        t = t + x
        return t * 0.1
    return fn


_elementwise("mul2", lambda xp: (lambda x: x * 2), "x * 2", "x * 2")
_elementwise("add1mul2", lambda xp: (lambda x: (x + 1) * 2), "(x + 1) * 2", "(x + 1) * 2")
_elementwise("chain10", _chain, "ten elementwise operations",
             "(abs(sqrt((((x + 1.0) * 2.0 - 0.5) / 3.0) ** 2)) * x + x) * 0.1")


def _numba_elementwise(name, body):
    def keep(P, p):
        nb, x = P.nb, data(p.n)
        scope = {"np": np, "math": math, "prange": nb.prange}
        exec("def kernel(x):\n    out = np.empty_like(x)\n    for i in prange(x.size):\n        v = x[i]\n"
             "        out[i] = %s\n    return out\n" % body, scope)
        kernel = nb.njit(parallel=True)(scope["kernel"])
        return lambda: kernel(x)

    def reduce(P, p):
        nb, x = P.nb, data(p.n)
        scope = {"np": np, "math": math, "prange": nb.prange}
        exec("def kernel(x):\n    s = 0.0\n    for i in prange(x.size):\n        v = x[i]\n"
             "        s += %s\n    return s\n" % body, scope)
        kernel = nb.njit(parallel=True, fastmath=True)(scope["kernel"])
        return lambda: kernel(x)
    also(name, "numba")(keep)
    also(name + "_sum", "numba")(reduce)


_numba_elementwise("mul2", "v * 2")
_numba_elementwise("add1mul2", "(v + 1) * 2")
_numba_elementwise("chain10", "(abs(math.sqrt((((v + 1.0) * 2.0 - 0.5) / 3.0) ** 2)) * v + v) * 0.1")


# ------------------------------------------------------------------ (rand + 1).sum(axis=1)


def rows_truth(p):
    return 1.5, 6 * math.sqrt(1 / 12.0) / math.sqrt(p["r"] * p["c"])


def rows_finish(p):
    def finish(v):
        v = np.asarray(v, dtype=np.float64)
        assert v.shape == (p.r,), v.shape
        return {"value": float(v.mean() / p.c)}
    return finish


def rowsum(P, p):
    """(rand(r, c) + 1).sum(axis=1), numbers drawn inside, r sums fetched."""
    xp = P.xp

    def expr():
        return xp.sum(P.rand(p.r, p.c) + 1, axis=1)
    return (lambda: P.scalar(expr)), rows_finish(p)


def rowsum_threads(P, p):
    size = max(1, min(p.r, 32768 // p.c or 1))
    starts = list(range(0, p.r, size))

    def run():
        out = np.empty(p.r)
        k = -(-len(starts) // P.threads)
        groups = [starts[i:i + k] for i in range(0, len(starts), k)]
        seeds = np.random.SeedSequence(12345).spawn(len(groups))

        def one(job):
            rng = np.random.default_rng(job[0])
            for i in job[1]:
                j = min(i + size, p.r)
                out[i:j] = (rng.random((j - i, p.c)) + 1).sum(axis=1)
        list(P.pool.map(one, zip(seeds, groups)))
        return out
    return run, rows_finish(p)


def rowsum_numexpr(P, p):
    def run():
        a = P.rand(p.r, p.c)
        return P.ne.evaluate("sum(a + 1, axis=1)", {"a": a})
    return run, rows_finish(p)


def rowsum_numba(P, p):
    nb = P.nb

    @nb.njit(parallel=True, fastmath=True)
    def kernel(r, c):
        out = np.empty(r)
        for i in nb.prange(r):
            s = 0.0
            for _ in range(c):
                s += np.random.random() + 1.0
            out[i] = s
        return out
    return (lambda: kernel(p.r, p.c)), rows_finish(p)


for _name, _r, _c in (("rowsum", 1000, 2000), ("rowsum_big", 20000, 20000)):
    work(_name, ALL, scaled={"r": 0.5, "c": 0.5}, truth=rows_truth, r=_r, c=_c)(rowsum)
    also(_name, "npthreads")(rowsum_threads)
    also(_name, "numexpr")(rowsum_numexpr)
    also(_name, "numba")(rowsum_numba)


# ------------------------------------------------------------------ (a.dot(a.T) - a).std()


def _dot_expr(xp):
    if getattr(xp, "__name__", "") in ("torch", "mlx.core", "jax.numpy") or "cubed" in getattr(xp, "__name__", ""):
        return lambda a: xp.std(a @ a.T - a)
    return lambda a: (a.dot(a.T) - a).std()


@work("dot_std", ALL, n=5000, scaled={"n": 0.5}, tol=1e-9)
def dot_std(P, p):
    """(a.dot(a.T) - a).std(), a given in memory."""
    a = P.native(data(p.n, p.n))
    expr = _dot_expr(P.xp)
    return lambda: P.scalar(expr, a)


@also("dot_std", "torch")
def dot_std_torch(P, p):
    a = P.native(data(p.n, p.n))
    return lambda: (a @ a.T - a).std(correction=0).numpy()


def dot_truth(p):
    s = math.sqrt(p["n"] / 18.0 + 1 / 12.0)
    return s, max(0.02, 2.5 / math.sqrt(p["n"])) * s


@work("dot_std_ooc", ALL, n=10000, scaled={"n": 0.5}, truth=dot_truth)
def dot_std_ooc(P, p):
    """The same with a = rand(n, n) drawn inside: the one to run under --memory-limit."""
    xp = P.xp
    expr = _dot_expr(xp)
    return lambda: P.scalar(lambda: expr(P.rand(p.n, p.n)))


@also("dot_std_ooc", "torch")
def dot_std_ooc_torch(P, p):
    def run():
        a = P.rand(p.n, p.n)
        return (a @ a.T - a).std(correction=0).numpy()
    return run


# ------------------------------------------------------------------ tall-skinny SVD


@functools.lru_cache(maxsize=2)
def _svd_input(m, k):
    return np.random.default_rng(7).standard_normal((m, k))


def _svd_finish(v):
    ok, s = v
    return {"close": {"value": float(bool(np.asarray(ok)))}, "s": Peer_fp(np.sort(np.asarray(s, dtype=float))[::-1])}


def Peer_fp(a):
    from .peers import Peer

    return Peer({}).fingerprint(np.asarray(a))


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


# ------------------------------------------------------------------ reductions


def _reduction(op, axis):
    tag = "red_%s_%s" % (op, "all" if axis is None else axis)

    def fn(P, p):
        x = P.native(data(p.n, p.n))
        f = getattr(P.xp, op)
        if P.name == "torch" and op == "var":
            def expr(v):
                return f(v, dim=axis, correction=0) if axis is not None else f(v, correction=0)
        elif P.name == "torch" and op == "max":
            def expr(v):
                return v.amax(dim=axis) if axis is not None else v.max()
        elif axis is None:
            def expr(v):
                return f(v)
        else:
            def expr(v):
                return f(v, axis=axis)
        return lambda: P.scalar(expr, x)
    fn.__doc__ = "%s of an n x n array, axis %s" % (op, axis)
    work(tag, ALL, n=10000, scaled={"n": 0.5})(fn)

    def threads(P, p):
        x = data(p.n, p.n)
        f = getattr(np, op)
        size = max(1, p.n // (8 * P.threads))
        cuts = [(i, min(i + size, p.n)) for i in range(0, p.n, size)]
        if axis == 1:
            return lambda: np.concatenate(P.map(lambda b: f(x[b[0]:b[1]], axis=1), cuts))
        if axis == 0:
            return lambda: np.concatenate(P.map(lambda b: f(x[:, b[0]:b[1]], axis=0), cuts))
        raise NotImplementedError("by hand")
    if axis is not None:
        also(tag, "npthreads")(threads)


for _op in ("sum", "mean", "var", "max", "argmax"):
    for _axis in (0, 1, None):
        _reduction(_op, _axis)


# ------------------------------------------------------------------ movement


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


# ---- selection: what reads or orders elements by value or position, kept ----

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


# ------------------------------------------------------------------ linear algebra


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
        return Peer_fp(np.diag(r))
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


# ------------------------------------------------------------------ sparse


@work("sparse_eye", ("numpy",), n=1_000_000, tol=1e-12)
def sparse_eye(P, p):
    """a = eye(n, sparse); (a * 2 + a).sum(axis=1): creation included (NumPy's column: scipy.sparse)."""
    import scipy.sparse as sp

    def run():
        a = sp.eye_array(p.n, format="csr") if hasattr(sp, "eye_array") else sp.eye(p.n, format="csr")
        return np.asarray((a * 2 + a).sum(axis=1)).ravel()
    return run


@also("sparse_eye", "mars", "pymars")
def sparse_eye_mars(P, p):
    def expr():
        a = P.xp.eye(p.n, sparse=True)
        return (a * 2 + a).sum(axis=1)

    def run():
        v = P.fetch(P.run(expr()))
        v = v.toarray() if hasattr(v, "toarray") else v
        return np.asarray(v).ravel()
    return run


def _csr(n, per):
    import scipy.sparse as sp

    rng = np.random.default_rng(5)
    return sp.csr_matrix((rng.random(n * per), rng.integers(0, n, n * per), np.arange(0, n * per + 1, per)),
                         shape=(n, n))


@work("sparse_dense", ("numpy",), n=1_000_000, per=10, m=8, tol=1e-11)
def sparse_dense(P, p):
    """csr (n x n, `per` entries a row) @ dense (n x m)."""
    a, b = _csr(p.n, p.per), data(p.n, p.m)
    return lambda: a @ b


@also("sparse_dense", "torch")
def sparse_dense_torch(P, p):
    t, a = P.torch, _csr(p.n, p.per)
    s = t.sparse_csr_tensor(t.from_numpy(a.indptr.astype(np.int64)), t.from_numpy(a.indices.astype(np.int64)),
                            t.from_numpy(a.data), size=a.shape)
    b = t.from_numpy(data(p.n, p.m))
    return lambda: s @ b


@also("sparse_dense", "mars", "pymars")
def sparse_dense_mars(P, p):
    a, b = P.xp.tensor(_csr(p.n, p.per)), P.native(data(p.n, p.m))

    def run():
        v = P.fetch(P.run(a.dot(b)))
        return np.asarray(v.toarray() if hasattr(v, "toarray") else v)
    return run


# ------------------------------------------------------------------ random numbers


def _random(name, draw, mean, sd, n):
    def fn(P, p):
        return lambda: P.call(lambda: draw(P, (p.n,)))

    def stats(P, p):
        run = fn(P, p)

        def finish(v):
            s = np.asarray(P.sample(v), dtype=float)
            assert tuple(int(k) for k in v.shape) == (p.n,)
            return {"value": float(s.mean())}
        return run, finish
    stats.__doc__ = "n random numbers (%s), kept" % name
    # A sample of about 4000 is looked at.
    work(name, ALL, n=n, truth=lambda p: (mean, 8 * sd / math.sqrt(min(p["n"], 3000))))(stats)


_random("rng_uniform", lambda P, s: P.rand(*s), 0.5, 0.2887, 100_000_000)
_random("rng_normal", lambda P, s: P.normal(s), 0.0, 1.0, 100_000_000)
_random("rng_exponential", lambda P, s: P.exponential(s), 1.0, 1.0, 100_000_000)
_random("rng_integers", lambda P, s: P.integers(0, 1000, s), 499.5, 288.7, 100_000_000)


# ------------------------------------------------------------------ overheads


@work("small_graphs", ALL, count=1000)
def small_graphs(P, p):
    """`count` separate graphs of (ones(10, 10) * i + 1).sum(), one after another."""
    base = P.native(np.ones((10, 10)))
    xp = P.xp

    def run():
        total = 0.0
        for i in range(p.count):
            total += float(P.scalar(lambda b: xp.sum(b + 1), base))
        return total
    return run, lambda v: {"value": float(v)}


@also("small_graphs", "pymars", "xorbits", "cubed", "daskdist")
def small_graphs_slow(P, p):
    """Engines that take long per graph do a tenth, and the time is multiplied by ten."""
    base = P.native(np.ones((10, 10)))
    xp = P.xp
    count = max(1, p.count // 10)

    def run():
        total = 0.0
        for i in range(count):
            total += float(P.scalar(lambda b: xp.sum(b + 1), base))
        return total * (p.count / count)
    run.weight = p.count / count  # as if all had been done
    return run, lambda v: {"value": float(v)}


@work("many_chunks", ("numpy",), chunks=100_000)
def many_chunks(P, p):
    """(ones(10 * chunks, chunk_size=10) + 1).sum(): time per task.  NumPy: the loop by hand."""
    def run():
        total = 0.0
        for _ in range(p.chunks):
            total += (np.ones(10) + 1).sum()
        return total
    return run


@also("many_chunks", "dask", "daskdist")
def many_chunks_dask(P, p):
    return lambda: P.scalar(lambda: (P.xp.ones(10 * p.chunks, chunks=10) + 1).sum())


@also("many_chunks", "cubed")
def many_chunks_cubed(P, p):
    return lambda: P.scalar(lambda: P.xp.sum(P.xp.ones(10 * p.chunks, chunks=10, spec=P.spec) + 1))


@also("many_chunks", "mars", "pymars")
def many_chunks_mars(P, p):
    return lambda: P.scalar(lambda: (P.xp.ones(10 * p.chunks, chunk_size=10) + 1).sum())


@also("many_chunks", "ray")
def many_chunks_ray(P, p):
    f = P.ray.remote(num_cpus=1)(lambda: (np.ones(10) + 1).sum())
    return lambda: np.float64(sum(P.ray.get([f.remote() for _ in range(p.chunks)])))


# ------------------------------------------------------------------ Monte Carlo pi, larger than memory


def _pi_big_naive(P, p):
    """As mc_pi, for sizes where blocked NumPy is the reference: naive NumPy needs some 40 bytes a point."""
    room = P.memory_limit or int(0.8 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    if P.name in EAGER + ("numexpr",) and P.name != "jax" and 40 * p.n > room:
        raise NotImplementedError("needs about %d MiB" % (40 * p.n >> 20))
    return lookup("mc_pi", P.name)(P, p)


work("mc_pi_big", ALL + ("numexpr", "numba", "ray"), n=100_000_000, truth=pi_truth)(_pi_big_naive)

PI_BLOCK = 1 << 16  # points; their 1 MiB stays in the L2 cache


@also("mc_pi_big", "nploop")
def mc_pi_big_loop(P, p):
    """NumPy, one thread, block by block."""
    rng = P.rng()

    def run():
        return sum(_pi_block(rng, min(PI_BLOCK, p.n - i)) for i in range(0, p.n, PI_BLOCK))
    return run, pi_finish(p.n)


@also("mc_pi_big", "npthreads")
def mc_pi_big_threads(P, p):
    """NumPy, block by block in a thread pool, one generator per thread."""
    count = -(-p.n // PI_BLOCK)
    cuts = [count * i // P.threads for i in range(P.threads + 1)]
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(12345).spawn(P.threads)]

    def one(i):
        return sum(_pi_block(rngs[i], min(PI_BLOCK, p.n - b * PI_BLOCK)) for b in range(cuts[i], cuts[i + 1]))
    return (lambda: sum(P.pool.map(one, range(P.threads)))), pi_finish(p.n)


# ------------------------------------------------------------------ more elementwise, resident inputs


WIDE = EAGER + ("dask", "daskdist") + MARS


def _njit(P, source, fast=False):
    """Compiles `def kernel(...)` given as text, with parallel loops."""
    scope = {"np": np, "math": math, "prange": P.nb.prange}
    exec(source, scope)
    return P.nb.njit(parallel=True, fastmath=fast)(scope["kernel"])


def _variants(name, inputs, numexpr=None, numba=None, fast=True, numpy=None, consts=None):
    """The usual other idioms: numexpr (an expression of x0, x1, ...), numba (the source of a kernel)
    and npthreads (a NumPy function of blocks, whose results are summed)."""
    def names(P, p):
        return {"x%d" % i: v for i, v in enumerate(inputs(p))}

    if numexpr:
        def ne(P, p):
            local = dict(names(P, p), **(consts or {}))
            return lambda: P.ne.evaluate(numexpr, local)
        also(name, "numexpr")(ne)
    if numba:
        def nb(P, p):
            kernel, args = _njit(P, numba, fast), inputs(p)
            return lambda: kernel(*args)
        also(name, "numba")(nb)
    if numpy:
        def threads(P, p):
            args = inputs(p)
            cuts = P.blocks(len(args[0]))
            return lambda: np.int64(sum(P.map(lambda b: numpy(*[v[b[0]:b[1]] for v in args]), cuts)))
        also(name, "npthreads")(threads)


def _two(p):
    return data(p.n), data(p.n, seed=8)


@work("count_inside", WIDE, n=50_000_000, tol=1e-6)
def count_inside(P, p):
    """(sqrt(a * a + b * b) < 1).sum(), a and b in memory."""
    xp = P.xp
    a, b = (P.native(v) for v in _two(p))
    return lambda: P.scalar(lambda a, b: xp.sum(xp.sqrt(a * a + b * b) < 1), a, b)


_variants("count_inside", _two, "sum(where(sqrt(x0 * x0 + x1 * x1) < 1, 1, 0))", """
def kernel(a, b):
    s = 0
    for i in prange(a.size):
        s += math.sqrt(a[i] * a[i] + b[i] * b[i]) < 1.0
    return s
""", numpy=lambda a, b: np.count_nonzero(np.sqrt(a * a + b * b) < 1))


@functools.lru_cache(maxsize=1)
def _mixed(p_n):
    """int32, float32 and bool; the floats are multiples of 1/1024, so that each product is exact in float32 too."""
    rng = np.random.default_rng(13)
    return (rng.integers(0, 10, p_n, dtype=np.int32), (rng.integers(0, 4096, p_n) / 1024).astype(np.float32),
            rng.random(p_n) < 0.5)


@work("mixed", WIDE, n=50_000_000)
def mixed(P, p):
    """((int32 * float32 > 3) & bool).sum(), in memory."""
    xp = P.xp
    i, f, b = (P.native(v) for v in _mixed(p.n))
    return lambda: P.scalar(lambda i, f, b: xp.sum((i * f > 3) & b), i, f, b)


_variants("mixed", lambda p: _mixed(p.n), "sum(where((x0 * x1 > 3) & x2, 1, 0))", """
def kernel(a, f, b):
    s = 0
    for i in prange(a.size):
        s += (a[i] * f[i] > 3) & b[i]
    return s
""", numpy=lambda i, f, b: np.count_nonzero((i * f > 3) & b))


@functools.lru_cache(maxsize=1)
def _single(n):
    return data(n).astype(np.float32)


def _typed_finish(P):
    """The fingerprint with the type's name: an engine that widens is told apart."""
    def finish(v):
        return {"type": {"value": str(v.dtype).rpartition(".")[2]}, "array": P.fingerprint(v)}
    return finish


@work("f32_chain", WIDE, n=100_000_000, tol=2e-6)
def f32_chain(P, p):
    """The ten operations of chain10 in float32, kept (and the result must be float32)."""
    x, fn = P.native(_single(p.n)), _chain(P.xp)
    return (lambda: P.call(fn, x)), _typed_finish(P)


@also("f32_chain", "numexpr")
def f32_chain_numexpr(P, p):
    consts = {"c%d" % i: np.float32(v) for i, v in enumerate((1.0, 2.0, 0.5, 3.0, 0.1))}
    local = dict(consts, x=_single(p.n))
    text = "(abs(sqrt((((x + c0) * c1 - c2) / c3) ** 2)) * x + x) * c4"
    return (lambda: P.ne.evaluate(text, local)), _typed_finish(P)


@also("f32_chain", "numba")
def f32_chain_numba(P, p):
    x = _single(p.n)
    kernel = _njit(P, """
def kernel(x):
    out = np.empty_like(x)
    one, two, half, three, tenth = np.float32(1), np.float32(2), np.float32(0.5), np.float32(3), np.float32(0.1)
    for i in prange(x.size):
        v = x[i]
        t = ((v + one) * two - half) / three
        out[i] = (abs(math.sqrt(t * t)) * v + v) * tenth
    return out
""")
    return (lambda: kernel(x)), _typed_finish(P)


@also("f32_chain", "npthreads")
def f32_chain_threads(P, p):
    x, fn = _single(p.n), _chain(np)

    def run():
        out = np.empty_like(x)

        def one(b):
            out[b[0]:b[1]] = fn(x[b[0]:b[1]])
        P.map(one, P.blocks(p.n))
        return out
    return run, _typed_finish(P)


@work("strided", WIDE + ("cubed",), n=100_000_000)
def strided(P, p):
    """a[::2] * 2, kept."""
    a = P.native(data(p.n))
    return lambda: P.call(lambda a: a[::2] * 2, a)


_variants("strided", lambda p: (data(p.n)[::2],), "x0 * 2", """
def kernel(a):
    out = np.empty(a.size)
    for i in prange(a.size):
        out[i] = a[i] * 2
    return out
""")


@also("strided", "npthreads")
def strided_threads(P, p):
    a = data(p.n)[::2]

    def run():
        out = np.empty(a.size)
        P.map(lambda b: np.multiply(a[b[0]:b[1]], 2, out=out[b[0]:b[1]]), P.blocks(a.size))
        return out
    return run


def _broadcast(name, shape, index, doc):
    def inputs(p):
        return data(p.n, p.n), data(p.n, seed=8).reshape(shape)

    def fn(P, p):
        m, v = (P.native(x) for x in inputs(p))
        return lambda: P.call(lambda m, v: m + v, m, v)
    fn.__doc__ = doc
    work(name, WIDE + ("cubed",), n=10000, scaled={"n": 0.5})(fn)
    _variants(name, inputs, "x0 + x1", """
def kernel(m, v):
    out = np.empty_like(m)
    for i in prange(m.shape[0]):
        for j in range(m.shape[1]):
            out[i, j] = m[i, j] + v[%s]
    return out
""" % index)

    def threads(P, p):
        m, v = inputs(p)
        rows = max(1, (1 << 16) // p.n)

        def run():
            out = np.empty_like(m)

            def one(b):
                s = slice(*b)
                np.add(m[s], v if v.shape[0] == 1 else v[s], out=out[s])
            P.map(one, P.blocks(p.n, rows))
            return out
        return run
    also(name, "npthreads")(threads)


_broadcast("bcast_row", (1, -1), "0, j", "matrix + row, kept")
_broadcast("bcast_col", (-1, 1), "i, 0", "matrix + column, kept")


# ------------------------------------------------------------------ files
# The file is in the page cache (it was just written, and the cache cannot be dropped here):
# these time the reading of a warm file, not a disk.


@work("npy_stats", WIDE, r=1_000_000, c=64, tol=1e-9)
def npy_stats(P, p):
    """Means and standard deviations of the columns of a .npy file; opening and reading are timed (warm page cache)."""
    xp, path = P.xp, npy_file(P, p.r, p.c)

    def both(x):
        if P.name == "torch":
            return xp.mean(x, dim=0), xp.std(x, dim=0, correction=0)
        return xp.mean(x, axis=0), xp.std(x, axis=0)

    def run():
        return np.stack([P.to_numpy(v) for v in P.call(both, P.load_npy(path))])
    return run


def _moments(x):
    m = x.mean(axis=0)
    d = x - m
    return len(x), m, np.einsum("ij,ij->j", d, d)


def _combine(parts):
    """(count, mean, sum of squared deviations) of all, from those of the parts."""
    n, m, s = parts[0]
    for k, m2, s2 in parts[1:]:
        d = m2 - m
        s = s + s2 + d * d * (n * k / (n + k))
        m = m + d * (k / (n + k))
        n += k
    return n, m, s


@also("npy_stats", "nploop", "npthreads")
def npy_stats_blocks(P, p):
    """NumPy by hand: blocks of rows of the mapped file."""
    path = npy_file(P, p.r, p.c)
    rows = max(1, (1 << 16) // p.c)
    each = P.map if P.name == "npthreads" else (lambda fn, items: [fn(i) for i in items])

    def run():
        x = np.load(path, mmap_mode="r")
        n, m, s = _combine(each(lambda i: _moments(np.array(x[i:i + rows])), range(0, p.r, rows)))
        return np.stack([m, np.sqrt(s / n)])
    return run


@also("npy_stats", "numba")
def npy_stats_numba(P, p):
    path = npy_file(P, p.r, p.c)
    kernel = _njit(P, """
def kernel(x, blocks):
    r, c = x.shape
    s, q = np.zeros((blocks, c)), np.zeros((blocks, c))
    for b in prange(blocks):
        for i in range(r * b // blocks, r * (b + 1) // blocks):
            for j in range(c):
                v = x[i, j]
                s[b, j] += v
                q[b, j] += v * v
    return s, q
""", fast=True)

    def run():
        s, q = kernel(np.load(path, mmap_mode="r"), 4 * P.threads)
        m = s.sum(axis=0) / p.r
        return np.stack([m, np.sqrt(q.sum(axis=0) / p.r - m * m)])
    return run


@also("npy_stats", "numexpr")
def npy_stats_numexpr(P, p):
    path = npy_file(P, p.r, p.c)

    def run():
        x = np.load(path, mmap_mode="r")
        m = P.ne.evaluate("sum(x, axis=0)", {"x": x}) / p.r
        return np.stack([m, np.sqrt(P.ne.evaluate("sum((x - m) ** 2, axis=0)", {"x": x, "m": m}) / p.r)])
    return run


def dot_std_file(P, p):
    """(a.dot(a.T) - a).std(), a in a .npy file written by NumPy (warm page cache)."""
    path = npy_file(P, p.n, p.n)
    if P.name == "torch":
        def run():
            a = P.load_npy(path)
            return (a @ a.T - a).std(correction=0).numpy()
        return run
    expr = _dot_expr(P.xp)
    return lambda: P.scalar(expr, P.load_npy(path))


def dot_std_file_blocks(P, p):
    """NumPy by hand: blocks of rows read from the file, multiplied pair by pair; nothing n x n is held."""
    path = npy_file(P, p.n, p.n)
    room = P.memory_limit or 1 << 30
    rows = max(1, min(p.n, 2048))
    while rows > 64 and 8 * (2 * rows * p.n + 3 * rows * rows) > room // 2:
        rows //= 2

    def run():
        with open(path, "rb") as f:
            np.lib.format.read_magic(f)
            np.lib.format.read_array_header_1_0(f)
            start = f.tell()

        def read(i):
            k = min(rows, p.n - i)
            return np.fromfile(path, np.float64, k * p.n, offset=start + 8 * i * p.n).reshape(k, p.n)
        parts = []
        for i in range(0, p.n, rows):
            a = read(i)
            for j in range(0, p.n, rows):
                b = a if i == j else read(j)
                t = a @ b.T
                t -= a[:, j:j + rows]
                m = t.mean()
                t -= m
                parts.append((t.size, m, np.vdot(t, t)))
        n, _, s = _combine(parts)
        return np.float64(math.sqrt(s / n))
    return run


for _name, _more in (("dot_std_file", {"n": 5000}), ("dot_std_file_limit", {"n": 10000, "limit_mib": 1024})):
    work(_name, WIDE, scaled={"n": 0.5, "limit_mib": 1.0}, tol=1e-9, **_more)(dot_std_file)
    also(_name, "nploop")(dot_std_file_blocks)


def sort_file(P, p):
    """The contents of a .npy file (warm page cache), sorted and kept; every thousandth element comes to NumPy."""
    path = npy_file(P, p.n)
    before = P.session.statistics()["spilled_bytes"] if P.name == "mars" else 0

    def finish(v):
        spilled = P.session.statistics()["spilled_bytes"] - before if P.name == "mars" else 0
        return {"value": float(v.sum()), "spilled": spilled}
    return (lambda: P.to_numpy(P.call(lambda x: P.xp.sort(x), P.load_npy(path))[::1000])), finish


for _name, _more in (("sort_file", {}), ("sort_file_limit", {"limit_mib": 256})):
    work(_name, ("numpy", "mars"), scaled={"n": 1.0, "limit_mib": 1.0}, tol=1e-9, n=100_000_000, **_more)(sort_file)


# ------------------------------------------------------------------ more overheads


def _tiny_truth(p):
    done = max(1, p["count"] // 10)  # what the slow engines do
    return 1.5, 6 * math.sqrt(1 / 1200.0) / math.sqrt(done)


def _tiny(P, p, one):
    """`run` for `count` graphs (a tenth for engines that are slow per graph), reported per graph."""
    count = max(1, p.count // 10) if P.name in ("pymars", "xorbits", "cubed", "daskdist") else p.count

    def run():
        total = 0.0
        for _ in range(count):
            total += float(one())
        return total
    run.weight = 1.0 / count
    return run, lambda v: {"value": float(v) / (100 * count)}


@work("tiny_rand", ALL, count=1000, truth=_tiny_truth)
def tiny_rand(P, p):
    """(rand(10, 10) + 1).sum(): built, run and fetched; time per graph."""
    xp = P.xp
    if P.name in ("numpy", "dask", "daskdist"):  # one generator: a new one per graph would give the same numbers
        rng = P.rng()
        return _tiny(P, p, lambda: P.scalar(lambda: (rng.random((10, 10)) + 1).sum()))
    return _tiny(P, p, lambda: P.scalar(lambda: xp.sum(P.rand(10, 10) + 1)))


@also("tiny_rand", "numexpr")
def tiny_rand_numexpr(P, p):
    rng = P.rng()
    return _tiny(P, p, lambda: P.ne.evaluate("sum(a + 1)", {"a": rng.random((10, 10))}))


@also("tiny_rand", "numba")
def tiny_rand_numba(P, p):
    @P.nb.njit
    def kernel():
        return (np.random.rand(10, 10) + 1).sum()
    return _tiny(P, p, kernel)


@work("many_chunks_tree", ("dask", "daskdist", "mars", "pymars"), truth=lambda p: (1.0, 0.0), chunks=100_000, size=10)
def many_chunks_tree(P, p):
    """(a + b).sum() as a tree, a and b in memory in pinned chunks of `size`; time per chunk."""
    xp = P.xp
    chunks = max(1, p.chunks // 10) if P.name in ("daskdist", "pymars") else p.chunks  # slow: a tenth
    n = chunks * p.size
    a, b = (P.native(data(n, seed=s), chunks=p.size) for s in (7, 8))
    for v in (a, b):  # Mars: reading nsplits pins them
        splits = v.nsplits if hasattr(v, "nsplits") else v.chunks
        if len(splits[0]) != chunks:
            raise RuntimeError("%d chunks, not %d" % (len(splits[0]), chunks))

    def run():
        return P.scalar(lambda a, b: xp.sum(a + b), a, b)
    run.weight = 1.0 / chunks
    truth = float((data(n, seed=7) + data(n, seed=8)).sum())
    return run, lambda v: {"value": float(abs(float(np.asarray(v)) - truth) <= 1e-9 * truth)}


@also("many_chunks_tree", "nploop")
def many_chunks_tree_loop(P, p):
    """NumPy by hand, one small addition per chunk."""
    a, b = data(p.chunks * p.size, seed=7), data(p.chunks * p.size, seed=8)

    def run():
        return sum((a[i:i + p.size] + b[i:i + p.size]).sum() for i in range(0, a.size, p.size))
    run.weight = 1.0 / p.chunks
    truth = float((a + b).sum())
    return run, lambda v: {"value": float(abs(float(v) - truth) <= 1e-9 * truth)}


_SHORT = {  # what to import, and a first tiny result `r`
    "numpy": ("import numpy as np", "r = (np.random.rand(10, 10) + 1).sum()"),
    "numexpr": ("import numexpr as ne, numpy as np", "r = ne.evaluate('sum(a + 1)', {'a': np.random.rand(10, 10)})"),
    "numba": ("import numba as nb, numpy as np", "r = nb.njit(lambda: (np.random.rand(10, 10) + 1).sum())()"),
    "dask": ("import dask.array as da", "r = (da.random.random((10, 10)) + 1).sum().compute()"),
    "jax": ("import jax, jax.numpy as jnp", "r = (jax.random.uniform(jax.random.key(0), (10, 10)) + 1).sum()"),
    "torch": ("import torch", "r = (torch.rand(10, 10) + 1).sum()"),
    "mlx": ("import mlx.core as mx", "mx.set_default_device(mx.cpu); r = (mx.random.uniform(shape=(10, 10)) + 1).sum()"),
    "mars": ("import mars, mars.tensor as mt", "t = (mt.random.rand(10, 10) + 1).sum(); t.execute(); r = t.fetch()"),
    "pymars": ("import mars, mars.tensor as mt", "mars.new_session(web=False); t = (mt.random.rand(10, 10) + 1).sum(); "
               "t.execute(show_progress=False); r = t.fetch(); mars.stop_server()"),
}


def _startup(P, p, code, finish):
    def one(text):
        c0 = resource.getrusage(resource.RUSAGE_CHILDREN)
        t0 = time.perf_counter()
        out = subprocess.run([sys.executable, "-c", text], stdout=subprocess.PIPE, check=True).stdout
        wall = time.perf_counter() - t0
        c1 = resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, c1.ru_utime + c1.ru_stime - c0.ru_utime - c0.ru_stime, out.decode()

    def run():
        pairs = [(one("import numpy"), one(code)) for _ in range(p.pairs)]
        run.timing = tuple(statistics.median(b[k] - a[k] for a, b in pairs) for k in (0, 1))
        return pairs[-1][1][2].strip()
    return run, finish


@work("startup_import", tuple(_SHORT), absolute=True, pairs=5)
def startup_import(P, p):
    """Wall time of a process that imports the engine, minus that of one that imports numpy (median of pairs)."""
    return _startup(P, p, _SHORT[P.name][0], lambda v: {"skipped": 1})


@work("startup", tuple(_SHORT), absolute=True, truth=lambda p: (150.0, 18.0), pairs=5)
def startup(P, p):
    """The same for a process that also makes a first tiny result, (rand(10, 10) + 1).sum()."""
    return _startup(P, p, "%s\n%s\nprint(float(r), flush=True)" % _SHORT[P.name],
                    lambda v: {"value": float(v.split()[-1])})


# ------------------------------------------------------------------ rows of ../figures.py that nothing above covers


@work("add1mul2_fetch", ("numpy", "numexpr", "mars", "jax", "dask"), n=100_000_000)
def add1mul2_fetch(P, p):
    """(x + 1) * 2 brought to NumPy: the result and its transfer."""
    if P.name == "numexpr":
        x = data(p.n)
        return lambda: P.ne.evaluate("(x + 1) * 2", {"x": x})
    x = P.native(data(p.n))
    return lambda: P.to_numpy(P.call(lambda x: (x + 1) * 2, x))


@work("many_chunks_transposed", ("dask", "mars"), truth=lambda p: (1.0, 0.0), scaled={"side": 0.5}, side=316, size=10)
def many_chunks_transposed(P, p):
    """(a.T + b).sum(), a and b in memory in side x side pinned chunks of size x size; time per chunk.  Mars must count its tasks."""
    n, count = p.side * p.size, p.side * p.side
    a, b = (P.native(data(n, n, seed=s), chunks=(p.size, p.size)) for s in (7, 8))
    for v in (a, b):  # Mars: reading nsplits pins them
        splits = v.nsplits if hasattr(v, "nsplits") else v.chunks
        if len(splits[0]) * len(splits[1]) != count:
            raise RuntimeError("%d x %d chunks, not %d" % (len(splits[0]), len(splits[1]), count))
    session = getattr(P, "session", None)

    def run():
        before = session.statistics()["tasks"] if session else 0
        value = P.scalar(lambda a, b: P.xp.sum(a.T + b), a, b)
        if session and session.statistics()["tasks"] - before < count:
            raise RuntimeError("%d tasks for %d chunks: they were merged" % (session.statistics()["tasks"] - before, count))
        return value
    run.weight = 1.0 / count
    truth = float((data(n, n, seed=7).T + data(n, n, seed=8)).sum())
    return run, lambda v: {"value": float(abs(float(np.asarray(v)) - truth) <= 1e-9 * truth)}


@work("eager_add", ("numpy", "jax", "mlx", "torch", "mars"), scaled={"count": 0.0}, n=1000, count=2000)
def eager_add(P, p):
    """a + b of n numbers, each result made at once; time per addition.  With count=1, `cold` is the first one."""
    a, b = P.native(data(p.n)), P.native(data(p.n, seed=8))
    if P.name == "mars":
        P.mars.options.eager_mode = True

    def one():
        return a + b
    if P.name == "jax":
        def one():  # noqa: F811
            return P.jax.block_until_ready(a + b)
    elif P.name == "mlx":
        def one():  # noqa: F811
            r = a + b
            P.mx.eval(r)
            return r

    def run():
        for _ in range(p.count):
            r = one()
        return r
    run.weight = 1.0 / p.count
    return run


@work("dot_two_consumers", ("mars",), scaled={"n": 0.5, "limit_mib": 1.0}, truth=dot_truth, n=12000, limit_mib=1024)
def dot_two_consumers(P, p):
    """s = (p - a).std(), then a count of p - a > n / 4 + s, with p = a.dot(a.T): p is larger than the limit and is needed twice."""
    path = npy_file(P, p.n, p.n)

    def run():
        a = P.load_npy(path)
        before = P.session.statistics()["spilled_bytes"]
        difference = a.dot(a.T) - a
        s = difference.std()
        above = (difference > s + p.n / 4).sum()  # a product's elements are near n / 4
        s, above = (float(np.asarray(P.fetch(v))) for v in P.call(lambda: (s, above)))
        return s, above, P.session.statistics()["spilled_bytes"] - before

    def finish(v):
        assert 0 < v[1] < p.n * p.n, v
        return {"value": v[0], "spilled": v[2]}
    return run, finish


@work("store_overhead", ("mars",), scaled={"n": 0.5}, n=5000)
def store_overhead(P, p):
    """(a.dot(a.T) - a).std() and then x = (x + 1) * 2 in chunks, all in memory: share of the workers' time between tasks, in percent."""
    path = npy_file(P, p.n, p.n)

    def run():
        before = P.session.statistics()
        a = P.load_npy(path)
        P.scalar(_dot_expr(P.xp), a)
        for _ in range(4):
            P.run((P.xp.load(path) + 1) * 2)
        after = P.session.statistics()
        between, within = (after[k] - before[k] for k in ("dispatch_nanoseconds", "task_nanoseconds"))
        assert after["spilled_bytes"] == before["spilled_bytes"]
        return 100 * between / (between + within)

    return run, lambda v: {"value": v}


# ------------------------------------------------------------------ data frames


FRAMES = ("pandas", "modin", "daskdf", "xorbitsdf")


def _cols(n, k):
    rng = np.random.default_rng(11)
    return {"key": rng.integers(0, k, n), "a": rng.random(n), "b": rng.integers(0, 1000, n)}


def _dims(k):
    return {"key": np.arange(k), "w": np.random.default_rng(12).random(k)}


def _frame_finish(P, cols, by=None):
    def finish(v):
        t = P.table(v)
        if by:
            t = t.sort_values(by)
        return {c: Peer_fp(t[c].to_numpy().astype(float)) for c in cols}
    return finish


def _result(P, df):
    """Forces a frame; dask's is computed into pandas, the others keep their own."""
    if P.name == "daskdf":
        return df.compute()
    if P.name == "xorbitsdf":
        return P.run(df)
    if P.name == "modin":
        df._query_compiler.execute() if hasattr(df, "_query_compiler") else None
    return df


@work("df_groupby", FRAMES, n=10_000_000, k=10_000, group="frame", tol=1e-9)
def df_groupby(P, p):
    """groupby('key').agg(sum a, mean a, max b)."""
    df = P.frame(_cols(p.n, p.k))

    def run():
        g = df.groupby("key").agg({"a": "sum", "b": "max"}).reset_index()
        return _result(P, g)

    def finish(v):
        t = v if P.name == "daskdf" else P.table(v)
        t = t.sort_values("key")
        return {c: Peer_fp(t[c].to_numpy().astype(float)) for c in ("key", "a", "b")}
    return run, finish


@also("df_groupby", "polars")
def df_groupby_polars(P, p):
    pl, df = P.pl, P.frame(_cols(p.n, p.k))
    return (lambda: df.lazy().group_by("key").agg(pl.col("a").sum(), pl.col("b").max()).collect()), \
        _frame_finish(P, ("key", "a", "b"), "key")


@also("df_groupby", "duckdb")
def df_groupby_duckdb(P, p):
    t = P.frame(_cols(p.n, p.k))
    return (lambda: P.con.execute("SELECT key, sum(a) a, max(b) b FROM %s GROUP BY key" % t).df()), \
        _frame_finish(P, ("key", "a", "b"), "key")


@work("df_merge", FRAMES, n=10_000_000, k=100_000, group="frame", tol=1e-9)
def df_merge(P, p):
    """merge of n rows with k on 'key', then sum(a * w)."""
    df, dim = P.frame(_cols(p.n, p.k)), P.frame(_dims(p.k))

    def run():
        m = df.merge(dim, on="key")
        s = (m["a"] * m["w"]).sum()
        if P.name == "daskdf":
            return float(s.compute())
        if P.name == "xorbitsdf":
            return float(P.fetch(P.run(s)))
        return float(s)
    return run


@also("df_merge", "polars")
def df_merge_polars(P, p):
    pl, df, dim = P.pl, P.frame(_cols(p.n, p.k)), P.frame(_dims(p.k))
    return lambda: float(df.lazy().join(dim.lazy(), on="key").select((pl.col("a") * pl.col("w")).sum())
                         .collect().item())


@also("df_merge", "duckdb")
def df_merge_duckdb(P, p):
    t, d = P.frame(_cols(p.n, p.k)), P.frame(_dims(p.k))
    return lambda: float(P.con.execute("SELECT sum(a * w) FROM %s JOIN %s USING (key)" % (t, d)).fetchone()[0])


@work("df_sort", FRAMES, n=10_000_000, k=10_000_000, group="frame", tol=1e-9)
def df_sort(P, p):
    """sort_values('a'), the whole frame."""
    df = P.frame(_cols(p.n, p.k))

    def run():
        return _result(P, df.sort_values("a"))

    def finish(v):
        t = v if P.name == "daskdf" else P.table(v)
        return {c: Peer_fp(t[c].to_numpy()[:: max(1, p.n // 1000)].astype(float)) for c in ("key", "a", "b")}
    return run, finish


@also("df_sort", "polars")
def df_sort_polars(P, p):
    df = P.frame(_cols(p.n, p.k))
    return (lambda: df.sort("a")), \
        (lambda v: {c: Peer_fp(v[c].to_numpy()[:: max(1, p.n // 1000)].astype(float)) for c in ("key", "a", "b")})


@also("df_sort", "duckdb")
def df_sort_duckdb(P, p):
    t = P.frame(_cols(p.n, p.k))
    return (lambda: P.con.execute("SELECT * FROM %s ORDER BY a" % t).fetchnumpy()), \
        (lambda v: {c: Peer_fp(np.asarray(v[c])[:: max(1, p.n // 1000)].astype(float)) for c in ("key", "a", "b")})


# ------------------------------------------------------------------ machine learning


@functools.lru_cache(maxsize=1)
def _ml(n, k):
    rng = np.random.default_rng(21)
    x = rng.standard_normal((n, k)) * np.linspace(3, 1, k)
    x[: n // 2, 0] += 12
    y = x @ np.arange(1, k + 1) + 3 + 0.01 * rng.standard_normal(n)
    return x, y


@work("ml_linreg", ("sklearn",), n=1_000_000, k=20, group="ml", tol=1e-6)
def ml_linreg(P, p):
    """LinearRegression().fit(x, y).coef_"""
    x, y = _ml(p.n, p.k)
    return lambda: np.asarray(P.sk.linear_model.LinearRegression().fit(x, y).coef_)


@work("ml_pca", ("sklearn",), n=1_000_000, k=20, q=5, group="ml", tol=1e-5)
def ml_pca(P, p):
    """PCA(q, full SVD).fit(x).explained_variance_"""
    x, _ = _ml(p.n, p.k)
    return lambda: np.asarray(P.sk.decomposition.PCA(p.q, svd_solver="full").fit(x).explained_variance_)


@work("ml_kmeans", ("sklearn",), n=1_000_000, k=20, group="ml", tol=1e-2)
def ml_kmeans(P, p):
    """KMeans(2, 20 iterations) on two separated blobs; inertia per point."""
    x, _ = _ml(p.n, p.k)
    return lambda: float(P.sk.cluster.KMeans(2, n_init=1, max_iter=20, random_state=0).fit(x).inertia_ / p.n)


def _learn(P):
    if P.name == "xorbits":
        import xorbits.sklearn.cluster as c
        import xorbits.sklearn.decomposition as d
        import xorbits.sklearn.linear_model as l
    else:
        import importlib

        c = importlib.import_module("mars.learn.cluster")
        d = importlib.import_module("mars.learn.decomposition")
        l = importlib.import_module("mars.learn.linear_model")
    return c, d, l


@also("ml_linreg", *MARS)
def ml_linreg_mars(P, p):
    x, y = _ml(p.n, p.k)
    a, b = P.native(x), P.native(y)
    l = _learn(P)[2]
    return lambda: P.to_numpy(l.LinearRegression().fit(a, b).coef_)


@also("ml_pca", *MARS)
def ml_pca_mars(P, p):
    a = P.native(_ml(p.n, p.k)[0])
    d = _learn(P)[1]
    return lambda: P.to_numpy(d.PCA(p.q, svd_solver="full").fit(a).explained_variance_)


@also("ml_kmeans", *MARS)
def ml_kmeans_mars(P, p):
    a = P.native(_ml(p.n, p.k)[0])
    c = _learn(P)[0]
    return lambda: float(P.to_numpy(c.KMeans(2, n_init=1, max_iter=20, random_state=0).fit(a).inertia_)) / p.n


# ------------------------------------------------------------------ named sets

CORE = ("mc_pi", "mul2", "mul2_sum", "add1mul2", "add1mul2_sum", "chain10", "chain10_sum", "rowsum", "rowsum_big",
        "dot_std", "svd", "red_sum_0", "red_sum_1", "red_var_1", "red_argmax_0", "transpose_add", "mask_mean", "cumsum",
        "rng_normal", "small_graphs")

SETS = {
    "core": CORE,
    "article": ("mc_pi", "mul2", "add1mul2", "rowsum", "dot_std", "svd"),
    "elementwise": ("mul2", "mul2_sum", "add1mul2", "add1mul2_sum", "chain10", "chain10_sum", "f32_chain", "count_inside",
                    "mixed"),
    "reductions": tuple(k for k in WORKLOADS if k.startswith("red_")),
    "movement": ("transpose_add", "rechunk", "reshape_sum", "mask_mean", "cumsum", "sort", "unique", "strided",
                 "sel_mask", "sel_take", "sel_argsort", "sel_median", "sel_isin", "sel_searchsorted",
                 "bcast_row", "bcast_col"),
    "linalg": ("matmul", "cholesky", "solve", "inv", "qr", "qr_ts", "svd", "dot_std", "tensordot", "einsum"),
    "fft": ("fft", "fft2_batch"),
    "sparse": ("sparse_eye", "sparse_dense"),
    "random": ("rng_uniform", "rng_normal", "rng_exponential", "rng_integers"),
    "overhead": ("rowsum", "small_graphs", "tiny_rand", "many_chunks", "many_chunks_tree", "startup_import", "startup"),
    "files": ("npy_stats", "dot_std_file", "dot_std_file_limit", "sort_file", "sort_file_limit"),
    "frames": ("df_groupby", "df_merge", "df_sort"),
    "ml": ("ml_linreg", "ml_pca", "ml_kmeans"),
    "all": tuple(WORKLOADS),
}
