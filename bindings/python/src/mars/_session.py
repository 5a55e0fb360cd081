"""Sessions: where tensors are executed, with which workers and how much memory."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from ctypes import byref, c_char_p, c_void_p
from typing import Any

from mars import _abi
from mars._abi import check, lib
from mars._arguments import hooks
from mars._run import planned, run
from mars._values import values


def _option_text(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return _abi.c_bytes(os.fsencode(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value).encode(), "an option")


class Session:
    """Executes tensors.  Options are those of the library: `workers`, `memory_limit` ("1GiB" or bytes), `spill_dir`, and more; see
    `options`.

    `with session:` makes it the one that is used, in this context (thread or task) only.

    Threads and memory belong to the process: of the sessions that ask for a limit the smallest holds for all, and for workers and folders
    the one opened last decides.  A session asks from its making on; no longer after its `with` block (another one makes it ask again),
    nor when `new_session` has put another in its place, nor when nothing refers to it any more.
    """

    __slots__ = ("__weakref__", "_entered", "argument", "handle")

    def __init__(self, **options: Any) -> None:
        given = {k: v for k, v in options.items() if v is not None}
        n = len(given)
        self.handle = 0
        keys = (c_char_p * n)(*[_abi.c_text(k, "an option") for k in given])
        texts = (c_char_p * n)(*[_option_text(v) for v in given.values()])
        self.handle = _abi.received(lib.mars_session_release, lib.mars_session_open, keys, texts, n)
        self._adopt()

    def _adopt(self) -> None:
        self._entered = 0
        self.argument = c_void_p.from_param(self.handle)

    __del__ = _abi.finalizer(lib.mars_session_release)

    def __enter__(self) -> Session:
        with _claims:
            self._entered += 1
            self._claim(True)
        _local.set((*_local.get(), self))
        return self

    def __exit__(self, *_: object) -> None:
        _local.set(_local.get()[:-1])
        with _claims:
            self._entered -= 1
            self._claim(self._entered > 0 or self is _default)

    def _claim(self, on: bool) -> None:
        """Whether the session's options count for the process."""
        check(lib.mars_session_claim(self.handle, on))

    def __reduce__(self) -> Any:
        raise TypeError("a Session cannot be pickled or copied: it stands for threads and memory of this process")

    def execute(self, *tensors: Any) -> Any:
        """Computes tensors together and gives them back: one as itself, several, or a tuple or list of them, as a tuple."""
        given, is_one = _named(tensors)
        run(self, [_tensor(t)._h for t in given])
        return given[0] if is_one else hooks.several(given)

    def fetch(self, *tensors: Any) -> Any:
        """Values of tensors, executed together first: arrays of NumPy, and scalars for 0-d; of several, or a tuple or list, a tuple."""
        given, is_one = _named(tensors)
        if len(given) > 1:
            self.execute(*given)
        found = tuple(values(self, _tensor(t), True) for t in given)
        return found[0] if is_one else found

    def explain(self, *tensors: Any) -> str:
        """Text of the plan that executing the tensors would run."""
        n = len(tensors)
        handles = (c_void_p * n)(*[_tensor(t)._h for t in tensors])
        return planned((self, tensors), lib.mars_explain_while, self.handle, handles, n).decode()

    def options(self) -> dict[str, str]:
        """Every option of the session with its value."""
        return {o["name"]: o["value"] for o in _abi.json_of(lib.mars_session_options, self.handle)}

    def set_option(self, name: str, value: Any) -> None:
        """Sets an option from now on; runs in progress go on as they are."""
        check(lib.mars_session_set_option(self.handle, _abi.c_text(name, "an option"), _option_text(value)))

    def statistics(self) -> dict[str, Any]:
        """Counters of what the session has done."""
        return dict(_abi.json_of(lib.mars_session_statistics, self.handle))

    def trace(self, path: str | os.PathLike[str]) -> None:
        """Writes the events since the last call, in Chrome's trace format; needs the option `trace`."""
        events = _abi.text(lib.mars_session_trace, self.handle)
        with open(path, "wb") as file:
            file.write(events)

    def cut(self, *tensors: Any, pieces: int) -> dict[str, Any]:
        """The execution of tensors as self-contained subtasks for other processes."""
        n = len(tensors)
        handles = (c_void_p * n)(*[_tensor(t)._h for t in tensors])
        return dict(_abi.json_of(lib.mars_plan_cut, self.handle, byref(handles), n, pieces))

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self.options().items() if k in ("workers", "memory_limit", "spill_dir"))
        return f"mars.Session({shown})"


Session._as_parameter_ = Session.handle  # type: ignore[attr-defined, misc]  # the slot under the name that ctypes looks for


# Sessions entered by `with` in this context, innermost last.
_local: ContextVar[tuple[Session, ...]] = ContextVar("mars_sessions", default=())
_default: Session | None = None
# Over changes of `_default` and of who is entered.
_claims = threading.Lock()


def current() -> Session:
    """The session of the context, else the process's default one, opened at the first call."""
    entered = _local.get()
    if entered:
        return entered[-1]
    return _default if _default is not None else _open_default()


def chosen(session: Session | None) -> Session:
    """A session that a caller named, else the one in use."""
    if session is None:
        return current()
    if not isinstance(session, Session):
        raise TypeError(f"session must be a mars.Session, not {type(session).__name__}")
    return session


def _open_default() -> Session:
    global _default
    session = Session.__new__(Session)
    session.handle = 0
    session.handle = _abi.received(lib.mars_session_release, lib.mars_session_default)
    session._adopt()
    _default = session
    return session


def new_session(**options: Any) -> Session:
    """Opens a session and makes it the default one: `new_session(workers=2, memory_limit="1GiB", spill_dir="/scratch")`.

    What the previous default one asked of the process no longer counts.
    """
    global _default
    session = Session(**options)
    with _claims:
        previous, _default = _default, session
        if previous is not None and not previous._entered:
            previous._claim(False)
    return session


def _named(tensors: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """Tensors that a caller named, one by one or as the entries of one tuple or list; and whether it is one by itself."""
    if len(tensors) != 1:
        return tensors, False
    return (tuple(tensors[0]), False) if isinstance(tensors[0], (tuple, list)) else (tensors, True)


def _tensor(x: Any) -> Any:
    from mars.tensor._tensor import Tensor

    if not isinstance(x, Tensor):
        raise TypeError(f"expected a tensor, not {type(x).__name__}")
    return x


def execute(*tensors: Any, session: Session | None = None) -> Any:
    """Computes tensors together and gives them back: one as itself, several, or a tuple or list of them, as a tuple."""
    return chosen(session).execute(*tensors)


def fetch(*tensors: Any, session: Session | None = None) -> Any:
    """Values of tensors, executed together first: arrays of NumPy, and scalars for 0-d; of several, or a tuple or list, a tuple."""
    return chosen(session).fetch(*tensors)


def explain(*tensors: Any, session: Session | None = None) -> str:
    """Text of the plan that executing the tensors would run."""
    return chosen(session).explain(*tensors)
