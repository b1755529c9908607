"""The schedule: every night at two, dates missed caught up in order, a delivery waited for until a deadline, never back in time."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.states import Completed, Failed, State

from flows import artifacts, land, notices
from flows.errors import UsageError
from flows.home import Delivery, Home
from flows.nightly import nightly
from flows.progress import say
from flows.publish import current_manifest
from flows.sign import unsigned_of

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
CRON = "0 2 * * *"
SETTLED = 60  # seconds in which no file of a delivery changed: it has been copied whole
WAIT = 3600.0  # seconds that a night waits for HOME


def named_after_its_night() -> str:
    asked = runtime.flow_run.parameters.get("night")
    return f"night of {asked or night_of(runtime.flow_run.scheduled_start_time)}"


@flow(name="arrears schedule", flow_run_name=named_after_its_night, persist_result=False)
def scheduled(
    home: Path,
    landing: Path,
    policy: Path | None = None,
    night: date | None = None,
    deadline: str = "06:00",
    look_every: float = 60,
    notify: list[str] | None = None,
    lang: str = "zh",
    tell_published: bool = False,
) -> State[Any]:
    """The nights up to the day before this run was due (`night`), each that has a delivery and is later than `current`."""
    day = night or night_of(runtime.flow_run.scheduled_start_time)
    place, told, done = Home(home.absolute()), notify or [], []
    until = datetime.combine(day + timedelta(days=1), clock(deadline), SHANGHAI)
    while True:
        for due in dates_due(place, land.existing(landing), day):
            try:
                outcome = nightly(due, landing, home, policy, str(due), wait=WAIT)
            except Exception as error:
                notices.send(told, notices.of_failure(str(due), error), lang)
                raise
            done.append(str(due))
            if tell_published or outcome["warnings"]:
                found = len(outcome["warnings"])
                reason = notices.TO_LOOK_AT[lang].format(found) if found else None
                notices.send(told, notices.Notice("published", str(due), reason=reason), lang)
        if shows(place, day):
            return Completed(message=f"Published: {', '.join(done)}" if done else f"`current` is as of {day} already")
        left = (until - datetime.now(SHANGHAI)).total_seconds()
        if left <= 0:
            notice = notices.Notice("late", str(day), reason=f"{landing}: {day}")
            notices.send(told, notice, lang)
            artifacts.show_late(str(day), str(landing), deadline)
            return Failed(name="Late", message=f"No delivery of {day} in {landing} by {until:%H:%M}")
        say(f"waiting for delivery {day} until {until:%H:%M}")
        time.sleep(min(look_every, left))


def night_of(due: datetime) -> date:
    """The day whose end a run that is due then computes: the day before, at the lender's."""
    return due.astimezone(SHANGHAI).date() - timedelta(days=1)


def clock(text: str) -> Any:
    """A time of day as HH:MM."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise UsageError(f"--deadline {text}: not a time of day. Give one such as 06:00.")
    return datetime.strptime(text, "%H:%M").time()


def dates_due(home: Home, landing: Path, day: date) -> list[date]:
    """Dates up to `day` that have a delivery and that no publication shows yet, ascending; of a new HOME the last alone."""
    standing = newest_told(home)
    there = {d.date for d in land.deliveries_in(landing) if d.date <= day and settled(landing, d)}
    there |= {d.date for d in home.loaded() if d.date <= day}
    due = sorted(d for d in there if not standing or str(d) > standing)
    return due if standing else due[-1:]


def settled(landing: Path, delivery: Delivery) -> bool:
    """Whether a delivery's files have stopped changing."""
    newest = max((path.stat().st_mtime for path in (landing / delivery.name).rglob("*")), default=time.time())
    return time.time() - newest >= SETTLED


def shows(home: Home, day: date) -> bool:
    return newest_told(home) >= str(day)


def newest_told(home: Home) -> str:
    """The newest date (ISO) of `current` and of what waits for a second person; empty where nothing is published."""
    return max(str(said.get("as_of", "")) for said in [current_manifest(home) or {}, *unsigned_of(home)])


def name_of(home: Path) -> str:
    """A deployment's name: one of a HOME, wherever another of the same name lies."""
    return f"{home.name}-{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:6]}"


def serve(home: Path, parameters: dict[str, Any], cron: str) -> None:
    """`arrears serve`: a deployment of this HOME, of which one run at a time is at work, until it is interrupted."""
    from prefect import serve as serving
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.flows import EntrypointType
    from prefect.schedules import Cron

    deployment = scheduled.to_deployment(
        name_of(home),
        schedule=Cron(cron, timezone="Asia/Shanghai"),
        parameters=parameters,
        concurrency_limit=ConcurrencyLimitConfig(limit=1),
        entrypoint_type=EntrypointType.MODULE_PATH,
        description=f"The nights of {home.absolute()}",
    )
    serving(deployment, limit=1, print_starting_message=False)
