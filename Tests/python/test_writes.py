"""Writes into tensors, and operators over boxes: how much they copy, and that tensors larger than the memory limit pass through them."""

import mars
import mars.tensor as mt
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("collected")


def counted(session, work):
    """What `work` answers, and how far the session's counters moved."""
    before = session.statistics()
    out = work()
    after = session.statistics()
    return out, {k: after[k] - before[k] for k in after}


@pytest.fixture
def own(tmp_path):
    """A session with room for everything."""
    with mars.Session(memory_limit="1GiB", workers=2, spill_dir=tmp_path) as session:
        yield session


@pytest.mark.parametrize("size", [1000, 400_000, 3_000_000], ids=["one line", "one piece", "chunks"])
def test_many_writes_in_one_graph_copy_once(own, size):
    start = own.statistics()["peak_bytes"]  # buffers kept warm
    a = mt.zeros(size)
    for i in range(300):
        a[i] = i + 1
    got, moved = counted(own, a.fetch)
    assert (got[:300] == np.arange(1, 301)).all() and not got[300:].any()
    assert moved["in_place_tasks"] >= 299
    # A copy for each write would be live at least twice; the result alone is size * 8 bytes.
    assert own.statistics()["peak_bytes"] - start < 4 * max(size * 8, 1 << 16)


def test_many_writes_move_few_bytes(own):
    def timed(writes):
        a = mt.zeros(2_000_000)
        for i in range(writes):
            a[i] = 1.0
        _, moved = counted(own, a.sum().fetch)
        return moved["task_nanoseconds"], moved["in_place_tasks"]

    timed(2)
    few, _ = timed(2)
    many, in_place = timed(102)
    assert in_place >= 100
    # 100 copies of 16 MB take more than 200 ms; handing 100 * 16 chunks on takes a few.
    assert many - few < 100e6


def test_rows_put_through_index_arrays_in_place(own):
    a = mt.zeros((500, 300))
    for i in range(50):
        a[[i, i + 1, -1]] = i + 1
    got, moved = counted(own, a.fetch)
    expected = np.zeros((500, 300))
    for i in range(50):
        expected[[i, i + 1, -1]] = i + 1
    np.testing.assert_array_equal(got, expected)
    assert moved["in_place_tasks"] >= 49


def test_writes_between_executions_go_into_the_tensor(own):
    start = own.statistics()["peak_bytes"]  # buffers kept warm
    a = mt.zeros(400_000).execute()

    def loop():
        for i in range(50):
            a[i] = i
            a.execute()

    _, moved = counted(own, loop)
    assert moved["in_place_tasks"] >= 50
    assert own.statistics()["peak_bytes"] - start < 2 * 3_200_000
    assert (a.fetch()[:50] == np.arange(50)).all() and a.sum().fetch() == 49 * 25


def test_what_was_seen_before_a_write_stays(own):
    a = mt.zeros(400_000).execute()
    a[0] = 1
    a.execute()
    seen = a.fetch()
    later = a + 1
    view = a[:3]
    copy = a.copy()
    a[1] = 2
    a.execute()
    a[2] = 3
    a.execute()
    assert seen[:3].tolist() == [1, 0, 0]
    assert later.fetch()[:3].tolist() == [2, 1, 1]
    assert copy.fetch()[:3].tolist() == [1, 0, 0]
    assert view.fetch().tolist() == a.fetch()[:3].tolist() == [1, 2, 3]
    a[0] = a[1] + a[2]
    b = a * 2
    a.execute()
    a[0] = 7
    a.execute()
    assert b.fetch()[:3].tolist() == [10, 4, 6] and a.fetch()[:3].tolist() == [7, 2, 3]


@pytest.mark.parametrize("seed", range(6))
def test_programs_of_writes_and_reads(own, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([50, 3000, 200_000]))
    x, a = np.zeros(n), mt.zeros(n)
    kept = []
    for step in range(60):
        i, j = sorted(int(k) for k in rng.integers(0, n, 2))
        match int(rng.integers(0, 9)):
            case 0 | 1:
                a[i] = x[i] = step
            case 2:
                a[i:j] = x[i:j] = step / 2
            case 3:
                a[i:j] = a[i:j][::-1]
                x[i:j] = x[i:j][::-1].copy()
            case 4 | 5:
                a.execute()
            case 6:
                kept.append((a + step, x + step))
            case 7:
                kept.append((a[i:j].copy(), x[i:j].copy()))
            case 8:
                kept.append((a.fetch(), x.copy()))
    for got, expected in kept:
        np.testing.assert_array_equal(got.fetch() if isinstance(got, mt.Tensor) else got, expected)
    np.testing.assert_array_equal(a.fetch(), x)


def test_a_write_leaves_chunks_that_it_does_not_touch(tmp_path):
    # A result four times the limit stays in chunks, most of them on disk.
    with mars.Session(memory_limit="8MiB", workers=2, spill_dir=tmp_path) as session:
        a = mt.arange(4_000_000).execute()
        (_, chunks) = counted(session, lambda: mt.sum(a).fetch())

        def write():
            for k in range(10):
                a[k] = -k
                a.execute()

        _, moved = counted(session, write)
        assert moved["in_place_tasks"] > 10 * 30
        # Ten times the one chunk of which something changes, not ten times 32 MB.
        assert moved["spilled_bytes"] + moved["unspilled_bytes"] < 16 << 20
        assert a[:12].fetch().tolist() == [-k for k in range(10)] + [10, 11]
        assert int(a.sum().fetch()) == 4_000_000 * 3_999_999 // 2 - 2 * 45
        assert chunks["in_place_tasks"] == 0


