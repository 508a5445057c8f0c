"""Packs an app's folder and its program: pack.py ROOT PROGRAM ZIP.

Makes the zip that `func azure functionapp publish` would send: the files that `.funcignore` lets through, and the
program under the name that `host.json` gives, which alone may be executed. The same files make the same bytes.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from funcignore import FuncIgnore

# The tool writes the file's own time; a fixed one makes the same bytes of the same files. It is the earliest a zip knows.
TIME = (1980, 1, 1, 0, 0, 0)
# The tool's own modes: the program may be executed, everything else is only read and written.
EXECUTABLE, PLAIN = 0o100777, 0o100666
UNIX = 3


def contents(root: Path, program: Path) -> dict[str, Path]:
    """What goes into the package, by its path there, in order."""
    host = json.loads((root / "host.json").read_text())
    name = host["customHandler"]["description"]["defaultExecutablePath"]
    ignore = FuncIgnore((root / ".funcignore").read_text())
    if not ignore.packs(name):
        raise SystemExit(f".funcignore leaves the program {name} out")
    files = {path: root / path for path in ignore.packed(root)}
    # A program that lies at the root, for `func start`, is not the one that was just built.
    files[name] = program
    return dict(sorted(files.items()))


def write_zip(files: dict[str, Path], program: Path, target: Path) -> None:
    """Writes the zip, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (EXECUTABLE if path == program else PLAIN) << 16
            archive.writestr(entry, path.read_bytes())
    unfinished.replace(target)


def main(root: Path, program: Path, target: Path) -> None:
    files = contents(root, program)
    write_zip(files, program, target)
    for name, path in files.items():
        print(f"{path.stat().st_size:>10}  {name}")
    print(f"{target.stat().st_size:>10}  {target}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
