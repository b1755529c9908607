"""The command `arrears`. What a command needs is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

import difflib
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from flows.errors import ArrearsError
from flows.progress import printable
from flows.settings import DEFAULT_HOME, DEFAULT_LANDING


class Commands(click.Group):
    """A command that is not there is answered with the nearest that is."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        asked = args[0] if args else ""
        if asked and not asked.startswith("-") and self.get_command(ctx, asked) is None:
            near = difflib.get_close_matches(asked, self.list_commands(ctx), 1)
            way = f"Did you mean `arrears {near[0]}`?" if near else "`arrears --help` lists them."
            ctx.fail(f"There is no command {asked!r}. {way}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="arrears")
def main() -> None:
    """Overdue-loan aging and its marts from a lender's raw ledgers, every night, proved before anyone sees them."""


class Folder(click.Path):
    """A path that is not empty: `--home ""` would be the folder one happens to stand in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("is empty. Give a folder, or leave the option out.", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """A time to wait; not the number that is none, which no clock ever reaches."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if seconds != seconds:
            self.fail(f"{value} is no number of seconds. Give one of 0 or more.", param, ctx)
        return seconds


READS = (
    "case",
    "diff",
    "explain",
    "publish",
    "report",
    "sample",
)  # commands that read a publication, of whatever version


def common(command: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """Options of every command, and one way to end: a summary or one JSON object, and the exit code of the contract."""

    @click.option("--home", type=Folder(path_type=Path), default=DEFAULT_HOME, show_default=True, help="The warehouse.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, everything else on stderr.")
    @click.option("--wait", type=Seconds(min=0), default=0, metavar="SECONDS", help="Wait for a HOME in use.")
    @wraps(command)
    def run(home: Path, as_json: bool, wait: float, **options: Any) -> None:
        from flows.settings import prepare_environment

        for stream in (sys.stdout, sys.stderr):  # what is said is in two languages, whatever the shell's is
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        prepare_environment(home)
        try:
            outcome = command(home=home, wait=wait, **options)
        except ArrearsError as error:
            _end(
                {"status": error.status, "exit_code": error.exit_code, "message": str(error), **error.details},
                as_json,
                error.exit_code,
            )
        except KeyboardInterrupt as error:
            _interrupted(str(error) or "Interrupted.", as_json)
        except Exception as error:
            if command.__name__ in READS and (said := _another_version(home, options)):
                _end({"status": "refused", "exit_code": 2, "message": said}, as_json, 2)
            message = _fault(home, error)
            _end({"status": "failed", "exit_code": 1, "message": message}, as_json, 1)
        else:
            text = outcome.pop("_text", "")
            click.echo(json.dumps(outcome, ensure_ascii=False, default=str) if as_json else printable(text))

    return run


def _end(outcome: dict[str, Any], as_json: bool, code: int) -> None:
    click.echo(printable(outcome["message"]), err=True)
    if as_json:
        click.echo(json.dumps(outcome, ensure_ascii=False, default=str))
    sys.exit(code)


def _interrupted(message: str, as_json: bool) -> None:
    """Say it and go: a library may have left a thread that Python would wait for."""
    from flows import interrupts

    code = interrupts.exit_code()
    going = threading.Timer(1, os._exit, [code])
    going.daemon = True
    going.start()
    _end({"status": "interrupted", "exit_code": code, "message": message}, as_json, code)


def _another_version(home: Path, options: dict[str, Any]) -> str | None:
    """Whether a command failed because it read a publication of another version."""
    from flows.shapes import told

    try:
        return told(home, options)
    except Exception:  # then the fault that it was looked for is the one to tell
        return None


def _fault(home: Path, error: Exception) -> str:
    """A fault of ours: the traceback into the log, one line for the screen."""
    from flows.progress import log

    details = "".join(traceback.format_exception(error))
    log.error(details)
    path = next((h.baseFilename for h in log.handlers if hasattr(h, "baseFilename")), None)
    if not path:
        click.echo(details, err=True)
    where = f" The traceback is in {path}." if path else ""
    if "No space left" in details or "ENOSPC" in details:
        return (
            f"No space is left where {home} lives. Nothing was published, and what was published before still stands. "
            f"Free some space and run again.{where}"
        )
    first = str(error).strip().splitlines() or [""]
    return f"A fault of arrears itself: {type(error).__name__}: {first[0]}.{where} Nothing was published; please report it."


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the commands that compute."""
    for option in (
        click.option("--no-switch", is_flag=True, help="Publish without moving `current`."),
        click.option("--target", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True),
        click.option(
            "--known-at", metavar="DELIVERY", help="Compute from deliveries up to this one only, e.g. 2026-11-22.2."
        ),
        click.option(
            "--policy", type=click.Path(path_type=Path), help="Folder of CSV files in place of seeds of the same name."
        ),
    ):
        command = option(command)
    return command


@main.command(epilog="Example: arrears nightly --as-of 2026-10-31 --landing LANDING --home HOME")
@click.option("--as-of", metavar="DATE", help="End of this day; default: the date of the last delivery.")
@click.option(
    "--landing",
    type=click.Path(path_type=Path),
    default=DEFAULT_LANDING,
    required=DEFAULT_LANDING is None,
    help="Folder of deliveries.",
)
@click.option("--back", is_flag=True, help="Move `current` even to an earlier date than it is of.")
@click.option("--future", is_flag=True, help="Load deliveries dated after tomorrow, too.")
@run_options
@common
def nightly(
    home: Path,
    wait: float,
    as_of: str | None,
    landing: Path,
    back: bool,
    future: bool,
    policy: Path | None,
    known_at: str | None,
    target: str,
    no_switch: bool,
) -> dict[str, Any]:
    """Load new deliveries, compute the marts, validate them, publish them."""
    from flows.launch import run_nightly

    return run_nightly(home, landing, as_of, policy, known_at, target, not no_switch, wait, back, future)


@main.command(epilog="Example: arrears backfill --from 2025-01-31 --to 2026-10-31 --home HOME")
@click.option(
    "--from", "first", metavar="DATE", required=True, help="First date, or the first month-end on or after it."
)
@click.option("--to", "last", metavar="DATE", required=True, help="No date after this one.")
@click.option("--every", type=click.Choice(["month-end", "week", "day"]), default="month-end", show_default=True)
@run_options
@common
def backfill(
    home: Path,
    wait: float,
    first: str,
    last: str,
    every: str,
    policy: Path | None,
    known_at: str | None,
    target: str,
    no_switch: bool,
) -> dict[str, Any]:
    """Compute many dates in one pass from what is loaded, validate them, publish them as of the last."""
    from flows.launch import run_backfill

    return run_backfill(home, first, last, every, policy, known_at, target, not no_switch, wait)


@main.command(epilog="Example: arrears demo --home var/demo --loans 300")
@click.option("--loans", type=click.IntRange(min=0), default=1000, show_default=True, help="Size of the book.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same book.")
@common
def demo(home: Path, wait: float, loans: int, seed: int) -> dict[str, Any]:
    """Make a believable book in two deliveries a month apart, run both nights, and say where to look."""
    from flows.launch import run_demo

    return run_demo(home, loans, seed, wait)


@main.command(epilog="Example: arrears status --home HOME")
@common
def status(home: Path, wait: float) -> dict[str, Any]:
    """What is published, what is loaded, what waits in quarantine, and who is at work."""
    from flows.report_status import status_of

    return status_of(home)


@main.command(epilog="Example: arrears case C-000009 --lang en --home HOME")
@click.argument("customer")
@click.option("--as-of", metavar="DATE", help="A publication kept of this date; default: the current one.")
@click.option(
    "--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of the report."
)
@common
def case(home: Path, wait: float, customer: str, as_of: str | None, lang: str) -> dict[str, Any]:
    """Print and write the case of one CUSTOMER: what is overdue, likely causes with evidence, measures."""
    from flows.case import case_of

    return case_of(home, customer, as_of, lang)


@main.command(epilog="Example: arrears report --home HOME")
@click.argument("run", required=False)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write the page anew, into this file.")
@common
def report(home: Path, wait: float, run: str | None, out: Path | None) -> dict[str, Any]:
    """Say where the report of `current`, or of another RUN, is: a page to open in a browser."""
    from flows.report import report_of

    return report_of(home, run, out)


@main.command(epilog="Example: arrears quarantine --ledger loans --home HOME")
@click.option("--ledger", help="Only this ledger.")
@click.option("--delivery", help="Only rows that came with this delivery.")
@click.option("--all", "everything", is_flag=True, help="Rows put right since, too.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Rows shown.")
@common
def quarantine(
    home: Path, wait: float, ledger: str | None, delivery: str | None, everything: bool, limit: int
) -> dict[str, Any]:
    """Rows that were not loaded: where they stand, why, and what would be allowed."""
    from flows.quarantine import list_quarantine

    return list_quarantine(home, ledger, delivery, everything, limit)


@main.command(epilog='Example: arrears withdraw 2026-10-31 --reason "wrong file" --home HOME')
@click.argument("delivery")
@click.option("--reason", required=True, help="Why, for the audit pack.")
@common
def withdraw(home: Path, wait: float, delivery: str, reason: str) -> dict[str, Any]:
    """Exclude a wrong DELIVERY from now on, without deleting anything."""
    from flows.withdraw import withdraw_delivery

    return withdraw_delivery(home, delivery, reason, wait)


@main.command(epilog='Example: arrears erase C-000081 --reason "request 2026-117" --home HOME')
@click.argument("customer")
@click.option("--reason", required=True, help="Why, for the audit pack; without naming the person.")
@click.option("--messages", is_flag=True, help="Their messages too: breaches of wording that rest on them are lost.")
@common
def erase(home: Path, wait: float, customer: str, reason: str, messages: bool) -> dict[str, Any]:
    """Take what names a CUSTOMER out of the warehouse, on record; figures stay."""
    from flows import erase as erasing

    return erasing.erase(home, customer, reason, messages, wait)


@main.command(epilog="Example: arrears publish --to postgresql://user@host/bi --home HOME")
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "--to",
    "url",
    metavar="URL",
    required=True,
    help="A PostgreSQL, as postgresql://user@host/database; the password in PGPASSWORD or a service.",
)
@click.option("--rollback", is_flag=True, help="Back to the run that it showed before.")
@click.option(
    "--reader", metavar="ROLE", default="arrears_reader", show_default=True, help="The role that may read the views."
)
@click.option(
    "--policy", type=click.Path(path_type=Path), help="CSV files in place of seeds: bi_access says who sees which rows."
)
@common
def publish(
    home: Path, wait: float, run: str | None, url: str, rollback: bool, reader: str, policy: Path | None
) -> dict[str, Any]:
    """Bring the current publication, or RUN's, into a PostgreSQL for BI tools."""
    from flows.postgresql import publish_to

    return publish_to(home, url, run, rollback, reader, policy)


@main.command(epilog="Example: arrears switch 20261101T020000-1a2b --home HOME")
@click.argument("run", metavar="RUN")
@click.option("--back", is_flag=True, help="Also to one of an earlier date.")
@common
def switch(home: Path, wait: float, run: str, back: bool) -> dict[str, Any]:
    """Point `current` at another publication that is kept, in one step."""
    from flows.switch import switch_to

    return switch_to(home, run, back, wait)


@main.command(epilog="Example: arrears serve --landing LANDING --home HOME")
@click.option(
    "--landing",
    type=click.Path(path_type=Path),
    default=DEFAULT_LANDING,
    required=DEFAULT_LANDING is None,
    help="Folder of deliveries.",
)
@click.option("--policy", type=click.Path(path_type=Path), help="CSV files in place of seeds of the same name.")
@click.option("--cron", default="0 2 * * *", show_default=True, help="When, at the lender's (Asia/Shanghai).")
@click.option(
    "--deadline", default="06:00", show_default=True, metavar="HH:MM", help="Until when a delivery is waited for."
)
@click.option(
    "--notice", "notify", multiple=True, metavar="BLOCK", help="Whom to tell: a block that `arrears notice` kept."
)
@click.option(
    "--tell-published", is_flag=True, help="Tell of each publication, too, not only where something is to do."
)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of notices.")
@common
def serve(
    home: Path,
    wait: float,
    landing: Path | None,
    policy: Path | None,
    cron: str,
    deadline: str,
    notify: tuple[str, ...],
    tell_published: bool,
    lang: str,
) -> dict[str, Any]:
    """Run every night at two, from here, on a Prefect server (PREFECT_API_URL), until it is interrupted."""
    from flows.launch import run_serve

    asked = {
        "policy": policy,
        "deadline": deadline,
        "notify": list(notify),
        "tell_published": tell_published,
        "lang": lang,
    }
    return run_serve(home, landing, cron, asked)


@main.command(epilog="Example: arrears notice dingtalk desk --home HOME < address.txt")
@click.argument("kind", type=click.Choice(["slack", "dingtalk", "wecom", "feishu", "email"]))
@click.argument("name")
@common
def notice(home: Path, wait: float, kind: str, name: str) -> dict[str, Any]:
    """Keep an address for notices in Prefect as NAME, and send a first one to it. The address is asked for, or read from stdin."""
    from flows.launch import run_notice

    address = click.prompt("Address", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    return run_notice(home, kind, name, address.strip())


@main.command(epilog="Example: arrears docs --home HOME")
@click.option("--policy", type=click.Path(path_type=Path), help="CSV files in place of seeds of the same name.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Where; default: HOME/docs/index.html.")
@common
def docs(home: Path, wait: float, policy: Path | None, out: Path | None) -> dict[str, Any]:
    """Write the documentation of every model and column: one page that opens offline."""
    from flows.docs import docs_of

    return docs_of(home, policy, out, wait)


@main.command(epilog="Example: arrears sign RUN --as 'Li Na' --note 'seen the report' --home HOME")
@click.argument("run", metavar="RUN")
@click.option("--as", "name", metavar="NAME", required=True, help="Who signs; not who ran it.")
@click.option("--note", metavar="TEXT", required=True, help="What was looked at, for the audit pack.")
@common
def sign(home: Path, wait: float, run: str, name: str, note: str) -> dict[str, Any]:
    """Sign a RUN as a second person; where the policy asks for four eyes, `current` is pointed at it then."""
    from flows.sign import sign

    return sign(home, run, name, note, wait)


@main.command(epilog="Example: arrears mend --home HOME")
@common
def mend(home: Path, wait: float) -> dict[str, Any]:
    """Write the chain of runs again from the audit packs, where it is lost or torn."""
    from flows.chain import mend
    from flows.home import existing_home

    return mend(existing_home(home), wait)


@main.command(epilog="Example: arrears explain loan L-000533 --lang en --home HOME")
@click.argument("kind", type=click.Choice(["loan", "advance", "customer"]))
@click.argument("ident", metavar="ID")
@click.option("--as-of", metavar="DATE", help="End of this day; default: that of the current publication.")
@click.option("--known-at", metavar="DELIVERY", help="From deliveries up to this one, e.g. 2026-11-22.2.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language.")
@click.option("--days", is_flag=True, help="Working days one by one.")
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write it as a page, too.")
@common
def explain(
    home: Path,
    wait: float,
    kind: str,
    ident: str,
    as_of: str | None,
    known_at: str | None,
    lang: str,
    days: bool,
    page: Path | None,
) -> dict[str, Any]:
    """How each figure of a loan, advance or customer came about, down to ledger rows and file lines."""
    from flows.explain import explain

    return explain(home, kind, ident, as_of, known_at, lang, days, page)


@main.command(epilog="Example: arrears verify --all --home HOME")
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Every run, publication and delivery, and what stands beside them."
)
@click.option(
    "--anchor", type=click.Path(path_type=Path, dir_okay=False), help="Compare with lines kept in this file; add one."
)
@click.option("--reproduce", is_flag=True, help="Build the publication again and compare what it says.")
@common
def verify(
    home: Path, wait: float, run: str | None, everything: bool, anchor: Path | None, reproduce: bool
) -> dict[str, Any]:
    """Whether RUN (default: the current one) and the chain are still what was written down; exit 3 where not."""
    from flows.verify import verify

    return verify(home, run, everything, anchor, reproduce)


@main.command(epilog="Example: arrears diff 20261101T020000-1a2b current --causes --home HOME")
@click.argument("before", metavar="RUN")
@click.argument("after", metavar="RUN")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Loans shown.")
@click.option(
    "--causes", is_flag=True, help="By cause, too: builds what lies between the two (some minutes for a large book)."
)
@common
def diff(home: Path, wait: float, before: str, after: str, limit: int, causes: bool) -> dict[str, Any]:
    """What changed between two publications: by mart, by figure of the headline, by loan, by cause."""
    from flows.diff import diff

    return diff(home, before, after, limit, causes)


@main.command(epilog="Example: arrears pack current --home HOME")
@click.argument("run", metavar="RUN")
@click.option(
    "--to", "path", type=click.Path(path_type=Path, dir_okay=False), help="The archive; default: named after RUN, here."
)
@common
def pack(home: Path, wait: float, run: str, path: Path | None) -> dict[str, Any]:
    """One archive of what a RUN left for auditors, readable without arrears, with a page that says what lies where."""
    from flows.pack import pack

    return pack(home, run, path)


@main.command(epilog="Example: arrears sample --size 60 --seed 7 --of late --home HOME")
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--size", type=int, required=True, help="Loans, or monetary units, to draw.")
@click.option("--seed", type=int, required=True, help="The same seed draws the same loans.")
@click.option(
    "--of", type=click.Choice(["late", "book", "restated", "closed"]), required=True, help="What to draw from."
)
@click.option("--method", type=click.Choice(["monetary_unit", "random"]), default="monetary_unit", show_default=True)
@click.option("--currency", metavar="CODE", help="Of loans in this currency; default: the reporting currency.")
@click.option(
    "--to", "path", type=click.Path(path_type=Path, dir_okay=False), help="The workbook; default: named after it, here."
)
@click.option("--as", "name", metavar="NAME", help="Who draws it, for the record; default: the user of this machine.")
@common
def sample(
    home: Path,
    wait: float,
    run: str | None,
    size: int,
    seed: int,
    of: str,
    method: str,
    currency: str | None,
    path: Path | None,
    name: str | None,
) -> dict[str, Any]:
    """Draw an audit sample of a publication, and write the workbook that an auditor fills in."""
    from flows.sample import sample

    return sample(home, run, size, seed, of, method, currency, path, name, wait)


@main.command(epilog="Example: arrears template --lang en ledgers")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of headers.")
@common
def template(home: Path, wait: float, folder: Path, lang: str) -> dict[str, Any]:
    """Write empty ledgers to fill in into DIR: a workbook, and CSV files."""
    from flows.template import write_templates

    return write_templates(folder, lang)


if __name__ == "__main__":
    main()
