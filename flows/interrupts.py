"""Ctrl-C and SIGTERM: the run ends within seconds, by itself where it can, and is written down either way.

A signal raises `Interrupted` where the main thread stands. What runs in a library may swallow it or answer only when its
query has ended: then a watch says the run's last words in its place, and ends the process. Installed by the command only;
a flow that a Prefect worker runs is ended by Prefect.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PATIENCE = 3.5  # seconds that a run has to end by itself

received: signal.Signals | None = None
published: Path | None = None  # what the run has published already, which no signal takes back
_installed = False
_last_words: Callable[[], None] | None = None


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM; str() is the sentence for the screen."""

    def __init__(self) -> None:
        told = f"Interrupted ({received.name if received else 'SIGINT'})"
        if published is None:
            told += (
                ": this run published nothing, and what was published before still stands. Run it again when you like."
            )
        else:
            told += f" after the run had published {published}, which stands."
        super().__init__(told)


def exit_code() -> int:
    return 128 + (received or signal.SIGINT)


def install() -> None:
    """Have Ctrl-C and SIGTERM end the run."""
    global _installed
    if threading.current_thread() is not threading.main_thread():
        return  # signals are the main thread's
    _installed = True
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


@contextmanager
def watched(last_words: Callable[[], None]) -> Iterator[None]:
    """While a run is under way: `last_words` are said if it does not end in time. Prefect's own handler stands back."""
    global _last_words, published
    published = None
    if not _installed:
        yield
        return
    before = {number: signal.signal(number, _end) for number in (signal.SIGINT, signal.SIGTERM)}
    _last_words = last_words
    try:
        yield
    finally:
        _last_words = None
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    global received
    if received is not None:
        return  # it is ending already
    received = signal.Signals(number)
    watch = threading.Timer(PATIENCE, _give_up)
    watch.daemon = True
    watch.start()
    raise Interrupted


def _give_up() -> None:
    try:
        if _last_words is not None:
            _last_words()
        print(Interrupted(), file=sys.stderr, flush=True)
    finally:
        os._exit(exit_code())
