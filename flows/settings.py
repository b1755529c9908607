"""The environment, read in this one file. Everything else is an option of the command or a row of the policy."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_HOME = Path(os.environ.get("ARREARS_HOME", "./var"))
DEFAULT_LANDING = os.environ.get("ARREARS_LANDING")


def cache_folder() -> Path:
    """What can be made again at the cost of time, kept for this user between runs and homes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arrears"


def prepare_environment(home: Path) -> None:
    """Settings of the libraries we run, before any of them is imported; what the user has set stays.

    Without a Prefect server configured, Prefect starts one of its own for the run; its database lives in HOME, and it
    gets more time to start than its default, which slow machines exceed.
    """
    if "ARREARS_KEEP_UMASK" not in os.environ:
        os.umask(0o077)  # what we write is readable by its owner only
    defaults = {
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        # a failing gate is told by us, in sentences; Prefect's own tracebacks would bury it
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
    }
    if "PREFECT_API_URL" not in os.environ:
        database = home.absolute() / "warehouse" / "prefect.db"
        defaults["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = f"sqlite+aiosqlite:///{database}"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
