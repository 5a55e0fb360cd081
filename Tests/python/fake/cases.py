"""Marshalling, checked against a library that writes down what it is asked.  Run by test_marshalling.py in a process of its own."""

import ctypes
import gc
import os
import signal
import sys
import threading

import mars
import mars.tensor as mt
import numpy as np
import pytest
from mars import _abi

fake = _abi.lib
fake.fake_log.restype = ctypes.c_char_p
fake.fake_log.argtypes = []


def log(call):
    """Lines that the library wrote down during a call, less the places."""
    fake.fake_clear()
    call()
    return [line.split(" @")[0].strip() for line in fake.fake_log().decode().splitlines()]


@pytest.fixture
def a():
    return mt.tensor(np.ones((2, 3)))


def test_array_forms():
    x = np.arange(6.0).reshape(2, 3)
    assert log(lambda: mt.tensor(x)) == ["array copy d13 (2 3)"]
    assert log(lambda: mt.tensor(x.T)) == ["array copy d13 (3 2) strides (8 24)"]
    assert log(lambda: mt.tensor(x, chunk_size=2)) == ["array copy d13 (2 3) chunks (2 2)"]
    assert log(lambda: mt.tensor(x, chunk_size=(1, 3))) == ["array copy d13 (2 3) chunks (1 3)"]
    assert log(lambda: mt.asarray(x)) == ["array alias d13 (2 3)"]
    assert log(lambda: mt.tensor([[1, 2], [3, 4]])) == ["array alias d5 (2 2)"]
    assert log(lambda: mt.tensor(x.astype(">f4"))) == ["array alias d12 (2 3)"]
    assert log(lambda: mt.tensor([1, 2], dtype="int8")) == ["array alias d2 (2)"]
    y = x.copy()
    y.flags.writeable = False
    assert log(lambda: mt.asarray(y)) == ["array alias d13 (2 3) readonly"]
    assert log(lambda: mt.tensor(np.float32(2)))[0].endswith("d12 ()")
    with pytest.raises(TypeError):
        mt.tensor(["a", "b"])
    with pytest.raises(ValueError):
        mt.tensor(x, chunk_size=(1, 2, 3))


def test_owner_is_kept_and_released():
    import weakref

    class Mine(np.ndarray):
        pass

    x = np.ones(4).view(Mine)
    r = weakref.ref(x)
    t = mt.asarray(x)
    del x
    assert _abi is not None and gc.collect() >= 0
    assert r() is not None or t.fetch().sum() == 4
    del t
    gc.collect()
    assert r() is None


def test_operands(a):
    assert log(lambda: a + a) == ["add T13(2 3) T13(2 3)"]
    assert log(lambda: a + 2) == ["add T13(2 3) int:2"]
    assert log(lambda: a + -(2**63)) == ["add T13(2 3) int:-9223372036854775808"]
    assert log(lambda: a + (2**64 - 1)) == ["add T13(2 3) uint:18446744073709551615"]
    assert log(lambda: 2.5 + a) == ["add float:2.5 T13(2 3)"]
    assert log(lambda: a + True) == ["add T13(2 3) bool:1"]
    assert log(lambda: a + (1 - 2j)) == ["add T13(2 3) complex:1,-2"]
    assert log(lambda: -a) == ["negative T13(2 3)"]
    assert log(lambda: a + np.float32(1)) == ["array alias d12 ()", "add T13(2 3) T12()"]
    assert log(lambda: np.float32(1) + a)[-1] == "add T12() T13(2 3)"
    assert log(lambda: np.ones(3) + a) == ["array copy d13 (3)", "add T13(3) T13(2 3)"]
    assert log(lambda: a + [1, 2, 3]) == ["array alias d5 (3)", "add T13(2 3) T5(3)"]
    assert log(lambda: mt.add(a, 1)) == ["add T13(2 3) int:1"]
    assert log(lambda: a + 2**70) == ["add T13(2 3) big:1.18059e+21"]
    assert log(lambda: a + 2**1024) == ["add T13(2 3) big:inf"]
    assert log(lambda: a + -(2**1024)) == ["add T13(2 3) big:-inf"]
    with pytest.raises(TypeError):
        a + "text"
    with pytest.raises(TypeError):
        a + object()


