"""Calls that type checkers must accept, and that run."""

import mars
import mars.tensor as mt
import numpy as np
from mars.tensor import Tensor

a = mt.random.rand(20, 30)
rows: Tensor = (a + 1).sum(axis=1, keepdims=True)
largest: Tensor = mt.abs(a).max(axis=(0, 1), where=a > 0.5, initial=0.0)
joined: Tensor = mt.concatenate([a, a[:10], np.ones((1, 30))], axis=0).astype(mt.float32)
product: Tensor = 2 * a - (a @ a.T).sum() ** 2
product += 1
scaled: Tensor = mt.ones(3, dtype="int8", chunk_size=2) * np.ones(3) + np.float64(2) - -a[0, 0]
mask: Tensor = (a > 0.5) & ~(a == 1)
flag: bool = bool(mask.any())
quotient, remainder = divmod(a, 2)
quotient = mt.power(quotient, remainder)
chosen: Tensor = mt.where(mask, a, 0)
normal: Tensor = mt.random.default_rng(1).normal(0, 1, (3, 4), chunk_size=2).reshape(2, -1).transpose(1, 0)
uniform: Tensor = mt.random.uniform(0, 1, 10)
norm: Tensor = mt.linalg.norm(mt.full((2, 2), 1.5)).execute()
grids: tuple[Tensor, ...] = mt.meshgrid(mt.arange(3), mt.arange(4), indexing="ij")
halves: list[Tensor] = mt.split(a, 2)
double: np.dtype[np.float64] = np.dtype(mt.float64)
axes: int = mt.sort(a, axis=0).ndim
mars.execute(rows, largest, joined)
