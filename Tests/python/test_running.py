"""Sessions, options, laziness, threads, interrupts, errors of runs."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import mars
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same

pytestmark = [pytest.mark.usefixtures("collected"), pytest.mark.alone]


def test_nothing_runs_before_execute(session):
    before = session.statistics()
    a = mt.random.rand(100, 100)
    b = (a + 1).sum(axis=1)
    repr(b), b.shape, b.dtype, b.nsplits, b.explain()
    after = session.statistics()
    assert before.get("tasks", 0) == after.get("tasks", 0) and before.get("inline_runs", 0) == after.get("inline_runs", 0)
    assert not b.is_executed
    assert b.execute() is b and b.is_executed


def test_execute_and_fetch_several():
    a, b = mt.ones(3), mt.arange(4)
    assert all(x is y for x, y in zip(mars.execute(a, b), (a, b), strict=True))
    x, y = mars.fetch(a + 1, b.sum())
    same(x, np.full(3, 2.0))
    assert y == 6
    assert mars.execute(a) is a
    with pytest.raises(TypeError):
        mars.execute(3)


def test_explain():
    text = ((mt.random.rand(100, 100) + 1).sum()).explain()
    assert isinstance(text, str) and text.strip()


def test_explain_names_preferences_that_are_not_followed():
    x = np.ones((1000, 1000))
    t = mt.tensor(x, chunk_size=10)
    said = r"chunk_size \(10, 10\) of t0 is not followed: merged into \(\d+, 1000\)"
    assert re.search(said, t.explain()) and re.search(said + " by stage 0", (t + 1).explain())
    assert re.search(said, (t.execute() + 1).sum().explain())
    assert "followed" not in mt.tensor(x).explain() + mt.tensor(x, chunk_size=-1).explain()
    # A client's function gets them, and so does who has asked for them.
    assert "followed" not in t.map_chunk(np.sqrt).explain()
    assert t.nsplits[0] == (10,) * 100 and "followed" not in (t + 1).explain()
    # A graph file holds no preferences.
    graph = mars.Graph()
    graph.output("out", mt.tensor(x, chunk_size=10) + 1)
    assert "followed" not in mars.Graph.parse(graph.serialize()).outputs["out"].explain()
    # What is computed is in the chunks that were asked for.
    assert "not kept" not in mt.ones((1000, 1000), chunk_size=100).explain()
    assert "chunks of (30, 30) of (90, 90) are not kept" in (mt.ones((90, 90), chunk_size=45) + mt.ones((90, 90), chunk_size=30)).explain()


def test_sessions(tmp_path):
    s = mars.Session(workers=1, memory_limit="256MiB", spill_dir=tmp_path)
    assert s.options()["workers"] == "1"
    with s:
        assert mars.current_session() is s
        same((mt.ones(5) + 1).fetch(), np.full(5, 2.0))
    with pytest.raises(ValueError):
        mars.Session(nonsense=1)
    with pytest.raises(ValueError):
        mars.Session(memory_limit="many")
    old = mars.current_session()
    try:
        new = mars.new_session(workers=2)
        assert mars.current_session() is new is not old
        assert (mt.ones(3) + 1).fetch(session=s).tolist() == [2, 2, 2]
    finally:
        mars._session._default = old


def test_trace(tmp_path):
    import json

    def events():
        s.trace(tmp_path / "trace.json")
        return json.loads((tmp_path / "trace.json").read_text())["traceEvents"]

    s = mars.Session(trace=True)
    (mt.random.rand(300, 300) + 1).execute(session=s)
    (event,) = events()
    assert event["name"] == "random+add" and event["ph"] == "X" and event["dur"] > 0
    assert events() == []  # those since the last call


def test_results_outlive_their_session():
    s = mars.Session()
    a = mt.arange(5).execute(session=s)
    x = (mt.arange(1000) * 2).fetch(session=s)
    del s
    same(a.fetch(), np.arange(5))
    same(x, np.arange(1000) * 2)


def test_eager():
    mars.options.eager_mode = True
    try:
        a = mt.ones(3)
        b = a + 1
        assert a.is_executed and b.is_executed
        b += 1
        same(b.fetch(), np.full(3, 3.0))
    finally:
        mars.options.eager_mode = False


def test_memory_limit(tmp_path):
    limit = 48 << 20
    s = mars.Session(memory_limit="48MiB", spill_dir=tmp_path)
    before = s.statistics()  # of the process
    x = np.arange(9_000_000.0).reshape(3000, 3000)
    # 72 MB that are needed twice and cannot be recomputed cheaply: for the mean, and less the mean.
    a = mt.sort(mt.asarray(x)[:, ::-1], axis=1)
    spread = mt.abs(a - a.mean()).sum()
    assert spread.fetch(session=s) == pytest.approx(np.abs(x - x.mean()).sum(), rel=1e-12)
    after = s.statistics()
    assert after["spilled_bytes"] > before["spilled_bytes"] and after["unspilled_bytes"] > before["unspilled_bytes"]
    assert after["peak_bytes"] <= limit
    # A job without intermediate results runs in less than its forecast, and writes nothing.
    total = (mt.random.rand(20_000_000) + 1).sum()
    assert 2.9e7 < total.fetch(session=s) < 3.1e7
    assert s.statistics()["spilled_bytes"] == after["spilled_bytes"]


FULL_DISK = """
    import resource, sys
    import mars, mars.tensor as mt
    # Files may have one megabyte: what is written beyond fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    s = mars.Session(memory_limit="48MiB", spill_dir=sys.argv[1], cache_dir="")
    kept = (mt.arange(100_000) * 2).execute(session=s)
    a = mt.sort(mt.random.rand(3000, 3000), axis=1)
    try:
        mt.abs(a - a.mean()).sum().fetch(session=s)
        print("finished")
    except (OSError, MemoryError) as e:
        print(type(e).__name__, e)
    print((mt.ones(1_000_000) + 1).sum().fetch(session=s), kept.sum().fetch(session=s), s.statistics()["used_bytes"] < 2 << 20)
