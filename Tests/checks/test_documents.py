"""Documents name files, targets and scripts that exist."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    "ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/guide.md", "docs/differences.md", "docs/decisions.md",
    "bindings/python/README.md",
]  # fmt: skip

# What stands in code marks or code blocks and looks like a path: a folder of this repository, or a name that ends like a file of ours.
PATH = re.compile(r"(?<![\w./<-])((?:[\w.-]+/)*[\w.-]+\.(?:swift|py|sh|md|h|proto|toml|yml|yaml|c|java)|(?:%s)(?:/[\w.-]+)+)(?![\w/])")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def folders(root: Path) -> str:
    """Folders at the top of a checkout, build products excepted."""
    return "|".join(re.escape(p.name) for p in root.iterdir() if p.is_dir() and p.name not in ("build", ".git", ".venv"))


def missing(text: str, root: Path) -> list[str]:
    """Paths in code of a document that are neither there nor the end of the path of a file that is."""
    path = re.compile(PATH.pattern % folders(root))
    names = {m.group(1) for code in CODE.findall(text) for m in path.finditer(code)}
    files: set[str] = set()
    for folder, inside, names_here in os.walk(root):
        inside[:] = [d for d in inside if d != "build" and (d == ".ci" or not d.startswith("."))]
        files.update("/" + os.path.relpath(os.path.join(folder, n), root) for n in [*inside, *names_here])
    return sorted(n for n in names if not any(f.endswith("/" + n) for f in files))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_exist(name: str) -> None:
    assert missing((ROOT / name).read_text(), ROOT) == []


def test_a_path_that_is_gone_is_found(tmp_path: Path) -> None:
    (tmp_path / "Sources/MarsPlan").mkdir(parents=True)
    (tmp_path / "Sources/MarsPlan/Plan.swift").touch()
    text = (
        "`Plan.swift` `Sources/MarsPlan/Plan.swift` `Sources/MarsPlan` Gone.swift\n```sh\nSources/Gone/run.sh\n```\n`MarsPlan/Plans.swift`"
    )
    assert missing(text, tmp_path) == ["MarsPlan/Plans.swift", "Sources/Gone/run.sh"]


def test_targets_of_the_picture_exist() -> None:
    rows = re.findall(r"^\| \d \| (.*?) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    targets = {t for row in rows for t in re.findall(r"`(\w+)`", row)}
    assert targets
    assert {p.name for p in (ROOT / "Sources").iterdir()} - targets == {"marsgen"}
    assert [t for t in targets if not (ROOT / "Sources" / t).is_dir()] == []


def test_every_file_of_the_python_binding_is_in_its_table() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "bindings/python/README.md").read_text(), re.MULTILINE)
    named = {n for row in rows for n in re.findall(r"`([\w/.*]+)`", row)}
    source = ROOT / "bindings/python/src/mars"
    files = {str(p.relative_to(source)) for p in source.rglob("*.py")}
    # What is imported by its name needs no row, and stubs stand in one.
    assert files - named - {"__init__.py", "tensor/__init__.py", "_version.py"} == set()
    assert named - files == {"tensor/_described*.pyi"}
