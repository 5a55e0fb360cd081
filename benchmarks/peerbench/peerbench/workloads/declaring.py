"""How workloads are declared, and which function a peer runs."""
from __future__ import annotations

EAGER = ("numpy", "jax", "torch", "mlx")

MARS = ("mars", "pymars", "xorbits")

CHUNKED = ("dask", "daskdist", "cubed") + MARS

ALL = EAGER + CHUNKED

WORKLOADS = {}

IMPLS = {}


class Params(dict):
    __getattr__ = dict.__getitem__


class Workload:
    def __init__(self, name, params, scaled, tol, truth, group, doc, absolute=False):
        self.name, self.params, self.tol, self.truth, self.group, self.doc = name, params, tol, truth, group, doc
        self.absolute = absolute
        first = next(iter(params), None)
        self.scaled = scaled if scaled is not None else {first: 1.0}

    def sized(self, scale, overrides):
        out = {}
        for k, v in self.params.items():
            out[k] = max(1, int(round(v * scale ** self.scaled.get(k, 0.0))))
        for k, v in overrides.items():
            if k in out:
                out[k] = int(float(v))
        return out


def work(name, peers, scaled=None, tol=1e-9, truth=None, group="array", absolute=False, **params):
    def deco(fn):
        WORKLOADS[name] = Workload(name, params, scaled, tol, truth, group, (fn.__doc__ or "").strip(),
                                   absolute)
        for peer in peers:
            IMPLS[(name, peer)] = fn
        return fn
    return deco


def also(name, *peers):
    def deco(fn):
        for peer in peers:
            IMPLS[(name, peer)] = fn
        return fn
    return deco


def drop(name, *peers):
    for peer in peers:
        IMPLS.pop((name, peer), None)


def lookup(workload, peer):
    return IMPLS.get((workload, peer))