"""


def test_full_disk(tmp_path):
    done = run_script(FULL_DISK, arguments=[tmp_path])
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("OSError") and str(tmp_path) in first, done.stdout
    assert second == "2000000.0 9999900000 True"
    assert not list(tmp_path.iterdir()), "files are left behind"


def test_impossible_memory_limit():
    s = mars.Session(memory_limit="1MiB")
    a = mt.tensor(np.ones((2000, 2000)))
    with pytest.raises(MemoryError):
        mt.ones((3000, 3000)).map_chunk(lambda c: c).rechunk((3000, 3000)).execute(session=s)
    assert (mt.ones(10) + 1).sum().fetch(session=s) == 20 and a.shape == (2000, 2000)


def test_threads_on_one_session(session, rng):
    x = rng.random((64, 64))
    errors = []

    def work(n):
        try:
            for k in range(60):
                a = mt.tensor(x)
                np.testing.assert_allclose(((a + n) * 2).sum(axis=k % 2).fetch(session=session), ((x + n) * 2).sum(axis=k % 2))
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_run_errors_name_the_place():
    a = mt.ones(3).map_chunk(lambda c: 1 / 0)
    with pytest.raises(RuntimeError, match=r"test_running\.py:"):
        a.execute()
    same((mt.ones(3) + 1).fetch(), np.full(3, 2.0))


def live_nodes(most):
    """Nodes that exist, at most `most` of them as soon as threads of the library have let go of plans that ended."""
    for _ in range(200):
        n = mars.current_session().statistics()["live_nodes"]
        if n <= most:
            break
        time.sleep(0.02)
    return n


@pytest.mark.filterwarnings("ignore:.*wait to be executed")
def test_long_chains(session):
    before = session.statistics()["live_nodes"]
    a = mt.zeros(4)
    for _ in range(50_000):
        a = a + 1
    assert session.statistics()["live_nodes"] >= before + 50_000
    same(a.fetch(), np.full(4, 50_000.0))
    # What was executed drops its history; what never was is only taken apart.
    assert live_nodes(before + 10) <= before + 10
    a = mt.zeros(4)
    for _ in range(50_000):
        a = mt.sqrt(a)
    assert session.statistics()["live_nodes"] >= before + 50_000
    del a
    assert live_nodes(before) <= before


INTERRUPTED = """
    import os, signal, threading, time
    import mars.tensor as mt
    big, delay = BIG, DELAY
    sent = []
    def send(go):
        go.wait()
        time.sleep(delay)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    (mt.random.rand(1000) + 1).sum().execute()
    mt.sin(mt.random.rand(1000)).sum().execute()
    for _ in range(5):
        go = threading.Event()
        # On a busy machine starting a thread may take longer than the delay.
        threading.Thread(target=send, args=(go,)).start()
        try:
            go.set()
            big.execute()
            print("finished")
        except KeyboardInterrupt:
            print("interrupted", time.perf_counter() - sent[-1], (mt.ones(10) + 1).sum().fetch())
