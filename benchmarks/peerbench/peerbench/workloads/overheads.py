"""What a call, a chunk and a process cost."""
from __future__ import annotations

import math
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

from .declaring import ALL, also, work
from .inputs import data, npy_file
from .products import _dot_expr


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
