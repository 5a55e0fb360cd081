"""Distributions that reject: the right distributions, and the same numbers in any chunks and from any client."""

import math
import subprocess
import sys

import mars
import mars.tensor as mt
import numpy as np
import pytest

N = 40_000
# Of the largest distance between two distribution functions, Kolmogorov 1933: passed by chance once in a thousand times.
LIMIT = 1.95 / math.sqrt(N)


def erlang(shape, scale=1.0):
    return lambda x: 1 - sum(np.exp(-x / scale + k * np.log(x / scale) - math.lgamma(k + 1)) for k in range(shape))


def beta_of_integers(a, b):
    n = a + b - 1
    return lambda x: sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))


def integrated(density, low, high, points=400_001):
    """The distribution function of a density, by the trapezoidal rule; it need not be normalised."""
    grid = np.linspace(low, high, points)
    y = density(grid)
    total = np.concatenate([[0], np.cumsum((y[1:] + y[:-1]) / 2)])
    return lambda x: np.interp(x, grid, total / total[-1])


def normal(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def wald(mean, scale):
    def of(x):
        root = np.sqrt(scale / x)
        return normal(root * (x / mean - 1)) + math.exp(2 * scale / mean) * normal(-root * (x / mean + 1))

    return of


CONTINUOUS = [
    ("standard_gamma", (1,), erlang(1)), ("standard_gamma", (3,), erlang(3)), ("gamma", (4, 2.5), erlang(4, 2.5)),
    ("standard_gamma", (0.3,), integrated(lambda x: np.exp(-(x ** (1 / 0.3))), 0, 3)),
    ("beta", (2, 3), beta_of_integers(2, 3)), ("beta", (0.5, 0.5), lambda x: 2 / np.pi * np.arcsin(np.sqrt(x))),
    ("beta", (1, 1), lambda x: x), ("beta", (5, 1), lambda x: x**5), ("chisquare", (6,), erlang(3, 2)),
    ("standard_t", (1,), lambda x: 0.5 + np.arctan(x) / np.pi), ("standard_t", (2,), lambda x: 0.5 + x / (2 * np.sqrt(2 + x * x))),
    ("f", (2, 8), lambda x: 1 - (1 + 2 * x / 8) ** -4.0), ("power", (3,), lambda x: x**3),
    ("noncentral_chisquare", (1, 4), lambda x: normal(np.sqrt(x) - 2) - normal(-np.sqrt(x) - 2)),
    ("noncentral_chisquare", (0.5, 0), integrated(lambda x: np.exp(-(x**4) / 2), 0, 4)),
    ("vonmises", (0, 2), integrated(lambda x: np.exp(2 * np.cos(x)), -np.pi, np.pi)), ("vonmises", (1, 0), lambda x: (x + np.pi) / (2 * np.pi)),
    ("vonmises", (3, 0.7), integrated(lambda x: np.exp(0.7 * np.cos(x - 3)), -np.pi, np.pi)), ("wald", (2, 3), wald(2, 3)),
]  # fmt: skip
# What a number is turned into before it is looked up, where that makes the function simple.
TURNED = {("standard_gamma", (0.3,)): lambda x: x**0.3, ("noncentral_chisquare", (0.5, 0)): lambda x: x**0.25}


@pytest.mark.parametrize("name, parameters, function", CONTINUOUS)
def test_continuous(name, parameters, function):
    x = np.sort(getattr(mt.random.default_rng(11), name)(*parameters, size=N).to_numpy())
    assert x.dtype == np.float64
    x = TURNED.get((name, parameters), lambda x: x)(x)
    at = function(x)
    assert max(np.max(np.arange(1, N + 1) / N - at), np.max(at - np.arange(N) / N)) < LIMIT


def poisson(mean):
    return lambda k: np.exp(k * math.log(mean) - mean - np.vectorize(math.lgamma)(k + 1.0))


def log_choose(n, k):
    lg = np.vectorize(math.lgamma)
    return lg(n + 1.0) - lg(k + 1.0) - lg(n - k + 1.0)


def binomial(n, p):
    return lambda k: np.where(k <= n, np.exp(log_choose(n, np.minimum(k, n)) + k * math.log(p) + (n - k) * math.log1p(-p)), 0)


def hypergeometric(good, bad, sample):
    def of(k):
        fits = (k <= min(good, sample)) & (sample - k <= bad)
        j = np.clip(k, max(0, sample - bad), min(good, sample))
        return np.where(fits, np.exp(log_choose(good, j) + log_choose(bad, sample - j) - log_choose(good + bad, np.float64(sample))), 0)

    return of


DISCRETE = [
    ("poisson", (0.7,), poisson(0.7)), ("poisson", (9.9,), poisson(9.9)), ("poisson", (10,), poisson(10)), ("poisson", (300,), poisson(300)),
    ("binomial", (10, 0.3), binomial(10, 0.3)), ("binomial", (12, 0.95), binomial(12, 0.95)), ("binomial", (200, 0.4), binomial(200, 0.4)),
    ("binomial", (1000, 0.7), binomial(1000, 0.7)), ("geometric", (0.2,), lambda k: np.where(k > 0, 0.2 * 0.8 ** (k - 1.0), 0)),
    ("negative_binomial", (3, 0.4), lambda k: np.exp(log_choose(k + 2.0, k)) * 0.4**3 * 0.6**k),
    ("hypergeometric", (5, 6, 4), hypergeometric(5, 6, 4)), ("hypergeometric", (60, 40, 30), hypergeometric(60, 40, 30)),
    ("hypergeometric", (40, 60, 75), hypergeometric(40, 60, 75)), ("hypergeometric", (20, 30, 45), hypergeometric(20, 30, 45)),
    ("logseries", (0.7,), lambda k: np.where(k > 0, -(0.7**k) / (np.maximum(k, 1) * math.log(0.3)), 0)),
    ("zipf", (3.0,), lambda k: np.where(k > 0, np.maximum(k, 1.0) ** -3.0 / 1.2020569031595942, 0)),
]  # fmt: skip


@pytest.mark.parametrize("name, parameters, probability", DISCRETE)
def test_discrete(name, parameters, probability):
    x = getattr(mt.random.default_rng(12), name)(*parameters, size=N).to_numpy()
    assert x.dtype == np.int64 and x.min() >= 0
    most = min(x.max(), 3000)
    found = np.cumsum(np.bincount(np.minimum(x, most + 1), minlength=most + 2)[: most + 1]) / N
    assert np.max(np.abs(found - np.cumsum(probability(np.arange(most + 1))))) < LIMIT


def test_large_means():
    g = mt.random.default_rng(3)
    for made, mean, variance in ((g.poisson(1e10, size=N), 1e10, 1e10), (g.binomial(10**9, 0.3, size=N), 3e8, 2.1e8)):
        x = made.to_numpy() - mean
        assert abs(x.mean()) < 4 * math.sqrt(variance / N) and abs(x.var() / variance - 1) < 0.05


def test_several_values_at_once():
    g = mt.random.default_rng(4)
    x = g.dirichlet([1, 2, 5], size=(N, 1)).to_numpy()
    assert x.shape == (N, 1, 3)
    np.testing.assert_allclose(x.sum(axis=-1), 1)
    np.testing.assert_allclose(x.mean(axis=(0, 1)), [1 / 8, 2 / 8, 5 / 8], atol=0.005)
    np.testing.assert_allclose(x.var(axis=(0, 1)), [7 / 576, 12 / 576, 15 / 576], rtol=0.05)
    x = g.multinomial(20, [0.2, 0.3, 0.5], size=N).to_numpy()
    assert x.dtype == np.int64 and (x.sum(axis=1) == 20).all()
    np.testing.assert_allclose(x.mean(axis=0), [4, 6, 10], atol=0.05)
    np.testing.assert_allclose(np.cov(x.T), 20 * (np.diag([0.2, 0.3, 0.5]) - np.outer([0.2, 0.3, 0.5], [0.2, 0.3, 0.5])), atol=0.12)
    assert g.multinomial(np.array([3, 4]), [0.5, 0.5]).sum(axis=1).fetch().tolist() == [3, 4]
    assert g.multinomial(3, [1.0]).shape == (1,) and mt.random.multinomial(3, [0, 1.0]).fetch().tolist() == [0, 3]
    a = np.arange(600).reshape(20, 30)
    rows = g.permuted(a, axis=1).to_numpy()
    assert (np.sort(rows, axis=1) == a).all() and len({tuple(r - r.min()) for r in rows}) == 20
    every = g.permuted(a).to_numpy()
    assert every.shape == a.shape and (np.sort(every, axis=None) == a.ravel()).all() and (np.sort(every, axis=1) != a).any()


@pytest.mark.parametrize(
    "name, parameters",
    [("gamma", (0.5, 2)), ("poisson", (20,)), ("binomial", (50, 0.4)), ("beta", (0.3, 0.6)), ("hypergeometric", (50, 60, 70)),
     ("vonmises", (1, 3)), ("zipf", (2,)), ("standard_t", (5,))],
)  # fmt: skip
def test_chunks_do_not_matter(name, parameters):
    draw = [getattr(mt.random.default_rng(5), name) for _ in range(3)]
    whole = draw[0](*parameters, size=(70, 90)).to_numpy()
    np.testing.assert_array_equal(draw[1](*parameters, size=(70, 90), chunk_size=(13, 40)).to_numpy(), whole)
    wide = [np.full((70, 1), p) for p in parameters]
    np.testing.assert_array_equal(draw[2](*wide, size=(70, 90)).to_numpy(), whole)
    state = mt.random.RandomState(5)
    np.testing.assert_array_equal(getattr(state, name)(*parameters, size=(70, 90)).to_numpy(), whole)


def test_parameters_broadcast():
    g = mt.random.default_rng(6)
    assert g.poisson([[1], [2]], size=None).shape == (2, 1) and g.poisson([1.0, 100.0], size=(5, 2)).shape == (5, 2)
    assert g.gamma(mt.tensor([1.0, 2]), np.ones((3, 1))).shape == (3, 2)
    assert g.standard_gamma(2, size=4, dtype="f4").dtype == np.float32 and g.poisson().shape == () and g.poisson(size=0).shape == (0,)
    assert np.random.default_rng and mt.random.power(2, size=3).shape == (3,)
    edges = [
        g.poisson(0, size=9),
        g.binomial(0, 0.5, size=9),
        g.binomial(7, 0, size=9),
        g.standard_gamma(0, size=9),
        g.hypergeometric(0, 5, 3, size=9),
    ]
    assert all((e == 0).all() for e in edges) and (g.binomial(7, 1, size=9) == 7).all() and (g.geometric(1, size=9) == 1).all()


@pytest.mark.parametrize(
    "call",
    [lambda r: r.poisson(-1), lambda r: r.poisson(np.nan), lambda r: r.binomial(5, 1.5), lambda r: r.binomial(-1, 0.5), lambda r: r.gamma(-1),
     lambda r: r.zipf(1), lambda r: r.beta(0, 1), lambda r: r.hypergeometric(1, 1, 5), lambda r: r.geometric(0), lambda r: r.chisquare(0),
     lambda r: r.multinomial(3, [0.9, 0.9, 0.1]), lambda r: r.multinomial(-3, [1.0]), lambda r: r.dirichlet([1, -2]), lambda r: r.wald(0, 1),
     lambda r: r.negative_binomial(1, 0), lambda r: r.vonmises(0, -1), lambda r: r.logseries(1), lambda r: r.poisson([1.0, 2], size=3)],
)  # fmt: skip
def test_refused_parameters(call):
    for r in (np.random.default_rng(1), mt.random.default_rng(1)):
        with pytest.raises(ValueError):
            call(r)


def test_refused_when_known():
    with pytest.raises(ValueError, match="lam < 0"):
        mt.random.poisson(mt.tensor([1.0, -1.0]) * 1, size=2).fetch()


NAN, INF = float("nan"), float("inf")
UNUSUAL = [NAN, INF, -INF, -1.0, 0.0, 5e-324, 1e-300, 1e-17, 0.5, 1 - 2**-53, 1.0, 1 + 2**-52, 12.0, 1e9, 1e18, 9.22e18, 1e300]
ALL_SAMPLERS = {
    "standard_gamma": 1, "gamma": 2, "beta": 2, "chisquare": 1, "f": 2, "standard_t": 1, "noncentral_chisquare": 2, "noncentral_f": 3,
    "power": 1, "vonmises": 2, "wald": 2, "poisson": 1, "negative_binomial": 2, "binomial": 2, "geometric": 1, "hypergeometric": 3,
    "logseries": 1, "zipf": 1,
}  # fmt: skip
ENDING = """
import itertools, sys
import mars
import mars.tensor as mt
import numpy as np
name, count, values = sys.argv[1], int(sys.argv[2]), [float(x) for x in sys.argv[3:]]
g = mt.random.default_rng(0)
for p in itertools.product(values, repeat=count):
    try:
        getattr(g, name)(*(np.full(8, x) for x in p)).to_numpy()
    except ValueError:
        pass
"""


@pytest.mark.parametrize("name", ALL_SAMPLERS)
def test_unusual_parameters_end(name):
    # In a process of its own, because a loop that rejects for ever cannot be stopped.
    values = UNUSUAL if ALL_SAMPLERS[name] < 3 else UNUSUAL[:5] + [0.5, 12.0, 1e9, 1e18, 1e300]
    subprocess.run([sys.executable, "-c", ENDING, name, str(ALL_SAMPLERS[name]), *map(str, values)], check=True, timeout=60)


@pytest.mark.parametrize(
    "name, parameters, message",
    [
        ("hypergeometric", (10**6, INF, 10**6), "nbad must be below 10\\*\\*9"), ("hypergeometric", (10, INF, 5), "nbad must be below"),
        ("hypergeometric", (NAN, 5, 5), "ngood < 0 or is NaN"), ("hypergeometric", (10**9, 1, 5), "ngood must be below"),
        ("hypergeometric", (5, 5, INF), "nsample must be below"), ("binomial", (INF, 0.5), "n must be below 2\\*\\*63"),
        ("binomial", (NAN, 0.5), "n < 0 or is NaN"), ("negative_binomial", (INF, 0.5), "n too large or p too small"),
        ("negative_binomial", (2, 1e-300), "n too large or p too small"), ("negative_binomial", (NAN, 0.5), "n <= 0 or is NaN"),
        ("poisson", (INF,), "lam value too large"),
    ],
)  # fmt: skip
def test_counts_that_cannot_be(name, parameters, message):
    for given in (parameters, [mt.tensor([float(x)]) for x in parameters]):
        with pytest.raises(ValueError, match=message):
            getattr(mt.random.default_rng(1), name)(*given).fetch()


def test_real_parameters_that_are_not_finite():
    calls = [
        ("standard_gamma", (NAN,)), ("standard_gamma", (INF,)), ("chisquare", (NAN,)), ("beta", (2, INF)), ("beta", (INF, INF)),
        ("vonmises", (1.5, INF)), ("vonmises", (NAN, 2)), ("wald", (INF, 1)), ("wald", (3, INF)), ("power", (INF,)), ("zipf", (INF,)),
        ("noncentral_chisquare", (2, INF)), ("noncentral_chisquare", (NAN, 1)), ("f", (2, NAN)), ("gamma", (2, INF)),
    ]  # fmt: skip
    for name, p in calls:
        want = getattr(np.random.default_rng(1), name)(*p, size=5)
        np.testing.assert_array_equal(getattr(mt.random.default_rng(1), name)(*p, size=5).to_numpy(), want, err_msg=f"{name}{p}")


def test_integers_drawn_from_are_not_listed():
    # A hundred million of them would take 800 MB, and 2**62 nothing has room for.
    with mars.Session(memory_limit="64MiB"):
        g = mt.random.default_rng(4)
        assert 0 <= g.choice(10**8).fetch() < 10**8
        many = g.choice(2**62, size=1000).to_numpy()
        assert many.dtype == np.int64 and many.min() >= 0 and 2**61 < many.max() < 2**62
        assert 0 <= mt.random.choice(2**31).fetch() < 2**31
    # The same numbers as from the listed integers.
    for call in (
        lambda g, a: g.choice(a, (3, 2)), lambda g, a: g.choice(a, 3, replace=False), lambda g, a: g.permutation(a),
        lambda g, a: g.choice(a, 4, p=[0.1, 0.2, 0.3, 0.4]),
    ):  # fmt: skip
        draws = [call(mt.random.default_rng(9), a).to_numpy() for a in (4, np.arange(4))]
        assert draws[0].dtype == np.int64 and draws[0].tolist() == draws[1].tolist()
