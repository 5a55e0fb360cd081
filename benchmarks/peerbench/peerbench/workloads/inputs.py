"""Inputs that are the same for every peer, and what is compared of their results."""
from __future__ import annotations

import functools
import math
import os

import numpy as np

@functools.lru_cache(maxsize=4)
def data(*shape, **kw):
    """Uniform [0, 1) float64, the same for every peer."""
    return np.random.default_rng(kw.get("seed", 7)).random(shape)


def npy_file(P, *shape, seed=7):
    """Path of a .npy file with what data(*shape) holds; made once per `run`, outside the timing."""
    path = os.path.join(P.job.get("datadir") or P.workdir, "data-%s-%d.npy" % ("x".join(map(str, shape)), seed))
    if not os.path.exists(path):
        part, rng, left = path + ".%d" % os.getpid(), np.random.default_rng(seed), math.prod(shape)
        with open(part, "wb") as f:
            np.lib.format.write_array_header_1_0(f, {"descr": "<f8", "fortran_order": False, "shape": shape})
            while left:
                k = min(left, 1 << 20)
                rng.random(k).tofile(f)
                left -= k
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    return path


def spd(n):
    a = data(n, n)
    m = a @ a.T
    m[np.diag_indices(n)] += n
    return m


def fingerprint_of(a):
    from ..peers import Peer

    return Peer({}).fingerprint(np.asarray(a))
