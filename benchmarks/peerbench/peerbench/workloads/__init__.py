"""The workloads: one function per (workload, peer).

A function gets (P, p): the peer's adapter and the parameters.  It prepares its inputs
(not timed) and returns `run`, or `(run, finish)`: `run()` is timed, and `finish(value)`
turns its value into the fingerprint that the runner compares between peers (the default
is P.fingerprint).  `run()` must leave nothing lazy: use P.call (the result stays in the
engine) or P.scalar (a small result comes to NumPy).

    @work("name", ALL, n=10_000_000, tol=1e-9)            declares a workload
    @also("name", "peer")                                  gives one peer its own function

Parameters are integers; `scaled` says how each follows --scale (exponent of S; default
1 for the first, 0 for the rest); a parameter `limit_mib` sets the memory limit of the
workload.  `run.weight` multiplies the times that are reported (1 / count: time per item),
`run.timing = (wall, cpu)` replaces them.  `absolute`: no ratios.  `truth` (optional) returns what the fingerprint must
be, as (value, absolute tolerance), where randomness forbids comparing peers.
"""
from __future__ import annotations

from . import pi, elementwise, reductions, products, linalg, movement, selection, sparse, random_numbers, overheads, files, frames, learning  # noqa: F401  (they declare their workloads)
from .declaring import WORKLOADS, Params, lookup

__all__ = ["SETS", "WORKLOADS", "Params", "lookup"]

CORE = ("mc_pi", "mul2", "mul2_sum", "add1mul2", "add1mul2_sum", "chain10", "chain10_sum", "rowsum", "rowsum_big",
        "dot_std", "svd", "red_sum_0", "red_sum_1", "red_var_1", "red_argmax_0", "transpose_add", "mask_mean", "cumsum",
        "rng_normal", "small_graphs")

SETS = {
    "core": CORE,
    "article": ("mc_pi", "mul2", "add1mul2", "rowsum", "dot_std", "svd"),
    "elementwise": ("mul2", "mul2_sum", "add1mul2", "add1mul2_sum", "chain10", "chain10_sum", "f32_chain", "count_inside",
                    "mixed"),
    "reductions": tuple(k for k in WORKLOADS if k.startswith("red_")),
    "movement": ("transpose_add", "rechunk", "reshape_sum", "mask_mean", "cumsum", "sort", "unique", "strided",
                 "sel_mask", "sel_take", "sel_argsort", "sel_median", "sel_isin", "sel_searchsorted",
                 "bcast_row", "bcast_col"),
    "linalg": ("matmul", "cholesky", "solve", "inv", "qr", "qr_ts", "svd", "dot_std", "tensordot", "einsum"),
    "fft": ("fft", "fft2_batch"),
    "sparse": ("sparse_eye", "sparse_dense"),
    "random": ("rng_uniform", "rng_normal", "rng_exponential", "rng_integers"),
    "overhead": ("rowsum", "small_graphs", "tiny_rand", "many_chunks", "many_chunks_tree", "startup_import", "startup"),
    "files": ("npy_stats", "dot_std_file", "dot_std_file_limit", "sort_file", "sort_file_limit"),
    "frames": ("df_groupby", "df_merge", "df_sort"),
    "ml": ("ml_linreg", "ml_pca", "ml_kmeans"),
    "all": tuple(WORKLOADS),
}
