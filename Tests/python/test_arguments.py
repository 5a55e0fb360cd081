"""Arguments that are not what a function takes, and what the error says."""

import inspect
import threading
import time

import mars
import mars.tensor as mt
import numpy as np
import pytest

# ---- chunk_size: one rule wherever it is given ----

GIVEN = {
    "tensor": lambda c: mt.tensor(np.ones((4, 6)), chunk_size=c),
    "ones": lambda c: mt.ones((4, 6), chunk_size=c),
    "rechunk": lambda c: mt.tensor(np.ones((4, 6))).rechunk(c),
    "random": lambda c: mt.random.rand(4, 6, chunk_size=c),
}


@pytest.mark.parametrize("where", GIVEN)
def test_chunk_size(where):
    make = GIVEN[where]
    assert make(-1).nsplits == ((4,), (6,))
    assert make((2, -1)).nsplits == ((2, 2), (6,))
    assert make(np.int64(3)).nsplits == ((3, 1), (3, 3))
    for wrong in (0, -2, (2, 0)):
        with pytest.raises(ValueError, match="chunk_size must be positive, or -1 for a whole axis"):
            make(wrong)
    for wrong in (2.5, (2, 2.5), "2", True):
        with pytest.raises(TypeError, match="chunk_size must be made of integers"):
            make(wrong)


def test_the_last_rechunk_decides():
    x = mt.ones((1000, 600), chunk_size=(500, -1))
    assert x.rechunk(((300, 700), 200)).nsplits == ((300, 700), (200, 200, 200))
    assert (x + 1).rechunk(250).nsplits[0] == (250, 250, 250, 250)
    assert (x.rechunk(250) + 1).nsplits[0] == (250, 250, 250, 250)


def test_chunk_sizes_of_data_that_are_listed_are_kept():
    for t in (mt.tensor(np.ones(4), chunk_size=((1, 3),)), mt.tensor(np.ones(4)).rechunk(((1, 3),))):
        assert t.nsplits == (t + 1).nsplits == ((1, 3),)


# ---- graphs ----


def test_parse_wants_bytes():
    for wrong in ("abc", 5, None):
        with pytest.raises(TypeError, match=r"Graph\.parse needs the bytes of a graph file"):
            mars.Graph.parse(wrong)
    g = mars.Graph()
    g.output("y", mt.ones(2))
    assert mars.Graph.parse(bytearray(g.serialize())).outputs["y"].fetch().tolist() == [1, 1]


def test_lists_become_what_an_input_is_of():
    g = mars.Graph()
    x = g.input("x", np.float32, (1, 3))
    g.output("y", x + 1)
    y = g.execute(x=[[1, 2, 3]])["y"].fetch()
    assert y.dtype == np.float32 and y.tolist() == [[2, 3, 4]]
    with pytest.raises(ValueError, match="no_such_input"):
        g.execute(no_such_input=[1])
    with pytest.raises((TypeError, ValueError)):
        g.execute(x=np.ones((1, 3)))  # an array says what it is of


# ---- out= ----


def test_out_names_the_function():
    t = mt.ones(3)
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' output from"):
        mt.add(t, 0.5, out=mt.zeros(3, dtype=int))
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' output from"):
        mt.add(t, 0.5, out=np.zeros(3, dtype=int))
    with pytest.raises(TypeError, match=r"add\(\): return arrays must be of ArrayType, not list"):
        mt.add(t, 0.5, out=[1])
    with pytest.raises(TypeError, match=r"sum\(\): return arrays must be of ArrayType, not int"):
        mt.sum(t, out=5)
    with pytest.raises(TypeError, match="Cannot cast output of 'quantile' from"):
        mt.quantile(t, 0.5, out=mt.zeros((), dtype=int))
    with pytest.raises(ValueError, match=r"non-broadcastable output operand .* shape \(3,\) of 'cumsum'"):
        mt.cumsum(t, out=mt.zeros(2))


# ---- map_chunk ----


def test_map_chunk_wants_a_function():
    with pytest.raises(TypeError, match="map_chunk needs a function, not int"):
        mt.ones(2).map_chunk(5)


def test_map_chunk_does_not_cut_off():
    with pytest.raises(
        RuntimeError, match=r"gave float64, which does not go into int64: name its dtype, as in .*dtype='float64'"
    ) as caught:
        mt.arange(5).map_chunk(np.sqrt).execute()
    assert isinstance(caught.value.__cause__, TypeError)
    np.testing.assert_array_equal(mt.arange(5).map_chunk(np.sqrt, dtype=float).fetch(), np.sqrt(np.arange(5)))
    assert mt.ones(2).map_chunk(lambda x: x.astype(np.float32)).fetch().dtype == np.float64


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_map_chunk_lets_interrupts_through(kind):
    def stop(x):
        raise kind("enough")

    with pytest.raises(kind, match="enough"):
        mt.ones(2).map_chunk(stop).execute()


def test_failures_of_runs_at_once_are_their_own():
    both = threading.Barrier(2)
    found = {}

    def run(name):
        def function(x):
            both.wait(10)
            error = ValueError(name)
            both.wait(10)
            raise error

        try:
            mt.ones(2).map_chunk(function).execute()
        except RuntimeError as error:
            found[name] = (str(error), error.__cause__)

    with mars.Session(workers=2):
        for _ in range(5):
            threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            for name, (message, cause) in found.items():
                assert message.startswith(f"ValueError: {name} ") and str(cause) == name


