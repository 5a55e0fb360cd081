"""Data in .npy files.

A file is in the page cache (it was just written, and the cache cannot be dropped here): these time the reading of a warm file,
not a disk.
"""
from __future__ import annotations

import math

import numpy as np

from .declaring import also, work
from .elementwise import WIDE, _njit
from .inputs import npy_file
from .products import _dot_expr


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
