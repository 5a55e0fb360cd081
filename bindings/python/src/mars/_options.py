"""`mars.options`: switches of this binding, and the options of the session in use."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mars import _abi, _operators, _progress, _run, _session
from mars._place import place

_MANY_NODES = 100_000
_warned = False


def _execute(tensors: Any) -> None:
    _run.run(_session.current(), [t._h for t in tensors])


def _execute_now(result: Any) -> None:
    tensors = result if isinstance(result, tuple) else (result,)
    try:
        _execute(tensors)
    except ValueError:
        # What depends on an input of a graph has no value till the graph is executed.
        if not any(_operators.needs(t) & _abi.NEEDS_INPUTS for t in tensors):
            raise


def _look_at_node_count() -> None:
    """Warns once of a loop that builds on and on and executes nothing."""
    global _warned
    if _warned:
        return
    nodes = _session.current().statistics().get("live_nodes", 0)
    if nodes > _MANY_NODES:
        _warned = True
        _operators.hooks.count = None
        where = place().decode()
        warnings.warn(f"{nodes} operations wait to be executed (at {where}); execute intermediate results in long loops", stacklevel=4)


_operators.hooks.count = _look_at_node_count
_operators.hooks.execute = _execute


class Options:
    """Options as attributes.

    eager_mode  True: every call executes at once, as NumPy does; what depends on an input of a `Graph` waits for the graph
    progress    True or False: show a progress bar; None: where stderr is a terminal
    Any other name is an option of the session in use: `mars.options.memory_limit = "2GiB"`.
    """

    __slots__ = ()

    @property
    def eager_mode(self) -> bool:
        """Whether every call executes at once."""
        return _operators.hooks.eager is not None

    @eager_mode.setter
    def eager_mode(self, on: bool) -> None:
        if not isinstance(on, (bool, np.bool_)):
            raise TypeError(f"eager_mode must be True or False, not {on!r}")
        _operators.hooks.eager = _execute_now if on else None

    @property
    def progress(self) -> bool | None:
        """Whether a progress bar is shown; None: where stderr is a terminal."""
        return _progress.Switches.progress

    @progress.setter
    def progress(self, on: bool | None) -> None:
        if on is not None and not isinstance(on, (bool, np.bool_)):
            raise TypeError(f"progress must be True, False or None, not {on!r}")
        _progress.Switches.progress = on

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return _session.current().options()[name]
        except KeyError:
            raise AttributeError(f"no option is named {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
        else:
            _session.current().set_option(name, value)

    def __dir__(self) -> list[str]:
        return ["eager_mode", "progress", *_session.current().options()]

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {getattr(self, name)!r}" for name in dir(self))


options = Options()
