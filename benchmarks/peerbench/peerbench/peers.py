"""One adapter per engine.  An adapter hides how to start the engine, how to hand it
an array, how to force a result, and how to look at one; workloads/ holds the work.

TO ADD A PEER: write a class here (most engines need five short methods), put it in
PEERS, and, where its idiom differs from the generic one, a function in workloads/.

Our own engine is `Mars` below.  It assumes a package `mars` with `mars.tensor as mt`,
lazy tensors with `.execute()`, and `.fetch()` or `.to_numpy()`, and a `mars.new_session`
with `workers=`, `spill_dir=` and `memory_limit=`.  Everything that could differ is in that class.
"""
from __future__ import annotations

import importlib
import math
import os

import numpy as np


def _version(name):
    try:
        from importlib.metadata import version
    except ImportError:
        return "?"
    try:
        return version(name)
    except Exception:
        return getattr(importlib.import_module(name), "__version__", "?")


class Peer:
    """The NumPy way of doing everything; other engines override what differs."""

    name = "numpy"
    packages = ("numpy",)
    lazy = False
    kind = "array"

    def __init__(self, job):
        self.job = job
        self.memory_limit = job.get("memory_limit") or 0
        self.threads = job.get("threads") or os.cpu_count() or 1
        self.workdir = job.get("workdir") or "."

    # life cycle -----------------------------------------------------------------
    # A stop() is only for what must not be killed: the runner ends leftover processes.
    def load(self):
        self.xp = np

    def start(self):
        pass

    def stop(self):
        pass

    def versions(self):
        return {p: _version(p) for p in self.packages}

    # data -----------------------------------------------------------------------
    def native(self, x, chunks=None):
        """A NumPy array -> this engine's resident form.  Never timed."""
        return x

    def load_npy(self, path):
        """The array in a .npy file, opened the way the engine would.  Timed."""
        return np.load(path)

    def call(self, fn, *args):
        """Evaluate fn(*args); the result stays in the engine's own form."""
        return fn(*args)

    def scalar(self, fn, *args):
        """Evaluate fn(*args) and bring the (small) result to Python/NumPy."""
        return np.asarray(fn(*args))

    def to_numpy(self, value):
        return np.asarray(value)

    # random ---------------------------------------------------------------------
    def rng(self, seed=12345):
        return np.random.default_rng(seed)

    def rand(self, *shape):
        return self.rng().random(shape)

    def uniform(self, lo, hi, shape):
        return self.rng().uniform(lo, hi, shape)

    def normal(self, shape):
        return self.rng().standard_normal(shape)

    def exponential(self, shape):
        return self.rng().standard_exponential(shape)

    def integers(self, lo, hi, shape):
        return self.rng().integers(lo, hi, shape)

    # checks ---------------------------------------------------------------------
    def sample(self, value):
        """A strided sample of an array as NumPy, without fetching all of it."""
        shape = tuple(int(s) for s in value.shape)
        if math.prod(shape) <= 20000:
            return self.to_numpy(value)
        per = max(2, int(round(4000 ** (1.0 / len(shape)))))
        steps = tuple(slice(None, None, max(1, s // per)) for s in shape)
        return self.to_numpy(value[steps])

    def fingerprint(self, value):
        if isinstance(value, dict):
            return {k: self.fingerprint(v) for k, v in value.items()}
        if isinstance(value, (bool, int, float, str)):
            return {"value": value}
        if isinstance(value, (np.generic,)) or getattr(value, "shape", None) == ():
            return {"value": float(np.asarray(self.to_numpy(value)).astype(float))}
        shape = [int(s) for s in value.shape]
        s = np.asarray(self.sample(value))
        if s.dtype == bool:
            s = s.astype(np.int64)
        if np.iscomplexobj(s):
            s = np.stack([s.real, s.imag])
        flat = s.astype(np.float64).ravel()
        pick = flat[:: max(1, flat.size // 32)][:32]
        return {"shape": shape, "sum": float(flat.sum()), "l2": float(np.sqrt((flat * flat).sum())),
                "max": float(np.abs(flat).max()) if flat.size else 0.0, "samples": [float(v) for v in pick]}


class NumPy(Peer):
    pass


class NumExpr(Peer):
    name = "numexpr"
    packages = ("numpy", "numexpr")

    def load(self):
        import numexpr

        self.xp = np
        self.ne = numexpr
        numexpr.set_num_threads(self.threads)


class Numba(Peer):
    name = "numba"
    packages = ("numpy", "numba")

    def load(self):
        import numba

        self.xp = np
        self.nb = numba
        numba.set_num_threads(min(self.threads, numba.config.NUMBA_NUM_THREADS))


class NumPyThreads(Peer):
    """NumPy by hand: blocks of the array given to a thread pool (the article's 'hand parallel')."""

    name = "npthreads"

    def load(self):
        from concurrent.futures import ThreadPoolExecutor

        self.xp = np
        self.pool = ThreadPoolExecutor(self.threads)

    def blocks(self, n, size=1 << 16):
        return [(i, min(i + size, n)) for i in range(0, n, size)]

    def map(self, fn, items):
        """fn over items, in `threads` runs of neighbours (one pool task each)."""
        items = list(items)
        k = max(1, -(-len(items) // self.threads))
        parts = [items[i:i + k] for i in range(0, len(items), k)]
        return [r for rs in self.pool.map(lambda p: [fn(i) for i in p], parts) for r in rs]


class NumPyLoop(Peer):
    """NumPy in one thread, the problem cut into pieces by hand (the article's 12-minute loop)."""

    name = "nploop"


class Dask(Peer):
    name = "dask"
    packages = ("dask", "numpy")
    lazy = True

    def load(self):
        import dask
        import dask.array as da

        self.dask, self.xp = dask, da

    def start(self):
        self.dask.config.set(scheduler="threads", num_workers=self.threads)

    def native(self, x, chunks=None):
        return self.xp.from_array(x, chunks=chunks or "auto")

    def load_npy(self, path):
        return self.xp.from_array(np.load(path, mmap_mode="r"))

    def call(self, fn, *args):
        r = fn(*args)
        if isinstance(r, tuple):
            return self.dask.persist(*r)
        return r.persist() if hasattr(r, "persist") else r

    def scalar(self, fn, *args):
        return np.asarray(fn(*args).compute())

    def to_numpy(self, value):
        return np.asarray(value.compute() if hasattr(value, "compute") else value)

    def rng(self, seed=12345):
        return self.xp.random.default_rng(seed)

    def rand(self, *shape):
        return self.rng().random(shape)


class DaskDistributed(Dask):
    """dask on a LocalCluster of single-thread worker processes; spills under a memory limit."""

    name = "daskdist"
    packages = ("dask", "distributed", "numpy")

    def start(self):
        from distributed import Client, LocalCluster

        kw = {}
        if self.memory_limit:
            kw["memory_limit"] = int(self.memory_limit / self.threads)
        self.cluster = LocalCluster(n_workers=self.threads, threads_per_worker=1, dashboard_address=None,
                                    local_directory=self.workdir, **kw)
        self.client = Client(self.cluster)

    def load_npy(self, path):
        """Each worker maps the file for itself; a map in the graph would be sent by value."""
        x = np.load(path, mmap_mode="r")

        def part(block_info=None):
            where = block_info[None]["array-location"]
            return np.array(np.load(path, mmap_mode="r")[tuple(slice(*w) for w in where)])
        chunks = self.xp.core.normalize_chunks("auto", x.shape, dtype=x.dtype)
        return self.xp.map_blocks(part, chunks=chunks, dtype=x.dtype, meta=np.empty((0,) * x.ndim, x.dtype))

    def call(self, fn, *args):
        from distributed import wait

        r = super().call(fn, *args)
        wait(r)
        return r


class Cubed(Peer):
    name = "cubed"
    packages = ("cubed", "zarr", "numpy")
    lazy = True

    def load(self):
        import cubed
        import cubed.array_api as xp

        self.cubed, self.xp = cubed, xp

    def start(self):
        mem = int(self.memory_limit / self.threads) if self.memory_limit else 4 << 30
        self.spec = self.cubed.Spec(work_dir=self.workdir, allowed_mem=mem, reserved_mem=200 << 20,
                                    executor_name="threads", executor_options={"max_workers": self.threads})

    def native(self, x, chunks=None):
        import zarr

        path = os.path.join(self.workdir, "in-%d.zarr" % id(x))
        if chunks is None:
            rows = max(1, min(x.shape[0], (16 << 20) * x.shape[0] // max(1, x.nbytes)))
            chunks = (rows,) + x.shape[1:]
        z = zarr.open(path, mode="w", shape=x.shape, dtype=x.dtype, chunks=chunks)
        z[...] = x
        return self.cubed.from_zarr(path, spec=self.spec)

    def call(self, fn, *args):
        r = fn(*args)
        if isinstance(r, tuple):
            self.cubed.compute(*r, _return_in_memory_array=False)
            return r
        r.compute(_return_in_memory_array=False)
        return r

    def scalar(self, fn, *args):
        return np.asarray(fn(*args).compute())

    def to_numpy(self, value):
        return np.asarray(value.compute() if hasattr(value, "compute") else value)

    def rand(self, *shape):
        import cubed.random

        return cubed.random.random(shape, spec=self.spec, chunks="auto")

    def uniform(self, lo, hi, shape):
        return self.rand(*shape) * (hi - lo) + lo

    def normal(self, shape):
        raise NotImplementedError("cubed.random has uniform numbers only")

    exponential = normal

    def integers(self, lo, hi, shape):
        raise NotImplementedError("cubed.random has uniform numbers only")


class MarsLike(Peer):
    """What pymars, and our own mars, have in common."""

    lazy = True

    def native(self, x, chunks=None):
        t = self.xp.tensor(x, chunk_size=chunks) if chunks else self.xp.tensor(x)
        return self.run(t)

    def load_npy(self, path):
        return self.xp.tensor(np.load(path, mmap_mode="r"))

    def run(self, t):
        t.execute()
        return t

    def fetch(self, t):
        return t.fetch() if hasattr(t, "fetch") else t.to_numpy()

    def call(self, fn, *args):
        r = fn(*args)
        if isinstance(r, tuple):
            for t in r:  # a group call, where there is one, is better: see Mars.run_all
                self.run(t)
            return r
        return self.run(r)

    def scalar(self, fn, *args):
        return np.asarray(self.fetch(self.run(fn(*args))))

    def to_numpy(self, value):
        if isinstance(value, (np.ndarray, np.generic, int, float, bool)):
            return np.asarray(value)
        return np.asarray(self.fetch(self.run(value)))

    def rand(self, *shape):
        return self.xp.random.rand(*shape)

    def uniform(self, lo, hi, shape):
        return self.xp.random.uniform(lo, hi, shape)

    def normal(self, shape):
        return self.xp.random.normal(0.0, 1.0, shape)

    def exponential(self, shape):
        return self.xp.random.exponential(1.0, shape)

    def integers(self, lo, hi, shape):
        return self.xp.random.randint(lo, hi, shape)


class Mars(MarsLike):
    """OUR ENGINE.  Change this class, and nothing else, when its API settles.

    Until the package exists the peer is listed as not importable and skipped.
    Say which interpreter has it with PEERBENCH_PYTHON_MARS or interpreters.json, and
    where a build tree lies with PYTHONPATH; `--set-env KEY=VALUE` reaches the process.
    """

    name = "mars"
    packages = ("mars", "numpy")

    def load(self):
        self.session = None
        self.mars = importlib.import_module("mars")
        self.xp = importlib.import_module("mars.tensor")

    def versions(self):
        return {"mars": getattr(self.mars, "__version__", "?"), "numpy": np.__version__}

    def start(self):
        """Every option must be accepted: a run that lost its limit would not be the run asked for."""
        options = {"workers": self.threads, "spill_dir": self.workdir}
        if self.memory_limit:
            options["memory_limit"] = self.memory_limit
        for key, value in self.job.get("opts", {}).items():  # --opt mars_recompute=0
            if key.startswith("mars_"):
                options[key[5:]] = value
        self.session = self.mars.new_session(**options)

    def stop(self):
        for name in ("close", "stop"):
            end = getattr(self.session, name, None)
            if callable(end):
                end()
                return

    def load_npy(self, path):
        for name in ("load", "from_npy", "fromnpy"):
            read = getattr(self.xp, name, None)
            if callable(read):
                return read(path)
        return super().load_npy(path)

    def call(self, fn, *args):
        r = fn(*args)
        group = getattr(self.mars, "execute", None)
        if isinstance(r, tuple) and callable(group):
            group(*r)
            return r
        return super().call(lambda: r)


class PyMars(MarsLike):
    """Mars 0.10.0, the original, in its local-cluster deployment (the default session)."""

    name = "pymars"
    packages = ("pymars", "numpy")

    def load(self):
        import logging

        import mars
        import mars.tensor as mt

        logging.disable(logging.WARNING)
        self.mars, self.xp = mars, mt

    def start(self):
        self.mars.new_session(n_cpu=self.threads, web=False)

    def run(self, t):
        t.execute(show_progress=False)
        return t

    def call(self, fn, *args):
        r = fn(*args)
        if isinstance(r, tuple):
            self.mars.execute(*r, show_progress=False)
            return r
        return self.run(r)


class Xorbits(MarsLike):
    name = "xorbits"
    packages = ("xorbits", "xoscar", "numpy", "pandas")

    def load(self):
        import logging

        import xorbits
        import xorbits.numpy as xnp

        logging.disable(logging.WARNING)
        self.xo, self.xp = xorbits, xnp

    def start(self):
        self.xo.init(n_cpu=self.threads, web=False)

    def native(self, x, chunks=None):
        return self.run(self.xp.array(x))

    def load_npy(self, path):
        return self.xp.array(np.load(path))

    def run(self, t):
        self.xo.run(t, show_progress=False)
        return t

    def call(self, fn, *args):
        r = fn(*args)
        if isinstance(r, tuple):
            self.xo.run(list(r), show_progress=False)
            return r
        return self.run(r)

    def to_numpy(self, value):
        if isinstance(value, (np.ndarray, np.generic, int, float, bool)):
            return np.asarray(value)
        return np.asarray(self.fetch(self.run(value)))


class Jax(Peer):
    name = "jax"
    packages = ("jax", "jaxlib", "numpy")

    def load(self):
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax

        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        self.jax, self.xp = jax, jnp
        self.jits, self.draws, self.now = {}, 0, None

    def native(self, x, chunks=None):
        return self.jax.block_until_ready(self.xp.asarray(x))

    def load_npy(self, path):
        return self.xp.asarray(np.load(path))

    def _jit(self, fn):
        """Compiled once per piece of code.  The random key is an argument, so that XLA
        cannot fold a whole random computation into a constant."""
        if fn.__code__ not in self.jits:
            def keyed(key, *args):
                self.now = key
                return fn(*args)
            self.jits[fn.__code__] = self.jax.jit(keyed)
        compiled = self.jits[fn.__code__]
        self.draws += 1
        return lambda *args: compiled(self.jax.random.key(self.draws), *args)

    def call(self, fn, *args):
        return self.jax.block_until_ready(self._jit(fn)(*args))

    def scalar(self, fn, *args):
        return np.asarray(self._jit(fn)(*args))

    def key(self):
        return self.now

    def rand(self, *shape):
        return self.jax.random.uniform(self.key(), shape, dtype="float64")

    def uniform(self, lo, hi, shape):
        return self.jax.random.uniform(self.key(), shape, minval=lo, maxval=hi, dtype="float64")

    def normal(self, shape):
        return self.jax.random.normal(self.key(), shape, dtype="float64")

    def exponential(self, shape):
        return self.jax.random.exponential(self.key(), shape, dtype="float64")

    def integers(self, lo, hi, shape):
        return self.jax.random.randint(self.key(), shape, lo, hi, dtype="int64")


class Torch(Peer):
    name = "torch"
    packages = ("torch", "numpy")

    def load(self):
        import torch

        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(self.threads)
        torch.set_grad_enabled(False)
        self.torch = self.xp = torch

    def native(self, x, chunks=None):
        return self.torch.from_numpy(x)

    def load_npy(self, path):
        return self.torch.from_numpy(np.load(path))

    def scalar(self, fn, *args):
        return fn(*args).numpy()

    def to_numpy(self, value):
        return value.numpy() if hasattr(value, "numpy") else np.asarray(value)

    def rand(self, *shape):
        return self.torch.rand(*shape)

    def uniform(self, lo, hi, shape):
        return self.torch.empty(shape).uniform_(lo, hi)

    def normal(self, shape):
        return self.torch.empty(shape).normal_()

    def exponential(self, shape):
        return self.torch.empty(shape).exponential_()

    def integers(self, lo, hi, shape):
        return self.torch.randint(lo, hi, shape)


class Mlx(Peer):
    """MLX on its CPU backend.  Its random numbers are float32 (noted in the report)."""

    name = "mlx"
    packages = ("mlx", "mlx-cpu", "numpy")
    lazy = True

    def load(self):
        import mlx.core as mx

        mx.set_default_device(mx.cpu)
        self.mx = self.xp = mx

    def native(self, x, chunks=None):
        kind = {"f8": self.mx.float64, "c16": self.mx.complex64}.get(x.dtype.str[1:])
        a = self.mx.array(x, dtype=kind) if kind is not None else self.mx.array(x)
        self.mx.eval(a)
        return a

    def load_npy(self, path):
        return self.mx.load(path)

    def call(self, fn, *args):
        r = fn(*args)
        self.mx.eval(r)
        return r

    def scalar(self, fn, *args):
        return np.array(self.call(fn, *args))

    def to_numpy(self, value):
        return np.array(value)

    def rand(self, *shape):
        return self.mx.random.uniform(shape=shape).astype(self.mx.float64)

    def uniform(self, lo, hi, shape):
        return self.mx.random.uniform(lo, hi, shape).astype(self.mx.float64)

    def normal(self, shape):
        return self.mx.random.normal(shape).astype(self.mx.float64)

    def exponential(self, shape):
        return -self.mx.log1p(-self.mx.random.uniform(shape=shape).astype(self.mx.float64))

    def integers(self, lo, hi, shape):
        return self.mx.random.randint(lo, hi, shape).astype(self.mx.int64)


class Ray(Peer):
    """Plain Ray tasks over NumPy blocks; --opt ray_nodes=2 starts a simulated two-node cluster."""

    name = "ray"
    packages = ("ray", "numpy")
    lazy = True

    def load(self):
        import ray

        self.ray, self.xp = ray, np

    def start(self):
        nodes = int(self.job.get("opts", {}).get("ray_nodes", 1))
        store = int(self.memory_limit / 2) if self.memory_limit else 4 << 30
        self.cluster = None
        if nodes == 1:
            self.ray.init(num_cpus=self.threads, object_store_memory=store, include_dashboard=False,
                          log_to_driver=False, logging_level="ERROR")
            return
        from ray.cluster_utils import Cluster

        args = {"num_cpus": max(1, self.threads // nodes), "object_store_memory": store // nodes}
        self.cluster = Cluster(initialize_head=True, head_node_args=args)
        for _ in range(nodes - 1):
            self.cluster.add_node(**args)
        self.ray.init(address=self.cluster.address, log_to_driver=False, logging_level="ERROR")

    def stop(self):
        self.ray.shutdown()
        if self.cluster is not None:
            self.cluster.shutdown()


class Scipy(Peer):
    """scipy.fft / scipy.linalg, where NumPy's own is single-threaded or slower."""

    name = "scipy"
    packages = ("scipy", "numpy")

    def load(self):
        import scipy
        import scipy.fft
        import scipy.linalg
        import scipy.sparse

        self.scipy, self.xp = scipy, np


# Data-frame and machine-learning engines ---------------------------------------------


class Pandas(Peer):
    name = "pandas"
    packages = ("pandas", "numpy")
    kind = "frame"

    def load(self):
        import pandas

        self.pd, self.xp = pandas, np

    def frame(self, cols):
        return self.pd.DataFrame(cols)

    def table(self, df):
        """Engine's own frame -> pandas."""
        return df


class Modin(Pandas):
    name = "modin"
    packages = ("modin", "pandas", "numpy")

    def load(self):
        os.environ.setdefault("MODIN_ENGINE", "dask")
        os.environ.setdefault("MODIN_CPUS", str(self.threads))
        import modin.pandas as mpd

        self.pd, self.xp = mpd, np

    def start(self):
        from distributed import Client, LocalCluster

        self.client = Client(LocalCluster(n_workers=self.threads, threads_per_worker=1, dashboard_address=None,
                                          local_directory=self.workdir))

    def table(self, df):
        return df._to_pandas()


class DaskFrame(Pandas):
    name = "daskdf"
    packages = ("dask", "pandas", "numpy")

    def load(self):
        import dask
        import dask.dataframe as dd
        import pandas

        self.dask, self.dd, self.pd, self.xp = dask, dd, pandas, np
        dask.config.set(scheduler="threads", num_workers=self.threads)

    def frame(self, cols):
        return self.dd.from_pandas(self.pd.DataFrame(cols), npartitions=4 * self.threads)

    def table(self, df):
        return df.compute()


class XorbitsFrame(Xorbits):
    name = "xorbitsdf"
    kind = "frame"

    def load(self):
        super().load()
        import xorbits.pandas as xpd

        self.pd = xpd

    def frame(self, cols):
        import pandas

        return self.run(self.pd.DataFrame(pandas.DataFrame(cols)))

    def table(self, df):
        return self.fetch(self.run(df))


class Polars(Peer):
    name = "polars"
    packages = ("polars", "pyarrow", "numpy")
    kind = "frame"

    def load(self):
        os.environ.setdefault("POLARS_MAX_THREADS", str(self.threads))
        import polars

        self.pl, self.xp = polars, np

    def frame(self, cols):
        return self.pl.DataFrame(cols)

    def table(self, df):
        return df.to_pandas()


class DuckDB(Peer):
    name = "duckdb"
    packages = ("duckdb", "numpy", "pandas")
    kind = "frame"

    def load(self):
        import duckdb

        self.duckdb, self.xp = duckdb, np

    def start(self):
        self.con = self.duckdb.connect()
        self.con.execute("SET threads=%d" % self.threads)
        self.con.execute("SET temp_directory='%s'" % self.workdir)
        if self.memory_limit:
            self.con.execute("SET memory_limit='%dMB'" % int(self.memory_limit * 0.8 / 1e6))
        self.count = 0

    def frame(self, cols):
        import pandas

        df = pandas.DataFrame(cols)
        self.count += 1
        name = "t%d" % self.count
        self.con.register("incoming", df)
        self.con.execute("CREATE TABLE %s AS SELECT * FROM incoming" % name)
        self.con.unregister("incoming")
        return name

    def table(self, df):
        return df.df() if hasattr(df, "df") else df


class SkLearn(Peer):
    name = "sklearn"
    packages = ("scikit-learn", "numpy")
    kind = "ml"

    def load(self):
        import sklearn.cluster
        import sklearn.decomposition
        import sklearn.linear_model

        self.sk, self.xp = sklearn, np


PEERS = {c.name: c for c in (
    NumPy, NumExpr, Numba, NumPyThreads, NumPyLoop, Scipy, Dask, DaskDistributed, Cubed, Mars, PyMars, Xorbits,
    Jax, Torch, Mlx, Ray, Pandas, Modin, DaskFrame, XorbitsFrame, Polars, DuckDB, SkLearn)}


def make(name, job):
    return PEERS[name](job)
