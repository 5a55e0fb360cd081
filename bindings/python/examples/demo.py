"""The demonstration of README.md, from Python.

    python demo.py [--points N] [--rows N] [--columns N] [--directory DIR] [--only pi,sum,file]

Prints results (as text and as bytes, so that they can be compared with those of C and Java), time, and peak memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import mars
import mars.tensor as mt

SEED = 42


def peak_memory() -> float:
    """Most resident memory of this process so far, in MiB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def forget_peak() -> None:
    """Lets the kernel count the peak anew from here; where it may not, the peak is that of the whole process."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def fnv1a(data: bytes) -> int:
    """The 64-bit FNV-1a hash of the bytes, as the C and Java demonstrations print it."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


class Measured:
    """Prints time and peak memory of a block."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __enter__(self) -> None:
        print(f"{self.title}")
        forget_peak()
        self.base = peak_memory()
        self.start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self.start
        print(f"  took {seconds:.3f} s, peak memory {peak_memory():.1f} MiB (before: {self.base:.1f} MiB)", flush=True)


def pi(points: int) -> None:
    with Measured(f"Monte-Carlo pi, {points} points"):
        mt.random.seed(SEED)
        xy = mt.random.uniform(-1, 1, size=(points, 2))
        inside = int((mt.sqrt((xy**2).sum(axis=1)) < 1).sum().fetch())
        print(f"  {inside} inside, pi = {4 * inside / points:.9f}")


def row_sums() -> None:
    with Measured("(a + 1).sum(axis=1) of 1000 x 2000 random numbers"):
        mt.random.seed(SEED)
        a = mt.random.rand(1000, 2000)
        r = (a + 1).sum(axis=1).fetch()
        print(f"  first {r[0]:.9f}, last {r[-1]:.9f}, fnv1a {fnv1a(r.tobytes()):016x}")


# NumPy writes the file in a process of its own, so that its memory does not count here, and notes what it knows of the columns.
WRITER = """
import sys
import numpy as np
path, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(1)
mix = rng.normal(size=(columns, columns)) / columns ** 0.5 + np.eye(columns)
shift = np.arange(columns, dtype=float)
x = np.lib.format.open_memmap(path + ".npy", mode="w+", dtype=np.float64, shape=(rows, columns))
total, products = np.zeros(columns), np.zeros((columns, columns))
step = 100_000
for i in range(0, rows, step):
    z = rng.normal(size=(min(step, rows - i), columns)) @ mix
    x[i:i + step] = z + shift
    total += z.sum(axis=0)
    products += z.T @ z
x.flush()
mean = total / rows
covariance = products / rows - np.outer(mean, mean)
std = np.sqrt(np.diag(covariance))
np.savez(path + ".npz", mean=mean + shift, std=std, correlation=covariance / np.outer(std, std))
"""


def file_statistics(rows: int, columns: int, directory: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        path = str(Path(folder) / "columns")
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", WRITER, path, str(rows), str(columns)], check=True)
        size = os.path.getsize(path + ".npy")
        print(f"NumPy wrote {rows} x {columns} float64, {size / 1e9:.2f} GB, in {time.perf_counter() - start:.1f} s")
        session = mars.new_session(memory_limit="1GiB", spill_dir=folder)
        with Measured("means, standard deviations and correlations of its columns, memory_limit 1GiB"):
            x = mt.load(path + ".npy")
            mean = x.mean(axis=0)
            std = x.std(axis=0)
            mars.execute(mean, std)
            z = (x - mean) / std
            correlation = (z.T @ z) / rows
            found = {"mean": mean.fetch(), "std": std.fetch(), "correlation": correlation.fetch()}
        expected = np.load(path + ".npz")
        for name, values in found.items():
            difference = np.abs(values - expected[name]).max()
            print(f"  {name}: {np.array2string(np.ravel(values)[:4], precision=6)} ..., largest difference to NumPy {difference:.1e}")
            if not difference < 1e-6:
                raise SystemExit(f"{name} differs from NumPy's")
        print(f"  session: peak {session.statistics().get('peak_bytes', 0) / 2**20:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=float, default=1e9)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--directory", help="where the large file is written")
    parser.add_argument("--only", default="pi,sum,file")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if "pi" in wanted:
        pi(int(options.points))
    if "sum" in wanted:
        row_sums()
    if "file" in wanted:
        file_statistics(options.rows, options.columns, options.directory)


if __name__ == "__main__":
    main()
