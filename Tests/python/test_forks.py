"""Processes that fork while another of their threads is in the library."""

import subprocess
import sys

from mars import _abi

FIRST = """
import ctypes, os, signal, sys, threading, time
lib = ctypes.CDLL(sys.argv[1])

def open_session():
    s = ctypes.c_void_p()
    return lib.mars_session_open(ctypes.byref(s), None, None, ctypes.c_size_t(0))

opened, ended = threading.Event(), threading.Event()

def first():
    open_session()
    opened.set()
    ended.wait()

thread = threading.Thread(target=first)
thread.start()
# Of its processor time: the same place however busy the machine is.
clock = time.pthread_getcpuclockid(thread.ident)
while time.clock_gettime(clock) < float(sys.argv[2]) and not opened.is_set():
    time.sleep(0.00005)
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(0 if open_session() == 0 else 1)
_, status = os.waitpid(child, 0)
ended.set()
thread.join()
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""


def test_a_fork_waits_for_the_first_call() -> None:
    # What the first call makes takes milliseconds; a child would wait for ever for the thread that was making it.
    # Forks are prepared for at its beginning.
    for step in range(8):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FIRST, _abi._path, str(0.001 + step * 0.0004)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (step, done.stderr)
