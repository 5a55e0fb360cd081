"""What Ctrl-C, or any exception of a signal's handler, leaves behind when it comes in the middle of a call: nothing."""

import gc
import signal
import subprocess
import sys

import mars
import mars.tensor as mt
import numpy as np
import pytest
from mars import _abi, _arguments, _operators

# They send signals to the process.
pytestmark = pytest.mark.alone

X = np.arange(20_000.0)


def held(session):
    gc.collect()
    said = session.statistics()
    return said["used_bytes"], said["live_nodes"]


def interrupted(function):
    """The function, with a Ctrl-C that comes while it runs: Python sees it when the function returns."""

    def call(*arguments):
        status = function(*arguments)
        signal.raise_signal(signal.SIGINT)
        return status

    return call


def graph():
    g = mars.Graph()
    g.output("y", mt.sort(g.input("x", "f8", (3,)) + 1))
    return g


CALLS = {
    "mars_tensor_from_array": (lambda: None, lambda _: mt.tensor(X)),
    "mars_fetch": (lambda: (mt.tensor(X) + 1).execute(), lambda t: t.fetch()),
    "mars_graph_new": (lambda: None, lambda _: mars.Graph()),
    "mars_graph_get_output": (graph, lambda g: g.outputs),
    "mars_graph_parse": (lambda: graph().serialize(), mars.Graph.parse),
    "mars_run_results": (graph, lambda g: g.execute(x=np.ones(3))),
    "mars_session_open": (lambda: None, lambda _: mars.Session(memory_limit=10**6)),
    "mars_tensor_map_chunk": (lambda: mt.tensor(X), lambda t: t.map_chunk(np.negative)),
    "mars_tensor_to_dlpack": (lambda: mt.tensor(X).astype("bfloat16").execute(), mt.from_dlpack),
    "mars_tensor_snapshot": (lambda: mt.tensor(X), lambda t: t.copy()),
}


@pytest.mark.parametrize("function", CALLS)
def test_nothing_stays_of_what_was_made(function, monkeypatch, session):
    prepare, call = CALLS[function]
    given = prepare()
    call(given)  # whatever is kept from a first call on
    before, limit = held(session), session.options()["memory_limit"]
    monkeypatch.setattr(_abi.lib, function, interrupted(getattr(_abi.lib, function)))
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            call(given)
    monkeypatch.undo()
    assert held(session) == before
    assert session.options()["memory_limit"] == limit
    call(given)


@pytest.mark.parametrize(
    "call", [lambda t: -t, lambda t: t + 1, lambda t: mt.sort(t), lambda t: mt.divmod(t, 2), lambda t: mt.concatenate([t] * 20)]
)
def test_nothing_stays_of_an_operator(call, monkeypatch, session):
    t = mt.tensor(X)
    call(t)
    before = held(session)
    monkeypatch.setattr(_operators, "_apply", interrupted(_operators._apply))
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            call(t)
    monkeypatch.undo()
    assert held(session) == before
    call(t)


def test_interrupts_in_the_end_of_tensors_are_not_lost():
    # Of a signal whose handler runs in a finalizer Python says that it is ignored, and goes on.
    program = """
import signal
import mars.tensor as mt

signal.signal(signal.SIGALRM, signal.default_int_handler)
t = mt.ones(3)
lost = 0
for k in range(100):
    signal.setitimer(signal.ITIMER_REAL, 0.001 + k * 1e-6)
    try:
        for _ in range(100_000):
            (t + 1) * 2
        lost += 1
    except KeyboardInterrupt:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
print(lost)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "KeyboardInterrupt" not in done.stderr
    assert int(done.stdout) == 0


def test_calls_of_many_operands_keep_no_memory():
    parts = [mt.zeros(1) for _ in range(40)]
    mt.concatenate(parts)
    before = len(_arguments.frames)
    for _ in range(20):
        mt.concatenate(parts)
        mt.stack(parts)
    assert len(_arguments.frames) == before


def test_what_a_consumer_refuses_is_freed(session):
    def used():
        return session.statistics()["used_bytes"]

    before = used()
    for _ in range(4):
        with pytest.raises((RuntimeError, BufferError, TypeError), match="dtype"):
            np.from_dlpack(mt.ones(10**5, dtype="bfloat16"))
        assert used() <= before + 201_000  # of the last one, until the next
    copy = mt.from_dlpack(mt.ones(3, dtype="bfloat16"))
    assert used() < before + 1000
    assert copy.fetch().astype("f4").tolist() == [1, 1, 1]
