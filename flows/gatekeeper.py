"""The gates in a process of their own, so that Great Expectations is imported (some six seconds) while the night goes on.

The command starts it first of all; without it a gate runs in this process, as in a worker of Prefect's and in the tests.
It reads requests from a pipe, and ends when the pipe does.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from expectations.gate import preload, run_gate
from expectations.results import GateResult, Suite

_keeper: subprocess.Popen[bytes] | None = None


def start() -> None:
    global _keeper
    if _keeper is None:
        _keeper = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the run, whose end is this process's end
        )
        atexit.register(_stop)


def _stop() -> None:
    _keeper.stdin.close()
    _keeper.wait(5)


def judge(name: str, databases: Mapping[str, Path], suites: Sequence[Suite], docs: Path, *, title: str) -> GateResult:
    """`run_gate`, over there if it was started."""
    if _keeper is None:
        return run_gate(name, databases, suites, docs, title=title)
    pickle.dump((name, databases, suites, docs, title), _keeper.stdin)
    _keeper.stdin.flush()
    try:
        answer = pickle.load(_keeper.stdout)
    except EOFError:
        raise RuntimeError(f"the process of the {name} gate ended with code {_keeper.wait()}") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _keep() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    requests: SimpleQueue[tuple] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    preload()
    while True:
        name, databases, suites, docs, title = requests.get()
        try:
            answer = pickle.dumps(run_gate(name, databases, suites, docs, title=title))
        except Exception as error:
            answer = pickle.dumps(_told(error))
        answers.write(answer)
        answers.flush()


def _listen(pipe: BinaryIO, requests: SimpleQueue[tuple]) -> None:
    try:
        while True:
            requests.put(pickle.load(pipe))
    except EOFError:
        os._exit(0)


def _told(error: Exception) -> Exception:
    """The exception as the other process can raise it, with the traceback that it had here."""
    details = "".join(traceback.format_exception(error))
    try:
        told = pickle.loads(pickle.dumps(error))
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
    told.add_note(details)
    return told


if __name__ == "__main__":
    _keep()
