"""Run a flow from the command line: hold HOME, keep a log, write failures into the audit pack, sum up."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

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
    parse_known_at(known_at)
    if target != "duckdb":
        raise UsageError(f"--target {target}: not built yet. Allowed: duckdb.")
    if not landing.is_dir():
        raise UsageError(
            f"--landing {landing}: there is no such folder. Give the folder that holds the deliveries "
            "(folders named 2026-11-22, 2026-11-22.2, …)."
        )
    read_policy(policy)  # a wrong policy is refused before anything heavy starts

    place = Home(home.absolute())
    place.create()
    from flows.nightly import Night, nightly

    night = Night(place, landing.absolute(), parsed, policy, known_at, switch)
    with hold(place, night.run_id, "arrears nightly", wait):
        write_log_to(place.audit / night.run_id / "run.log")
        _warm_up()
        try:
            manifest = nightly(night)
        except BaseException as error:
            night.record_failure(error)
            raise
    return _summary(night, manifest)


def run_demo(home: Path, loans: int, seed: int, wait: float) -> dict[str, Any]:
    """`arrears demo`: two deliveries a month apart, and both nights."""
    from books import generate

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
    last = nights[-1]
    text = (
        "\n\n".join(n.pop("_text") for n in nights)
        + f"\n\nBad rows planted, to be found in quarantine:\n{planted or '  none'}"
        + "\n\nLook at"
        + f"\n  marts       {last['publication']}/marts.duckdb (and parquet/)"
        + f"\n  validation  {last['publication']}/validation/publication/index.html"
        + f"\n  deliveries  {landing}"
        + f"\n  quarantine  arrears quarantine --home {home}"
        + f"\n  status      arrears status --home {home}"
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
        from expectations.engine import preload

        preload()
        import dbt.cli.main  # noqa: F401

    threading.Thread(target=work, daemon=True).start()


def _summary(night: Any, manifest: dict[str, Any]) -> dict[str, Any]:
    rows = "\n".join(f"  {name:<22} {facts['rows']:>12,} rows" for name, facts in manifest["marts"].items())
    warnings = "\n".join(f"  {w}" for w in night.warnings)
    text = f"Published as of {manifest['as_of']}, known at {manifest['known_at']}: {night.publication}\n{rows}" + (
        f"\nTo look at:\n{warnings}" if warnings else ""
    )
    return {
        "status": manifest["status"],
        "exit_code": 0,
        "run_id": manifest["run_id"],
        "as_of": manifest["as_of"],
        "known_at": manifest["known_at"],
        "policy_version": manifest["policy_version"],
        "publication": str(night.publication),
        "loaded": night.loaded,
        "marts": manifest["marts"],
        "warnings": night.warnings,
        "_text": text,
    }
