"""Machine learning."""
from __future__ import annotations

import functools

import numpy as np

from .declaring import MARS, also, work


@functools.lru_cache(maxsize=1)
def _ml(n, k):
    rng = np.random.default_rng(21)
    x = rng.standard_normal((n, k)) * np.linspace(3, 1, k)
    x[: n // 2, 0] += 12
    y = x @ np.arange(1, k + 1) + 3 + 0.01 * rng.standard_normal(n)
    return x, y


@work("ml_linreg", ("sklearn",), n=1_000_000, k=20, group="ml", tol=1e-6)
def ml_linreg(P, p):
    """LinearRegression().fit(x, y).coef_"""
    x, y = _ml(p.n, p.k)
    return lambda: np.asarray(P.sk.linear_model.LinearRegression().fit(x, y).coef_)


@work("ml_pca", ("sklearn",), n=1_000_000, k=20, q=5, group="ml", tol=1e-5)
def ml_pca(P, p):
    """PCA(q, full SVD).fit(x).explained_variance_"""
    x, _ = _ml(p.n, p.k)
    return lambda: np.asarray(P.sk.decomposition.PCA(p.q, svd_solver="full").fit(x).explained_variance_)


@work("ml_kmeans", ("sklearn",), n=1_000_000, k=20, group="ml", tol=1e-2)
def ml_kmeans(P, p):
    """KMeans(2, 20 iterations) on two separated blobs; inertia per point."""
    x, _ = _ml(p.n, p.k)
    return lambda: float(P.sk.cluster.KMeans(2, n_init=1, max_iter=20, random_state=0).fit(x).inertia_ / p.n)


def _learn(P):
    if P.name == "xorbits":
        import xorbits.sklearn.cluster as c
        import xorbits.sklearn.decomposition as d
        import xorbits.sklearn.linear_model as l
    else:
        import importlib

        c = importlib.import_module("mars.learn.cluster")
        d = importlib.import_module("mars.learn.decomposition")
        l = importlib.import_module("mars.learn.linear_model")
    return c, d, l


@also("ml_linreg", *MARS)
def ml_linreg_mars(P, p):
    x, y = _ml(p.n, p.k)
    a, b = P.native(x), P.native(y)
    l = _learn(P)[2]
    return lambda: P.to_numpy(l.LinearRegression().fit(a, b).coef_)


@also("ml_pca", *MARS)
def ml_pca_mars(P, p):
    a = P.native(_ml(p.n, p.k)[0])
    d = _learn(P)[1]
    return lambda: P.to_numpy(d.PCA(p.q, svd_solver="full").fit(a).explained_variance_)


@also("ml_kmeans", *MARS)
def ml_kmeans_mars(P, p):
    a = P.native(_ml(p.n, p.k)[0])
    c = _learn(P)[0]
    return lambda: float(P.to_numpy(c.KMeans(2, n_init=1, max_iter=20, random_state=0).fit(a).inertia_)) / p.n