def test_several_outputs(a):
    q, r = divmod(a, 2)
    assert type(q) is type(r) is mt.Tensor
    assert log(lambda: divmod(7, a)) == ["divmod int:7 T13(2 3)"]


def test_in_place(a):
    b = a

    def run():
        nonlocal b
        b += 1

    assert log(run) == ["add T13(2 3) int:1", "store T13(2 3) = T13(2 3) of add"]
    assert b is a
    assert log(lambda: a.sum(out=b)) == ["sum T13(2 3)", "store T13(2 3) = T13() of sum"]


def test_attributes(a):
    assert log(lambda: a.sum()) == ["sum T13(2 3)"]
    assert log(lambda: a.sum(1)) == ["sum T13(2 3) axis=(1)"]
    assert log(lambda: a.sum(axis=(0, -1), keepdims=True, dtype=np.float32)) == ["sum T13(2 3) axis=(0 -1) dtype=d12 keepdims=true"]
    assert log(lambda: mt.kinds(a, b=True, i=np.int8(-3), f=2, s="é", d=bool, c=2.5, n=(1, 2), t=["x", "yz"], y=b"\x07\x00")) == [
        "kinds T13(2 3) b=true i=-3 f=2 s='é' d=d1 c=s13:0,2.5,0 n=(1 2) t='x''yz' y=2 bytes 07"
    ]
    assert log(lambda: mt.kinds(a, c=np.uint8(7))) == ["kinds T13(2 3) c=s6:7,0,0"]
    assert log(lambda: mt.kinds(a, c=2**64 - 1)) == ["kinds T13(2 3) c=s9:18446744073709551615,0,0"]
    assert log(lambda: mt.kinds(a, c=1j)) == ["kinds T13(2 3) c=s15:0,0,1"]
    assert log(lambda: mt.kinds(a, n=np.array([4, 5]))) == ["kinds T13(2 3) n=(4 5)"]
    long = tuple(range(1000))
    assert log(lambda: mt.kinds(a, n=long)) == [f"kinds T13(2 3) n=({' '.join(map(str, long))})"]
    with pytest.raises(TypeError):
        mt.kinds(a, n=1.5)
    with pytest.raises(TypeError):
        mt.kinds(a, s=3)
    with pytest.raises(OverflowError):
        mt.kinds(a, i=2**63)
    with pytest.raises(TypeError):
        a.sum(axes=1)


def test_variadic(a):
    assert log(lambda: mt.concatenate([a, a, a], axis=1)) == ["concatenate T13(2 3) T13(2 3) T13(2 3) axis=1"]
    assert len(log(lambda: mt.concatenate([a] * 100))[0].split("T13")) == 101
    with pytest.raises(TypeError):
        mt.concatenate(3)


@pytest.mark.parametrize(
    "key, expected",
    [
        (1, "0 1"),
        (-1, "0 -1"),
        (slice(None, None, -1), "2 4 0 0 -1"),
        ((slice(None), slice(1, None, 2)), "1 2 5 1 0 2"),
        ((Ellipsis, 2), "4 0 2"),
        ((None, Ellipsis, None), "3 4 3"),
        ((1, None, np.int64(2)), "0 1 3 0 2"),
        (slice(np.int8(5), 2**70), f"2 3 5 {2**63 - 1} 0"),
        (slice(-(2**70), None), f"2 1 {-(2**63)} 0 0"),
        ((), ""),
    ],
)
def test_index(a, key, expected):
    assert log(lambda: a[key]) == [f"basic_index T13(2 3) items=({expected})"]


def test_index_errors(a):
    n = np.ones((2, 3))
    for key in [1.5, "x", slice(1.5), [1.5], 2**63, (0, {})]:
        with pytest.raises(Exception) as theirs:
            n[key]
        with pytest.raises(theirs.type) as ours:
            a[key]
        assert str(ours.value) == str(theirs.value)


def test_assign(a):
    def run():
        a[0, 1:] = 5

    assert log(run) == ["index_view T13(2 3) items=(0 0 2 1 1 0 0)", "assign T13(2 3) = int:5"]


