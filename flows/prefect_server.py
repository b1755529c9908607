"""Prefect's API for a run: the server that `PREFECT_API_URL` names, or one of our own that lives as long as the run.

Our own is a child process that starts while the run imports what it needs. It answers on loopback to a secret of this run
only, takes over a socket that is already open (so no port can be lost to somebody else), and watches a pipe of which the
run holds the other end: however the run ends, the pipe does, and the server with it.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from flows.errors import ArrearsError, UsageError
from flows.settings import cache_folder

START_SECONDS = 120
ANSWER_SECONDS = 4

own: subprocess.Popen[bytes] | None = None


def connect(home: Path) -> None:
    """Begin: look whether the server that is named listens at all, or start ours. Before anything of Prefect is imported."""
    if own is not None:
        return  # one for all commands of a process: Prefect reads its settings once
    if "PREFECT_API_URL" in os.environ:
        _refuse_if_nobody_listens(os.environ["PREFECT_API_URL"])
    else:
        _start(home / "warehouse" / "prefect")
        atexit.register(_stop)


def wait_until_ready() -> None:
    """The API answers, and to us; imports Prefect."""
    from httpx import HTTPError
    from prefect import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    if own is None:
        url = os.environ["PREFECT_API_URL"]
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS}) as client,
        ):
            if error := client.api_healthcheck():
                raise _no_answer(url, str(error) or type(error).__name__)
            try:
                answer = client._client.get("/admin/version", follow_redirects=True)
            except HTTPError as error:
                raise _no_answer(url, str(error) or type(error).__name__) from error
            if answer.status_code in (401, 403):
                raise UsageError(
                    f"PREFECT_API_URL {url}: the server refuses us (HTTP {answer.status_code}). Set PREFECT_API_AUTH_STRING or "
                    "PREFECT_API_KEY to what it asks for, or unset PREFECT_API_URL: the run then has a server of its own."
                )
        return
    deadline = time.monotonic() + START_SECONDS
    log = Path(os.environ["PREFECT_HOME"]) / "server.log"
    while time.monotonic() < deadline and own.poll() is None:
        with get_client(sync_client=True, httpx_settings={"timeout": START_SECONDS}) as client:
            if client.api_healthcheck() is None:
                return
        time.sleep(0.1)
    raise ArrearsError(
        f"Prefect's own server did not start; its log is {log}. Nothing was published. Run again, or set PREFECT_API_URL to "
        "a server that runs."
    )


def _stop() -> None:
    """Let our own server go, and wait for it: nothing writes in HOME after the command has ended."""
    os.close(_held)
    try:
        own.wait(5)
    except subprocess.TimeoutExpired:
        own.kill()


def _start(folder: Path) -> None:
    global own, _held
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = f"arrears:{secrets.token_urlsafe(32)}"
    watched, _held = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener, open(folder / "server.log", "wb") as log:
        port = listener.getsockname()[1]
        own = subprocess.Popen(
            [sys.executable, "-m", __name__, str(listener.fileno()), str(watched)],
            cwd=folder,  # a prefect.toml or .env where the user stands is none of ours
            env=os.environ
            | {
                "PREFECT_SERVER_API_AUTH_STRING": secret,
                "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
                "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
                "PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
                "PREFECT_UI_ENABLED": "false",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
            },
            pass_fds=(listener.fileno(), watched),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C ends the run, which still wants to say so to the server
        )
    os.close(watched)
    os.environ |= {
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_API_AUTH_STRING": secret,
        "PREFECT_API_REQUEST_TIMEOUT": str(START_SECONDS),
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
    }


_held = -1  # our end of the pipe


def _refuse_if_nobody_listens(url: str) -> None:
    """The commonest mistakes, before seconds of imports: a server that is down, hangs, or is another."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _no_answer(url, "not an address such as http://127.0.0.1:4200/api")
    if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
        return  # it may be reached through the proxy only
    secure = parts.scheme == "https"
    connection = HTTPConnection(parts.hostname, parts.port or (443 if secure else 80), timeout=ANSWER_SECONDS)
    try:
        connection.connect()
        if not secure:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            status = connection.getresponse().status
            if status == 404:
                raise _no_answer(url, "HTTP 404: is there an /api at its end?")
    except (OSError, ValueError, HTTPException) as error:
        raise _no_answer(url, str(error)) from error
    finally:
        connection.close()


def _no_answer(url: str, why: str) -> UsageError:
    return UsageError(
        f"PREFECT_API_URL {url}: no Prefect server answers there ({why}). Start it, correct the address, or unset "
        "PREFECT_API_URL: the run then has a server of its own."
    )


# The child ---------------------------------------------------------------------------------------------------------


def _serve(listener: int, watched: int) -> None:
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    _prepare_database(Path("prefect.db"))
    import uvicorn
    from prefect.server.api.server import create_app

    server = uvicorn.Server(uvicorn.Config(create_app, factory=True, log_level="error", lifespan="on"))
    server.run(sockets=[socket.socket(fileno=listener)])


def _end_with(watched: int) -> None:
    """End when the other end of the pipe is closed, also by the death of its process. SQLite survives that at any moment."""
    os.read(watched, 1)
    os._exit(0)


def _prepare_database(database: Path) -> None:
    """A new database takes Prefect some ten seconds of migrations: made once for each version, then copied."""
    if database.exists():
        return
    import asyncio
    import sqlite3
    from importlib.metadata import version

    ready = cache_folder() / f"prefect-{version('prefect')}.db"
    fresh = database.with_suffix(".new")
    if ready.exists():
        shutil.copyfile(ready, fresh)
        fresh.rename(database)
        return
    from prefect.server.database import provide_database_interface

    asyncio.run(provide_database_interface().create_db())
    try:
        ready.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = ready.with_suffix(f".{os.getpid()}")
        with sqlite3.connect(database) as source, sqlite3.connect(made) as copy:
            source.backup(copy)
        made.rename(ready)
    except OSError:
        pass  # nowhere to keep it: the next new home waits as this one did


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
