"""Running: executing tensors and planning them, with a wait that Ctrl-C can end."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Sequence
from ctypes import byref, c_void_p
from typing import Any

from mars import _abi
from mars._abi import fail, lib
from mars._operators import receive_several, size_argument
from mars._progress import Bar

_SLICE = 0.05  # seconds between looks at pending signals
_PROGRESS_AFTER = 0.5

_execute_async = _abi.unchecked.mars_execute_async
_run_wait = lib.mars_run_wait
_run_release = lib.mars_run_release
_none = size_argument(0)


def run(session: Any, handles: Sequence[int], bindings: Any = None, binding_count: int = 0, results: bool = False) -> list[Any]:
    """Executes tensors and waits; with `results` gives new tensors of the values.

    KeyboardInterrupt (and any other exception that a signal handler raises) cancels the run and goes on upwards.
    """
    n = len(handles)
    tensors = (c_void_p * n)(*handles)
    out = c_void_p()
    if _ending:
        _release_ended()
    _inside.append(None)
    try:
        bound = size_argument(binding_count) if binding_count else _none
        status = _execute_async(byref(out), session.argument, byref(tensors), size_argument(n), bindings, bound)
        if status:
            fail(status, running=True)
        _running.add(out.value)
        status = _run_wait(out, _SLICE)  # at once: a thread that waits runs tasks of small runs itself
        if status:
            if status == _abi.TIMEOUT:
                status = _wait(out)
            if status:
                fail(status, running=True)
        return receive_several(n, lib.mars_run_results, out) if results else []
    except BaseException as error:
        if out.value:
            lib.mars_run_cancel(out)
            # Whoever interrupts wants an answer at once; a failure should leave nothing behind.
            if lib.mars_run_settle(out, _SLICE if isinstance(error, Exception) else 0.0) == _abi.TIMEOUT:
                with _guard:
                    _running.discard(out.value)
                    _ending.append(out.value)
                out.value = None
        raise
    finally:
        if out.value:
            with _guard:
                _running.discard(out.value)
                _run_release(out)
        _inside.pop()
        if _abi.raised_exceptions and not _inside:
            # Of chunks that failed beside the one that is reported: their frames hold arrays.
            _abi.raised_exceptions.clear()


# One entry for each thread in `run`: a function may have failed before its run is known here.
_inside: list[None] = []
# Runs in progress, and those that have failed or were cancelled and have tasks in progress still, which may call functions of Python.
_running: set[int | None] = set()
_ending: list[int] = []
# Of both, and that no run is released while another thread looks at it.  A signal handler may run something within it.
_guard = threading.RLock()
_LAST_WAIT = 5.0  # seconds that the end of the interpreter waits for them


def _release_ended() -> None:
    with _guard:
        for run in _ending[:]:
            if lib.mars_run_settle(run, 0.0) != _abi.TIMEOUT:
                _ending.remove(run)
                _run_release(run)


@atexit.register
def _end() -> None:
    """Lets tasks in progress end, so that none calls into an interpreter that is gone; what other threads run is cancelled."""
    with _guard:
        for run in _running:
            lib.mars_run_cancel(run)
        end = time.monotonic() + _LAST_WAIT
        for run in [*_running, *_ending]:
            lib.mars_run_settle(run, max(0.0, end - time.monotonic()))


def planned(used: Any, function: Any, *arguments: Any) -> bytes:
    """What a function of the library says that plans for as long as it is asked to; Ctrl-C ends that.  `used` lives until then.

    Only the main thread sees signals, and only while it is not in the library: another thread plans for it.
    """
    going = [1]
    said: list[bytes] = []
    errors: list[BaseException] = []

    def plan(_used: Any = used) -> None:
        goes_on = _abi.Patience(lambda _: going[0])
        try:
            said.append(_abi.text(function, *arguments, goes_on, None))
        except BaseException as error:
            errors.append(error)

    if threading.current_thread() is not threading.main_thread():
        plan()
    else:
        planner = threading.Thread(target=plan, name="mars-plan", daemon=True)
        planner.start()
        try:
            planner.join()
        except BaseException:
            going[0] = 0
            planner.join(_LAST_WAIT)
            raise
    if errors:
        raise errors[0]
    return said[0]


def _wait(run: c_void_p) -> int:
    """Waits in slices, so that Python sees signals; draws a progress bar."""
    started = time.monotonic()
    bar: Bar | None = None
    try:
        while True:
            status: int = _run_wait(run, _SLICE)
            if status != _abi.TIMEOUT:
                return status
            if bar is None:
                if time.monotonic() - started >= _PROGRESS_AFTER and Bar.is_wanted():
                    bar = Bar(started)
            else:
                bar.draw(run)
    finally:
        if bar is not None:
            bar.clear()
