"""Sparse matrices."""
from __future__ import annotations

import numpy as np

from .declaring import also, work
from .inputs import data


@work("sparse_eye", ("numpy",), n=1_000_000, tol=1e-12)
def sparse_eye(P, p):
    """a = eye(n, sparse); (a * 2 + a).sum(axis=1): creation included (NumPy's column: scipy.sparse)."""
    import scipy.sparse as sp

    def run():
        a = sp.eye_array(p.n, format="csr") if hasattr(sp, "eye_array") else sp.eye(p.n, format="csr")
        return np.asarray((a * 2 + a).sum(axis=1)).ravel()
    return run


@also("sparse_eye", "mars", "pymars")
def sparse_eye_mars(P, p):
    def expr():
        a = P.xp.eye(p.n, sparse=True)
        return (a * 2 + a).sum(axis=1)

    def run():
        v = P.fetch(P.run(expr()))
        v = v.toarray() if hasattr(v, "toarray") else v
        return np.asarray(v).ravel()
    return run


def _csr(n, per):
    import scipy.sparse as sp

    rng = np.random.default_rng(5)
    return sp.csr_matrix((rng.random(n * per), rng.integers(0, n, n * per), np.arange(0, n * per + 1, per)),
                         shape=(n, n))


@work("sparse_dense", ("numpy",), n=1_000_000, per=10, m=8, tol=1e-11)
def sparse_dense(P, p):
    """csr (n x n, `per` entries a row) @ dense (n x m)."""
    a, b = _csr(p.n, p.per), data(p.n, p.m)
    return lambda: a @ b


@also("sparse_dense", "torch")
def sparse_dense_torch(P, p):
    t, a = P.torch, _csr(p.n, p.per)
    s = t.sparse_csr_tensor(t.from_numpy(a.indptr.astype(np.int64)), t.from_numpy(a.indices.astype(np.int64)),
                            t.from_numpy(a.data), size=a.shape)
    b = t.from_numpy(data(p.n, p.m))
    return lambda: s @ b


@also("sparse_dense", "mars", "pymars")
def sparse_dense_mars(P, p):
    a, b = P.xp.tensor(_csr(p.n, p.per)), P.native(data(p.n, p.m))

    def run():
        v = P.fetch(P.run(a.dot(b)))
        return np.asarray(v.toarray() if hasattr(v, "toarray") else v)
    return run
