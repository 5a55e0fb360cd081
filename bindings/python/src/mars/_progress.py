"""The bar that shows on stderr how far a run has come."""

from __future__ import annotations

import os
import sys
import threading
import time
from ctypes import byref, c_void_p, sizeof

from mars._abi import Progress, lib


class Switches:
    """What `mars.options` sets."""

    progress: bool | None = None  # None: if stderr is a terminal


class Bar:
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
