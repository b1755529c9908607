"""Anchors: what the chain of runs ends with, as one line that somebody outside keeps: a mail, a notary, a sheet of paper.

Whoever can write in HOME can write a whole chain of their own, in which every hash is right. It does not hold the line that was
kept outside. A line survives a mail: blanks and line ends between its words do not matter, nor what stands around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flows import chain
from flows.errors import UsageError
from flows.home import Home

WORD = "arrears-chain"
LINE = re.compile(
    rf"{WORD}[\s>]+(?P<runs>\d+)[\s>]+(?P<run_id>\S+)[\s>]+(?P<as_of>[\d-]+)[\s>]+(?P<head>[0-9a-f]{{64}})\b"
)


@dataclass(frozen=True)
class Anchor:
    """The chain at some time: how many runs, the last of them, what it was as of (`-` where nothing), the last line's hash."""

    runs: int
    run_id: str
    as_of: str
    head: str

    def __str__(self) -> str:
        return f"{WORD} {self.runs} {self.run_id} {self.as_of} {self.head}"

    @classmethod
    def of(cls, home: Home) -> Anchor | None:
        """The anchor of the chain as it stands; None where no run has ended."""
        found = chain.read(home)
        if not found.lines or found.head is None:
            return None
        run_id = found.links[-1]["run_id"]
        manifest = chain.manifest_in(home.audit / run_id)
        as_of = str(manifest.get("as_of") or "-")
        return cls(len(found.lines), run_id, as_of if as_of != "None" else "-", found.head)


def anchored_in(path: Path) -> list[Anchor]:
    """The anchors in a file; none of a file that is not there or empty. A file of something else is not ours to write in."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(
            f"--anchor {path}: cannot be read ({error.strerror}). Give a file, or one to be made."
        ) from error
    found = [
        Anchor(int(said["runs"]), said["run_id"], said["as_of"], said["head"])
        for said in map(re.Match.groupdict, LINE.finditer(text))
    ]
    if text.strip() and not found:
        raise UsageError(
            f"--anchor {path}: holds no line such as `{WORD} 12 20261031T221500-1a2b 2026-10-31 <sha256>`. "
            "Give a file that `arrears verify --anchor` wrote, a mail with such a line, or one to be made."
        )
    return found


def keep_anchor(home: Home, path: Path) -> Anchor | None:
    """Add the line of the chain as it stands to a file, unless it ends with it."""
    now = Anchor.of(home)
    if now and now not in anchored_in(path)[-1:]:
        try:
            with open(path, "a+b") as file:
                end = file.seek(0, 2)
                file.seek(max(end - 1, 0))
                torn = end and file.read(1) != b"\n"
                file.write((b"\n" if torn else b"") + f"{now}\n".encode())
        except OSError as error:
            raise UsageError(
                f"--anchor {path}: cannot be written ({error.strerror}). Give a file in a folder that you may write to."
            ) from error
    return now
