"""The same bits for every chunk size, memory limit, number of workers, fused and not."""

import itertools

import mars
import mars.tensor as mt
import numpy as np
import pytest

SHAPE = (1203, 4211)
#: What `rechunk` is given; None leaves the choice to the planner.
CHUNKINGS = [1000, 4096, (333, 77), SHAPE, None]
WORKERS = [1, 2]
FUSED = [True, False]


@pytest.fixture(scope="module")
def sessions():
    return {(w, f): mars.Session(workers=w, fuse=f) for w, f in itertools.product(WORKERS, FUSED)}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    return rng.standard_normal(SHAPE), rng.integers(-1000, 1000, SHAPE, dtype=np.int32)


def cut(x, chunking):
    return x if chunking is None else x.rechunk(chunking)


def bits(session, tensors):
    return [np.ascontiguousarray(a).tobytes() for a in session.fetch(*tensors, tensors[0])[:-1]]


def random_values(chunking, data):
    rng = mt.random.default_rng(5)
    return [
        cut(rng.random(SHAPE), chunking),
        cut(rng.standard_normal(SHAPE, dtype="float32"), chunking),
        cut(rng.integers(-7, 1000, SHAPE), chunking),
        cut(rng.exponential(2.0, SHAPE), chunking),
    ]


def element_wise(chunking, data):
    a, i = (cut(mt.asarray(x), chunking) for x in data)
    rng = mt.random.default_rng(6)
    r = cut(rng.random(SHAPE), chunking)
    return [
        mt.sqrt(a * a + r) - mt.exp(-a) / (1 + r),
        mt.sin(a) * mt.log1p(r) + mt.tanh(a),
        (a.astype("float32") * 3 + 1).astype("float16") * 2,
        mt.where(i % 7 == 3, i // 3, i << 2) ^ 21,
        a[::-1, ::2] + r[:, ::-2],
    ]


def exact_reductions(chunking, data):
    a, i = (cut(mt.asarray(x), chunking) for x in data)
    out = []
    for axis in (None, 0, 1):
        out += [i.sum(axis=axis), i.max(axis=axis), a.min(axis=axis), a.argmax(axis=axis), (a > 1).any(axis=axis)]
        out += [mt.count_nonzero(i % 3, axis=axis), i.prod(axis=axis), (i * 2 + 1).astype("uint8").sum(axis=axis)]
    return [*out, i.cumsum(axis=0), i[i > 900], mt.nonzero(a > 3)[1]]


def float_reductions(chunking, data):
    a = cut(mt.asarray(data[0]), chunking)
    r = cut(mt.random.default_rng(8).random(SHAPE), chunking)
    out = []
    for axis in (None, 0, 1):
        out += [a.sum(axis=axis), (a * r + 1).mean(axis=axis), r.var(axis=axis), a.astype("float32").sum(axis=axis)]
    return out


@pytest.mark.parametrize("job", [random_values, element_wise, exact_reductions])
def test_bits_are_equal_everywhere(job, sessions, data):
    first = None
    for chunking in CHUNKINGS:
        for setting, session in sessions.items():
            found = bits(session, job(chunking, data))
            first = first or found
            different = [k for k, (x, y) in enumerate(zip(found, first, strict=True)) if x != y]
            assert not different, f"results {different} differ for chunks {chunking}, (workers, fused) {setting}"


#: Under these the planner chooses chunks of different sizes.
LIMITS = ["24MiB", "1GiB"]


def products(chunking, data):
    r = cut(mt.random.default_rng(9).random((400, 3000)), chunking)
    return [r @ r.T, r.astype("float32") @ r.T.astype("float32")]


def of_limits(job, chunking, data):
    """The bits of a job under every limit, and the chunks of random numbers there."""
    found, splits = [], []
    for limit in LIMITS:
        with mars.Session(memory_limit=limit) as session:
            found.append([np.ascontiguousarray(t.fetch(session=session)).tobytes() for t in job(chunking, data)])
            splits.append(cut(mt.random.default_rng(5).random(SHAPE), chunking).nsplits)
    return found, splits


@pytest.mark.parametrize("job", [random_values, element_wise, exact_reductions])
def test_a_limit_changes_chunks_and_no_bits(job, data):
    (small, large), (under_small, under_large) = of_limits(job, None, data)
    assert under_small != under_large, "the test would pass as well if limits were ignored"
    different = [k for k, (x, y) in enumerate(zip(small, large, strict=True)) if x != y]
    assert not different, f"results {different} differ under {LIMITS}"


@pytest.mark.parametrize("job", [float_reductions, products])
def test_float_sums_of_pinned_chunks_keep_their_bits_under_every_limit(job, data):
    """Without pins the limit has a say in the chunks, and with these in the last bits."""
    (small, large), (first, second) = of_limits(job, (333, 777), data)
    assert first == second == ((333, 333, 333, 204), (777,) * 5 + (326,))
    different = [k for k, (x, y) in enumerate(zip(small, large, strict=True)) if x != y]
    assert not different, f"results {different} differ under {LIMITS}"


def close(found, wanted):
    for k, (x, y) in enumerate(zip(found, wanted, strict=True)):
        # Terms of both signs cancel: the bound is relative to how many are added.
        terms = SHAPE[0] * SHAPE[1] if np.ndim(x) == 0 else max(SHAPE)
        np.testing.assert_allclose(x, y, rtol=0, atol=4 * terms * np.finfo(np.asarray(x).dtype).eps, err_msg=f"result {k}")


@pytest.mark.parametrize("chunking", CHUNKINGS, ids=str)
def test_float_reductions_depend_on_chunks_and_kernels_only(chunking, sessions, data):
    """Any number of workers gives the same bits; fusing may change the order within a chunk, and with it the last bits."""
    found = {setting: sessions[setting].fetch(*float_reductions(chunking, data)) for setting in sessions}
    for fused in FUSED:
        one, two = ([np.asarray(a).tobytes() for a in found[w, fused]] for w in WORKERS)
        different = [k for k, (x, y) in enumerate(zip(one, two, strict=True)) if x != y]
        assert not different, f"results {different} differ between one and two workers, fused: {fused}"
    close(found[1, True], found[1, False])


def test_repeated_runs_give_the_same_bits(sessions, data):
    first = None
    for _ in range(5):
        found = [np.asarray(a).tobytes() for a in sessions[2, True].fetch(*float_reductions((333, 77), data))]
        first = first or found
        assert found == first


@pytest.mark.parametrize("shape", [(3, 7), (5, 16), (17, 33), (1203, 421), (31, 5, 13)], ids=str)
def test_random_numbers_inside_reductions_are_those_of_the_array(shape):
    """Reductions that draw their numbers themselves, in whatever order, draw the numbers of the array."""
    for session in (mars.Session(), mars.Session(chunk_bytes=4096)):
        for dtype in ("float64", "float32"):
            x = mt.random.default_rng(8).random(shape, dtype=dtype).fetch(session=session)
            i = mt.random.default_rng(9).integers(-50, 50, shape, dtype=dtype.replace("float", "int")).fetch(session=session)
            for axis in (None, *range(len(shape)), tuple(range(0, len(shape), 2)), -1):
                r = mt.random.default_rng(8).random(shape, dtype=dtype)
                assert np.array_equal(r.max(axis=axis).fetch(session=session), x.max(axis=axis))
                assert np.array_equal(
                    r.argmin(axis=axis if isinstance(axis, int) else None).fetch(session=session),
                    x.argmin(axis=axis if isinstance(axis, int) else None),
                )
                n = mt.random.default_rng(9).integers(-50, 50, shape, dtype=dtype.replace("float", "int"))
                assert np.array_equal(n.sum(axis=axis).fetch(session=session), i.sum(axis=axis))


def test_chunkings_really_differ(data):
    """The tests above would pass as well if chunk sizes were ignored."""
    counts = [len(sizes) for c in CHUNKINGS[:4] for sizes in (cut(mt.asarray(data[0]), c) + 1).nsplits]
    assert counts == [2, 5, 1, 2, 4, 55, 1, 1]


def test_float_reductions_agree_closely(sessions, data):
    """Chunk edges that were pinned may change the last bits of float sums, and no more."""
    session = sessions[2, True]
    whole = session.fetch(*float_reductions(SHAPE, data))
    for chunking in CHUNKINGS:
        close(session.fetch(*float_reductions(chunking, data)), whole)
