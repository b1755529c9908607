"""Real database servers on loopback, each in a folder of its own, for as long as a test needs them.

A machine that has none skips the test and says what to install; `.ci/run` installs them first.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "geheim-Ω 口令'/@:%"  # every character that a URL, a DSN or an SQL text would trip over
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A server that runs: `run` sends it SQL as its owner, `port` is where the user `core` finds it."""

    kind: str
    port: int
    client: tuple[str, ...]

    def run(self, sql: str) -> str:
        """Run statements; what they answer, a line a row, columns by tab."""
        asked = subprocess.run(self.client, input=sql, text=True, capture_output=True, check=False)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.strip()

    def end_sessions(self) -> None:
        """End every session of the user `core` from the server's side."""
        if self.kind == "postgresql":
            self.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'core';")
        else:
            self.run("kill user core;")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _found(program: str, package: str) -> str:
    places = [os.environ["PATH"], "/usr/sbin", "/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    if found := shutil.which(program, path=os.pathsep.join(places)):
        return found
    pytest.skip(f"{program} is not installed: apt-get install {package}")


def _as_owner(user: str) -> list[str]:
    """Neither server runs as root: as root, by the user that the package made."""
    return [_found("runuser", "util-linux"), "-u", user, "--"] if os.geteuid() == 0 else []


@contextmanager
def _folder(user: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="arrears-server-", dir="/tmp"))  # a socket's path is short
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answers(command: Sequence[str], server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while subprocess.run(command, capture_output=True, check=False).returncode:
        assert server.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        assert time.monotonic() < until, log.read_text("utf-8", "replace")[-2000:]
        time.sleep(0.05)


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server with a database `core` and a user `core` that may read, by password."""
    postgres, initdb, psql = (_found(name, "postgresql") for name in ("postgres", "initdb", "psql"))
    owner, port = _as_owner("postgres"), free_port()
    with _folder("postgres") as folder:
        data, log = folder / "data", folder / "log"
        made = [initdb, "-D", str(data), "-U", "owner", "-A", "scram-sha-256", "--auth-local=trust", "-E", "UTF8", "-N"]
        with tempfile.NamedTemporaryFile("w", dir=folder) as password:
            password.write("owner")
            password.flush()
            os.chmod(password.name, 0o644)
            subprocess.run([*owner, *made, f"--pwfile={password.name}"], check=True, capture_output=True, cwd=folder)
        started = [
            postgres,
            "-D",
            str(data),
            "-p",
            str(port),
            "-k",
            str(folder),
            "-F",
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        with open(log, "wb") as out, subprocess.Popen([*owner, *started], stdout=out, stderr=out, cwd=folder) as server:
            try:
                client = (psql, "-h", str(folder), "-p", str(port), "-U", "owner", "-d", "postgres", "-qAt", "-F", "\t")
                _answers([*client, "-c", "select 1"], server, log)
                found = Server("postgresql", port, (*client, "-v", "ON_ERROR_STOP=1"))
                secret = PASSWORD.replace("'", "''")
                found.run(f"create role core login password '{secret}'; create database core owner owner;")
                client = (*found.client[:7], "-d", "core", *found.client[9:])
                found = Server("postgresql", port, client)
                found.run("grant pg_read_all_data to core;")
                yield found
            finally:
                server.terminate()


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB server with a database `core` and a user `core` that may read, by password."""
    mariadbd, install, mysql = (_found(n, "mariadb-server") for n in ("mariadbd", "mariadb-install-db", "mariadb"))
    owner, port = _as_owner("mysql"), free_port()
    with _folder("mysql") as folder:
        data, log, sock = folder / "data", folder / "log", folder / "sock"
        made = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        subprocess.run([*owner, *made, "--skip-test-db"], check=True, capture_output=True, cwd=folder)
        started = [mariadbd, "--no-defaults", f"--datadir={data}", f"--socket={sock}", f"--port={port}"]
        started += ["--bind-address=127.0.0.1", "--skip-name-resolve", f"--pid-file={folder / 'pid'}"]
        with open(log, "wb") as out, subprocess.Popen([*owner, *started], stdout=out, stderr=out, cwd=folder) as server:
            try:
                client = (
                    mysql,
                    "--no-defaults",
                    f"--socket={sock}",
                    "-uroot",
                    "-N",
                    "-B",
                    "--default-character-set=utf8mb4",
                )
                _answers([*client, "-e", "select 1"], server, log)
                found = Server("mysql", port, client)
                secret = PASSWORD.replace("'", "''")
                found.run(
                    f"create database core character set utf8mb4; create user core identified by '{secret}';"
                    "grant select on core.* to core;"
                )
                yield Server("mysql", port, (*client, "core"))
            finally:
                server.terminate()
