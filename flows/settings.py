"""The environment, read in this one file. Everything else is an option of the command or a row of the policy."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from flows.errors import UsageError

DEFAULT_HOME = Path(os.environ.get("ARREARS_HOME") or "./var")
DEFAULT_LANDING = os.environ.get("ARREARS_LANDING") or None
# Of Prefect's settings a run takes those that say where the server is and how it is reached. All others, and all of dbt's,
# are of somebody else's shell: results kept, logs at other levels, a profile that no longer exists.
OF_THE_USER = (
    "PREFECT_API_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_TLS_",
    "PREFECT_API_SSL_",
    "PREFECT_CLIENT_CUSTOM_HEADERS",
    "PREFECT_CLIENT_CSRF_",
)

OURS = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    # a server that is gone, or hangs, keeps no night waiting for minutes
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    "PREFECT_API_REQUEST_TIMEOUT": "20",
    # a failing gate is told by us, in sentences; on the screen Prefect's own tracebacks would bury it
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
}

left_out: list[str] = []  # names of the settings that a run does not take; its log says them


def leave_out(prefix: str, but: tuple[str, ...] = ()) -> None:
    """Take settings that begin so out of this process's environment, before the library they are for is imported."""
    for name, value in sorted(os.environ.items()):
        if name.startswith(prefix) and not name.startswith(but) and OURS.get(name) != value:
            del os.environ[name]
            left_out.append(name)


def cache_folder() -> Path:
    """What can be made again at the cost of time, kept for this user between runs and homes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "arrears"


def from_environment(name: str) -> str | None:
    """What a user's own file names as `${NAME}`."""
    return os.environ.get(name) or None


def dbt_every_time() -> bool:
    """ARREARS_DBT: whether dbt itself runs every build, also where what it compiled is kept (`compiled.py`)."""
    return os.environ.get("ARREARS_DBT", "") not in ("", "0")


def readers() -> str | None:
    """ARREARS_READERS: the group that reads `published/` (`readers.py`)."""
    return os.environ.get("ARREARS_READERS", "").strip() or None


def lineage() -> tuple[str, str] | None:
    """OPENLINEAGE_URL and OPENLINEAGE_API_KEY: who takes events of runs (`lineage.py`)."""
    url = os.environ.get("OPENLINEAGE_URL", "").strip().rstrip("/")
    return (url, os.environ.get("OPENLINEAGE_API_KEY", "")) if url else None


def memory_limit() -> str:
    """What DuckDB may take before it spills to disk: ARREARS_MEMORY, else half of what the machine, or its container, has."""
    asked = os.environ.get("ARREARS_MEMORY", "").strip()
    if asked and not re.fullmatch(r"[1-9]\d*(\.\d+)? ?[MGT]i?B", asked):
        raise UsageError(f"ARREARS_MEMORY={asked}: not an amount of memory. Allowed: an amount such as 6GB or 512MB.")
    if asked:
        return asked
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit
        has = min(has, int(Path("/sys/fs/cgroup/memory.max").read_text("utf-8")))
    return f"{has // 2 // 1_000_000}MB"


def prepare_environment(home: Path) -> None:
    """Settings of the libraries that the command runs, before any of them is imported."""
    if "ARREARS_KEEP_UMASK" not in os.environ:
        os.umask(0o077)  # what we write is readable by its owner only
    leave_out("DBT_")
    leave_out("PREFECT_", but=OF_THE_USER)
    for name in OF_THE_USER:
        if not os.environ.get(name, " "):
            del os.environ[name]  # set to nothing is not set
    os.environ |= OURS
    os.environ["PREFECT_HOME"] = str(home.absolute() / "warehouse" / "prefect")  # no profile of anybody's
