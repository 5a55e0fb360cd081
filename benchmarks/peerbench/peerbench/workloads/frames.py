"""Data frames."""
from __future__ import annotations

import numpy as np

from .declaring import also, work
from .inputs import fingerprint_of

FRAMES = ("pandas", "modin", "daskdf", "xorbitsdf")


def _cols(n, k):
    rng = np.random.default_rng(11)
    return {"key": rng.integers(0, k, n), "a": rng.random(n), "b": rng.integers(0, 1000, n)}


def _dims(k):
    return {"key": np.arange(k), "w": np.random.default_rng(12).random(k)}


def _frame_finish(P, cols, by=None):
    def finish(v):
        t = P.table(v)
        if by:
            t = t.sort_values(by)
        return {c: fingerprint_of(t[c].to_numpy().astype(float)) for c in cols}
    return finish


def _result(P, df):
    """Forces a frame; dask's is computed into pandas, the others keep their own."""
    if P.name == "daskdf":
        return df.compute()
    if P.name == "xorbitsdf":
        return P.run(df)
    if P.name == "modin":
        df._query_compiler.execute() if hasattr(df, "_query_compiler") else None
    return df


@work("df_groupby", FRAMES, n=10_000_000, k=10_000, group="frame", tol=1e-9)
def df_groupby(P, p):
    """groupby('key').agg(sum a, mean a, max b)."""
    df = P.frame(_cols(p.n, p.k))

    def run():
        g = df.groupby("key").agg({"a": "sum", "b": "max"}).reset_index()
        return _result(P, g)

    def finish(v):
        t = v if P.name == "daskdf" else P.table(v)
        t = t.sort_values("key")
        return {c: fingerprint_of(t[c].to_numpy().astype(float)) for c in ("key", "a", "b")}
    return run, finish


@also("df_groupby", "polars")
def df_groupby_polars(P, p):
    pl, df = P.pl, P.frame(_cols(p.n, p.k))
    return (lambda: df.lazy().group_by("key").agg(pl.col("a").sum(), pl.col("b").max()).collect()), \
        _frame_finish(P, ("key", "a", "b"), "key")


@also("df_groupby", "duckdb")
def df_groupby_duckdb(P, p):
    t = P.frame(_cols(p.n, p.k))
    return (lambda: P.con.execute("SELECT key, sum(a) a, max(b) b FROM %s GROUP BY key" % t).df()), \
        _frame_finish(P, ("key", "a", "b"), "key")


@work("df_merge", FRAMES, n=10_000_000, k=100_000, group="frame", tol=1e-9)
def df_merge(P, p):
    """merge of n rows with k on 'key', then sum(a * w)."""
    df, dim = P.frame(_cols(p.n, p.k)), P.frame(_dims(p.k))

    def run():
        m = df.merge(dim, on="key")
        s = (m["a"] * m["w"]).sum()
        if P.name == "daskdf":
            return float(s.compute())
        if P.name == "xorbitsdf":
            return float(P.fetch(P.run(s)))
        return float(s)
    return run


@also("df_merge", "polars")
def df_merge_polars(P, p):
    pl, df, dim = P.pl, P.frame(_cols(p.n, p.k)), P.frame(_dims(p.k))
    return lambda: float(df.lazy().join(dim.lazy(), on="key").select((pl.col("a") * pl.col("w")).sum())
                         .collect().item())


@also("df_merge", "duckdb")
def df_merge_duckdb(P, p):
    t, d = P.frame(_cols(p.n, p.k)), P.frame(_dims(p.k))
    return lambda: float(P.con.execute("SELECT sum(a * w) FROM %s JOIN %s USING (key)" % (t, d)).fetchone()[0])


@work("df_sort", FRAMES, n=10_000_000, k=10_000_000, group="frame", tol=1e-9)
def df_sort(P, p):
    """sort_values('a'), the whole frame."""
    df = P.frame(_cols(p.n, p.k))

    def run():
        return _result(P, df.sort_values("a"))

    def finish(v):
        t = v if P.name == "daskdf" else P.table(v)
        return {c: fingerprint_of(t[c].to_numpy()[:: max(1, p.n // 1000)].astype(float)) for c in ("key", "a", "b")}
    return run, finish


@also("df_sort", "polars")
def df_sort_polars(P, p):
    df = P.frame(_cols(p.n, p.k))
    return (lambda: df.sort("a")), \
        (lambda v: {c: fingerprint_of(v[c].to_numpy()[:: max(1, p.n // 1000)].astype(float)) for c in ("key", "a", "b")})


@also("df_sort", "duckdb")
def df_sort_duckdb(P, p):
    t = P.frame(_cols(p.n, p.k))
    return (lambda: P.con.execute("SELECT * FROM %s ORDER BY a" % t).fetchnumpy()), \
        (lambda v: {c: fingerprint_of(np.asarray(v[c])[:: max(1, p.n // 1000)].astype(float)) for c in ("key", "a", "b")})
