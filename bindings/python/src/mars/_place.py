"""Where in the client's program a call was made: "file:line" of the nearest frame outside this package."""

from __future__ import annotations

import os
import sys
from types import CodeType

_package = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIMIT = 4096

# By id of a code object: the code object, kept so that its id stays its own, and the places seen in it by instruction.
# None stands for code of this package.
_seen: dict[int, tuple[CodeType, dict[int, bytes] | None]] = {}


def is_internal(code: CodeType) -> bool:
    return code.co_filename.startswith((_package, "<mars "))


def place() -> bytes:
    """The place of the call, for the library's error messages."""
    frame = sys._getframe(2)
    while True:
        code = frame.f_code
        entry = _seen.get(id(code))
        if entry is None:
            if len(_seen) >= _LIMIT:
                _seen.clear()
            entry = _seen[id(code)] = (code, None if is_internal(code) else {})
        places = entry[1]
        if places is not None:
            known = places.get(frame.f_lasti)
            if known is None:
                known = places[frame.f_lasti] = f"{code.co_filename}:{frame.f_lineno}".encode(errors="replace")
            return known
        back = frame.f_back
        if back is None:
            return b""
        frame = back
