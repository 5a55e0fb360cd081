"""Monte-Carlo pi, also larger than memory."""
from __future__ import annotations

import math
import os

import numpy as np

from .declaring import ALL, EAGER, also, lookup, work


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
