"""The documentation of every model and column, as dbt writes it: one page that opens offline."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from flows.dbt_project import DbtFailed, project_folder, run_dbt
from flows.errors import UsageError
from flows.home import existing_home, hold, new_run_id
from flows.policy import read_policy

PAGE = "static_index.html"  # as dbt calls it


def docs_of(home: Path, policy: Path | None, out: Path | None, wait: float) -> dict[str, Any]:
    """`arrears docs`: writes HOME/docs/index.html, or OUT; some twenty seconds. Holds HOME, for it reads the working database."""
    place = existing_home(home)
    if not place.working_database.exists():
        raise UsageError(f"--home {home}: nothing was computed there yet. Run `arrears nightly` first.")
    target = (out or place.root / "docs" / "index.html").absolute()
    if target.is_dir():
        raise UsageError(f"--out {out}: is a folder. Give the name of a file in it.")
    with hold(place, new_run_id(), "arrears docs", wait):
        folder = project_folder(place, read_policy(policy), place.working_database)
        result = run_dbt(folder, ["docs", "generate", "--static"])
        if not result.success:
            raise DbtFailed("dbt could not write its documentation; its log is in " + str(folder / "logs"))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(folder / "target" / PAGE, target)
    return {"status": "ok", "exit_code": 0, "page": str(target), "_text": f"{target}\nOpen it in a browser."}