@pytest.mark.parametrize(
    "code, kind",
    [(-1, ValueError), (-2, TypeError), (-3, IndexError), (-4, np.exceptions.AxisError), (-5, np.linalg.LinAlgError), (-6, MemoryError),
     (-7, OverflowError), (-8, OSError), (-9, KeyboardInterrupt), (-10, ValueError), (-11, NotImplementedError), (-12, RuntimeError),
     (-13, ValueError), (-14, TimeoutError), (-15, RuntimeError)],
)  # fmt: skip
def test_errors(a, code, kind):
    with pytest.raises(kind, match="it is bad"):
        mt.bad(a, code)


def test_place(a):
    fake.fake_clear()
    line = sys._getframe().f_lineno + 1
    a + 1
    mt.add(a, 1)
    a.sum()
    np.add(a, 1)
    places = [row.split(" @")[1] for row in fake.fake_log().decode().splitlines()]
    assert places == [f"cases.py:{line + i}" for i in range(4)]


def test_random():
    mt.random.seed(5)
    assert log(lambda: mt.random.rand(2, 3)) == ["random size=(2 3) seed=s9:5,0,0 stream=0"]
    assert log(lambda: mt.random.random((2, 3), dtype="float32")) == ["random size=(2 3) dtype=d12 seed=s9:5,0,0 stream=1"]
    g = mt.random.default_rng(2**64 - 1)
    assert log(lambda: g.random(4)) == ["random size=(4) seed=s9:18446744073709551615,0,0 stream=0"]
    assert (
        mt.random.default_rng([1, 2])._source.seed
        == mt.random.default_rng([1, 2])._source.seed
        != mt.random.default_rng([2, 1])._source.seed
    )
    s = mt.random.RandomState(3)
    s.rand(2)
    import pickle

    assert pickle.loads(pickle.dumps(s))._source.get() == (3, 1)
    with pytest.raises(ValueError):
        mt.random.seed(-1)


def test_values(a):
    b = a + 1
    assert not b.is_executed and "executed" not in repr(b) and repr(b) == "Tensor(shape=(2, 3), dtype=float64)"
    assert b.execute() is b and b.is_executed
    assert a.fetch().tolist() == [[1, 1, 1], [1, 1, 1]]
    assert type(mt.tensor(2.5).fetch()) is np.float64 and mt.tensor(2.5).fetch() == 2.5
    assert mt.tensor(2.5).to_numpy().shape == ()
    assert float(mt.tensor(2.5)) == 2.5 and int(mt.tensor(3)) == 3 and [0, 1, 2][mt.tensor(1)] == 1
    assert a.tolist() == [[1.0] * 3] * 2 and len(a) == 2 and np.asarray(a).sum() == 6
    assert a.shape == (2, 3) and a.ndim == 2 and a.size == 6 and a.nbytes == 48 and a.dtype == np.float64
    assert list(mt.tensor([1, 2])) == [1, 2] and [t.shape for t in a] == [(3,), (3,)]
    with pytest.raises(TypeError):
        hash(a)
    with pytest.raises(TypeError):
        len(mt.tensor(1))


def test_fetched_memory_outlives_tensor(a):
    x = a.fetch()
    del a
    gc.collect()
    assert x.sum() == 6


def test_nothing_leaks():
    def work():
        a = mt.tensor(np.ones((2, 3)))
        for _ in range(50):
            (-(a + 1) + a).sum(axis=0).fetch()
            a[1:, None].execute()
            divmod(a, 2)
            a[0] = 1

    work()
    gc.collect()
    before = fake.fake_live()
    work()
    gc.collect()
    assert fake.fake_live() == before


def test_sessions():
    assert log(
        lambda: mars.Session(workers=2, memory_limit="1GiB", spill_dir=__import__("pathlib").Path("/x"), trace=True, cache_dir=None)
    ) == ["session workers=2 memory_limit=1GiB spill_dir=/x trace=true"]
    with pytest.raises(ValueError, match="nonsense"):
        mars.new_session(nonsense=1)
    s, t = mars.Session(), mars.Session()
    outer = mars.current_session()
    with s:
        assert mars.current_session() is s
        with t:
            assert mars.current_session() is t
        seen = []
        th = threading.Thread(target=lambda: seen.append(mars.current_session()))
        th.start()
        th.join()
        assert seen == [outer]
    assert mars.current_session() is outer
    assert mars.new_session() is mars.current_session()
    assert log(lambda: s.__enter__().__exit__()) == ["claim 1", "claim 0"]
    assert log(mars.new_session) == ["session", "claim 0"]
    assert s.statistics() == {"tasks": 1} and mars.options.workers == "2"
    with pytest.raises(AttributeError):
        mars.options.nothing


