"""Running sums and products along axes that lie in many chunks."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

pytestmark = pytest.mark.usefixtures("collected")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_axis_larger_than_the_memory_limit(workers, tmp_path):
    n = 3_000_000
    mt.random.seed(5)
    x = mt.random.rand(n).fetch().copy()
    with mars.Session(memory_limit="8MiB", workers=workers, spill_dir=tmp_path) as session:
        mt.random.seed(5)
        sums = mt.cumsum(mt.random.rand(n))
        assert sums[::-1][:5].copy().fetch().tolist() == np.cumsum(x)[::-1][:5].tolist()
        # Also of what lies in chunks, as a result in chunks.
        same(mt.cumsum(mt.tensor(x)).fetch(), np.cumsum(x))
        rows = mt.maximum.accumulate(mt.tensor(x).reshape(-1, 3), axis=0)
        np.testing.assert_array_equal(rows[-1000:].copy().fetch(), np.maximum.accumulate(x.reshape(-1, 3), axis=0)[-1000:])
        assert session.statistics()["peak_bytes"] <= 8 << 20


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("dtype", ["?", "b", "H", "q", "e", "f", "d", "F", "D"])
def test_every_step_is_rounded_as_in_one_chunk(dtype, workers, rng, tmp_path):
    x = (
        (rng.random((37, 50)) * 3 - 1).astype(dtype)
        if dtype in "efdFD"
        else rng.integers(0, 2 if dtype == "?" else 90, (37, 50)).astype(dtype)
    )
    with mars.Session(chunk_bytes=256, workers=workers, spill_dir=tmp_path):
        for chunks in (None, (5, 7), (37, 3), (2, 50)):
            t = mt.tensor(x) if chunks is None else mt.tensor(x).rechunk(chunks)
            for axis in (0, 1, None):
                same(mt.cumsum(t, axis=axis).fetch(), np.cumsum(x, axis=axis))
                if dtype not in "FD":
                    same(mt.cumprod(t, axis=axis).fetch(), np.cumprod(x, axis=axis))
        if dtype not in "FD":
            same(mt.minimum.accumulate(t[:, ::-1], axis=1).fetch(), np.minimum.accumulate(x[:, ::-1], axis=1))


def test_half_types_stop_where_numpy_stops(tmp_path):
    # 2048 + 1 is 2048 in float16: sums of chunks added up would go on.
    with mars.Session(chunk_bytes=512, spill_dir=tmp_path):
        assert mt.cumsum(mt.ones(5000, dtype="f2")).fetch()[-1] == 2048 == np.cumsum(np.ones(5000, "f2"))[-1]


def test_nan_stays_once_it_has_come(tmp_path):
    x = np.arange(200.0)
    x[67] = np.nan
    with mars.Session(chunk_bytes=128, spill_dir=tmp_path):
        t = mt.tensor(x).rechunk(10)
        for f, g in (
            (mt.cumsum, np.cumsum),
            (mt.maximum.accumulate, np.maximum.accumulate),
            (mt.minimum.accumulate, np.minimum.accumulate),
        ):
            same(f(t).fetch(), g(x))


def test_chunks_without_elements(tmp_path):
    x = np.arange(40)
    with mars.Session(chunk_bytes=64, spill_dir=tmp_path):
        t = mt.tensor(x).rechunk(5)
        for kept in (x > 12, (x < 3) | (x > 30), x < 0):
            same(mt.cumsum(t[mt.tensor(kept)]).fetch(), np.cumsum(x[kept]))
