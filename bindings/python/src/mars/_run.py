"""Executing tensors: waiting that Ctrl-C can end, progress, and values as NumPy arrays."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
import time
from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p, sizeof
from typing import Any

import numpy as np

from mars import _abi
from mars._abi import Array, Progress, TensorInfo, fail, lib
from mars._graph import Handle, size_argument, wrap

_SLICE = 0.05  # seconds between looks at pending signals
_PROGRESS_AFTER = 0.5

_execute_async = _abi.unchecked.mars_execute_async
_run_wait = lib.mars_run_wait
_run_release = lib.mars_run_release
_none = size_argument(0)


class Switches:
    """What `mars.options` sets for waiting."""

    progress: bool | None = None  # None: if stderr is a terminal


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
        if results:
            values = (c_void_p * n)()
            _abi.check(lib.mars_run_results(byref(values), n, out))
            return [wrap(h or 0) for h in values]
        return []
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
        out = c_void_p()
        goes_on = _abi.Patience(lambda _: going[0])
        try:
            said.append(_abi.text(function(byref(out), *arguments, goes_on, None), out))
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
    bar: _Bar | None = None
    try:
        while True:
            status: int = _run_wait(run, _SLICE)
            if status != _abi.TIMEOUT:
                return status
            if bar is None:
                if time.monotonic() - started >= _PROGRESS_AFTER and _Bar.is_wanted():
                    bar = _Bar(started)
            else:
                bar.draw(run)
    finally:
        if bar is not None:
            bar.clear()


class _Bar:
    """One line on stderr: share of tasks that are done, and time; as wide as the terminal allows."""

    MOST = 30

    def __init__(self, started: float) -> None:
        self._started = started
        self._drawn = 0.0
        self._shown = 0

    @staticmethod
    def is_wanted() -> bool:
        if Switches.progress is not None:
            return Switches.progress
        return threading.current_thread() is threading.main_thread() and sys.stderr is not None and sys.stderr.isatty()

    def draw(self, run: c_void_p) -> None:
        now = time.monotonic()
        if now - self._drawn < 0.1:
            return
        self._drawn = now
        p = Progress(struct_size=sizeof(Progress))
        if lib.mars_run_progress(byref(p), run):
            return
        share = p.tasks_done / p.tasks_total if p.tasks_total > 0 else 0.0
        said = self.line(share, f"{share:4.0%} {p.tasks_done}/{p.tasks_total} tasks {now - self._started:.1f} s", self._columns())
        sys.stderr.write("\r" + said.ljust(self._shown))
        self._shown = len(said)
        sys.stderr.flush()

    @classmethod
    def line(cls, share: float, text: str, columns: int) -> str:
        """What fits into a terminal's columns without filling the last one, where the cursor would go to the next line."""
        width = min(cls.MOST, columns - len(text) - 4)
        if width < 4:
            return text[: max(0, columns - 1)]
        full = int(share * width)
        return f"[{'#' * full}{'.' * (width - full)}] {text}"

    @staticmethod
    def _columns() -> int:
        try:
            return os.get_terminal_size(sys.stderr.fileno()).columns or 80
        except (OSError, ValueError, AttributeError):  # no terminal
            return 80

    def clear(self) -> None:
        if self._drawn:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()


# ---- types and values ----


class _Look:
    """Memory to describe one tensor and to fetch one 0-d value."""

    __slots__ = ("array", "array_ref", "info", "ref", "scalars", "words")

    def __init__(self) -> None:
        self.info = TensorInfo(struct_size=sizeof(TensorInfo))
        self.ref = byref(self.info)
        # struct_size, dtype, ndim, is_executed, then the shape from word 2 on.
        self.words = memoryview(self.info).cast("B").cast("q")
        room = ctypes.create_string_buffer(16)
        self.array = Array(struct_size=sizeof(Array), ndim=0, data=ctypes.addressof(room))
        self.array_ref = byref(self.array)
        self.scalars: dict[int, Any] = {}
        self.scalars[0] = room

    def scalar(self, code: int) -> Any:
        """A 0-d array of NumPy over the room of this object."""
        view = self.scalars.get(code)
        if view is None:
            view = self.scalars[code] = np.ndarray((), _abi.dtype_of(code), self.scalars[0])
        return view


_looks: list[_Look] = []


def _look() -> _Look:
    try:
        return _looks.pop()
    except IndexError:
        return _Look()


