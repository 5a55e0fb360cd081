"""Reductions, of what is drawn too."""
from __future__ import annotations

import math

import numpy as np

from .declaring import ALL, also, work
from .inputs import data


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


def _columns(op):
    def fn(P, p):
        x = P.native(data(p.r, p.c))
        f = getattr(P.xp, op)
        return lambda: P.scalar(lambda v: f(v, axis=0), x)
    fn.__doc__ = "%s of the columns of a tall table" % op
    work("columns_%s" % op, ALL, r=10**6, c=100, scaled={"r": 1})(fn)


for _op in ("sum", "std"):
    _columns(_op)