"""


def run_script(text, arguments=(), **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )  # fmt: skip


# All but the first take seconds to plan: they are interrupted before any task has run, the last while its chunks are being listed.
@pytest.mark.parametrize(
    ("big", "delay"),
    [
        ("mt.sin(mt.random.rand(4_000_000_000)).sum()", "0.7"),
        ("mt.ones((4_000_000,), chunk_size=1).sum()", "0.3"),
        ("mt.arange(10_000_000).rechunk(1).sum()", "0.03"),
    ],
)
def test_interrupt(big, delay):
    done = run_script(INTERRUPTED.replace("BIG", big).replace("DELAY", delay))
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    # The session goes on after every one of them.
    assert [(line[0], line[2]) for line in lines] == [("interrupted", "20.0")] * 5, done.stdout
    # The median: one that comes late on a busy machine says nothing about the library.
    assert sorted(float(line[1]) for line in lines)[2] < 0.1, done.stdout


def test_interrupt_of_the_process():
    process = subprocess.Popen(
        [sys.executable, "-c", "import mars.tensor as mt; mt.ones(3).execute(); print('up', flush=True); mt.sin(mt.random.rand(4_000_000_000)).sum().execute()"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdout.readline() == "up\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in error and process.returncode != 0


def test_exit_while_tensors_live():
    done = run_script(
        "import mars.tensor as mt, numpy as np\na = mt.asarray(np.ones(5)) + 1\nb = a.map_chunk(lambda c: c).execute()\nx = b.fetch()"
    )
    assert done.returncode == 0 and done.stderr == ""


def test_fork():
    done = run_script(
        """
        import os
        import mars.tensor as mt
        (mt.random.rand(1000, 1000) + 1).sum().execute()
        pid = os.fork()
        value = (mt.ones(1000) * 2).sum().fetch()
        if pid == 0:
            os._exit(0 if value == 2000 else 1)
        assert os.waitpid(pid, 0)[1] == 0 and value == 2000
        """
    )
    assert done.returncode == 0, done.stderr


def test_warning_about_loops_that_never_execute():
    done = run_script(
        """
        import warnings, sys
        import mars.tensor as mt
        warnings.simplefilter("always")
        a = mt.zeros(3)
        for _ in range(150_000):
            a = a + 1
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("wait to be executed") == 1, done.stderr


@pytest.mark.parametrize("limit", [8, 10])
@pytest.mark.parametrize("workers", [1, 2])
def test_sums_of_partial_products_survive_spilling(limit, workers, tmp_path):
    # A chunk of the product is written by two tasks and may go to disk between them and after.
    mt.random.seed(1)
    a = mt.random.rand(1000, 1000)
    expected = (a @ a.T).std().fetch()
    x = a.fetch().copy()
    del a  # what is kept counts against the limit
    with mars.Session(memory_limit=f"{limit}MiB", workers=workers, spill_dir=tmp_path) as session:
        before = session.statistics()["spilled_bytes"]  # of the process
        mt.random.seed(1)
        for source in (mt.random.rand(1000, 1000), mt.tensor(x)):
            assert (source @ source.T).std().fetch() == pytest.approx(expected, rel=1e-12)
        difference = mt.tensor(x) @ mt.tensor(x) - mt.tensor(x)
        np.testing.assert_allclose(difference.sum(axis=0).fetch(), (x @ x - x).sum(axis=0), rtol=1e-9, atol=1e-7)
        assert session.statistics()["spilled_bytes"] > before


# ---- memory and disk ----


