"""Random numbers: reproducible, of the right distribution, with both of NumPy's interfaces."""

import itertools
import pickle
import threading

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same


def draw(seed=3, shape=(40, 50), **options):
    return mt.random.RandomState(seed).uniform(size=shape, **options)


def test_seed():
    mt.random.seed(11)
    first = [mt.random.rand(5).fetch(), mt.random.randn(5).fetch(), mt.random.rand(5).fetch()]
    mt.random.seed(11)
    again = [mt.random.rand(5).fetch(), mt.random.randn(5).fetch(), mt.random.rand(5).fetch()]
    for a, b in zip(first, again, strict=True):
        same(a, b)
    assert not np.array_equal(first[0], first[2])
    mt.random.seed(12)
    assert not np.array_equal(mt.random.rand(5).fetch(), first[0])


@pytest.mark.parametrize("chunk", [1000, (7, 50), (40, 1), (13, 17)])
@pytest.mark.parametrize("workers", [1, 2])
def test_bits_do_not_depend_on_chunks_or_workers(chunk, workers):
    with mars.Session(workers=workers):
        a = draw().rechunk(chunk if isinstance(chunk, tuple) else (chunk, chunk)).fetch()
        same(a, draw().fetch())
        same(draw()[5:, ::3].fetch(), draw().fetch()[5:, ::3])


def test_values_are_drawn_once():
    a = mt.random.rand(100)
    assert ((a - a) == 0).all().fetch()
    same(a.fetch(), a.fetch())


def test_distributions():
    n = 200_000
    r = mt.random.RandomState(5)
    u = r.uniform(-1, 3, n).fetch()
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.02
    z = r.normal(2, 3, n).fetch()
    assert abs(z.mean() - 2) < 0.04 and abs(z.std() - 3) < 0.04
    e = r.exponential(2, n).fetch()
    assert e.min() >= 0 and abs(e.mean() - 2) < 0.04
    i = r.randint(-3, 4, n).fetch()
    assert i.dtype == np.int64 and set(np.unique(i)) == set(range(-3, 4))
    assert np.bincount(i + 3).std() / n < 0.01


def test_generator():
    g = mt.random.default_rng(5)
    assert mt.random.default_rng(g) is g
    assert g.random((2, 3)).shape == (2, 3)
    assert g.integers(10, size=4).dtype == np.int64
    assert (g.integers(0, 3, size=1000, endpoint=True).fetch() <= 3).all()
    assert g.normal(size=3).dtype == np.float64
    assert g.random(3, dtype="float32").dtype == np.float32
    h = pickle.loads(pickle.dumps(g))
    same(g.random(4).fetch(), h.random(4).fetch())
    a, b = g.spawn(2)
    assert not np.array_equal(a.random(3).fetch(), b.random(3).fetch())


def test_shapes():
    assert mt.random.rand().shape == () and mt.random.rand(2, 3).shape == (2, 3)
    assert mt.random.random(4).shape == (4,) and mt.random.uniform(size=()).shape == ()
    assert mt.random.randn(2).shape == (2,)
    with pytest.raises(ValueError):
        mt.random.rand(-1)
    with pytest.raises(ValueError):
        mt.random.randint(5, 5, 3)


def test_seeds():
    for seed in (0, 2**64 - 1, 2**64, 2**100, [1, 2, 3], np.int64(4)):
        same(draw(seed).fetch(), draw(seed).fetch())
    assert not np.array_equal(draw(0).fetch(), draw(2**64).fetch())
    assert not np.array_equal(draw([1, 2]).fetch(), draw([2, 1]).fetch())
    with pytest.raises(ValueError):
        mt.random.RandomState(-1)
    with pytest.raises(TypeError):
        mt.random.RandomState(1.5)


def test_threads_never_share_a_stream():
    mt.random.seed(0)
    out = []
    lock = threading.Lock()

    def work():
        mine = [mt.random.rand(2) for _ in range(200)]
        with lock:
            out.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    mars.execute(*out)
    assert len({float(t.fetch()[0]) for t in out}) == 800


@pytest.mark.parametrize("draw", ["random", "normal", "integers", "float32"])
@pytest.mark.parametrize("shape", [(300, 301), (512, 40), (7, 33, 20), (64, 17, 5), (3, 1000), (1000, 3)])
def test_reduced_numbers_are_the_numbers(shape, draw):
    """Kernels that draw and reduce at once see the same numbers in every order of loops."""

    def numbers():
        rng = mt.random.default_rng(5)
        match draw:
            case "normal":
                return rng.normal(size=shape)
            case "integers":
                return rng.integers(0, 1 << 40, shape)
            case "float32":
                return rng.random(shape, dtype="float32")
        return rng.random(shape)

    x = numbers().fetch()
    axes = range(len(shape))
    for axis in (None, *axes, *itertools.combinations(axes, 2)):
        assert np.array_equal(numbers().max(axis=axis).fetch(), x.max(axis=axis)), axis
        if axis is None or isinstance(axis, int):
            assert np.array_equal(numbers().argmin(axis=axis).fetch(), x.argmin(axis=axis)), axis
    for order in itertools.permutations(axes):
        turned = x.transpose(order)
        assert np.array_equal(numbers().transpose(order).min(axis=0).fetch(), turned.min(axis=0)), order
        assert np.array_equal(numbers().transpose(order)[::-1, 1::3].max(axis=-1).fetch(), turned[::-1, 1::3].max(axis=-1)), order
        assert np.array_equal((numbers().transpose(order) + 0).fetch(), turned), order
