"""Puts libmars.so into the wheel and names the platform."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LibraryHook(BuildHookInterface):  # type: ignore[type-arg]
    """Takes the library from MARS_LIBRARY, else from the build directory of the repository (MARS_BUILD_DIR, or `build`)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        repository = Path(self.root).parents[1]
        build = Path(os.environ.get("MARS_BUILD_DIR", repository / "build"))
        named = os.environ.get("MARS_LIBRARY")
        places = [Path(named)] if named else [build / "libmars.so", build / "lib" / "libmars.so"]
        library = next((p for p in places if p.is_file()), None)
        if library is None:
            raise FileNotFoundError(f"libmars.so is not at {', '.join(map(str, places))}; build it first or set MARS_LIBRARY to its path")
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-linux_x86_64"
        build_data["force_include"][str(library.resolve())] = "mars/libmars.so"
