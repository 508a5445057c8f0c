"""The rules of `.funcignore` as Azure Functions Core Tools apply them, which are not those of git.

All patterns become one regular expression, anchored at the start of the path and closed by a word boundary. A path is
packed when a `!` pattern matches it or no other pattern does; the order of the lines does not matter.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

# Never packed, whatever the patterns say.
SKIPPED_FOLDERS = {".git", ".vscode"}
SKIPPED_FILES = {".funcignore", ".gitignore", "local.settings.json", "project.lock.json"}


class FuncIgnore:
    """The patterns of one file."""

    def __init__(self, text: str):
        lines = [line.strip() for line in text.split("\n")]
        patterns = [line for line in lines if line and not line.startswith("#")]
        self.admitted = _any_of([line[1:] for line in patterns if line.startswith("!")])
        self.ignored = _any_of([line for line in patterns if not line.startswith("!")])

    def packs(self, path: str) -> bool:
        """Whether a path, relative to the app's folder and written with `/`, goes into the package."""
        admitted = self.admitted is not None and self.admitted.match(path)
        return bool(admitted) or not (self.ignored is not None and self.ignored.match(path))

    def packed(self, root: Path) -> list[str]:
        """Every file below `root` that goes into the package, in order."""
        found = (path.relative_to(root).as_posix() for path in _files(root))
        return sorted(path for path in found if self.packs(path))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name.lower() not in SKIPPED_FOLDERS:
                yield from _files(path)
        elif path.name.lower() not in SKIPPED_FILES:
            yield path


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    parts = "|".join(f"({_translate(pattern.removeprefix('/'))})" for pattern in patterns)
    return re.compile(rf"^(?:{parts})\b", re.ASCII)


def _translate(pattern: str) -> str:
    """`**` stands for one or more of any characters, `*` for one or more that are no slash; all else is literal."""
    return "(.+)".join("([^/]+)".join(map(re.escape, part.split("*"))) for part in pattern.split("**"))