def test_a_spill_dir_that_cannot_be_used_is_named_at_once(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for bad in (file, tmp_path / "no" / "parent", "/proc"):
        with pytest.raises(OSError, match=str(bad)):
            mars.Session(spill_dir=bad)
    session = mars.Session(spill_dir=tmp_path / "new")
    with pytest.raises(OSError, match="spill_dir"):
        session.set_option("spill_dir", file)
    assert os.listdir(tmp_path) == ["file"]


def test_what_nothing_can_hold_is_refused_at_once(session):
    huge = mt.zeros(2**40)
    before = session.statistics()["spilled_bytes"]
    for call in (huge.fetch, huge.execute, huge.explain):
        started = time.monotonic()
        if call == huge.explain:
            assert "peak" in call()
            continue
        with pytest.raises(MemoryError, match=str(8 * 2**40)):
            call()
        assert time.monotonic() - started < 5
    assert session.statistics()["spilled_bytes"] == before


@pytest.mark.parametrize(("n", "limit"), [(300, "256KiB"), (500, "1MiB"), (1000, "1MiB")])
def test_tiles_follow_the_limit(tmp_path, n, limit):
    with mars.Session(memory_limit=limit, spill_dir=tmp_path) as session:
        mt.random.seed(3)
        a = mt.random.rand(n, n)
        for t in (mt.sort(a, axis=0).sum(), (a.T + a).sum(), mt.sort(a, axis=1)[::50].copy()):
            text = t.explain()
            assert "one task needs" not in text
            peak = int(text.split("peak: ")[1].split(" ")[0])
            t.execute()
            assert peak <= int(session.options()["memory_limit"])
        mt.random.seed(3)
    with mars.Session():
        mt.random.seed(3)
        same(mt.sort(mt.random.rand(n, n), axis=1)[::50].copy(), t.fetch())


def test_results_larger_than_the_limit(tmp_path):
    with mars.Session(memory_limit="16MiB", spill_dir=tmp_path) as session:
        a = mt.arange(5_000_000).rechunk(100_000) * 2
        assert "stays in chunks" in a.explain()
        values = a.fetch()
        assert values[-1] == 9_999_998 and session.statistics()["used_bytes"] <= 16 << 20
        np.testing.assert_array_equal(a[4_000_000:4_000_003].fetch(), [8_000_000, 8_000_002, 8_000_004])


def test_a_save_that_fails_leaves_nothing(tmp_path):
    def fail(chunk):
        raise ValueError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        mt.save(tmp_path / "a.npy", mt.ones(10).map_chunk(fail))
    assert os.listdir(tmp_path) == []
    mt.save(tmp_path / "a.npy", mt.ones(10))
    assert os.listdir(tmp_path) == ["a.npy"]


def test_views_made_before_an_execution_use_its_data(session):
    calls = []

    def counted(chunk):
        calls.append(1)
        return chunk

    base = mt.arange(8.0).map_chunk(counted)
    view = base[::2]
    assert (view + 1).shape == (4,)
    base.execute()
    ran = len(calls)
    same((view * 2).fetch(), np.arange(0, 16, 4.0))
    assert len(calls) == ran


def test_zeros_of_both_signs_are_two_values():
    x = mt.tensor([np.nan])
    plus, minus = mars.execute(1 / mt.nan_to_num(x, nan=0.0), 1 / mt.nan_to_num(x, nan=-0.0))
    assert plus.fetch()[0] == np.inf and minus.fetch()[0] == -np.inf


def test_reading_nsplits_pins_the_preferred_chunks():
    x = np.arange(10_000.0).reshape(100, 100)
    a = mt.tensor(x, chunk_size=(10, 10)).execute()
    assert "10x10 tasks" not in (a + 1).sum().explain()
    assert a.nsplits == ((10,) * 10,) * 2
    assert "10x10 tasks" in (a.T + a).sum().explain()
    same((a.T + a).sum().fetch(), (x.T + x).sum())
    a += 1
    same((a[5:] * 2).fetch(), (x[5:] + 1) * 2)


QUICK = """
    import resource, sys, time
    import mars, mars.tensor as mt
    mars.new_session(memory_limit="64MiB", spill_dir=sys.argv[1])
    mt.ones(10).sum().execute()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        start = time.monotonic()
        CALL
        print("went through")
    except MemoryError as e:
        print("refused", e)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, time.monotonic() - start < LIMIT)
"""


@pytest.mark.parametrize(
    ("call", "limit", "said"),
    [
        # More than there is disk: known before anything is planned.
        ("mt.ones((10**6, 10**6)).execute()", 1, "refused results of 8000000000000 bytes fit neither .*operator ones"),
        ("(mt.random.rand(10**6, 10**6) + 1).execute()", 1, "refused results of 8000000000000 bytes fit neither .*operator add"),
        # Chunks that need no memory are long enough that there are not too many of them.
        ("mt.ones((10**6, 10**6)).sum().explain()", 60, "went through"),
        ("mt.ones(10**7, chunk_size=1).sum().explain()", 60, "refused .* 10000000 chunks, more than the 1048576"),
    ],
)
def test_what_the_process_cannot_hold_is_refused_at_once(tmp_path, call, limit, said):
    done = run_script(QUICK.replace("CALL", call).replace("LIMIT", str(limit)), [str(tmp_path)])
    assert done.returncode == 0, done.stderr
    assert re.match(said, done.stdout), done.stdout
    assert done.stdout.splitlines()[-1] == "True True", done.stdout


PLANNING = """
    import signal, time
    import mars, mars.tensor as mt
    mars.new_session(memory_limit="16GiB")
    mt.ones(3).execute()
    big = mt.ones((6_000_000,), chunk_size=1) * 2
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    for call in (big.explain, lambda: big.nsplits, lambda: mars.explain(big, big + 1)):
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        start = time.monotonic()
        try:
            call()
            print("went through", time.monotonic() - start)
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - start - 0.3 < 1)
        signal.setitimer(signal.ITIMER_REAL, 0)
    print((mt.ones(3) + 1).nsplits)
"""


def test_interrupts_of_planning():
    done = run_script(PLANNING)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["interrupted True"] * 3 + ["((3,),)"], done.stdout
    assert done.stderr == ""
