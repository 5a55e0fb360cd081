"""The end of the interpreter while the engine has work in progress that calls functions of Python."""

import subprocess
import sys
import textwrap
import time

import pytest

pytestmark = pytest.mark.alone


def run(program: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=timeout
    )


SLEEPS = """
    import os, sys, threading, time
    import mars.tensor as mt

    begun = threading.Event()

    def sleeps(chunk):
        begun.set()
        time.sleep(1)
        os.write(1, b"ended\\n")  # in one piece: several threads write
        return chunk

    a = mt.ones(8, chunk_size=1).map_chunk(sleeps)
"""


@pytest.mark.parametrize("code", [0, 3])
def test_a_cancelled_function_ends_before_the_interpreter(code):
    done = run(
        SLEEPS
        + f"""
    import _thread
    def interrupt():
        begun.wait()
        _thread.interrupt_main()
    threading.Thread(target=interrupt).start()
    try:
        a.execute()
    except KeyboardInterrupt:
        print("cancelled", flush=True)
    sys.exit({code})
    """
    )
    lines = done.stdout.split()
    assert (done.returncode, done.stderr) == (code, "")
    assert lines[0] == "cancelled" and lines.count("ended") >= 1


def test_functions_of_a_failed_run_end_too():
    done = run(
        SLEEPS
        + """
    def fails(chunk):
        if not begun.is_set():
            return sleeps(chunk)
        raise ValueError("no")

    b = mt.ones(8, chunk_size=1).map_chunk(fails)
    try:
        b.execute()
    except Exception:
        print("failed", flush=True)
    """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.split()) == ["ended", "failed"]


def test_a_run_of_another_thread_is_cancelled():
    start = time.monotonic()
    done = run(
        SLEEPS
        + """
    def quiet():
        try:
            mt.ones(1000, chunk_size=1).map_chunk(sleeps).execute()
        except Exception:
            pass
    threading.Thread(target=quiet, daemon=True).start()
    begun.wait()
    sys.exit(4)
    """
    )
    assert (done.returncode, done.stderr) == (4, "")
    assert time.monotonic() - start < 30


def test_the_interpreter_waits_no_longer_than_it_says():
    start = time.monotonic()
    done = run(
        SLEEPS.replace("sleep(1)", "sleep(1000)")
        + """
    def work():
        try:
            a.execute()
        except BaseException:
            pass
    threading.Thread(target=work, daemon=True).start()
    begun.wait()
    """
    )
    assert done.returncode == 0
    assert time.monotonic() - start < 30


def test_runs_that_ended_are_released():
    import mars.tensor as mt
    from mars import _run

    def fails(chunk):
        time.sleep(0.05)
        raise ValueError("no")

    for _ in range(5):
        with pytest.raises(RuntimeError, match="no"):
            mt.ones(8, chunk_size=1).map_chunk(fails).execute()
    time.sleep(0.3)
    (mt.ones(3) + 1).execute()
    assert not _run._ending and not _run._running