def test_eager(a):
    mars.options.eager_mode = True
    try:
        assert (a + 1).is_executed and all(t.is_executed for t in divmod(a, 2))
    finally:
        mars.options.eager_mode = False
    assert not (a + 1).is_executed


def test_interrupt_cancels(a):
    fake.fake_slices(100)
    fake.fake_clear()
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            a.execute()
    finally:
        fake.fake_slices(0)
        timer.join()
    assert fake.fake_log() == b"cancel\n"
    a.execute()


def test_progress(a, capsys):
    fake.fake_slices(18)
    mars.options.progress = True
    try:
        a.execute()
    finally:
        mars.options.progress = None
        fake.fake_slices(0)
    assert "tasks" in capsys.readouterr().err


def test_threads(a):
    errors = []

    def work(n):
        try:
            for _ in range(2000):
                t = (a + n) + a
                assert t.shape == (2, 3)
        except Exception as e:
            errors.append(e)

    fake.fake_quiet(1)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    fake.fake_quiet(0)
    assert not errors


def test_signatures():
    import inspect

    assert str(inspect.signature(mt.sum)) == "(a, axis=None, dtype=None, keepdims=False, out=None)"
    assert str(inspect.signature(mt.add)) == "(x1, x2, out=None)"
    assert mt.add.__doc__.startswith("S.") and mt.add.__module__ == "mars.tensor"
    assert "sum" in dir(mt) and "index_view" not in dir(mt)
    with pytest.raises(AttributeError):
        mt.nothing
    with pytest.raises(AttributeError):
        mt.tensor(1).nothing


def test_what_a_description_says(a):
    """An operator is in Python what its description says: no file of the binding names it."""
    import inspect

    assert str(inspect.signature(mt.made_up)) == "(extents, a, b=0.5, n=3, mask=None, chunk_size=None, device=None)"
    assert mt.linalg.made_up is mt.made_up and "made_up" in dir(mt.linalg)
    assert log(lambda: mt.made_up(4, a)) == ["made_up T13(2 3) float:0.5 extents=(4)"]
    assert log(lambda: mt.made_up(4, None)) == ["made_up none float:0.5 extents=(4)"]
    assert log(lambda: mt.made_up((4, 5), a, 2, mask=a)) == ["made_up T13(2 3) int:2 T13(2 3) extents=(4 5)"]
    with pytest.raises(ValueError, match="cpu"):
        mt.made_up(4, a, device="gpu")
    for call in (lambda: a.spread(4, 5, n=1), lambda: a.spread((4, 5), n=1), lambda: mt.spread(a, (4, 5), 1)):
        assert log(call) == ["spread T13(2 3) places=(4 5) n=1"]
    assert str(inspect.signature(mt.each)) == "(*tensors, n=3)"
    assert log(lambda: mt.each(a, a, n=2)) == ["each T13(2 3) n=2"] * 2
    assert isinstance(mt.each(a), mt.Tensor) and len(mt.each(a, a)) == 2
    assert log(lambda: mt.together(a, a)) == ["together T13(2 3) T13(2 3)"]


def test_its_stub():
    import runpy
    from pathlib import Path

    gen = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "gen_stubs.py"), run_name="gen_stubs")
    assert gen["function_text"]("made_up", "made_up").startswith(
        "def made_up(extents: _Ints, a: _Operand, b: _Operand = 0.5, n: int = 3, mask: _Operand | None = None, "
        "chunk_size: _Ints | None = None, device: str | None = None) -> Tensor:"
    )
    assert gen["shared"]("linalg") == ["made_up"]
    assert "\nfrom mars.tensor._described import made_up as made_up\n" in gen["module"]([], "", ["made_up"])
    assert (
        gen["method_text"]("spread")
        .strip()
        .startswith("def spread(self, *places: int | Sequence[int] | None, n: int = 3, out: _Out | None = None) -> Tensor:")
    )
