#!/usr/bin/env python3
"""The figures that Mars must reach, measured beside its peers in one run and printed as a table.

    benchmarks/run.sh [--only ROW]... [--quick] [--repeat N] [--list]

Each row runs workloads of peerbench: one fresh process per measurement, peers interleaved, a ratio within each repeat and then the median
over repeats.  `2.0x numpy` reads: NumPy takes twice as long as Mars.  --quick shrinks the work to see that the rows run; it proves nothing.
The exit status is 1 when a figure is missed or could not be measured.  Results: build/benchmarks.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import HARNESS, MARS, MIB, OUT, PEERS, ROOT, CannotMeasure, Context, Figure, ahead, at_least, at_most

Row = Callable[[Context], list[Figure]]
# By name, in the order of the table.
ROWS: dict[str, Row] = {}


def row(f: Row) -> Row:
    """Makes `f` a row of the table; the first line of its text is the title."""
    ROWS[f.__name__] = f
    return f


# ---- the rows ----


@row
def pi(c: Context) -> list[Figure]:
    """Monte-Carlo pi, 10^9 points, against blocked NumPy on one thread"""
    n, out = c.size(10**9, 10**7), []
    times = {}
    for threads, required in ((1, 13), (2, 25)):
        m = c.run("mc_pi_big", "nploop,numba,mars", threads=threads, inner=2, n=n)
        out.append(at_least(f"{threads} thread{'s' * (threads - 1)}, against blocked NumPy", m.ratio("nploop"), required))
        times[threads] = m.time()
    big = c.run("mc_pi_big", "mars", inner=1, repeat=1, n=c.size(10**10, 10**8))
    out.append(at_most("10^10 points: growth of resident memory", big.growth() / 1e6, 100, " MB"))
    return out


@row
def keep(c: Context) -> list[Figure]:
    """(a + 1) * 2 on 10^8 float64, kept"""
    n = c.size(10**8, 10**6)
    m = c.run("add1mul2", "numpy,numexpr,numba,jax,mars", n=n, options=["--provide-memory", "2GiB"])
    out = [at_least("against NumPy", m.ratio("numpy"), 2), at_least("against numexpr", m.ratio("numexpr"), 1.2)]
    top = c.ceiling("scale, non-temporal stores", 2)
    for which, required in (("warm", 70), ("cold", 40)):
        share = 100 * 16e-9 * n / m.time(which=which) / top
        out.append(at_least(f"share of `scale, non-temporal stores` ({top:.0f} GB/s), {which}", share, required, " %"))
    return out + ahead(c.run("add1mul2_fetch", "numpy,numexpr,mars", n=n), "with to_numpy()", "numpy,numexpr")


@row
def fused(c: Context) -> list[Figure]:
    """the same summed; sqrt(a*a + b*b) < 1 counted; 10-operation polynomial kept"""
    n, out = c.size(10**8, 10**6), []
    for workload, label, required in (("add1mul2_sum", "summed", 2.5), ("count_inside", "counted", 6), ("chain10", "polynomial", 8)):
        m = c.run(workload, "numpy,numba,jax,mars", n=n)
        out.append(at_least(f"{label}, against NumPy", m.ratio("numpy"), required))
        out += ahead(m, label, "numba,jax")
    return out


@row
def reductions(c: Context) -> list[Figure]:
    """sum, mean, var, max, argmax over everything and along each axis"""
    out, shares, bursts = [], [], []
    for n in (1000,) if c.quick else (1000, 10000):
        for op in ("sum", "mean", "var", "max", "argmax"):
            for axis in ("all", "0", "1"):
                m = c.run(f"red_{op}_{axis}", "numpy,mars", n=n, inner=6, options=c.calls(n * n))
                out.append(at_least(f"{op}, axis {axis}, {n}^2, against NumPy", m.ratio("numpy"), 1.5 if n == 10000 else 1.0))
                if n == 1000:
                    burst = c.run(f"red_{op}_{axis}", "numpy,mars", n=n, inner=6, options=["--calls", "20"])
                    bursts.append(f"{op}/{axis} {burst.ratio('numpy'):.2f}x")
                if n == 10000:
                    shares.append(f"{op}/{axis} {100 * 8e-9 * n * n / m.time() / c.ceiling('read (sum)', 2):.0f} %")
    c.notes.append(f"In bursts of 20 calls after a pause, in which threads wake up, 10^6 elements against NumPy: {', '.join(bursts)}.")
    if shares:
        one, two = c.ceiling("read (sum)", 1), c.ceiling("read (sum)", 2)
        c.notes.append(
            f"Reading memory took place at {one:.0f} GB/s with one thread and {two:.0f} GB/s with two in the same run. "
            f"What Mars reached of the latter at 10^8: {', '.join(shares)}."
        )
    return out


@row
def tables(c: Context) -> list[Figure]:
    """column sums and standard deviations of tall tables (our own bound)"""
    out = []
    for r in (10**4,) if c.quick else (10**5, 10**6):
        for op in ("sum", "std"):
            for columns in (20, 100):
                m = c.run(f"columns_{op}", "numpy,mars", r=r, c=columns, inner=6)
                out.append(at_least(f"{op}, {r} x {columns}, against NumPy", m.ratio("numpy"), 1.0))
    return out


@row
def no_slower(c: Context) -> list[Figure]:
    """x + x.T, broadcast row and column, strided input, float32 chain, int32/float32/bool mix: none slower than NumPy"""
    out = []
    for n in (10**6,) if c.quick else (10**6, 10**8):
        for workload in ("transpose_add", "bcast_row", "bcast_col"):
            m = c.run(workload, "numpy,mars", n=int(n**0.5), inner=6, options=c.calls(n))
            out.append(at_least(f"{workload}, {n:.0e}, against NumPy", m.ratio("numpy"), 1))
        for workload in ("strided", "f32_chain", "mixed"):
            m = c.run(workload, "numpy,mars", n=n, inner=6, options=c.calls(n))
            out.append(at_least(f"{workload}, {n:.0e}, against NumPy", m.ratio("numpy"), 1))
    return out


@row
def selection(c: Context) -> list[Figure]:
    """mask, take, sort, argsort, median, isin, searchsorted at 10^7 float64, one thread: none slower than NumPy"""
    n, out = c.size(10**7, 10**5), []
    for workload in ("sel_mask", "sel_take", "sort", "sel_argsort", "sel_median", "sel_isin", "sel_searchsorted"):
        m = c.run(workload, "numpy,mars", threads=1, n=n, inner=6)
        out.append(at_least(f"{workload.removeprefix('sel_')}, against NumPy", m.ratio("numpy"), 1))
    return out


@row
def counting(c: Context) -> list[Figure]:
    """bincount and histogram of 10^7 numbers: none slower than NumPy (our own bound)"""
    n, out = c.size(10**7, 10**5), []
    for workload, sizes in (("sel_bincount", (100, 100_000)), ("sel_histogram", (10, 50, 1000))):
        for k in sizes:
            m = c.run(workload, "numpy,mars", n=n, k=k, inner=6)
            out.append(at_least(f"{workload.removeprefix('sel_')}, {k} bins, against NumPy", m.ratio("numpy"), 1))
    return out


@row
def rearranging(c: Context) -> list[Figure]:
    """roll, repeat, tile, stack, a sum of products, integers divided, 4 * 10^6 elements: none slower than NumPy"""
    n, out = c.size(4 * 10**6, 10**5), []
    for workload in ("roll", "repeat", "tile", "stack", "sum_of_products", "divide_integers"):
        m = c.run(f"re_{workload}", "numpy,mars", n=n, inner=6)
        out.append(at_least(f"{workload.replace('_', ' ')}, against NumPy", m.ratio("numpy"), 1))
    return out


@row
def matmul(c: Context) -> list[Figure]:
    """matmul 4000 x 4000 float64, chunked, against the same OpenBLAS called directly with 2 threads"""
    n = c.size(4000, 1000)

    def direct() -> float:
        path = OUT / "dgemm.json"
        command = [str(PEERS), "-m", "peerbench.ceilings.dgemm", "--n", str(n), "--reps", "3", "--threads", "2"]
        subprocess.run([*command, "--only", "debian", "--json", str(path)], cwd=HARNESS, check=True)
        rows = [r for r in json.loads(path.read_text()) if r["lib"] == "debian"]
        if not rows:
            raise CannotMeasure("the system's OpenBLAS was not found")
        return rows[0]["median"]

    shares = []
    for _ in range(1 if c.quick else c.repeat):  # before and after each run of Mars, so that a slow spell meets both
        before = direct()
        m = c.run("matmul", "numpy,mars", n=n, repeat=1)
        shares.append(2e-9 * n**3 / m.time() / ((before + direct()) / 2))
    return [at_least("share of the direct call's speed", statistics.median(shares), 0.9)]


@row
def chunks(c: Context) -> list[Figure]:
    """10^5 pinned chunks of loaded data, transposed add, then tree sum; task count asserted"""
    m = c.run("many_chunks_transposed", "dask,mars", side=c.size(316, 50), inner=3)
    out = [at_most("time per chunk, tile through fetch", m.time() * 1e6, 5, " us")]
    c.notes.append(f"Dask's threads take {m.time('dask') * 1e6:.0f} us for such a chunk.")
    return out


@row
def chunk_memory(c: Context) -> list[Figure]:
    """10^6 such chunks: bookkeeping"""
    side = c.size(1000, 100)
    m = c.run("many_chunks_transposed", "mars", side=side, size=4, repeat=1, inner=1)
    return [at_most("growth of resident memory per chunk", m.growth() / side**2, 200, " bytes")]


@row
def tiny(c: Context) -> list[Figure]:
    """(mt.random.rand(10, 10) + 1).sum(): build, execute and fetch from Python, warm"""
    m = c.run("tiny_rand", "numpy,jax,dask,mars", count=c.size(2000, 100))
    c.notes.append(f"The tiny graph takes NumPy {m.time('numpy') * 1e6:.1f} us, JAX {m.time('jax') * 1e6:.0f} us.")
    return [at_most("per graph", m.time() * 1e6, 50, " us")]


@row
def eager(c: Context) -> list[Figure]:
    """eager a + b, 1000 elements"""
    m = c.run("eager_add", "numpy,jax,mars", count=c.size(2000, 100))
    first = c.run("eager_add", "numpy,mars", count=1, inner=2)
    # Without a kernel on disk the first one waits for LLVM, which only kernels load.
    code = (
        "import time, numpy as np, mars, mars.tensor as mt\nmars.options.eager_mode = True\n"
        "a, b = mt.tensor(np.arange(1000.0)), mt.tensor(np.ones(1000))\n"
        "start = time.perf_counter()\na + b\nprint(time.perf_counter() - start)"
    )
    unknown = []
    for _ in range(c.size(9, 3)):
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run([MARS, "-c", code], env=dict(os.environ, MARS_CACHE_DIR=empty), cwd="/", capture_output=True, text=True)
        if done.returncode:
            raise CannotMeasure(f"eager: {done.stderr.strip().splitlines()[-1:]}")
        unknown.append(float(done.stdout) * 1e3)
    return [
        at_most("warm", m.time() * 1e6, 20, " us"),
        at_most("the first time", first.time(which="cold") * 1e3, 8, " ms"),
        at_most("the first time, no kernel on disk (our own bound)", statistics.median(unknown), 40, " ms"),
    ]


@row
def startup(c: Context) -> list[Figure]:
    """process wall time of import and a first tiny result, less `import numpy`"""
    code = "import mars.tensor as mt\nprint(float((mt.random.rand(10, 10) + 1).sum().execute().fetch()))"
    packages = str(next((ROOT / ".venv/lib").glob("python*/site-packages")))
    files = [f for p in ("numpy", "numpy.libs", "mars") for f in glob.glob(f"{packages}/{p}/**", recursive=True)]
    for pattern in ("libLLVM*19*", "libopenblas*", "openblas-pthread/lib*", "libprotobuf-c*", "libsleef*"):
        files += glob.glob(f"/usr/lib/*/{pattern}")

    def evict() -> None:
        """Drops the libraries from the page cache, as far as nobody else has them mapped."""
        for name in files:
            if os.path.isfile(name):
                descriptor = os.open(name, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)

    def wall(text: str, home: str) -> float:
        env = dict(os.environ, HOME=home, XDG_CACHE_HOME=home, MARS_CACHE_DIR=home)
        start = time.perf_counter()
        done = subprocess.run([MARS, "-c", text], env=env, cwd="/", capture_output=True, text=True)
        taken = time.perf_counter() - start
        if done.returncode:
            raise CannotMeasure(f"startup: {done.stderr.strip().splitlines()[-1:]}")
        if "print" in text and not 100 < float(done.stdout) < 200:
            raise CannotMeasure(f"startup: a wrong result, {done.stdout}")
        return taken

    out = []
    for label, required in (("cold", 250), ("warm", 120)):
        differences = []
        with tempfile.TemporaryDirectory() as kept:
            for i in range(c.size(9, 3)):
                with tempfile.TemporaryDirectory() as fresh:
                    home = fresh if label == "cold" else kept
                    both = [("import numpy", home), (code, home)]
                    taken = {}
                    for text, where in both if i % 2 else reversed(both):
                        if label == "cold":
                            evict()
                        taken[text] = wall(text, where)
                    if label == "cold" or i:  # the first warm pair fills the cache
                        differences.append(taken[code] - taken["import numpy"])
        out.append(at_most(f"{label} caches", statistics.median(differences) * 1e3, required, " ms"))
    return out


@row
def threads(c: Context) -> list[Figure]:
    """two threads against one, compute-bound rows"""
    out = []
    for workload, sizes in (
        ("mc_pi_big", {"n": c.size(10**9, 10**7)}),
        ("rowsum_big", {"r": c.size(20000, 2000), "c": c.size(20000, 2000)}),
        ("matmul", {"n": c.size(4000, 1000)}),
    ):
        speedups = []
        for _ in range(1 if c.quick else c.repeat):
            one = c.run(workload, "mars", threads=1, repeat=1, **sizes).time()
            two = c.run(workload, "mars", threads=2, repeat=1, **sizes).time()
            speedups.append(one / two)
        out.append(at_least(workload, statistics.median(speedups), 1.8))
    return out


@row
def spill(c: Context) -> list[Figure]:
    """(a.dot(a.T) - a).std(), a in a .npy file, memory_limit 1 GiB, spill on a disk"""
    n, limit = (c.size(10000, 2000), c.size(1024, 64))
    ratios, out = [], []
    for _ in range(1 if c.quick else c.repeat):
        free = c.run("dot_std_file", "mars", n=n, repeat=1, inner=2)
        # The harness ends a process whose resident memory is over base + limit + 150 MiB, also for a moment.
        limited = c.run("dot_std_file_limit", "mars", n=n, limit_mib=limit, repeat=1, inner=2)
        ratios.append(limited.time() / free.time())
        resident = max(run["peak"] - r["import_rss"] for r in limited.of("mars").values() for run in r["runs"])
        out.append(at_most(f"resident above base, limit {limit} MiB", resident / MIB, limit + 150e6 / MIB, " MiB"))
    worst = max(out, key=lambda f: float(f.measured.split()[0]))
    two = c.run(
        "dot_two_consumers", "mars", n=c.size(12000, 4000), limit_mib=limit, repeat=1, inner=1, options=["--opt", "mars_recompute=0"]
    )
    spilled = two.fingerprint("spilled")
    c.notes.append("The job with two consumers has n = 12000, so that the product alone (1.15 GB) is larger than the limit.")
    return [
        at_most("time against unlimited", statistics.median(ratios), 1.5, "x"),
        worst,
        Figure("two consumers of the product, no recomputation: spilled", "more than 0 MB", f"{spilled / 1e6:.0f} MB", spilled > 0),
    ]


@row
def sorting(c: Context) -> list[Figure]:
    """10^8 float64 of a .npy file sorted and kept under 256 MiB: against the same without a limit, and against NumPy, which has none"""
    n, limit = c.size(10**8, 10**6), c.size(256, 8)
    whole = c.run("sort_file", "numpy,mars", n=n, inner=2)
    limited = c.run("sort_file_limit", "mars", n=n, limit_mib=limit, inner=2)
    resident = max(run["peak"] - r["import_rss"] for r in limited.of("mars").values() for run in r["runs"])
    spilled = limited.fingerprint("spilled")
    return [
        at_least("in memory, against NumPy", whole.ratio("numpy"), 1),
        at_most("under the limit, time against unlimited", limited.time() / whole.time(), 2, "x"),
        at_most(f"resident above base, limit {limit} MiB", resident / MIB, limit + 150e6 / MIB, " MiB"),
        Figure("spilled by the two runs of a process", "more than 0 MB", f"{spilled / 1e6:.0f} MB", spilled > 0),
    ]


@row
def store(c: Context) -> list[Figure]:
    """store overhead when everything fits"""
    runs = c.run("store_overhead", "mars", n=c.size(5000, 1000)).of("mars")
    share = statistics.median(r["fingerprint"]["value"] for r in runs.values())
    return [at_most("time between tasks, in dispatcher and store, of the workers' time", share, 2, " %")]


def machine() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return f"{model.group(1) if model else 'unknown processor'}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(ROWS), metavar="ROW")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, row in ROWS.items():
            print(f"{name:13} {(row.__doc__ or '').splitlines()[0]}")
        return 0
    (OUT / "work").mkdir(parents=True, exist_ok=True)
    # Everybody, the direct calls of BLAS too, lets OpenBLAS choose its kernels by the processor.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    context = Context(arguments.quick, 1 if arguments.quick else arguments.repeat)
    head = f"{machine()}; {'QUICK SIZES, proves nothing' if context.quick else f'medians of {context.repeat} interleaved repeats'}."
    lines = ["| work | figure | required | measured | |", "|---|---|---|---|---|"]
    failed = 0
    for name in arguments.only or ROWS:
        title = (ROWS[name].__doc__ or name).splitlines()[0]
        try:
            figures = ROWS[name](context)
        except CannotMeasure as error:
            figures = [Figure(str(error), "", "not measured", False)]
        for f in figures:
            failed += not f.passed
            lines.append(f"| {title} | {f.what} | {f.required} | {f.measured} | {'pass' if f.passed else 'FAIL'} |")
            title = ""
        # After every row: hours of measuring must not be lost to one that hangs.
        text = "\n".join([head, "", *lines, "", *context.notes]) + "\n"
        (OUT / "figures.md").write_text(text)
    print("\n" + text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
