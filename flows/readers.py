"""Who reads what is published, beside its owner: the group that ARREARS_READERS names, and nothing else of HOME."""

from __future__ import annotations

import grp
import os
from pathlib import Path

from flows import settings
from flows.errors import UsageError
from flows.home import Home

FOLDER, FILE = 0o750, 0o440
WAY_THROUGH = 0o710  # HOME itself: a group passes, and sees no other names


def group_of_readers() -> int | None:
    """The group's number; None where nobody else reads. Raises UsageError for a group that is not there, or not ours to give to."""
    name = settings.readers()
    if name is None:
        return None
    try:
        number = grp.getgrnam(name).gr_gid
    except KeyError:
        raise UsageError(
            f"ARREARS_READERS={name}: there is no such group on this machine. Allowed: the name of a group, such as bi, or nothing."
        ) from None
    if os.geteuid() != 0 and number not in (os.getegid(), *os.getgroups()):
        raise UsageError(
            f"ARREARS_READERS={name}: who runs arrears is no member of that group, and may not give files to it. "
            f"Allowed: a group that they are in. `sudo usermod -aG {name} USER` makes them a member, from the next login on."
        )
    return number


def let_read(home: Home, publication: Path) -> None:
    """Give a publication, and the way to it, to the group of readers."""
    number = group_of_readers()
    if number is None:
        return
    for path, mode in ((home.root, WAY_THROUGH), (home.published, FOLDER)):
        _give(path, number, mode)
    for folder, _, files in os.walk(publication):
        _give(Path(folder), number, FOLDER)
        for file in files:
            _give(Path(folder, file), number, FILE)


def _give(path: Path, group: int, mode: int) -> None:
    os.chown(path, -1, group)
    path.chmod(mode)
