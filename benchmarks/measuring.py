"""Measuring: a workload run in the harness for Mars and its peers, and a figure compared with what it must be."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HARNESS = ROOT / "benchmarks/peerbench"
OUT = Path(os.environ.get("MARS_BUILD", ROOT / "build")) / "benchmarks"
MARS = ROOT / ".venv/bin/python"
PEERS = ROOT / ".venv-peers/bin/python"
MIB = 1 << 20


class CannotMeasure(Exception):
    """A row that could not be measured, and why."""


@dataclass
class Figure:
    """One requirement and what was measured."""

    what: str
    required: str
    measured: str
    passed: bool


@dataclass
class Context:
    quick: bool
    repeat: int
    notes: list[str] = field(default_factory=list)
    ceilings: dict[str, tuple[float, float]] | None = None

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def run(
        self,
        workload: str,
        peers: str,
        *,
        threads: int = 2,
        repeat: int = 0,
        inner: int = 4,
        options: Iterable[str] = (),
        **sizes: int,
    ) -> Measured:
        """Runs one workload in the harness."""
        name = "-".join([workload, str(threads), *(f"{k}{v}" for k, v in sizes.items())])
        path = OUT / f"{name}.json"
        path.unlink(missing_ok=True)
        command = [str(PEERS), "-m", "peerbench", "run", "--peers", peers, "--workloads", workload, "--threads", str(threads)]
        command += ["--repeat", str(repeat or self.repeat), "--inner", str(inner), "--timeout", "900", "--json", str(path)]
        command += ["--ref", peers.split(",")[0], "--workdir", str(OUT / "work"), *options]
        for key, value in sizes.items():
            command += ["--set", f"{workload}.{key}={value}"]
        env = dict(os.environ, PEERBENCH_PYTHON_MARS=str(MARS))
        for peer in ("numpy", "numexpr", "numba", "npthreads", "nploop", "dask", "jax", "mlx"):
            env[f"PEERBENCH_PYTHON_{peer.upper()}"] = str(PEERS)
        print("$", " ".join(command[1:]), flush=True)
        status = subprocess.run(command, cwd=HARNESS, env=env).returncode
        if not path.exists():
            raise CannotMeasure(f"{workload}: the harness ended with status {status}")
        return Measured(workload, json.loads(path.read_text())["results"])

    @staticmethod
    def calls(elements: int) -> list[str]:
        """Options for work on so many elements: what takes less than a millisecond is called 200 times in a row, as in a program's loop."""
        return ["--calls", "200"] if elements <= 10**6 else []

    def ceiling(self, kernel: str, threads: int) -> float:
        """GB/s of a kernel of stream.c on this machine, now."""
        if self.ceilings is None:
            out = subprocess.run([OUT / "stream", "50000000", "7", "2"], capture_output=True, text=True)
            if out.returncode:
                raise CannotMeasure(f"ceilings: stream ended with status {out.returncode} (it needs AVX-512)")
            print(out.stdout, flush=True)
            rows = re.findall(r"^(\S.*?) {2,}([\d.]+) \( *[\d.]+\) +([\d.]+) \(", out.stdout, re.M)
            self.ceilings = {name: (float(one), float(two)) for name, one, two in rows}
        return self.ceilings[kernel][threads - 1]


class Measured:
    """What the harness measured for one workload."""

    def __init__(self, workload: str, results: list[dict]) -> None:
        self.workload = workload
        self.by: dict[str, dict[int, dict]] = {}
        self.errors: dict[str, str] = {}
        for result in results:
            peer = result["peer"]
            if not result["ok"]:
                self.errors[peer] = str(result.get("error"))
            elif str(result.get("check", "")).startswith("WRONG"):
                self.errors[peer] = "wrong result: " + result["check"]
            else:
                self.by.setdefault(peer, {})[result["repeat"]] = result

    def of(self, peer: str) -> dict[int, dict]:
        if peer in self.errors or peer not in self.by:
            raise CannotMeasure(f"{self.workload}: {peer}: {self.errors.get(peer, 'was not run')}")
        return self.by[peer]

    @staticmethod
    def wall(result: dict, which: str) -> float:
        walls = [run["wall"] * result["weight"] for run in result["runs"]]
        return walls[0] if which == "cold" else statistics.median(walls[1:] or walls)

    def time(self, peer: str = "mars", which: str = "warm") -> float:
        return statistics.median(self.wall(r, which) for r in self.of(peer).values())

    def ratio(self, peer: str, which: str = "warm") -> float:
        """How many times as long the peer takes."""
        mars, other = self.of("mars"), self.of(peer)
        both = sorted(mars.keys() & other.keys())
        return statistics.median(self.wall(other[i], which) / self.wall(mars[i], which) for i in both)

    def growth(self, peer: str = "mars") -> float:
        """Bytes by which the resident memory of the process grew in the timed part, at most."""
        return max(run["peak"] - run["base"] for r in self.of(peer).values() for run in r["runs"])

    def fingerprint(self, key: str, peer: str = "mars") -> float:
        return min(r["fingerprint"][key] for r in self.of(peer).values())


def at_least(what: str, measured: float, required: float, unit: str = "x") -> Figure:
    return Figure(what, f"at least {required:g}{unit}", f"{measured:.2f}{unit}", measured >= required)


def at_most(what: str, measured: float, required: float, unit: str = "") -> Figure:
    return Figure(what, f"at most {required:g}{unit}", f"{measured:.4g}{unit}", measured <= required)


def ahead(m: Measured, label: str, peers: str) -> list[Figure]:
    return [at_least(f"{label}, against {peer}", m.ratio(peer), 1.0) for peer in peers.split(",")]