def test_exceptions_that_nobody_asks_for_are_dropped():
    from mars import _abi

    both = threading.Barrier(2)

    def function(x):
        both.wait(10)
        raise ValueError("no")

    with mars.Session(workers=2), pytest.raises(RuntimeError):
        mt.zeros(2).rechunk(1).map_chunk(function).execute()
    end = time.monotonic() + 10
    while _abi.raised_exceptions and time.monotonic() < end:
        (mt.ones(1) + 1).execute()  # of a chunk that was in progress still, the end of the next run
    assert not _abi.raised_exceptions


# ---- what NumPy has a switch for ----


def test_errstate_takes_what_changes_nothing():
    with mt.errstate(divide="ignore", all="warn"):
        assert (mt.ones(1) / 0).fetch() == np.inf
    with pytest.raises(NotImplementedError, match="errstate\\(divide='raise'\\) is not supported"):
        mt.errstate(divide="raise")
    with pytest.raises(TypeError, match="division"):
        mt.errstate(division="ignore")


# ---- overlap ----


def cases(x):
    z = x + 0j
    return [
        (x[0], x[1]), (x[0], x[:, 1]), (x[::2], x[1::2]), (x[:, ::2], x[:, 1::2]), (x[:, ::2], x[:, 1::3]), (x[:, :2], x[:, 2:]),
        (x.T[1:], x[:1]), (x.ravel()[::4], x.ravel()[1::6]), (x.ravel()[::3], x.ravel()[1::7]), (x[::-1, ::-1], x[:1]), (x[1:1], x),
        (z.real, z.imag), (z.real, z), (x, x + 0), (x[:, 1:5:2], x[2:, 2::2]), (x[0, 3:4], x[0, 3:]), (x.reshape(3, 8)[:, 7], x[0]),
    ]  # fmt: skip


def test_shares_memory_as_numpy():
    x = np.arange(24.0).reshape(4, 6)
    for executed in (False, True):
        t = mt.arange(24.0).reshape(4, 6)
        if executed:
            t.execute()
        for mine, theirs in zip(cases(t), cases(x), strict=True):
            assert mt.shares_memory(*mine) == np.shares_memory(*theirs), theirs
            assert np.shares_memory(*mine) == np.shares_memory(*theirs), theirs
            assert mt.may_share_memory(*mine) == np.may_share_memory(*theirs), theirs
    m = t[t[:, 0] > 3]
    assert mt.shares_memory(m[:, :2], m[:, 2:])  # nobody knows yet: there may be no rows
    m.execute()
    assert not mt.shares_memory(m[:, :2], m[:, 2:])
    assert not mt.shares_memory(m, t)


# ---- what is shown ----


def test_random_sources_show_themselves():
    assert repr(mt.random.default_rng(7)).startswith("mars.tensor.random.Generator(Philox4x32-10, seed=")
    assert list(inspect.signature(mt.random.normal).parameters)[:3] == ["loc", "scale", "size"]
    assert "RandomState.normal" in repr(mt.random.normal)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mt.save("a\0b", mt.ones(2)),
        lambda: mt.load("a\0b.npy"),
        lambda: mt.pad(mt.ones(2), 1, mode="edge\0x"),
        lambda: mars.Graph().input("a\0b", "f8", ()),
        lambda: mars.Session(spill_dir="/tmp\0x"),
        lambda: setattr(mars.options, "spill_dir", "/tmp\0x"),
    ],
)
def test_texts_are_not_cut_at_null_characters(call):
    with pytest.raises(ValueError, match="null character"):
        call()


def test_numbers_that_are_none_say_so():
    with pytest.raises(OverflowError, match="too large"):
        mt.arange(10**30)
    with pytest.raises(TypeError, match="a number is wanted"):
        mt.arange("a")
    for call in (lambda: mt.zeros(2.5), lambda: mt.ones((2, 2)).sum(axis=1.0)):
        with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
            call()
    with pytest.raises(TypeError, match="the name of an input must be a string"):
        mars.Graph().input(3, "f8", ())
    with pytest.raises(TypeError, match="shape must be a sequence"):
        mars.Graph().input("x", "f8", 3)


def test_integers_of_all_of_uint64():
    drawn = mt.random.default_rng(1).integers(0, 2**64, 1000, dtype="u8").fetch()
    assert drawn.dtype == np.uint64
    assert (drawn >= np.uint64(2**63)).sum() > 400
    assert (mt.random.randint(0, 2**64, 1000, dtype="u8").fetch() >= np.uint64(2**63)).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_histograms_of_what_has_no_range(bad):
    x = np.array([1.0, bad, 2.0])
    for made in (mt.array(x), mt.random.rand(3) * 0 + x):
        with pytest.raises(ValueError, match="autodetected range is not finite"):
            mt.histogram(made)[0].fetch()
    np.testing.assert_array_equal(mt.histogram(mt.array(x), range=(0, 3), bins=3)[0].fetch(), np.histogram(x, range=(0, 3), bins=3)[0])
