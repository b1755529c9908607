"""Start a flow from the command line: refuse what is wrong at once, have Prefect's API ready, sum up on the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import chdir
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from flows import compiled, gatekeeper, interrupts, prefect_server
from flows.dates import dates_asked, day_of
from flows.errors import ArrearsError, UsageError
from flows.home import Home, parse_known_at, refuse_if_held
from flows.policy import read_policy


def run_nightly(
    home: Path,
    landing: Path,
    as_of: str | None,
    policy: Path | None,
    known_at: str | None,
    target: str,
    switch: bool,
    wait: float,
    back: bool = False,
    future: bool = False,
) -> dict[str, Any]:
    """`arrears nightly`: what came of it, and `_text` for the screen."""
    day = day_of("--as-of", as_of)
    _check(policy, known_at, target)
    from flows.land import existing
    from flows.run import refuse_going_back

    existing(landing)
    if day:
        refuse_going_back(Home(home.absolute()), day, switch, back)
    _prefect(home, wait)
    from flows.nightly import nightly

    return _told(lambda: nightly(day, landing, home, policy, known_at, switch, back, future, wait))


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
    """`arrears backfill`: what came of it, and `_text` for the screen."""
    begin, end = day_of("--from", first), day_of("--to", last)
    dates_asked(begin, end, every)
    _check(policy, known_at, target)
    _prefect(home, wait)
    from flows.backfill import backfill

    return _told(lambda: backfill(begin, end, every, home, policy, known_at, switch, wait))


def _check(policy: Path | None, known_at: str | None, target: str) -> None:
    """Refuse what is wrong before anything heavy starts."""
    parse_known_at(known_at)
    if target != "duckdb":
        raise UsageError(f"--target {target}: not built yet. Allowed: duckdb.")
    read_policy(policy)


def _prefect(home: Path, wait: float) -> None:
    """Prefect's API and the gates' process for this command; while they start, what the run itself needs is imported."""
    interrupts.install()
    place = Home(home.absolute())
    place.create()
    refuse_if_held(place, wait)
    prefect_server.connect(place.root)
    gatekeeper.start()
    folder = place.warehouse / "prefect"
    folder.mkdir(mode=0o700, exist_ok=True)
    with chdir(folder):  # Prefect reads settings from a prefect.toml or .env where it is imported
        import prefect.main  # noqa: F401
    if not compiled.is_kept():
        import dbt.cli.main  # noqa: F401

    prefect_server.wait_until_ready()


def run_demo(home: Path, loans: int, seed: int, wait: float) -> dict[str, Any]:
    """`arrears demo`: two deliveries a month apart, and both nights."""
    from books import generate, write_adjustments, write_policy
    from flows.case import worst_customer

    Home(home.absolute()).create()
    landing, policy = home / "landing", home / "policy"
    dates = (date(2026, 9, 30), date(2026, 10, 31))
    if landing.exists():
        raise UsageError(
            f"{landing} exists already: a demo makes its own deliveries. Give another --home, or remove {home}."
        )
    _prefect(home, wait)
    from flows.nightly import nightly

    book = generate(landing, loans=loans, seed=seed, deliveries=dates)
    write_adjustments(book, dates[-1])
    write_policy(policy)
    nights = [_told(partial(nightly, day, landing, home, policy, str(day), wait=wait)) for day in dates]
    planted = "\n".join(f"  {d.delivery}  {d.file}: {d.reason}" for d in book.dirty)
    last, called = nights[-1], sys.argv[0]  # lines that can be pasted, installed on the path or not
    text = (
        "\n\n".join(n.pop("_text") for n in nights)
        + f"\n\nBad rows planted, to be found in quarantine:\n{planted or '  none'}"
        + "\n\nLook at"
        + f"\n  report      {last['publication']}/report/index.html (open it in a browser)"
        + f"\n  marts       {last['publication']}/marts.duckdb (and parquet/)"
        + f"\n  validation  {last['publication']}/validation/index.html"
        + f"\n  deliveries  {landing}"
        + f"\n  policy      {policy} (its collection agencies; further nights of it: --policy {policy})"
        + f"\n  a case      {called} case {worst_customer(Path(last['publication']))} --home {home}"
        + f"\n  quarantine  {called} quarantine --home {home}"
        + f"\n  status      {called} status --home {home}"
    )
    return {"nights": nights, "planted": [vars(d) for d in book.dirty], "_text": text}


def run_serve(home: Path, landing: Path | None, cron: str, asked: dict[str, Any]) -> dict[str, Any]:
    """`arrears serve`: returns when it is interrupted."""
    from flows.land import existing

    existing(landing)
    _check(asked["policy"], None, "duckdb")
    _server(home, "serve")
    from flows.schedule import clock, serve

    clock(asked["deadline"])
    paths = {"home": str(home.absolute()), "landing": str(landing.absolute())}
    if asked["policy"]:
        asked["policy"] = str(asked["policy"].absolute())
    try:
        serve(home, paths | asked, cron)
    except ValueError as error:  # Prefect's, of what is no cron line
        raise UsageError(f"--cron {cron}: {str(error).splitlines()[0]}. Give one such as '0 2 * * *'.") from error
    return {"status": "ok", "exit_code": 0, "_text": "The schedule is paused until `arrears serve` runs again."}


def run_notice(home: Path, kind: str, name: str, address: str) -> dict[str, Any]:
    """`arrears notice`: keep an address, and try it."""
    _server(home, "notice")
    from flows import notices

    block = notices.keep(kind, name, address)
    try:
        notices.try_out(block)
    except notices.NotTaken as error:
        raise UsageError(
            f"NAME {name}: kept as {block}, but the robot did not take the notice ({error}). Correct its address or its settings (keyword, "
            "signature, addresses allowed), and give it again."
        ) from error
    except Exception as error:
        raise UsageError(
            f"NAME {name}: kept as {block}, but nothing could be sent there ({type(error).__name__}). Correct the address and give it again."
        ) from error
    return {"status": "ok", "exit_code": 0, "block": block, "_text": f"Kept, and a first notice sent: --notice {block}"}


def _server(home: Path, command: str) -> None:
    """A Prefect server that stays: a schedule, and the addresses of notices, live there."""
    if "PREFECT_API_URL" not in os.environ:
        raise UsageError(
            f"arrears {command}: needs a Prefect server that stays. Start one (`prefect server start`) and set PREFECT_API_URL, "
            "such as http://127.0.0.1:4200/api (docs/prefect.md)."
        )
    place = Home(home.absolute())
    place.create()
    prefect_server.connect(place.root)
    folder = place.warehouse / "prefect"
    folder.mkdir(mode=0o700, exist_ok=True)
    with chdir(folder):  # Prefect reads settings from a prefect.toml or .env where it is imported
        import prefect.main  # noqa: F401
    prefect_server.wait_until_ready()


def _told(flow: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run a flow; what came of it, with its text for the screen. What Prefect's API makes of it changes nothing."""
    from flows.run import completed, failures

    published, failed = len(completed), len(failures)
    try:
        outcome = flow()
    except ArrearsError:
        raise
    except Exception as error:
        if len(completed) > published:
            outcome = completed[-1]
            outcome["warnings"].append(f"Published; but Prefect could not be told how the run ended: {error}.")
        elif len(failures) > failed:
            raise failures[-1] from error  # not that Prefect could not be told of it
        elif isinstance(error, ConnectionError) or type(error).__module__.partition(".")[0] in ("httpx", "prefect"):
            raise ArrearsError(
                f"Prefect's API failed before the run began: {error}. Nothing was loaded or published. Run again; without "
                "PREFECT_API_URL the run has a server of its own."
            ) from error
        else:
            raise
    rows = "\n".join(f"  {name:<22} {facts['rows']:>12,} rows" for name, facts in outcome["marts"].items())
    warnings = "\n".join(f"  {w}" for w in outcome["warnings"])
    many = f" and {len(outcome['dates']) - 1} dates before" if len(outcome["dates"]) > 1 else ""
    text = (
        f"Published as of {outcome['as_of']}{many}, known at {outcome['known_at']}: {outcome['publication']}\n{rows}"
        + (f"\nTo look at:\n{warnings}" if warnings else "")
        + (f"\n{outcome['next_step']}" if outcome.get("waits_for_signature") else "")
    )
    return {**outcome, "_text": text}
