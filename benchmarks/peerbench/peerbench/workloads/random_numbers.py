"""Random numbers."""
from __future__ import annotations

import math

import numpy as np

from .declaring import ALL, work


def _random(name, draw, mean, sd, n):
    def fn(P, p):
        return lambda: P.call(lambda: draw(P, (p.n,)))

    def stats(P, p):
        run = fn(P, p)

        def finish(v):
            s = np.asarray(P.sample(v), dtype=float)
            assert tuple(int(k) for k in v.shape) == (p.n,)
            return {"value": float(s.mean())}
        return run, finish
    stats.__doc__ = "n random numbers (%s), kept" % name
    # A sample of about 4000 is looked at.
    work(name, ALL, n=n, truth=lambda p: (mean, 8 * sd / math.sqrt(min(p["n"], 3000))))(stats)


_random("rng_uniform", lambda P, s: P.rand(*s), 0.5, 0.2887, 100_000_000)

_random("rng_normal", lambda P, s: P.normal(s), 0.0, 1.0, 100_000_000)

_random("rng_exponential", lambda P, s: P.exponential(s), 1.0, 1.0, 100_000_000)

_random("rng_integers", lambda P, s: P.integers(0, 1000, s), 499.5, 288.7, 100_000_000)
