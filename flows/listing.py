"""Files of a folder and their sha256: written down where nobody changes them any more, compared by `arrears verify`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(folder: Path, without: tuple[str, ...] = ()) -> dict[str, str]:
    """{path below the folder: sha256} of every file in it, but those named (at its top); ascending."""
    return {name: content_of(folder / name) for name in sorted(names_in(folder)) if name not in without}


def content_of(path: Path) -> str:
    """sha256 of a file; of what is none, what it is."""
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    return "folder" if path.is_dir() else sha256_of(path)


def names_in(folder: Path) -> Iterator[str]:
    """Paths of what stands below a folder: files, links, and folders with nothing in them (`name/`)."""
    for root, folders, files in os.walk(folder):
        below = Path(root).relative_to(folder)
        for name in files:
            yield str(below / name)
        for name in folders:
            if (Path(root) / name).is_symlink():
                yield str(below / name)
        if not files and not folders and below.parts:
            yield f"{below}/"