N = 4_000_000
X = np.arange(N)


@pytest.mark.parametrize(
    "name",
    ["reshape", "reshape across rows", "fortran", "concatenate", "stack", "stack last", "roll", "tile", "repeat", "assign", "rows"],
)
def test_boxes_of_tensors_four_times_the_limit(name, tmp_path):
    def both(t, m):
        match name:
            case "reshape":
                return t.reshape(2000, 2000)
            case "reshape across rows":
                return t.reshape(40, 100_000).reshape(625, 6400)
            case "fortran":
                return t.reshape((2000, 2000), order="F")
            case "concatenate":
                return m.concatenate([t[:1_000_000], t, t[5:]])
            case "stack":
                return m.stack([t, t + 1])
            case "stack last":
                return m.stack([t, t + 1], axis=-1)
            case "roll":
                return m.roll(t, 123_457)
            case "tile":
                return m.tile(t[:500_000], 8)
            case "repeat":
                return m.repeat(t[:500_000], 8)
            case "assign":
                out = t + 0
                out[5:3_000_000] = t[1_000_000 : 1_000_000 + 2_999_995]
                return out
            case "rows":
                out = (t + 0).reshape(2000, 2000)
                out[[3, 1999, 3]] = 7
                return out
        raise AssertionError(name)

    expected = both(X, np)
    with mars.Session(memory_limit="8MiB", workers=2, spill_dir=tmp_path) as session:
        out = both(mt.arange(N), mt)
        assert out.shape == expected.shape
        weights = np.arange(expected.shape[-1]) % 7
        assert int((out * mt.tensor(weights)).sum().fetch()) == int((expected * weights).sum())
        assert session.statistics()["peak_bytes"] <= 8 << 20


def test_smaller_chunks_where_a_task_would_not_fit(tmp_path):
    # Each term is one chunk of 0.8 MB, and the sum reads all of them at once.
    x = np.ones(100_000)
    with mars.Session(memory_limit="8MiB", workers=2, spill_dir=tmp_path) as session:
        total = mt.cumsum(mt.tensor(x))
        for k in range(1, 40):
            total = total + mt.cumsum(mt.tensor(x) * k)
        assert total.sum().fetch() == pytest.approx(np.cumsum(x).sum() * (1 + sum(range(1, 40))))
        assert session.statistics()["peak_bytes"] <= 8 << 20


def test_masks_do_not_keep_what_is_done_with(tmp_path):
    # Until the mask's extent is known the plan is not complete: what came before it is dropped all the same.
    with mars.Session(memory_limit="512MiB", workers=1, spill_dir=tmp_path) as session:
        x = mt.random.rand(4_000_000)
        y = x
        for _ in range(6):
            y = mt.sort(y.reshape(1000, 4000), axis=1).reshape(-1)[::-1].copy()
        kept = y[y > 0.5]
        assert 0 < kept.sum().fetch() < 4_000_000
        # Twelve intermediates of 32 MB.
        assert session.statistics()["peak_bytes"] < 256 << 20


@pytest.mark.parametrize("limit", ["16MiB", "1GiB"])
def test_masks_of_masks_run_once(limit, tmp_path):
    x = np.arange(900_000) * 7 % 1000
    with mars.Session(memory_limit=limit, workers=1, spill_dir=tmp_path) as session:
        t = mt.tensor(x)
        t = t[t % 3 != 0]
        x = x[x % 3 != 0]
        got, moved = counted(session, t[t % 3 != 1].fetch)
        np.testing.assert_array_equal(got, x[x % 3 != 1])
        t = t[t % 3 != 1] * 2
        np.testing.assert_array_equal(t[t > 900].fetch(), x[x % 3 != 1][x[x % 3 != 1] * 2 > 900] * 2)
        # Four selections of at most 8 chunks and what they read.
        assert moved["tasks"] < 200


# ---- reshapes of data ----


@pytest.mark.parametrize("make", [lambda x: mt.tensor(x).execute(), mt.asarray], ids=["kept", "borrowed"])
def test_a_reshape_of_data_reads_its_memory(make):
    x = np.arange(1200.0).reshape(40, 30)
    t = make(x.copy())
    flat = t.reshape(-1)
    for ours, theirs in [
        (flat * 2, x.ravel() * 2),
        (flat.max(), x.max()),
        (t.reshape(100, 12).sum(axis=1), x.reshape(100, 12).sum(axis=1)),
        (mt.concatenate([flat, flat * 3]), np.concatenate([x.ravel(), x.ravel() * 3])),
    ]:
        assert "native[reshape" not in ours.explain()
        np.testing.assert_array_equal(ours.to_numpy(), theirs)
    # What is kept of it is memory of its own.
    kept = flat.copy().execute()
    t += 1
    np.testing.assert_array_equal(flat.to_numpy(), x.ravel() + 1)
    np.testing.assert_array_equal(kept.to_numpy(), x.ravel())
