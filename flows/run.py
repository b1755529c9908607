"""Run a flow from the command line: hold HOME, keep a log, write failures into the audit pack, sum up."""

from __future__ import annotations

import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

from flows.dates import Dates, dates_between
from flows.errors import UsageError
from flows.home import Home, hold, parse_known_at
from flows.policy import read_policy
from flows.progress import write_log_to


def run_nightly(
    home: Path,
    landing: Path,
    as_of: str | None,
    policy: Path | None,
    known_at: str | None,
    target: str,
    switch: bool,
    wait: float,
) -> dict[str, Any]:
    """`arrears nightly`: returns the manifest's essentials, and `_text` for the screen."""
    parsed = _date("--as-of", as_of)
    _check(policy, known_at, target)
    if not landing.is_dir():
        raise UsageError(
            f"--landing {landing}: there is no such folder. Give the folder that holds the deliveries "
            "(folders named 2026-11-22, 2026-11-22.2, …)."
        )
    place = Home(home.absolute())
    place.create()
    from flows.nightly import Night, nightly

    return _run(Night(place, landing.absolute(), parsed, policy, known_at, switch), nightly, "arrears nightly", wait)


def run_backfill(
    home: Path,
    first: str,
    last: str,
    every: str,
    policy: Path | None,
    known_at: str | None,
    target: str,
    switch: bool,
    wait: float,
) -> dict[str, Any]:
    """`arrears backfill`: returns the manifest's essentials, and `_text` for the screen."""
    begin, end = _date("--from", first), _date("--to", last)
    asked = dates_between(begin, end, every) if begin <= end else []
    if not asked:
        raise UsageError(
            f"--from {first} --to {last} --every {every}: no date lies between them. "
            + ("Give --from before --to." if begin > end else "Give dates with a month-end between them.")
        )
    _check(policy, known_at, target)
    place = Home(home.absolute())
    place.create()
    from flows.backfill import Backfill, backfill

    run = Backfill(place, None, asked[-1], policy, known_at, switch, Dates.backfill(asked))
    return _run(run, backfill, "arrears backfill", wait)


def _check(policy: Path | None, known_at: str | None, target: str) -> None:
    """Refuse what is wrong before anything heavy starts."""
    parse_known_at(known_at)
    if target != "duckdb":
        raise UsageError(f"--target {target}: not built yet. Allowed: duckdb.")
    read_policy(policy)


def _run(run: Any, flow: Any, command: str, wait: float) -> dict[str, Any]:
    with hold(run.home, run.run_id, command, wait):
        write_log_to(run.home.audit / run.run_id / "run.log")
        _warm_up()
        try:
            manifest = flow(run)
        except BaseException as error:
            run.record_failure(error)
            raise
    return _summary(run, manifest)


def run_demo(home: Path, loans: int, seed: int, wait: float) -> dict[str, Any]:
    """`arrears demo`: two deliveries a month apart, and both nights."""
    from books import generate
    from flows.case import worst_customer

    landing = home / "landing"
    dates = (date(2026, 9, 30), date(2026, 10, 31))
    if landing.exists():
        raise UsageError(
            f"{landing} exists already: a demo makes its own deliveries. Give another --home, or remove {home}."
        )
    home.mkdir(parents=True, exist_ok=True)
    book = generate(landing, loans=loans, seed=seed, deliveries=dates)
    nights = [run_nightly(home, landing, str(day), None, str(day), "duckdb", True, wait) for day in dates]
    planted = "\n".join(f"  {d.delivery}  {d.file}: {d.reason}" for d in book.dirty)
    last, called = nights[-1], sys.argv[0]  # lines that can be pasted, installed on the path or not
    text = (
        "\n\n".join(n.pop("_text") for n in nights)
        + f"\n\nBad rows planted, to be found in quarantine:\n{planted or '  none'}"
        + "\n\nLook at"
        + f"\n  marts       {last['publication']}/marts.duckdb (and parquet/)"
        + f"\n  validation  {last['publication']}/validation/publication/index.html"
        + f"\n  deliveries  {landing}"
        + f"\n  a case      {called} case {worst_customer(Path(last['publication']))} --home {home}"
        + f"\n  quarantine  {called} quarantine --home {home}"
        + f"\n  status      {called} status --home {home}"
    )
    return {"nights": nights, "planted": [vars(d) for d in book.dirty], "_text": text}


def _date(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: not a date. Allowed: a date such as 2026-11-22.") from None


def _warm_up() -> None:
    """Import what later steps need while Prefect's own server starts."""

    def work() -> None:
        from expectations.gate import preload

        preload()
        import dbt.cli.main  # noqa: F401

    threading.Thread(target=work, daemon=True).start()


def _summary(night: Any, manifest: dict[str, Any]) -> dict[str, Any]:
    rows = "\n".join(f"  {name:<22} {facts['rows']:>12,} rows" for name, facts in manifest["marts"].items())
    warnings = "\n".join(f"  {w}" for w in night.warnings)
    many = f" and {len(manifest['dates']) - 1} dates before" if len(manifest["dates"]) > 1 else ""
    text = (
        f"Published as of {manifest['as_of']}{many}, known at {manifest['known_at']}: {night.publication}\n{rows}"
        + (f"\nTo look at:\n{warnings}" if warnings else "")
    )
    return {
        "status": manifest["status"],
        "exit_code": 0,
        "run_id": manifest["run_id"],
        "as_of": manifest["as_of"],
        "dates": manifest["dates"],
        "known_at": manifest["known_at"],
        "policy_version": manifest["policy_version"],
        "publication": str(night.publication),
        "loaded": night.loaded,
        "marts": manifest["marts"],
        "warnings": night.warnings,
        "_text": text,
    }
