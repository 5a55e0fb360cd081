"""Element-wise work on resident arrays."""
from __future__ import annotations

import functools
import math

import numpy as np

from .declaring import ALL, EAGER, MARS, also, work
from .inputs import data


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


@work("add1mul2_fetch", ("numpy", "numexpr", "mars", "jax", "dask"), n=100_000_000)
def add1mul2_fetch(P, p):
    """(x + 1) * 2 brought to NumPy: the result and its transfer."""
    if P.name == "numexpr":
        x = data(p.n)
        return lambda: P.ne.evaluate("(x + 1) * 2", {"x": x})
    x = P.native(data(p.n))
    return lambda: P.to_numpy(P.call(lambda x: (x + 1) * 2, x))
