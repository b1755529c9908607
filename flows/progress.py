"""What a run tells while it works: a spinner on a terminal, plain lines in a log, and always the run's own log file."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger("arrears")


class Step:
    """A step under way; `note` says what came of it."""

    def __init__(self) -> None:
        self.noted = ""

    def note(self, text: str) -> None:
        self.noted = text


def printable(text: str) -> str:
    """Text without what would steer a terminal: what is told may hold values of ledgers, names of files, options given."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def write_log_to(path: Path) -> None:
    """Keep every line of the run, with its time, in a file; readable by its owner only through the process's umask."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def leave(pack: Path, elsewhere: Path) -> None:
    """A pack that is written down changes no more: what its run still has to say goes to another file, made when there is any."""
    for handler in [*log.handlers]:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent == pack.absolute():
            handler.close()
            elsewhere.mkdir(mode=0o700, parents=True, exist_ok=True)
            after = logging.FileHandler(
                elsewhere / f"{pack.name}.log", encoding="utf-8", errors="backslashreplace", delay=True
            )
            after.setFormatter(handler.formatter)
            log.handlers[log.handlers.index(handler)] = after


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show `title` while the work goes on, and its time and outcome after it."""
    began = time.monotonic()
    current = Step()
    log.info("%s …", title)
    try:
        with _shown(title):
            yield current
    except BaseException:
        say(f"✗ {title}  {time.monotonic() - began:.1f} s")
        raise
    say(f"✓ {title}  {time.monotonic() - began:.1f} s" + (f"  {current.noted}" if current.noted else ""))


@contextmanager
def _shown(title: str) -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(title):
        yield


def say(line: str) -> None:
    """A line on the screen, in the run's log and on its page in Prefect."""
    line = printable(line)
    print(line, file=sys.stderr, flush=True)
    log.info(line)
    _say_to_prefect(line)


def _say_to_prefect(line: str) -> None:
    """A line of the run's page in Prefect, if a flow runs; another log than ours, and it may be down."""
    if "prefect" not in sys.modules:
        return
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    with suppress(MissingContextError):
        get_run_logger().info(line)