def describe(t: Handle) -> tuple[int, tuple[int, ...], bool]:
    """(code of the dtype, shape with -1 where unknown, whether the value is at hand); never runs anything."""
    look = _look()
    status = lib.mars_tensor_describe(look.ref, t._h)
    if status:
        fail(status)
    w = look.words
    ndim = w[1] & 0xFFFFFFFF
    result = (w[0] >> 32, tuple(w[2 : 2 + ndim]), w[1] >> 32 != 0)
    _looks.append(look)
    return result


def is_scalar(t: Handle) -> bool:
    """Whether a tensor without axes is a value that never changes."""
    look = _look()
    _abi.check(lib.mars_tensor_describe(look.ref, t._h))
    answer: int = look.info.is_scalar
    _looks.append(look)
    return answer != 0


class _Memory:
    """Memory of the engine for as long as an array of NumPy looks at it."""

    __slots__ = ("__array_interface__", "array")

    def __init__(self, array: Array, dtype: np.dtype[Any]) -> None:
        self.array = array
        n = array.ndim
        interface: dict[str, Any] = {
            "version": 3,
            "shape": tuple(array.shape[:n]),
            "typestr": dtype.str if dtype.kind != "V" else f"<V{dtype.itemsize}",
            "data": (array.data or 0, bool(array.flags & _abi.ARRAY_READONLY)),
        }
        if array.strides:
            interface["strides"] = tuple(array.strides[:n])
        self.__array_interface__ = interface

    def __del__(self, _release: Any = lib.mars_array_release, _byref: Any = byref) -> None:
        _release(_byref(self.array))


def values(session: Any, t: Handle, scalar: bool) -> Any:
    """The values of a tensor, executed first if need be: an array, or, for 0-d and `scalar`, a scalar of NumPy."""
    code, shape, is_executed = describe(t)
    if not is_executed:
        run(session, (t._h,))
    if not shape:
        look = _look()
        view = look.scalar(code)
        look.array.dtype = code
        status = lib.mars_fetch_into(session.handle, t._h, look.array_ref)
        if status:
            fail(status, running=True)
        value = view[()] if scalar else view.copy()
        _looks.append(look)
        return value
    array = Array(struct_size=sizeof(Array))
    status = lib.mars_fetch(byref(array), session.handle, t._h)
    if status:
        fail(status, running=True)
    dtype = _abi.dtype_of(code)
    result = np.asarray(_Memory(array, dtype))
    return result.view(dtype) if dtype.kind == "V" else result


# ---- arrays going in ----

# Owners of memory that the engine uses in place, by token.
_owners: dict[int, Any] = {}
_tokens = iter(range(1, 1 << 62))


def _released(token: int | None, _owners: dict[int, Any] = _owners) -> None:
    _owners.pop(token or 0, None)


_release_callback = _abi.for_ever(_abi.Release(_released))
_release_address = ctypes.cast(_release_callback, c_void_p).value


def from_array(x: np.ndarray[Any, Any], alias: bool, chunks: Sequence[int] | None = None) -> Any:
    """A tensor of an array; `alias`: in the array's own memory, which then must not be changed until the tensor is executed."""
    dtype = x.dtype
    code = _abi._codes.get(dtype)
    if code is None:
        code = _abi.code_of(dtype)
        native = _abi.dtype_of(code)
        if native != dtype:  # the other byte order
            x, alias = x.astype(native), True
    n = x.ndim
    array = Array(sizeof(Array), code, n, 0, x.__array_interface__["data"][0])
    if n:
        if n > _abi.MAX_DIMS:
            raise ValueError(f"maximum supported dimension for an ndarray is {_abi.MAX_DIMS}, found {n}")
        extents = c_int64 * n
        array.shape = extents(*x.shape)
        if not x.flags.c_contiguous:
            array.strides = extents(*x.strides)
    mode = _abi.COPY
    if alias:
        mode = _abi.ALIAS
        token = next(_tokens)
        _owners[token] = x
        array.owner = token
        array.release = _release_address
        if not x.flags.writeable:
            array.flags = _abi.ARRAY_READONLY
    preferred = (c_int64 * max(n, 1))(*chunks) if chunks is not None else None
    out = c_void_p()
    status = lib.mars_tensor_from_array(byref(out), byref(array), mode, preferred)
    if status:
        if alias:
            _owners.pop(token, None)
        fail(status)
    return wrap(out.value or 0)


def can_cast(source: int, target: int, casting: str) -> bool:
    answer = ctypes.c_int32()
    _abi.check(lib.mars_dtype_can_cast(byref(answer), source, target, casting.encode()))
    return answer.value != 0
