"""(a.dot(a.T) - a).std(), in memory and beyond."""
from __future__ import annotations

import math

import numpy as np

from .declaring import ALL, also, work
from .inputs import data, npy_file


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
